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
hold_release(struct conn *c)
{
	struct conn_private *p = c->priv;
	const uint8_t *packet;
	size_t len;

	log_debug("route %s: %zu bytes were held", conn_name(c), p->hold.bytes);
	p->holding = p->begun = false;
	(void)evtimer_del(p->hold_end);
	(void)evtimer_del(p->probe_next);
	while ((packet = hold_front(&p->hold, &len)) != NULL) {
		if (!conn_send(c, packet, len)) {
			conn_send_flush(); /* and once more */
			if (!conn_send(c, packet, len))
				c->r->dropped++;
		}
		hold_pop(&p->hold);
	}
	conn_send_flush();
}

/* ---- probes ------------------------------------------------------------ */

static void
probe_send(struct conn *c)
{
	struct conn_private *p = c->priv;
	uint8_t packet[PROBE_SIZE];

	if (p->cur == NULL || !probe_init(&p->probe, &c->inner4, &p->server))
		return;
	probe_build(&p->probe, packet);
	if (p->cur->ops->send(p->cur, packet, sizeof(packet)))
		p->cur->ops->flush(p->cur);
}

static void
probe_next_cb(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	probe_send(c);
	timer_add(c->priv->probe_next, PROBE_MS << c->priv->probes++);
}

bool
handover_packet(struct conn *c, const uint8_t *packet, size_t len)
{
	struct conn_private *p = c->priv;
	enum probe_answer answer;

	if (!p->holding)
		return false;
	answer = probe_answered(&p->probe, packet, len);
	if (answer == PROBE_NO)
		return false;
	if (p->attempt != NULL) {
		p->answers = answer == PROBE_ECHO;
	} else {
		log_debug("route %s: the node has moved", conn_name(c));
		event_active(p->hold_end, EV_TIMEOUT, 0);
	}
	return true;
}

/* ---- the change -------------------------------------------------------- */

static void
begin(struct conn *c)
{
	struct conn_private *p = c->priv;

	if (p->begun)
		return;
	log_debug("route %s: old connection is drained", conn_name(c));
	p->begun = true;
	timer_add(p->hold_end, BEGIN_MS);
	attempt_begin(p->attempt);
}

static void
hold_end_cb(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct conn_private *p = c->priv;

	(void)fd;
	(void)what;
	if (p->attempt != NULL && !p->begun)
		begin(c);
	else if (p->cur != NULL)
		hold_release(c);
}

static void
old_close(struct conn *c)
{
	struct conn_private *p = c->priv;

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
handover_init(struct conn *c)
{
	struct event_base *base = tun_env()->base;
	struct conn_private *p = c->priv;

	p->hold_end = evtimer_new(base, hold_end_cb, c);
	p->old_end = evtimer_new(base, old_end_cb, c);
	p->probe_next = evtimer_new(base, probe_next_cb, c);
	if (p->hold_end == NULL || p->old_end == NULL || p->probe_next == NULL)
		fatal("%s: out of memory", afw_log_name());
}

void
handover_cancel(struct conn *c)
{
	struct conn_private *p = c->priv;

	attempt_free(p->attempt);
	p->attempt = NULL;
	p->holding = p->begun = false;
	(void)evtimer_del(p->hold_end);
	(void)evtimer_del(p->probe_next);
	c->r->dropped += hold_clear(&p->hold);
	old_close(c);
}

/* ---- the new connection ------------------------------------------------ */

void
handover_secured(struct conn *c)
{
	struct conn_private *p = c->priv;

	log_debug("route %s: packets are held", conn_name(c));
	p->holding = true;
	p->begun = p->answers = false;
	timer_add(p->hold_end, DRAIN_MS);
	probe_send(c); /* does it answer at all? */
	p->cur->ops->drain(p->cur);
}

/* How long packets may still be held when the new connection is up. */
static void
settle(struct conn *c)
{
	struct conn_private *p = c->priv;

	p->probes = 0;
	probe_next_cb(-1, 0, c);
	if (p->answers)
		timer_add(p->hold_end, MOVE_MS);
	else /* it may have closed the old one already */
		timer_add(p->hold_end, p->old != NULL ? CLOSE_MS : SETTLE_MS);
}

void
handover_up(
    struct conn *c, struct transport *t, const struct transport_params *tp)
{
	struct conn_private *p = c->priv;
	bool moved = !afw_addr_equal(&c->inner4, &tp->inner4) ||
	    !afw_addr_equal(&c->inner6, &tp->inner6);

	old_close(c);
	if ((p->old = p->cur) != NULL) {
		p->old->owner = &old_owner;
		timer_add(p->old_end, OLD_MS);
	}
	p->cur = t;
	c->r->priv->connects++;
	if (moved) { /* what is held has the old address */
		c->r->dropped += hold_clear(&p->hold);
		forward_conn_down(c);
	}
	conn_params(c, tp);
	if (moved)
		forward_conn_up(c);
	if (p->holding)
		settle(c);
}

void
handover_failed(struct conn *c, enum afw_reason reason, const char *detail)
{
	struct transport_end end = {.reason = reason, .why = AFW_WHY_LOST};

	log_warn("route %s: new connection: %s", conn_name(c), detail);
	hold_release(c);
	if (c->priv->cur != NULL)
		return;
	(void)afw_str_set(end.detail, sizeof(end.detail), detail);
	conn_lost(c, &end);
}

/* ---- the one that is up ------------------------------------------------ */

void
handover_start(struct conn *c)
{
	static const char *const no = "route %s: no new connection: no session";
	struct conn_private *p = c->priv;

	if (p->attempt != NULL || !c->up)
		return;
	/* the cookie may outlive the credentials that it was given for */
	if (p->mem.session == NULL) {
		log_debug(no, conn_name(c));
		return;
	}
	conn_second(c);
}

void
handover_drained(struct conn *c)
{
	if (c->priv->holding)
		begin(c);
}

/*
 * Once the new connection has sent its request the node ends the old one, so
 * that is no loss yet.
 */
void
handover_lost(struct conn *c, const struct transport_end *end)
{
	struct conn_private *p = c->priv;

	if (p->holding && p->attempt != NULL) {
		begin(c);
		return;
	}
	handover_cancel(c);
	conn_lost(c, end);
}

/* ---- the old one ------------------------------------------------------- */

static void
old_packet(void *arg, uint8_t *packet, size_t len)
{
	struct conn *c = arg;

	/* a probe that still comes here says nothing new */
	if (!c->priv->holding ||
	    probe_answered(&c->priv->probe, packet, len) == PROBE_NO)
		forward_from_node(c, packet, len);
}

static void
old_batch_end(void *arg)
{
	forward_from_node_flush(arg);
}

static void
old_nothing(void *arg)
{
	(void)arg;
}

static void
old_down(void *arg, const struct transport_end *end)
{
	struct conn *c = arg;

	log_debug("route %s: old connection: %s", conn_name(c), end->detail);
	old_close(c);
	if (c->priv->holding && c->priv->attempt == NULL && !c->priv->answers)
		timer_add(c->priv->hold_end, SETTLE_MS);
}
