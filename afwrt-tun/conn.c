/* SPDX-License-Identifier: ISC */
/*
 * The life of one connection: attempt, tunnel, loss. What that means for the
 * route is route_state.c's to say, which is told each time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "afwrt-tun/forward.h"
#include "afwrt-tun/retry.h"
#include "afwrt-tun/route_private.h"
#include "afwrt-tun/standby.h"
#include "afwrt-tun/tun.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

static struct conn *dirty;

static void attempt_secured(struct conn *);
static void attempt_failed(struct conn *, enum afw_reason, const char *, bool);

static const struct attempt_owner attempt_owner = {
    .secured = attempt_secured,
    .up = conn_up,
    .failed = attempt_failed,
};

static const struct transport_owner conn_owner;

const char *
conn_name(const struct conn *c)
{
	static char name[AFW_LOCATION_SIZE + 32];

	if (c->index == 0)
		return c->r->conf.location;
	(void)snprintf(name, sizeof(name), "%s (connection %u)",
	    c->r->conf.location, c->index + 1);
	return name;
}

static void
retry_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	route_state_try(arg);
}

void
conn_init(struct route *r, unsigned int index)
{
	struct conn *c = &r->conns[index];

	c->r = r;
	c->index = index;
	c->priv = calloc(1, sizeof(*c->priv));
	if (c->priv == NULL ||
	    (c->priv->retry = evtimer_new(tun_env()->base, retry_cb, c)) ==
		NULL)
		fatal("%s: out of memory", afw_log_name());
	c->priv->mem.why = AFW_WHY_FIRST;
	handover_init(c);
}

void
conn_free(struct conn *c)
{
	struct conn_private *p = c->priv;

	conn_forget(c);
	event_free(p->retry);
	event_free(p->old_end);
	event_free(p->hold_end);
	event_free(p->probe_next);
	session_free(p->mem.session);
	free(p);
	c->priv = NULL;
}

/* ---- packets ----------------------------------------------------------- */

bool
conn_send(struct conn *c, const uint8_t *packet, size_t len)
{
	struct conn_private *p = c->priv;

	if (p->holding)
		return hold_push(&p->hold, packet, len);
	if (p->cur == NULL || !p->cur->ops->send(p->cur, packet, len))
		return false;
	if (!p->dirty) {
		p->dirty = true;
		p->next_dirty = dirty;
		dirty = c;
	}
	return true;
}

void
conn_send_flush(void)
{
	struct conn *c;
	struct transport *t;

	while ((c = dirty) != NULL) {
		dirty = c->priv->next_dirty;
		c->priv->dirty = false;
		if ((t = c->priv->cur) != NULL)
			t->ops->flush(t);
	}
}

void
conn_forget(struct conn *c)
{
	struct conn **pp;

	for (pp = &dirty; *pp != NULL; pp = &(*pp)->priv->next_dirty)
		if (*pp == c) {
			*pp = c->priv->next_dirty;
			return;
		}
}

/* ---- attempts ---------------------------------------------------------- */

void
conn_connect(struct conn *c)
{
	struct conn_private *p = c->priv;

	if (p->attempt != NULL || c->up)
		return;
	(void)evtimer_del(p->retry);
	p->waiting = false;
	if (c->r->state != AFW_ROUTE_CONNECTED)
		c->r->state = AFW_ROUTE_CONNECTING;
	log_debug("route %s: connecting", conn_name(c));
	p->attempt = attempt_start(c, &p->mem, false, &attempt_owner);
}

void
conn_second(struct conn *c)
{
	c->priv->attempt =
	    attempt_start(c, &c->priv->mem, true, &attempt_owner);
}

void
conn_hurry(struct conn *c)
{
	if (!evtimer_pending(c->priv->retry, NULL))
		return;
	(void)evtimer_del(c->priv->retry);
	route_state_try(c);
}

void
conn_retry(struct conn *c, int64_t ms)
{
	struct timeval tv;

	(void)evtimer_del(c->priv->retry);
	if (ms == -1)
		return;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	(void)evtimer_add(c->priv->retry, &tv);
	log_debug(
	    "route %s: next attempt in %lld ms", conn_name(c), (long long)ms);
}

static void
attempt_end(struct conn *c)
{
	attempt_free(c->priv->attempt);
	c->priv->attempt = NULL;
}

static void
attempt_secured(struct conn *c)
{
	if (c->up)
		handover_secured(c);
	else
		attempt_begin(c->priv->attempt);
}

static void
attempt_failed(
    struct conn *c, enum afw_reason reason, const char *detail, bool permanent)
{
	attempt_end(c);
	c->r->priv->failures++;
	c->r->priv->failed[reason]++;
	if (c->up)
		handover_failed(c, reason, detail);
	else
		route_state_failed(c, reason, detail, permanent);
}

/* ---- up ---------------------------------------------------------------- */

void
conn_params(struct conn *c, const struct transport_params *tp)
{
	char v4[AFW_ADDR_TEXT], v6[AFW_ADDR_TEXT], node[AFW_ADDR_TEXT];

	c->inner4 = tp->inner4;
	c->inner6 = tp->inner6;
	c->dns4 = tp->dns4;
	c->dns6 = tp->dns6;
	c->mtu = tp->mtu;
	c->priv->server = c->priv->mem.session->server;
	log_info("route %s: connected to %s as %s and %s, mtu %u", conn_name(c),
	    afw_addr_print(&c->priv->server, node, sizeof(node)),
	    afw_addr_print(&c->inner4, v4, sizeof(v4)),
	    afw_addr_print(&c->inner6, v6, sizeof(v6)), c->mtu);
}

void
conn_up(struct conn *c, struct transport *t, const struct transport_params *tp)
{
	struct conn_private *p = c->priv;

	attempt_end(c);
	t->owner = &conn_owner;
	t->arg = c;
	if (c->up) {
		handover_up(c, t, tp);
		return;
	}
	p->cur = t;
	c->r->priv->connects++;
	p->up_since = afw_now_ms();
	p->mem.quiet = false;
	conn_params(c, tp);
	c->up = true;
	route_state_up(c);
}

/* ---- down -------------------------------------------------------------- */

void
conn_lost(struct conn *c, const struct transport_end *end)
{
	struct conn_private *p = c->priv;
	bool stable = afw_now_ms() - p->up_since >= RETRY_STABLE_MS;

	c->up = false;
	p->up_since = 0;
	if (stable)
		p->retries = 0;
	forward_conn_down(c);
	route_state_lost(c, end, stable);
}

struct transport *
conn_end(struct conn *c)
{
	struct conn_private *p = c->priv;
	struct transport *t = p->cur;

	p->cur = NULL;
	c->up = false;
	p->up_since = 0;
	handover_cancel(c);
	(void)evtimer_del(p->retry);
	forward_conn_down(c);
	return t;
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
	forward_from_node_flush(arg);
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
	struct conn *c = arg;
	struct conn_private *p = c->priv;
	struct transport *t = p->cur;
	struct transport_end e = *end;

	p->cur = NULL;
	p->rtt_us = t->rtt_us;
	if (!standby_keep(c, t))
		t->ops->close(t);
	if (p->attempt != NULL || p->holding)
		handover_lost(c, &e);
	else
		conn_lost(c, &e);
}

static const struct transport_owner conn_owner = {
    .packet = owner_packet,
    .batch_end = owner_batch_end,
    .rekey = owner_rekey,
    .drained = owner_drained,
    .down = owner_down,
};
