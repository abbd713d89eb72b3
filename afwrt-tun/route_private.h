/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_ROUTE_PRIVATE_H
#define AFWRT_TUN_ROUTE_PRIVATE_H

#include "afwrt-tun/attempt.h"
#include "afwrt-tun/hold.h"
#include "afwrt-tun/probe.h"
#include "afwrt-tun/route.h"

/*
 * What the files of the tunnel side share about a route: route.c has the
 * table and the way of the packets, route_state.c the states, events and the
 * timer of reconnection, handover.c the change from one connection to the
 * next. Nobody else looks in here.
 */
struct route_private {
	struct attempt_memory mem;
	struct attempt *attempt; /* under way, or NULL */
	struct transport *cur;   /* takes packets, or NULL */
	struct transport *old;   /* replaced; read until its end, or NULL */
	struct transport *kept;  /* standby.c's, or NULL */
	struct event *retry;     /* the next attempt */
	struct event *old_end;   /* the patience with old is over */
	struct event *hold_end;  /* the patience with a handover is over */
	struct hold hold;        /* packets during a handover */
	bool holding;            /* they go there */
	bool begun;              /* the new connection was asked for */
	bool answers;            /* the node answers probes */
	struct probe probe;      /* the last one */
	struct event *probe_next;
	unsigned int probes; /* by the new connection */
	uint32_t seq;        /* of the last event */
	uint32_t connects, failures;
	uint32_t failed[AFW_REASON_MAX]; /* the failures by reason */
	unsigned int retries;   /* since it was last stable */
	int64_t up_since;       /* CLOCK_BOOTTIME ms, 0 down */
	uint32_t rtt_us;        /* of the last connection */
	struct afw_addr server; /* of the last connection */
	bool dirty;             /* got packets since the last flush */
	struct route *next_dirty;
};

/* ---- route.c ----------------------------------------------------------- */

/* Runs fn for every route; fn must not delete any. */
void route_each(void (*fn)(struct route *r, void *arg), void *arg);
/* Handler results: 0 or an AFW_E code. */
int route_set(const struct afw_m_route *conf);
int route_up(uint32_t id);
/* done(arg) runs once the node was told or that took too long. */
int route_delete(uint32_t id, void (*done)(void *arg), void *arg);
/* All of them. */
void route_delete_all(void (*done)(void));
/* A helper or the uplink is (back) up. */
void route_kick(void);
/* moved: the uplink is another interface than before. */
void route_wan(bool moved);

/* ---- route_state.c ----------------------------------------------------- */

void route_state_init(struct route *r);
/* Starts an attempt unless one is under way or the tunnel is up. */
void route_state_connect(struct route *r);
/* An attempt beside the tunnel that is up, with its session. */
void route_state_second(struct route *r);
/* WAN is up: those that wait for their time try now. */
void route_state_hurry(struct route *r);
/* Closes the gate; the transport is handed out, to say bye or to close. */
struct transport *route_state_end(struct route *r);
void route_state_free(struct route *r);
/* The tunnel is up by this one, which is the route's now. */
void route_state_up(
    struct route *r, struct transport *t, const struct transport_params *tp);
/* The tunnel is gone, by this reason. */
void route_state_lost(struct route *r, const struct transport_end *end);
/* Addresses and MTU of a tunnel that is up. */
void route_state_params(struct route *r, const struct transport_params *p);

extern const struct transport_owner route_owner;

/* ---- handover.c -------------------------------------------------------- */

void handover_init(struct route *r);
/* A second connection beside the one that is up. */
void handover_start(struct route *r);
/* Of the attempt beside it: secured, up, failed. */
void handover_secured(struct route *r);
void handover_up(
    struct route *r, struct transport *t, const struct transport_params *p);
void handover_failed(
    struct route *r, enum afw_reason reason, const char *detail);
/* Of the one that is up: it has taken everything; it is gone. */
void handover_drained(struct route *r);
/* A packet that it sent: true if it was not for the devices. */
bool handover_packet(struct route *r, const uint8_t *packet, size_t len);
void handover_lost(struct route *r, const struct transport_end *end);
/* Drops whatever is under way. */
void handover_cancel(struct route *r);

#endif
