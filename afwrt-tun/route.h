/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_ROUTE_H
#define AFWRT_TUN_ROUTE_H

#include <stdbool.h>

#include "lib/wire/msg.h"

/*
 * A route is a location in use and the tunnel to it. route.c owns the table
 * and each route's state; a transport (transport.h) moves the packets. The
 * forwarding side (forward.c) sees a route only through this header.
 */
struct transport;
struct transport_ops;
struct event;
struct route;

/*
 * A connection of a route: a tunnel of its own with the addresses that the
 * node gave it. A route has as many as "connections" says; those that are up
 * share its packets (spread.h).
 */
struct conn {
	struct route *r;
	unsigned int index; /* in r->conns */
	bool up;            /* takes packets */
	uint32_t resume;    /* clock_now until which its flows wait for it */
	struct afw_addr inner4, inner6; /* assigned by the node; family 0:
					   the location has none */
	struct afw_addr dns4, dns6;     /* of the location, family 0: none */
	uint32_t mtu;                   /* of an IP packet in the tunnel */
	struct conn_private *priv;      /* conn.c's own */
};

/* CONNECTED while one of its connections is up. */
struct route {
	struct route *next;
	uint32_t id;
	uint32_t state; /* enum afw_route_state */
	struct afw_m_route conf;
	struct conn conns[AFW_CONNS_MAX];
	unsigned int n_conns;
	/* user packets, counted by forward.c at the tunnel's mouth */
	uint64_t up_bytes, down_bytes, up_packets, down_packets, dropped;
	void *forward;              /* forward.c's own: held packets */
	struct route_private *priv; /* route.c's own */
};

/* NULL when there is none. */
struct route *route_find(uint32_t id);
/* The tunnel is up and takes packets. */
bool route_ready(const struct route *r);
/* A packet waits for this route: connect if it is idle (lazy connect). */
void route_want(struct route *r);
/*
 * One IP packet to the node, of at most c->mtu bytes, source already
 * translated. It is copied; false when the connection's queue is full (the
 * packet is dropped, the caller counts it).
 */
bool conn_send(struct conn *c, const uint8_t *packet, size_t len);
/* The end of a batch: every connection that got packets writes them out. */
void conn_send_flush(void);

#endif
