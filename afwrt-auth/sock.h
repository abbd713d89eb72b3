/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_SOCK_H
#define AFWRT_AUTH_SOCK_H

#include <stdbool.h>

#include "lib/wire/msg.h"

struct event_base;
struct sock;

/*
 * Sockets to the outside, which afwrt-net makes for us. fd is the callback's
 * to keep, or -1 and e says why. Called from the loop, never from sock_get.
 */
typedef void (*sock_cb)(void *arg, int fd, int e);

struct sock *sock_get(unsigned int family, bool stream, enum afw_scope scope,
    sock_cb cb, void *arg);
/* For one that was not answered yet; cb will not run. */
void sock_cancel(struct sock *s);

/* afwrt-net is there (again): what waits is asked for. */
void sock_net_up(void);
void sock_net_down(void);
/* Whether the uplink has a default route of the family; true if unknown. */
bool sock_wan_has(unsigned int family);
void sock_wan_set(const struct afw_m_wan *w);

#endif
