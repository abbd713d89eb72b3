/* SPDX-License-Identifier: ISC */
/*
 * Port-translating NAT behind the one address of each family that a node
 * gives a connection: which entry a packet belongs to, and what it does to the
 * entry.
 *
 * UDP and echo: the mapping is independent of the remote end (RFC 4787 REQ-1,
 * RFC 5508), and so is the filter, which is what games and calls need; only
 * packets from the LAN keep it alive (REQ-6). TCP: an entry a connection, so
 * that its state is known; the port is kept, so mappings are alike for all
 * remote ends as long as no two devices want the same port to the same end.
 * No hairpinning: the inner address is itself private to the node.
 */
#include "afwrt-tun/nat.h"

#include <string.h>

#include "afwrt-tun/clock.h"
#include "afwrt-tun/dns.h"
#include "afwrt-tun/forward.h"
#include "afwrt-tun/nat_icmp.h"
#include "afwrt-tun/nat_port.h"
#include "afwrt-tun/nat_rewrite.h"
#include "afwrt-tun/nat_table.h"

#define SWEEP_SLOTS 2048 /* the whole table in half a minute */

const uint8_t *
nat_inner(const struct conn *c, uint8_t family)
{
	const struct afw_addr *a = family == 4 ? &c->inner4 : &c->inner6;

	return a->family == family ? a->b : NULL;
}

void
nat_key_lan(
    struct nat_key *k, const struct conn *c, const struct packet *p, bool out)
{
	const uint8_t *h = p->data + p->l4;

	memset(k, 0, sizeof(*k));
	k->route = c->r->id;
	k->family = p->family;
	k->proto = p->proto;
	memcpy(k->addr, out ? p->src : p->dst, p->alen);
	if (p->proto != PACKET_TCP && p->proto != PACKET_UDP) {
		k->port = get16(h + 4);
		return;
	}
	k->port = get16(out ? h : h + 2);
	if (p->proto == PACKET_TCP) {
		k->remote_port = get16(out ? h + 2 : h);
		memcpy(k->remote, out ? p->dst : p->src, p->alen);
	}
}

static void
tcp_sent(struct nat_entry *e, const struct packet *p)
{
	uint8_t f = packet_tcp_flags(p);

	if ((f & PACKET_SYN) != 0 && (f & PACKET_ACK) == 0) {
		if (e->flags & (NAT_F_FIN_LAN | NAT_F_FIN_NODE | NAT_F_RST))
			e->flags = 0; /* the pair of ports is used again */
	} else if ((e->flags & NAT_F_REPLY) != 0) {
		e->flags |= NAT_F_UP;
	}
	if ((f & PACKET_FIN) != 0)
		e->flags |= NAT_F_FIN_LAN;
	if ((f & PACKET_RST) != 0)
		e->flags |= NAT_F_RST;
}

static void
tcp_received(struct nat_entry *e, const struct packet *p)
{
	uint8_t f = packet_tcp_flags(p);

	if ((f & PACKET_SYN) != 0)
		e->flags |= NAT_F_REPLY;
	if ((f & PACKET_FIN) != 0)
		e->flags |= NAT_F_FIN_NODE;
	if ((f & PACKET_RST) != 0)
		e->flags |= NAT_F_RST;
}

static bool
asks_name(const struct packet *p)
{
	return p->proto == PACKET_UDP && get16(p->data + p->l4 + 2) == 53;
}

/* What may make an entry. */
static enum nat_result
begins(const struct packet *p)
{
	uint8_t f;

	if (p->proto == PACKET_UDP)
		return NAT_OK;
	if (p->proto != PACKET_TCP)
		return packet_icmp_kind(p) == PACKET_ICMP_REQUEST ? NAT_OK
								  : NAT_DROP;
	f = packet_tcp_flags(p);
	return (f & (PACKET_SYN | PACKET_ACK | PACKET_RST | PACKET_FIN)) ==
		PACKET_SYN
	    ? NAT_OK
	    : NAT_NO_STATE;
}

static bool
translatable(const struct packet *p)
{
	return p->proto == PACKET_TCP || p->proto == PACKET_UDP ||
	    p->proto == (p->family == 4 ? PACKET_ICMP : PACKET_ICMP6);
}

static bool
is_icmp(const struct packet *p)
{
	return p->proto == PACKET_ICMP || p->proto == PACKET_ICMP6;
}

/* Of a packet to the node; server: of a query, else NULL. */
static void
key_out(struct nat_key *k, const struct conn *c, const struct packet *p,
    const uint8_t *server)
{
	nat_key_lan(k, c, p, true);
	if (server != NULL && p->proto == PACKET_TCP)
		memcpy(k->remote, server, p->alen);
}

struct nat_entry *
nat_entry_out(const struct route *r, const struct packet *p)
{
	const struct conn *c = &r->conns[0];
	struct nat_entry *e = NULL;
	struct nat_key k;
	unsigned int i;

	if (!translatable(p))
		return NULL;
	if (is_icmp(p) && packet_icmp_kind(p) == PACKET_ICMP_ERROR)
		return nat_icmp_entry_out(r, p);
	if (!dns_asked(p) || p->proto != PACKET_TCP) {
		nat_key_lan(&k, c, p, true);
		return nat_table_find_lan(&k);
	}
	for (i = 0; i < r->n_conns && e == NULL; i++) {
		c = &r->conns[i];
		key_out(&k, c, p, dns_server(c, p->family));
		e = nat_table_find_lan(&k);
	}
	return e;
}

enum nat_result
nat_out(const struct conn *c, struct packet *p)
{
	const uint8_t *inner = nat_inner(c, p->family);
	enum nat_result result;
	const uint8_t *server = NULL;
	struct nat_entry *e;
	struct nat_key k;

	if (inner == NULL || !translatable(p))
		return NAT_DROP;
	if (is_icmp(p) && packet_icmp_kind(p) == PACKET_ICMP_ERROR)
		return nat_icmp_out(c, p);
	if (is_icmp(p) && packet_icmp_kind(p) != PACKET_ICMP_REQUEST)
		return NAT_DROP;
	if (dns_asked(p) && (server = dns_server(c, p->family)) == NULL)
		return NAT_DROP;
	key_out(&k, c, p, server);
	e = nat_table_find_lan(&k);
	if (e == NULL) {
		result = begins(p);
		if (result != NAT_OK)
			return result;
		e = nat_port_entry(&k, c, asks_name(p) ? NAT_F_SHORT : 0);
		if (e == NULL)
			return NAT_DROP;
	} else if (e->conn != c->index) {
		return NAT_DROP;
	}
	if (p->proto == PACKET_TCP)
		tcp_sent(e, p);
	else if ((e->flags & NAT_F_SHORT) != 0 && !asks_name(p))
		e->flags &= (uint8_t)~NAT_F_SHORT;
	nat_table_touch(e);
	if (server != NULL) {
		e->flags |= NAT_F_DNS;
		dns_out(c, p);
	}
	nat_rewrite(p, true, e->inner, e->port);
	return NAT_OK;
}

enum nat_result
nat_in(const struct conn *c, struct packet *p)
{
	const uint8_t *inner = nat_inner(c, p->family);
	struct nat_entry *e;
	struct nat_key k;

	if (inner == NULL || !translatable(p) ||
	    memcmp(p->dst, inner, p->alen) != 0)
		return NAT_DROP;
	if (is_icmp(p) && packet_icmp_kind(p) == PACKET_ICMP_ERROR)
		return nat_icmp_in(c, p);
	if (is_icmp(p) && packet_icmp_kind(p) != PACKET_ICMP_REPLY)
		return NAT_DROP;
	nat_key_lan(&k, c, p, false);
	k.conn = (uint16_t)c->index;
	e = nat_table_find_node(&k);
	if (e == NULL)
		return NAT_DROP;
	if (p->proto == PACKET_TCP) {
		tcp_received(e, p);
		nat_table_touch(e);
	}
	if ((e->flags & NAT_F_DNS) != 0)
		dns_in(c, p);
	nat_rewrite(p, false, e->lan.addr, e->lan.port);
	return NAT_OK;
}

void
nat_conn_up(const struct conn *c)
{
	static const uint8_t none[16];
	uint8_t n = (uint8_t)c->index;
	const uint8_t *a;

	clock_update();
	a = nat_inner(c, 4);
	nat_table_drop_other(c->r->id, n, 4, a == NULL ? none : a);
	a = nat_inner(c, 6);
	nat_table_drop_other(c->r->id, n, 6, a == NULL ? none : a);
}

void
nat_tick(void)
{
	nat_table_sweep(SWEEP_SLOTS);
}

int
nat_open(int memfd, bool fresh)
{
	clock_update();
	return nat_table_open(memfd, fresh);
}

uint32_t
nat_count(uint32_t route)
{
	return nat_table_count(route);
}

void
nat_route_drop(uint32_t route)
{
	nat_table_drop(route);
}
