/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/nat_icmp.h"

#include <string.h>

#include "afwrt-tun/checksum.h"
#include "afwrt-tun/dns.h"
#include "afwrt-tun/nat_rewrite.h"

/* The packet an error quotes. Its checksum must hold, as we make it anew
 * (RFC 5508 REQ-3). */
static bool
quoted(struct packet *q, const struct packet *p)
{
	if (p->fragment || !packet_checksum_ok(p) || p->len < p->l4 + 8)
		return false;
	if (!packet_parse_quoted(q, p->data + p->l4 + 8, p->len - p->l4 - 8))
		return false;
	if (q->family != p->family)
		return false;
	if (q->proto == PACKET_TCP || q->proto == PACKET_UDP)
		return true;
	/* no error is made about an error, none of ours about an answer */
	return (q->proto == PACKET_ICMP || q->proto == PACKET_ICMP6) &&
	    (packet_icmp_kind(q) == PACKET_ICMP_REQUEST ||
		packet_icmp_kind(q) == PACKET_ICMP_REPLY);
}

struct nat_entry *
nat_icmp_entry_out(const struct route *r, const struct packet *p)
{
	struct nat_key k;
	struct packet q;

	if (p->partial || !quoted(&q, p))
		return NULL;
	nat_key_lan(&k, &r->conns[0], &q, false);
	return nat_table_find_lan(&k);
}

enum nat_result
nat_icmp_out(const struct conn *c, struct packet *p)
{
	struct nat_entry *e;
	struct nat_key k;
	struct packet q;

	if (p->partial || !quoted(&q, p))
		return NAT_DROP;
	dns_error_out(c, p, &q);
	/* it quotes what the device received: it was its destination */
	nat_key_lan(&k, c, &q, false);
	e = nat_table_find_lan(&k);
	if (e == NULL || e->conn != c->index)
		return NAT_DROP;
	nat_rewrite(&q, false, e->inner, e->port);
	nat_rewrite_address(p, true, e->inner);
	packet_checksum(p);
	return NAT_OK;
}

enum nat_result
nat_icmp_in(const struct conn *c, struct packet *p)
{
	struct nat_entry *e;
	struct nat_key k;
	struct packet q;

	if (!quoted(&q, p))
		return NAT_DROP;
	/* it quotes what we sent for the device: it was its source */
	nat_key_lan(&k, c, &q, true);
	k.conn = (uint16_t)c->index;
	e = nat_table_find_node(&k);
	if (e == NULL)
		return NAT_DROP;
	if ((e->flags & NAT_F_DNS) != 0)
		dns_error_in(c, p, &q);
	nat_rewrite(&q, true, e->lan.addr, e->lan.port);
	nat_rewrite_address(p, false, e->lan.addr);
	packet_checksum(p);
	return NAT_OK;
}
