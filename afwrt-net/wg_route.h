/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_WG_ROUTE_H
#define AFWRT_NET_WG_ROUTE_H

#include <stdbool.h>

#include "lib/wire/msg.h"

/*
 * The WireGuard routes: each has an interface, and in managed routing a mark
 * and a table. wg_route.c owns the table of them and what is told to
 * afwrt-tun; the plan (plan.h) and the sets only read it.
 */
struct wg_route {
	uint32_t route; /* 0: the slot is free */
	uint32_t impl;  /* AFW_WG_KERNEL or AFW_WG_USERSPACE */
	uint32_t flags; /* AFW_W_ */
	char ifname[AFW_IFNAME_SIZE];
	uint32_t ifindex;           /* 0: the interface is not there now */
	uint32_t mtu;               /* of the interface */
	uint32_t mark, table;       /* managed routing, else 0 */
	bool has4, has6;            /* the session gave an address of it */
	struct afw_addr dns4, dns6; /* of the session, family 0: none */
	struct afw_addr own[AFW_WG_ADDRS_MAX]; /* the session's addresses */
	uint32_t n_own;
};

/* A walk over all: NULL at first, NULL at the end. */
const struct wg_route *wg_route_next(const struct wg_route *w);
const struct wg_route *wg_route_find(uint32_t route);
/* The mark of a device on that route: a WireGuard one's own, or fwmark. */
uint32_t wg_route_mark(uint32_t route);

/* Is that the interface of one of them? */
bool wg_route_has(uint32_t ifindex);

/* For those who fill it in: wg_iface.h. */
struct wg_iface;
struct wg_iface *wg_route_each(const struct wg_iface *i); /* a walk, too */
struct wg_iface *wg_route_iface(uint32_t route);
/* NULL: there are AFW_ROUTES_MAX. */
struct wg_iface *wg_route_add(uint32_t route);
void wg_route_drop(struct wg_iface *i);

#endif
