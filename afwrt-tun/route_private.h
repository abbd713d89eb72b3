/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_ROUTE_PRIVATE_H
#define AFWRT_TUN_ROUTE_PRIVATE_H

#include "afwrt-tun/attempt.h"
#include "afwrt-tun/hold.h"
#include "afwrt-tun/probe.h"
#include "afwrt-tun/route.h"

/*
 * What the files of the tunnel side share about a route: route.c has the
 * table, route_state.c the states and events of a
 * route and the policy of reconnection, conn.c the life of each of its
 * connections, handover.c the change from one tunnel of a connection to the
 * next. Nobody else looks in here.
 */
struct conn_private {
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
	bool begun;              /* the new tunnel was asked for */
	bool answers;            /* the node answers probes */
	struct probe probe;      /* the last one */
	struct event *probe_next;
	unsigned int probes;    /* by the new tunnel */
	bool waiting;           /* for its turn to be tried */
	unsigned int retries;   /* since it was last stable */
	int64_t up_since;       /* CLOCK_BOOTTIME ms, 0 down */
	uint32_t rtt_us;        /* of the last tunnel */
	struct afw_addr server; /* of the last tunnel */
	bool dirty;             /* got packets since the last flush */
	struct conn *next_dirty;
};

struct route_private {
	uint32_t seq; /* of the last event */
	uint32_t connects, failures;
	uint32_t failed[AFW_REASON_MAX]; /* the failures by reason */
	int64_t up_since; /* CLOCK_BOOTTIME ms, 0 down */
	int64_t last_up;  /* when one of its connections came up */
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

/* Brings it up: the first connection, the others follow. */
void route_state_connect(struct route *r);
/* It is time for an attempt at this one, or for its turn. */
void route_state_try(struct conn *c);
/* Closes the gate. */
void route_state_end(struct route *r);
/* Of a connection: it has got a tunnel, could not get one, lost it. */
void route_state_up(struct conn *c);
void route_state_failed(
    struct conn *c, enum afw_reason reason, const char *detail, bool permanent);
void route_state_lost(
    struct conn *c, const struct transport_end *end, bool stable);
/* How many of its connections are up. */
unsigned int route_state_conns(const struct route *r);

/* ---- conn.c ------------------------------------------------------------ */

void conn_init(struct route *r, unsigned int index);
/* Starts an attempt unless one is under way or the tunnel is up. */
void conn_connect(struct conn *c);
/* An attempt beside the tunnel that is up, with its session. */
void conn_second(struct conn *c);
/* WAN is up: one that waits for its time tries now. */
void conn_hurry(struct conn *c);
/* The next attempt; -1: none. */
void conn_retry(struct conn *c, int64_t ms);
/* Drops all that is under way; the transport, to say bye or to close. */
struct transport *conn_end(struct conn *c);
void conn_free(struct conn *c);
/* Its tunnel is up by this one, which is the connection's now. */
void conn_up(
    struct conn *c, struct transport *t, const struct transport_params *tp);
/* Its tunnel is gone, by this reason. */
void conn_lost(struct conn *c, const struct transport_end *end);
/* Addresses and MTU of a tunnel that is up. */
void conn_params(struct conn *c, const struct transport_params *p);
/* For the log: the location, of all but the first with a number; static. */
const char *conn_name(const struct conn *c);
/* It is freed: it gets no flush. */
void conn_forget(struct conn *c);

/* ---- handover.c -------------------------------------------------------- */

void handover_init(struct conn *c);
/* A second tunnel beside the one that is up. */
void handover_start(struct conn *c);
/* Of the attempt beside it: secured, up, failed. */
void handover_secured(struct conn *c);
void handover_up(
    struct conn *c, struct transport *t, const struct transport_params *p);
void handover_failed(
    struct conn *c, enum afw_reason reason, const char *detail);
/* Of the one that is up: it has taken everything; it is gone. */
void handover_drained(struct conn *c);
/* A packet that it sent: true if it was not for the devices. */
bool handover_packet(struct conn *c, const uint8_t *packet, size_t len);
void handover_lost(struct conn *c, const struct transport_end *end);
/* Drops whatever is under way. */
void handover_cancel(struct conn *c);

#endif
