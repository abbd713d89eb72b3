/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_CONTROL_H
#define AFWRT_TUN_WG_CONTROL_H

#include <event2/event.h>

#include <stdint.h>

/*
 * The configuration socket of a tunnel in userspace, for `wg show` and
 * `wg set`. afwrtd made it, so that only root may connect; a few clients at
 * one time, a request of bounded size, an answer at once.
 */
struct wg_control;

/* Takes the listening socket. */
struct wg_control *wg_control_open(
    struct event_base *base, int fd, uint32_t route);
/* NULL is fine. */
void wg_control_close(struct wg_control *c);

#endif
