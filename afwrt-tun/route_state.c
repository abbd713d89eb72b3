/* SPDX-License-Identifier: ISC */
/*
 * The states of a route and what afwrtd hears of them. The gate is the state
 * itself: it is set, and forward.c told, before the event goes out. A tunnel
 * that breaks is reported at once, also when it is resumed a moment later.
 */
#include <sys/random.h>

#include <stdlib.h>
#include <string.h>

#include "afwrt-tun/forward.h"
#include "afwrt-tun/retry.h"
#include "afwrt-tun/route_private.h"
#include "afwrt-tun/standby.h"
#include "afwrt-tun/tun.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

static void attempt_secured(struct route *);
static void attempt_failed(struct route *, enum afw_reason, const char *, bool);

static const struct attempt_owner attempt_owner = {
    .secured = attempt_secured,
    .up = route_state_up,
    .failed = attempt_failed,
};

static void
event_send(struct route *r, enum afw_reason reason, const char *detail)
{
	struct afw_m_route_event ev = {.route = r->id,
	    .state = r->state,
	    .seq = ++r->priv->seq,
	    .reason = reason};
	const struct session *s = r->priv->mem.session;

	if (s != NULL)
		memcpy(ev.chosen, s->chosen, sizeof(ev.chosen));
	if (reason == AFW_REASON_TLS)
		(void)afw_str_set(ev.detail, sizeof(ev.detail), detail);
	(void)afw_link_send(afw_daemon_sup(), AFW_MSG_ROUTE_EVENT, 0, &ev, -1);
}

static void
retry_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	route_state_connect(arg);
}

void
route_state_init(struct route *r)
{
	r->state = AFW_ROUTE_IDLE;
	r->priv->mem.why = AFW_WHY_FIRST;
	r->priv->retry = evtimer_new(tun_env()->base, retry_cb, r);
	if (r->priv->retry == NULL)
		fatal("%s: out of memory", afw_log_name());
}

void
route_state_free(struct route *r)
{
	struct route_private *p = r->priv;

	event_free(p->retry);
	event_free(p->old_end);
	event_free(p->hold_end);
	event_free(p->probe_next);
	session_free(p->mem.session);
	p->mem.session = NULL;
}

void
route_state_connect(struct route *r)
{
	struct route_private *p = r->priv;

	if (p->attempt != NULL || r->state == AFW_ROUTE_CONNECTED)
		return;
	(void)evtimer_del(p->retry);
	r->state = AFW_ROUTE_CONNECTING;
	log_debug("route %s: connecting", r->conf.location);
	p->attempt = attempt_start(r, &p->mem, false, &attempt_owner);
}

void
route_state_second(struct route *r)
{
	r->priv->attempt =
	    attempt_start(r, &r->priv->mem, true, &attempt_owner);
}

void
route_state_hurry(struct route *r)
{
	if (evtimer_pending(r->priv->retry, NULL))
		route_state_connect(r);
}

static void
retry_plan(struct route *r, bool stable)
{
	struct route_private *p = r->priv;
	struct timeval tv;
	uint32_t jitter = 0;
	int64_t ms;

	(void)getrandom(&jitter, sizeof(jitter), GRND_NONBLOCK);
	ms = retry_delay(&r->conf, stable, p->retries, jitter);
	if (ms == -1)
		return;
	if (!stable)
		p->retries++;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	(void)evtimer_add(p->retry, &tv);
	log_debug("route %s: next attempt in %lld ms", r->conf.location,
	    (long long)ms);
}

static void
attempt_end(struct route *r)
{
	attempt_free(r->priv->attempt);
	r->priv->attempt = NULL;
}

/* ---- down -------------------------------------------------------------- */

static void
gate_close(struct route *r, enum afw_route_state state)
{
	r->state = state;
	r->priv->up_since = 0;
	forward_route_down(r);
}

static void
attempt_failed(
    struct route *r, enum afw_reason reason, const char *detail, bool permanent)
{
	char text[128];

	attempt_end(r);
	r->priv->failures++;
	r->priv->failed[reason]++;
	if (r->state == AFW_ROUTE_CONNECTED) {
		handover_failed(r, reason, detail);
		return;
	}
	log_warn("route %s: failed: %s", r->conf.location,
	    afw_reason_print(reason, detail, text, sizeof(text)));
	gate_close(r, AFW_ROUTE_FAILED);
	event_send(r, reason, detail);
	if (!permanent)
		retry_plan(r, false);
}

void
route_state_lost(struct route *r, const struct transport_end *end)
{
	struct route_private *p = r->priv;
	bool stable = afw_now_ms() - p->up_since >= RETRY_STABLE_MS;

	log_warn("route %s: disconnected: %s", r->conf.location, end->detail);
	if (stable)
		p->retries = 0;
	gate_close(r, AFW_ROUTE_DISCONNECTED);
	event_send(r, end->reason, end->detail);
	retry_plan(r, stable);
}

struct transport *
route_state_end(struct route *r)
{
	struct route_private *p = r->priv;
	struct transport *t = p->cur;
	bool up = r->state == AFW_ROUTE_CONNECTED;

	p->cur = NULL;
	handover_cancel(r);
	(void)evtimer_del(p->retry);
	gate_close(r, AFW_ROUTE_DISCONNECTED);
	if (up) {
		log_info("route %s: disconnected", r->conf.location);
		event_send(r, AFW_REASON_NONE, "");
	}
	return t;
}

/* ---- up ---------------------------------------------------------------- */

void
route_state_params(struct route *r, const struct transport_params *tp)
{
	char v4[AFW_ADDR_TEXT], v6[AFW_ADDR_TEXT], node[AFW_ADDR_TEXT];

	r->inner4 = tp->inner4;
	r->inner6 = tp->inner6;
	r->dns4 = tp->dns4;
	r->dns6 = tp->dns6;
	r->mtu = tp->mtu;
	r->priv->server = r->priv->mem.session->server;
	log_info("route %s: connected to %s as %s and %s, mtu %u",
	    r->conf.location,
	    afw_addr_print(&r->priv->server, node, sizeof(node)),
	    afw_addr_print(&r->inner4, v4, sizeof(v4)),
	    afw_addr_print(&r->inner6, v6, sizeof(v6)), r->mtu);
}

static void
attempt_secured(struct route *r)
{
	if (r->state == AFW_ROUTE_CONNECTED)
		handover_secured(r);
	else
		attempt_begin(r->priv->attempt);
}

void
route_state_up(
    struct route *r, struct transport *t, const struct transport_params *tp)
{
	struct route_private *p = r->priv;

	attempt_end(r);
	t->owner = &route_owner;
	t->arg = r;
	if (r->state == AFW_ROUTE_CONNECTED) {
		handover_up(r, t, tp);
		return;
	}
	p->cur = t;
	p->connects++;
	p->up_since = afw_now_ms();
	route_state_params(r, tp);
	r->state = AFW_ROUTE_CONNECTED;
	forward_route_up(r);
	route_send_flush();
	event_send(r, AFW_REASON_NONE, "");
}

/* ---- the tunnel that is up --------------------------------------------- */

static void
owner_packet(void *arg, uint8_t *packet, size_t len)
{
	if (!handover_packet(arg, packet, len))
		forward_from_node(arg, packet, len);
}

static void
owner_batch_end(void *arg)
{
	(void)arg;
	forward_from_node_flush();
}

static void
owner_rekey(void *arg)
{
	handover_start(arg);
}

static void
owner_drained(void *arg)
{
	handover_drained(arg);
}

static void
owner_down(void *arg, const struct transport_end *end)
{
	struct route *r = arg;
	struct route_private *p = r->priv;
	struct transport *t = p->cur;
	struct transport_end e = *end;

	p->cur = NULL;
	p->rtt_us = t->rtt_us;
	if (!standby_keep(r, t))
		t->ops->close(t);
	if (p->attempt != NULL || p->holding)
		handover_lost(r, &e);
	else
		route_state_lost(r, &e);
}

const struct transport_owner route_owner = {
    .packet = owner_packet,
    .batch_end = owner_batch_end,
    .rekey = owner_rekey,
    .drained = owner_drained,
    .down = owner_down,
};
