/* SPDX-License-Identifier: ISC */
/*
 * The answers that we make ourselves. Their source is the destination that
 * the device asked for, in both families: the kernel takes a packet from the
 * TUN that claims one of the router's own addresses for a martian, and a
 * device believes an error by what it quotes, not by who sends it.
 */
#include "afwrt-tun/icmp.h"

#include <string.h>

#include "afwrt-tun/checksum.h"

#define QUOTE4_MAX 576  /* RFC 1812, 4.3.2.3 */
#define QUOTE6_MAX 1280 /* RFC 4443, 2.4 (c) */
#define HOPS       64

/* type and code, by family and reason */
static const uint8_t types[2][ICMP_KINDS][2] = {
    {{3, 4}, {3, 0}, {3, 13}},
    {{2, 0}, {1, 0}, {1, 1}},
};

static void
header4(uint8_t *b, const struct packet *p, uint8_t proto, uint32_t len)
{
	memset(b, 0, 20);
	b[0] = 0x45;
	put16(b + 2, len);
	b[6] = 0x40;
	b[8] = HOPS;
	b[9] = proto;
	memcpy(b + 12, p->dst, 4);
	memcpy(b + 16, p->src, 4);
	checksum_ip4(b);
}

static void
header6(uint8_t *b, const struct packet *p, uint8_t proto, uint32_t len)
{
	memset(b, 0, 8);
	b[0] = 0x60;
	put16(b + 4, len - 40);
	b[6] = proto;
	b[7] = HOPS;
	memcpy(b + 8, p->dst, 16);
	memcpy(b + 24, p->src, 16);
}

static void
finish(uint8_t *b, const struct packet *p, uint8_t proto, uint32_t hlen,
    uint32_t at, uint32_t len)
{
	uint64_t sum = 0;

	if (proto != PACKET_ICMP)
		sum =
		    checksum_pseudo(p->dst, p->src, p->alen, proto, len - hlen);
	checksum_put(b + hlen + at, checksum_add(sum, b + hlen, len - hlen));
	if (p->family == 4)
		header4(b, p, proto, len);
	else
		header6(b, p, proto, len);
}

/* RFC 1122 3.2.2, RFC 4443 2.4 (e): not about errors, not about the rest of
 * a datagram. (Other sources and destinations never come this far.) */
static bool
answerable(const struct packet *p)
{
	if (p->frag_off != 0)
		return false;
	if (p->proto != PACKET_ICMP && p->proto != PACKET_ICMP6)
		return true;
	return packet_icmp_kind(p) == PACKET_ICMP_REQUEST ||
	    packet_icmp_kind(p) == PACKET_ICMP_REPLY;
}

size_t
icmp_build(uint8_t buf[ICMP_MAX], const struct packet *p, enum icmp_error why,
    uint32_t mtu)
{
	uint32_t hlen = p->family == 4 ? 20 : 40;
	uint32_t max = p->family == 4 ? QUOTE4_MAX : QUOTE6_MAX;
	uint32_t quote = p->len < max - hlen - 8 ? p->len : max - hlen - 8;

	if (!answerable(p))
		return 0;
	memset(buf, 0, hlen + 8);
	memcpy(buf + hlen, types[p->family == 6][why], 2);
	if (why == ICMP_TOO_BIG && p->family == 4)
		put16(buf + hlen + 6, mtu);
	else if (why == ICMP_TOO_BIG)
		put32(buf + hlen + 4, mtu);
	memcpy(buf + hlen + 8, p->data, quote);
	finish(buf, p, p->family == 4 ? PACKET_ICMP : PACKET_ICMP6, hlen, 2,
	    hlen + 8 + quote);
	return hlen + 8 + quote;
}

size_t
icmp_build_reset(uint8_t buf[ICMP_MAX], const struct packet *p)
{
	uint32_t hlen = p->family == 4 ? 20 : 40, n;
	const uint8_t *h = p->data + p->l4;
	uint8_t flags, *t = buf + hlen;

	if (p->proto != PACKET_TCP || p->frag_off != 0)
		return 0;
	flags = packet_tcp_flags(p);
	if ((flags & PACKET_RST) != 0)
		return 0;
	memset(t, 0, 20);
	memcpy(t, h + 2, 2);
	memcpy(t + 2, h, 2);
	t[12] = 5 << 4;
	t[13] = PACKET_RST;
	if ((flags & PACKET_ACK) != 0) {
		memcpy(t + 4, h + 8, 4);
	} else {
		n = p->len - p->l4 - (uint32_t)(h[12] >> 4) * 4;
		n += (flags & PACKET_SYN) != 0;
		n += (flags & PACKET_FIN) != 0;
		put32(t + 8, get32(h + 4) + n);
		t[13] |= PACKET_ACK;
	}
	finish(buf, p, PACKET_TCP, hlen, 16, hlen + 20);
	return hlen + 20;
}
