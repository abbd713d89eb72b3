/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_SETUP_H
#define AFWRTD_SETUP_H

#include "routes.h"

/*
 * A route at the helpers: the interface of a WireGuard one at afwrt-net, then
 * ROUTE_SET to afwrt-tun; away in the other order. The caller holds the route
 * (uses, busy or deleting). Answers are as of ask(): m is NULL when a helper
 * did not answer.
 */

/* Sets r->set; undoes what was done when it fails. */
void setup_route(struct route *r, unsigned int ms, afw_reply_cb cb, void *arg);
/* AFW_OK when afwrt-tun has no such route, without an answer nothing further
 * is done unless forced. The rest, routes_deleted too, is the caller's. */
void setup_remove(
    struct route *r, unsigned int ms, bool force, afw_reply_cb cb, void *arg);

#endif
