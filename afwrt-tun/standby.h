/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_STANDBY_H
#define AFWRT_TUN_STANDBY_H

#include "afwrt-tun/route.h"

/*
 * A WireGuard tunnel that is reported as down goes on as WireGuard does: it
 * answers the peer, and packets make it try again. When a handshake completes
 * the route is connected again, whatever its policy of reconnection is. The
 * next transport of the route takes its place.
 */

/* After down(): true if it is kept, else the caller closes it. */
bool standby_keep(struct conn *c, struct transport *t);
void standby_drop(struct conn *c);

#endif
