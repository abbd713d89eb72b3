/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/nat_rewrite.h"

#include <string.h>

#include "afwrt-tun/checksum.h"

void
nat_rewrite_address(struct packet *p, bool source, const uint8_t *addr)
{
	uint8_t *at = source ? p->src : p->dst;

	if (p->family == 4)
		checksum_change(p->data + 10, at, addr, 4);
	memcpy(at, addr, p->alen);
}

static void
upper_change(struct packet *p, const void *was, const void *is, size_t n)
{
	uint8_t *h = p->data + p->l4;
	uint32_t room = p->len - p->l4;

	if (p->proto == PACKET_UDP && room >= 8)
		checksum_change_udp(h + 6, was, is, n);
	else if (p->proto == PACKET_TCP && room >= 18)
		checksum_change(h + 16, was, is, n);
	else if ((p->proto == PACKET_ICMP || p->proto == PACKET_ICMP6) &&
	    room >= 4)
		checksum_change(h + 2, was, is, n);
}

void
nat_rewrite(struct packet *p, bool source, const uint8_t *addr, uint16_t port)
{
	uint8_t *at = source ? p->src : p->dst;
	uint8_t *field = p->data + p->l4, new[2];

	if (p->proto == PACKET_ICMP || p->proto == PACKET_ICMP6)
		field += 4;
	else if (!source)
		field += 2;
	put16(new, port);
	if (!p->partial) { /* else it is computed when it is completed */
		if (p->proto != PACKET_ICMP)
			upper_change(p, at, addr, p->alen);
		upper_change(p, field, new, 2);
	}
	memcpy(field, new, 2);
	nat_rewrite_address(p, source, addr);
}
