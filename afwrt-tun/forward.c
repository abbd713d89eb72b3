/* SPDX-License-Identifier: ISC */
/*
 * The packet path: what is read from the device goes to the route of its
 * source, and to no other; what a node sends goes to the device that asked.
 * The kernel has counted down TTL or hop limit when it forwarded a packet
 * into the TUN, and does so again when it comes out; so we do not.
 */
#include "afwrt-tun/forward.h"

#include <string.h>

#include "afwrt-tun/answer.h"
#include "afwrt-tun/clock.h"
#include "afwrt-tun/coalesce.h"
#include "afwrt-tun/device.h"
#include "afwrt-tun/dns.h"
#include "afwrt-tun/flow.h"
#include "afwrt-tun/fragment.h"
#include "afwrt-tun/held.h"
#include "afwrt-tun/mss.h"
#include "afwrt-tun/nat.h"
#include "afwrt-tun/nat_table.h"
#include "afwrt-tun/segment.h"
#include "afwrt-tun/source.h"
#include "afwrt-tun/spread.h"
#include "lib/daemon/log.h"

#define MTU6_MIN 1280 /* RFC 8200, 5 */

static struct event *ticker;
static bool in_batch;
static struct device *device; /* the suite's TUN */

/* ---- to the node ------------------------------------------------------- */

static void
up_send(struct conn *c, const uint8_t *data, size_t len)
{
	if (!conn_send(c, data, len)) {
		c->r->dropped++;
		return;
	}
	c->r->up_packets++;
	c->r->up_bytes += len;
}

/* A translated packet, in as many pieces as the tunnel wants. */
static void
up_emit(struct conn *c, struct packet *p)
{
	bool ok = true;

	if (p->gso != 0) {
		ok = segment_tcp(c, p, c->mtu, up_send);
	} else {
		if (p->partial)
			packet_checksum(p);
		if (p->len > c->mtu)
			ok = segment_ip4(c, p, c->mtu, up_send);
		else
			up_send(c, p->data, p->len);
	}
	if (!ok)
		c->r->dropped++;
}

static void
up_fragment(struct conn *c, struct packet *p)
{
	struct fragment_key k;
	unsigned int conn;
	bool held;

	fragment_key(&k, c, true, p);
	if (p->frag_off != 0) {
		if (fragment_later(&k, p, &held, &conn))
			up_emit(&c->r->conns[conn], p);
		else if (!held)
			c->r->dropped++;
	} else if (nat_out(c, p) == NAT_OK) {
		fragment_first(&k, c, p, up_emit);
	} else {
		c->r->dropped++;
	}
}

static void
up_translate(struct conn *c, struct packet *p)
{
	mss_clamp(p, c->mtu);
	if (p->fragment) {
		up_fragment(c, p);
		return;
	}
	switch (nat_out(c, p)) {
	case NAT_OK:
		up_emit(c, p);
		return;
	case NAT_NO_STATE: /* the application connects anew at once */
		answer_reset(p);
		break;
	case NAT_DROP:
		break;
	}
	c->r->dropped++;
}

/* The connection has this family (and the tunnel is wide enough for it), and
 * a DNS server of it for a query. */
static bool
carries(const struct conn *c, const struct packet *p)
{
	return nat_inner(c, p->family) != NULL &&
	    (p->family == 4 || c->mtu >= MTU6_MIN) &&
	    (!dns_asked(p) || dns_server(c, p->family) != NULL);
}

/*
 * The location will never carry this. For TCP a reset: every system gives up
 * a connection attempt at once for it and takes the other family, while many
 * take an ICMP error for a passing trouble (RFC 5461).
 */
static void
refuse(struct conn *c, const struct packet *p)
{
	c->r->dropped++;
	if (p->proto == PACKET_TCP)
		answer_reset(p);
	else
		answer_error(p, ICMP_PROHIBITED, 0);
}

static bool
hold(struct route *r, const struct packet *p)
{
	struct held *h = r->forward;
	bool ok = held_add(&h, p);

	r->forward = h;
	return ok;
}

/*
 * The tunnel is not up. On its way: hold the packet. Down: say so, softly,
 * as connections that stand may go on when it comes back; the route decides
 * whether it tries again.
 */
static void
wait_for(struct route *r, const struct packet *p)
{
	bool coming = r->state == AFW_ROUTE_IDLE ||
	    r->state == AFW_ROUTE_CONNECTING || r->state == AFW_ROUTE_CONNECTED;

	if (!coming || !hold(r, p))
		r->dropped++;
	if (!coming)
		answer_error(p, ICMP_UNREACHABLE, 0);
	route_want(r);
}

static void
up_conn(struct conn *c, struct packet *p)
{
	if (!carries(c, p)) {
		refuse(c, p);
		return;
	}
	if (p->gso == 0 && p->len > c->mtu && packet_dont_fragment(p)) {
		c->r->dropped++;
		answer_error(p, ICMP_TOO_BIG, c->mtu);
		return;
	}
	up_translate(c, p);
}

static void
up(struct route *r, struct packet *p)
{
	struct conn *c;

	if (!route_ready(r)) {
		wait_for(r, p);
		return;
	}
	c = spread_pick(r, p);
	if (c != NULL)
		up_conn(c, p);
	else
		r->dropped++; /* the sender will repeat it */
}

static void
up_by(uint32_t id, struct packet *p)
{
	struct route *r = id == 0 ? NULL : route_find(id);

	if (r == NULL)
		return;
	/* a WireGuard route has an interface of its own; here nothing knows
	 * whom the answers would be for */
	if (r->conf.type == AFW_TYPE_WIREGUARD)
		r->dropped++;
	else
		up(r, p);
}

void
forward_from_device(uint8_t *data, size_t len, const struct device_meta *m)
{
	struct packet p;

	if (!packet_parse(&p, data, len) ||
	    !packet_addr_carried(p.family, p.src) ||
	    !packet_addr_carried(p.family, p.dst))
		return;
	if (p.fragment && (m->gso != 0 || m->partial))
		return; /* its checksum is nobody's to complete */
	p.gso = m->gso;
	p.partial = m->partial;
	up_by(source_route(&p), &p);
}

static void
ticker_start(void)
{
	static const struct timeval second = {1, 0};

	if (ticker != NULL && !evtimer_pending(ticker, NULL) &&
	    (nat_table_total() != 0 || fragment_count() != 0))
		(void)evtimer_add(ticker, &second);
}

static void
device_packet(void *arg, uint8_t *data, size_t len, const struct device_meta *m)
{
	(void)arg;
	forward_from_device(data, len, m);
}

static void
device_begin(void *arg)
{
	(void)arg;
	clock_update();
}

static void
device_end(void *arg)
{
	(void)arg;
	conn_send_flush();
	ticker_start();
}

/* ---- from the node ----------------------------------------------------- */

static void
down_emit(struct conn *c, struct packet *p)
{
	c->r->down_packets++;
	c->r->down_bytes += p->len;
	if (!coalesce_add(device, p))
		c->r->dropped++;
}

/* It is for us, from somebody who may be behind the node. */
static bool
down_allowed(const struct conn *c, const struct packet *p)
{
	const uint8_t *inner = nat_inner(c, p->family);

	return inner != NULL && memcmp(p->dst, inner, p->alen) == 0 &&
	    memcmp(p->src, inner, p->alen) != 0 &&
	    packet_addr_carried(p->family, p->src) &&
	    !flow_known(p->family, p->src);
}

static bool
down_fragment(struct conn *c, struct packet *p)
{
	struct fragment_key k;
	unsigned int conn;
	bool held;

	fragment_key(&k, c, false, p);
	if (p->frag_off != 0) {
		if (!fragment_later(&k, p, &held, &conn))
			return held;
		down_emit(c, p);
		return true;
	}
	if (nat_in(c, p) != NAT_OK)
		return false;
	fragment_first(&k, c, p, down_emit);
	return true;
}

static bool
down(struct conn *c, uint8_t *packet, size_t len)
{
	struct packet p;

	if (!packet_parse(&p, packet, len) || !down_allowed(c, &p))
		return false;
	mss_clamp(&p, c->mtu);
	if (p.fragment)
		return down_fragment(c, &p);
	if (nat_in(c, &p) != NAT_OK)
		return false;
	down_emit(c, &p);
	return true;
}

void
forward_from_node(struct conn *c, uint8_t *packet, size_t len)
{
	if (!in_batch) {
		clock_update();
		in_batch = true;
	}
	if (!down(c, packet, len))
		c->r->dropped++;
}

void
forward_from_node_flush(struct conn *c)
{
	c->r->dropped += coalesce_flush();
	in_batch = false;
	ticker_start();
}

/* ---- the rest ---------------------------------------------------------- */

/* The loop's turn for packets that come out of a queue. */
static void
released_end(void)
{
	conn_send_flush();
	ticker_start();
}

void
forward_default_set(uint32_t route)
{
	source_default_set(route);
}

void
forward_source_flow(const struct afw_addr *a)
{
	clock_update();
	source_flow(a);
	released_end();
}

void
forward_source_answer(uint32_t n, enum source_answer answer)
{
	clock_update();
	source_answer(n, answer);
	released_end();
}

void
forward_source_forget(void)
{
	source_forget();
}

/* A held packet, if its sender has not been moved meanwhile. */
static void
released(void *arg, struct packet *p)
{
	struct route *r = arg;
	uint32_t id = flow_lookup(p->family, p->src);

	if (id == 0) /* it was let in here as a source of no rule */
		id = source_default();
	if (id == r->id)
		up(r, p);
	else
		r->dropped++;
}

void
forward_conn_up(struct conn *c)
{
	struct held *h = c->r->forward;

	nat_conn_up(c);
	c->r->forward = NULL;
	held_release(&h, released, c->r);
	released_end();
}

void
forward_conn_down(struct conn *c)
{
	fragment_drop(c);
}

void
forward_route_down(struct route *r)
{
	struct held *h = r->forward;

	r->forward = NULL;
	r->dropped += held_drop(&h);
}

static void
tick_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	clock_update();
	nat_tick();
	fragment_tick();
	ticker_start();
}

void
forward_init(struct event_base *base)
{
	static const struct device_input input = {
	    .packet = device_packet,
	    .begin = device_begin,
	    .end = device_end,
	};

	clock_update();
	device = device_new(base, &input, NULL);
	answer_init(device);
	source_init(up_by);
	ticker = evtimer_new(base, tick_cb, NULL);
	if (ticker == NULL)
		fatal("tun: no memory for a timer");
}

void
forward_close(void)
{
	device_free(device);
	device = NULL;
	source_forget();
	if (ticker != NULL)
		event_free(ticker);
	ticker = NULL;
}

void
forward_device_set(int fd, const struct afw_m_device *d)
{
	device_set(device, fd, d->vnet_hdr);
}
