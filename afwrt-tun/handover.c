/* SPDX-License-Identifier: ISC */
/*
 * Make before break: a second connection with the same cookie takes over from
 * the one that is up, and no packet is lost for it. The node ends the old one
 * as soon as it sees the cookie again, so the order is: the new connection
 * finishes TLS; from now on packets are held; the old one is drained (the node
 * answers once it has taken everything); only then the new one sends its
 * request.
 *
 * When it is up the node may still route our answers to the old one: ocserv
 * gives the new connection a device of its own, and takes the old one's away
 * some time after it closed that connection. What it answers then is lost. So
 * packets stay held until a probe that the node's own kernel answers has come
 * back by the new connection. A node that does not answer such probes (it had
 * one by the old connection, too) is given a moment after it closed the old
 * connection.
 */
#include <string.h>

#include "afwrt-tun/forward.h"
#include "afwrt-tun/route_private.h"
#include "afwrt-tun/tun.h"
#include "lib/daemon/log.h"

#define DRAIN_MS  2000 /* for the old connection to take what was sent */
#define BEGIN_MS  3000 /* for the new one to be let in */
#define PROBE_MS  10   /* from the first probe to the next, then doubled */
#define MOVE_MS   2000 /* for an answer, from a node that answers */
#define CLOSE_MS  300  /* for the node to close the old one, packets held */
#define SETTLE_MS 100  /* after it did, from a node that does not answer */
#define OLD_MS    5000 /* and without */

static void old_down(void *, const struct transport_end *);
static void old_packet(void *, uint8_t *, size_t);
static void old_batch_end(void *);
static void old_nothing(void *);

static const struct transport_owner old_owner = {
    .packet = old_packet,
    .batch_end = old_batch_end,
    .rekey = old_nothing,
    .drained = old_nothing,
    .down = old_down,
};

static void
timer_add(struct event *ev, int ms)
{
	struct timeval tv = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	(void)evtimer_add(ev, &tv);
}

/* Held packets go on by the current connection, or are lost without one. */
static void
hold_release(struct route *r)
{
	struct route_private *p = r->priv;
	const uint8_t *packet;
	size_t len;

	log_debug(
	    "route %s: %zu bytes were held", r->conf.location, p->hold.bytes);
	p->holding = p->begun = false;
	(void)evtimer_del(p->hold_end);
	(void)evtimer_del(p->probe_next);
	while ((packet = hold_front(&p->hold, &len)) != NULL) {
		if (!route_send(r, packet, len)) {
			route_send_flush(); /* and once more */
			if (!route_send(r, packet, len))
				r->dropped++;
		}
		hold_pop(&p->hold);
	}
	route_send_flush();
}

/* ---- probes ------------------------------------------------------------ */

static void
probe_send(struct route *r)
{
	struct route_private *p = r->priv;
	uint8_t packet[PROBE_SIZE];

	if (p->cur == NULL || !probe_init(&p->probe, &r->inner4, &p->server))
		return;
	probe_build(&p->probe, packet);
	if (p->cur->ops->send(p->cur, packet, sizeof(packet)))
		p->cur->ops->flush(p->cur);
}

static void
probe_next_cb(evutil_socket_t fd, short what, void *arg)
{
	struct route *r = arg;

	(void)fd;
	(void)what;
	probe_send(r);
	timer_add(r->priv->probe_next, PROBE_MS << r->priv->probes++);
}

bool
handover_packet(struct route *r, const uint8_t *packet, size_t len)
{
	struct route_private *p = r->priv;
	enum probe_answer answer;

	if (!p->holding)
		return false;
	answer = probe_answered(&p->probe, packet, len);
	if (answer == PROBE_NO)
		return false;
	if (p->attempt != NULL) {
		p->answers = answer == PROBE_ECHO;
	} else {
		log_debug("route %s: the node has moved", r->conf.location);
		event_active(p->hold_end, EV_TIMEOUT, 0);
	}
	return true;
}

/* ---- the change -------------------------------------------------------- */

static void
begin(struct route *r)
{
	struct route_private *p = r->priv;

	if (p->begun)
		return;
	log_debug("route %s: old connection is drained", r->conf.location);
	p->begun = true;
	timer_add(p->hold_end, BEGIN_MS);
	attempt_begin(p->attempt);
}

static void
hold_end_cb(evutil_socket_t fd, short what, void *arg)
{
	struct route *r = arg;
	struct route_private *p = r->priv;

	(void)fd;
	(void)what;
	if (p->attempt != NULL && !p->begun)
		begin(r);
	else if (p->cur != NULL)
		hold_release(r);
}

static void
old_close(struct route *r)
{
	struct route_private *p = r->priv;

	(void)evtimer_del(p->old_end);
	if (p->old != NULL)
		p->old->ops->close(p->old);
	p->old = NULL;
}

static void
old_end_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	old_close(arg);
}

void
handover_init(struct route *r)
{
	struct event_base *base = tun_env()->base;
	struct route_private *p = r->priv;

	p->hold_end = evtimer_new(base, hold_end_cb, r);
	p->old_end = evtimer_new(base, old_end_cb, r);
	p->probe_next = evtimer_new(base, probe_next_cb, r);
	if (p->hold_end == NULL || p->old_end == NULL || p->probe_next == NULL)
		fatal("%s: out of memory", afw_log_name());
}

void
handover_cancel(struct route *r)
{
	struct route_private *p = r->priv;

	attempt_free(p->attempt);
	p->attempt = NULL;
	p->holding = p->begun = false;
	(void)evtimer_del(p->hold_end);
	(void)evtimer_del(p->probe_next);
	r->dropped += hold_clear(&p->hold);
	old_close(r);
}

/* ---- the new connection ------------------------------------------------ */

void
handover_secured(struct route *r)
{
	struct route_private *p = r->priv;

	log_debug("route %s: packets are held", r->conf.location);
	p->holding = true;
	p->begun = p->answers = false;
	timer_add(p->hold_end, DRAIN_MS);
	probe_send(r); /* does it answer at all? */
	p->cur->ops->drain(p->cur);
}

/* How long packets may still be held when the new connection is up. */
static void
settle(struct route *r)
{
	struct route_private *p = r->priv;

	p->probes = 0;
	probe_next_cb(-1, 0, r);
	if (p->answers)
		timer_add(p->hold_end, MOVE_MS);
	else /* it may have closed the old one already */
		timer_add(p->hold_end, p->old != NULL ? CLOSE_MS : SETTLE_MS);
}

void
handover_up(
    struct route *r, struct transport *t, const struct transport_params *tp)
{
	struct route_private *p = r->priv;
	bool moved = !afw_addr_equal(&r->inner4, &tp->inner4) ||
	    !afw_addr_equal(&r->inner6, &tp->inner6);

	old_close(r);
	if ((p->old = p->cur) != NULL) {
		p->old->owner = &old_owner;
		timer_add(p->old_end, OLD_MS);
	}
	p->cur = t;
	p->connects++;
	if (moved) { /* what is held has the old address */
		r->dropped += hold_clear(&p->hold);
		forward_route_down(r);
	}
	route_state_params(r, tp);
	if (moved)
		forward_route_up(r);
	if (p->holding)
		settle(r);
}

void
handover_failed(struct route *r, enum afw_reason reason, const char *detail)
{
	struct transport_end end = {.reason = reason, .why = AFW_WHY_LOST};

	log_warn("route %s: new connection: %s", r->conf.location, detail);
	hold_release(r);
	if (r->priv->cur != NULL)
		return;
	(void)afw_str_set(end.detail, sizeof(end.detail), detail);
	route_state_lost(r, &end);
}

/* ---- the one that is up ------------------------------------------------ */

void
handover_start(struct route *r)
{
	static const char *const no = "route %s: no new connection: no session";
	struct route_private *p = r->priv;

	if (p->attempt != NULL || r->state != AFW_ROUTE_CONNECTED)
		return;
	/* the cookie may outlive the credentials that it was given for */
	if (p->mem.session == NULL) {
		log_debug(no, r->conf.location);
		return;
	}
	route_state_second(r);
}

void
handover_drained(struct route *r)
{
	if (r->priv->holding)
		begin(r);
}

/*
 * Once the new connection has sent its request the node ends the old one, so
 * that is no loss yet.
 */
void
handover_lost(struct route *r, const struct transport_end *end)
{
	struct route_private *p = r->priv;

	if (p->holding && p->attempt != NULL) {
		begin(r);
		return;
	}
	handover_cancel(r);
	route_state_lost(r, end);
}

/* ---- the old one ------------------------------------------------------- */

static void
old_packet(void *arg, uint8_t *packet, size_t len)
{
	struct route *r = arg;

	/* a probe that still comes here says nothing new */
	if (!r->priv->holding ||
	    probe_answered(&r->priv->probe, packet, len) == PROBE_NO)
		forward_from_node(r, packet, len);
}

static void
old_batch_end(void *arg)
{
	(void)arg;
	forward_from_node_flush();
}

static void
old_nothing(void *arg)
{
	(void)arg;
}

static void
old_down(void *arg, const struct transport_end *end)
{
	struct route *r = arg;

	log_debug(
	    "route %s: old connection: %s", r->conf.location, end->detail);
	old_close(r);
	if (r->priv->holding && r->priv->attempt == NULL && !r->priv->answers)
		timer_add(r->priv->hold_end, SETTLE_MS);
}
