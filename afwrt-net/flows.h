/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_FLOWS_H
#define AFWRT_NET_FLOWS_H

#include "lib/daemon/link.h"
#include "lib/wire/msg.h"

/* Somebody who waits until afwrt-tun knows some flows. */
struct flows_wait;
/*
 * code: AFW_OK, AFW_EPIPE tun is not there (its successor gets all flows), or
 * the first refusal.
 */
typedef void (*flows_cb)(void *arg, unsigned int code, const char *text);

struct flows_wait *flows_wait_new(flows_cb cb, void *arg);
/* All is said: cb runs once, from the loop or (nothing to wait for) now. */
void flows_wait_go(struct flows_wait *w);

/* This is the route of an address now, 0: none. w (or NULL) waits for it. */
void flows_want(const struct afw_addr *a, uint32_t route, struct flows_wait *w);
/* Between the two each flow is wanted, or goes. */
void flows_all_begin(void);
void flows_all_end(struct flows_wait *w);
/* afwrt-tun asked: it is told once more, before anything sent after this. */
void flows_tell(const struct afw_addr *a, uint32_t route);
/* The TUN to tun, and all flows; when it came (again) or the TUN did. */
void flows_device(struct afw_link *l);
/* afwrt-tun is gone. */
void flows_down(void);
/* "These, and no others": when the supervisor has told all rules. */
void flows_exact(void);
/* No flow at all, in one stroke. */
void flows_forget(void);
size_t flows_count(void);

#endif
