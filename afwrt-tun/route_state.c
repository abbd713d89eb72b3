/* SPDX-License-Identifier: ISC */
/*
 * The states of a route and what afwrtd hears of them. The gate is the state
 * itself: it is set, and forward.c told, before the event goes out. A tunnel
 * that breaks is reported at once, also when it is resumed a moment later.
 *
 * A route is connected while one of its connections is. The first one leads:
 * it alone is tried by the policy of reconnection while none is up. The others
 * follow it, and what becomes of them is no event: one that is lost or that
 * the node refuses is tried again with back-off for as long as the route is
 * connected. They come up one after the other, in their order: ocserv with
 * predictable-ips gives the first free one of a row of addresses that is the
 * user's, so that each gets after a restart what it had before.
 */
#include <sys/random.h>

#include <string.h>

#include "afwrt-tun/clock.h"
#include "afwrt-tun/forward.h"
#include "afwrt-tun/retry.h"
#include "afwrt-tun/route_private.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

#define RESUME_S   10     /* that flows wait for their connection */
#define CROWD_MS   1000   /* a node may end one session for another */
#define REFUSED_MS 300000 /* to one that the node or afwrt-auth refused */

static void
event_send(struct conn *c, enum afw_reason reason, const char *detail)
{
	struct route *r = c->r;
	struct afw_m_route_event ev = {.route = r->id,
	    .state = r->state,
	    .seq = ++r->priv->seq,
	    .reason = reason};
	const struct session *s = c->priv->mem.session;

	if (s != NULL)
		memcpy(ev.chosen, s->chosen, sizeof(ev.chosen));
	if (reason == AFW_REASON_TLS)
		(void)afw_str_set(ev.detail, sizeof(ev.detail), detail);
	(void)afw_link_send(afw_daemon_sup(), AFW_MSG_ROUTE_EVENT, 0, &ev, -1);
}

unsigned int
route_state_conns(const struct route *r)
{
	unsigned int i, n = 0;

	for (i = 0; i < r->n_conns; i++)
		n += r->conns[i].up;
	return n;
}

static uint32_t
jitter(void)
{
	uint32_t n = 0;

	(void)getrandom(&n, sizeof(n), GRND_NONBLOCK);
	return n;
}

/* By the policy of the route, for the one that leads. */
static void
retry_plan(struct conn *c, bool stable)
{
	int64_t ms =
	    retry_delay(&c->r->conf, stable, c->priv->retries, jitter());

	if (ms != -1 && !stable)
		c->priv->retries++;
	conn_retry(c, ms);
}

/* One beside others that are up: always, with back-off. */
static void
retry_quietly(struct conn *c, bool stable, bool refused)
{
	const struct afw_m_route policy = {.reconnect = AFW_RECONNECT_AUTO};
	int64_t ms = retry_delay(&policy, stable, c->priv->retries, jitter());

	if (!stable)
		c->priv->retries++;
	conn_retry(c, refused ? REFUSED_MS : ms);
}

void
route_state_connect(struct route *r)
{
	if (r->state != AFW_ROUTE_CONNECTED)
		conn_connect(&r->conns[0]);
}

/* The lowest of those that wait for their turn. */
static void
next_begins(struct route *r)
{
	struct conn *c, *first = NULL;
	unsigned int i;

	for (i = r->n_conns; i-- > 0;) {
		c = &r->conns[i];
		if (!c->up && c->priv->attempt != NULL)
			return;
		if (c->priv->waiting)
			first = c;
	}
	if (first != NULL)
		conn_connect(first);
}

void
route_state_try(struct conn *c)
{
	if (c->r->state != AFW_ROUTE_CONNECTED) {
		conn_connect(c);
		return;
	}
	c->priv->waiting = !c->up && c->priv->attempt == NULL;
	next_begins(c->r);
}

/* ---- down -------------------------------------------------------------- */

static void
gate_close(struct route *r, enum afw_route_state state)
{
	r->state = state;
	r->priv->up_since = 0;
	forward_route_down(r);
}

/* While none is up only the first one is tried. */
static void
others_rest(struct route *r)
{
	struct conn_private *p;
	unsigned int i;

	for (i = 1; i < r->n_conns; i++) {
		p = r->conns[i].priv;
		attempt_free(p->attempt);
		p->attempt = NULL;
		p->waiting = false;
		conn_retry(&r->conns[i], -1);
	}
}

static bool
is_refusal(enum afw_reason reason, bool permanent)
{
	return permanent || reason == AFW_REASON_AUTH ||
	    reason == AFW_REASON_LIMIT || reason == AFW_REASON_PROTOCOL;
}

/* The others are enough, so this is said once. */
static void
spare_failed(
    struct conn *c, enum afw_reason reason, const char *detail, bool permanent)
{
	struct conn_private *p = c->priv;
	char text[128];

	c->resume = 0;
	if (!p->mem.quiet)
		log_warn("route %s: not to be had: %s; %u of %u are up",
		    conn_name(c),
		    afw_reason_print(reason, detail, text, sizeof(text)),
		    route_state_conns(c->r), c->r->n_conns);
	p->mem.quiet = true;
	retry_quietly(c, false, is_refusal(reason, permanent));
	next_begins(c->r);
}

void
route_state_failed(
    struct conn *c, enum afw_reason reason, const char *detail, bool permanent)
{
	struct route *r = c->r;
	char text[128];

	if (r->state == AFW_ROUTE_CONNECTED) {
		spare_failed(c, reason, detail, permanent);
		return;
	}
	log_warn("route %s: failed: %s", r->conf.location,
	    afw_reason_print(reason, detail, text, sizeof(text)));
	gate_close(r, AFW_ROUTE_FAILED);
	event_send(c, reason, detail);
	if (!permanent)
		retry_plan(&r->conns[0], false);
}

/* The node allows fewer, and ended this one because another came: to bring it
 * back at once would only end that one. */
static bool
is_crowded_out(const struct conn *c, const struct transport_end *end)
{
	return end->reason == AFW_REASON_NONE &&
	    afw_now_ms() - c->r->priv->last_up < CROWD_MS;
}

void
route_state_lost(struct conn *c, const struct transport_end *end, bool stable)
{
	struct route *r = c->r;
	struct conn *lead = &r->conns[0];

	if (route_state_conns(r) > 0) {
		log_info("route %s: lost: %s; %u of %u are up", conn_name(c),
		    end->detail, route_state_conns(r), r->n_conns);
		clock_update();
		c->resume = clock_now + RESUME_S;
		retry_quietly(c, stable, is_crowded_out(c, end));
		return;
	}
	log_warn("route %s: disconnected: %s", r->conf.location, end->detail);
	gate_close(r, AFW_ROUTE_DISCONNECTED);
	event_send(c, end->reason, end->detail);
	others_rest(r);
	if (lead->priv->attempt == NULL)
		retry_plan(lead, stable);
	else
		r->state = AFW_ROUTE_CONNECTING;
}

void
route_state_end(struct route *r)
{
	bool up = r->state == AFW_ROUTE_CONNECTED;

	gate_close(r, AFW_ROUTE_DISCONNECTED);
	if (up) {
		log_info("route %s: disconnected", r->conf.location);
		event_send(&r->conns[0], AFW_REASON_NONE, "");
	}
}

/* ---- up ---------------------------------------------------------------- */

/* Flows that another process or an earlier tunnel left wait for theirs. */
static void
others_follow(const struct conn *c)
{
	struct route *r = c->r;
	struct conn_private *p;
	unsigned int i;

	clock_update();
	for (i = 0; i < r->n_conns; i++) {
		p = r->conns[i].priv;
		if (i == c->index)
			continue;
		r->conns[i].resume = clock_now + RESUME_S;
		(void)evtimer_del(p->retry);
		p->waiting = p->attempt == NULL;
	}
}

void
route_state_up(struct conn *c)
{
	struct route *r = c->r;
	bool first = r->state != AFW_ROUTE_CONNECTED;

	r->priv->last_up = c->priv->up_since;
	if (first) {
		r->priv->up_since = c->priv->up_since;
		r->state = AFW_ROUTE_CONNECTED;
		others_follow(c);
	}
	forward_conn_up(c);
	conn_send_flush();
	if (first)
		event_send(c, AFW_REASON_NONE, "");
	next_begins(r);
}
