/* SPDX-License-Identifier: ISC */
/*
 * The strict look at a packet, before anything else touches it. What passes
 * has a header whose lengths agree with each other and with the buffer; what
 * we could not translate with certainty does not pass.
 */
#include "afwrt-tun/packet.h"

#include <string.h>

#include "afwrt-tun/checksum.h"

#define EXT_MAX 8 /* extension headers in one packet */

enum { EXT_HOP = 0, EXT_ROUTING = 43, EXT_FRAGMENT = 44, EXT_DEST = 60 };

/* Smallest upper header we want to see whole. */
static uint32_t
header_min(uint8_t proto)
{
	switch (proto) {
	case PACKET_TCP:
		return 20;
	case PACKET_UDP:
	case PACKET_ICMP:
	case PACKET_ICMP6:
		return 8;
	default:
		return 0;
	}
}

/* Loose and strict source route lead elsewhere than the address says. */
static bool
options4_ok(const uint8_t *ip, uint32_t hlen)
{
	uint32_t i = 20;

	while (i < hlen && ip[i] != 0) {
		if (ip[i] == 1) {
			i++;
			continue;
		}
		if (ip[i] == 131 || ip[i] == 137 || i + 1 >= hlen ||
		    ip[i + 1] < 2 || ip[i + 1] > hlen - i)
			return false;
		i += ip[i + 1];
	}
	return true;
}

static bool
parse4(struct packet *p, uint8_t *d, size_t len, bool quoted)
{
	uint32_t hlen, total, frag;

	if (len < 20)
		return false;
	hlen = (uint32_t)(d[0] & 15) * 4;
	total = get16(d + 2);
	if (hlen < 20 || hlen > len || total < hlen)
		return false;
	if (!quoted && total > len)
		return false;
	if (!options4_ok(d, hlen))
		return false;
	if (!quoted && checksum_fold(checksum_add(0, d, hlen)) != 0xffff)
		return false;
	frag = get16(d + 6);
	p->len = total < len ? total : (uint32_t)len;
	p->family = 4;
	p->alen = 4;
	p->src = d + 12;
	p->dst = d + 16;
	p->proto = d[9];
	p->l4 = hlen;
	p->more = (frag & 0x2000) != 0;
	p->frag_off = (frag & 0x1fff) * 8;
	p->fragment = p->more || p->frag_off != 0;
	p->frag_id = get16(d + 4);
	return true;
}

static void
fragment6(struct packet *p, const uint8_t *h, uint32_t at)
{
	uint32_t off = get16(h + 2);

	p->frag_at = at;
	p->frag_off = off & 0xfff8;
	p->more = (off & 1) != 0;
	/* alone in its datagram it is no fragment (RFC 6946) */
	p->fragment = p->more || p->frag_off != 0;
	p->frag_id = get32(h + 4);
}

/* Walks the extension headers; l4 and proto are where they end. */
static bool
extensions6(struct packet *p)
{
	uint32_t at = 40, n;
	int i;

	p->proto = p->data[6];
	for (i = 0; i < EXT_MAX; i++) {
		const uint8_t *h = p->data + at;

		p->l4 = at;
		if (p->proto != EXT_HOP && p->proto != EXT_ROUTING &&
		    p->proto != EXT_FRAGMENT && p->proto != EXT_DEST)
			return true;
		if (p->proto == EXT_HOP && at != 40)
			return false;
		if (at + 8 > p->len)
			return false;
		n = p->proto == EXT_FRAGMENT ? 8 : ((uint32_t)h[1] + 1) * 8;
		if (at + n > p->len)
			return false;
		/* the checksum is made with an address that we do not know */
		if (p->proto == EXT_ROUTING && h[3] != 0)
			return false;
		if (p->proto == EXT_FRAGMENT) {
			if (p->frag_at != 0)
				return false;
			fragment6(p, h, at);
		}
		p->proto = h[0];
		at += n;
		p->l4 = at;
		if (p->frag_off != 0)
			return true;
	}
	return false;
}

static bool
parse6(struct packet *p, uint8_t *d, size_t len, bool quoted)
{
	uint32_t total;

	if (len < 40)
		return false;
	total = 40 + (uint32_t)get16(d + 4);
	if (!quoted && (total > len || total > PACKET_MAX))
		return false;
	p->len = total < len ? total : (uint32_t)len;
	p->family = 6;
	p->alen = 16;
	p->src = d + 8;
	p->dst = d + 24;
	return extensions6(p);
}

/* A fragment says how it lies in a datagram that is possible. */
static bool
fragment_ok(const struct packet *p)
{
	uint32_t payload = p->len - p->l4;

	if (!p->fragment)
		return true;
	if (p->more && (payload == 0 || payload % 8 != 0))
		return false;
	if (p->frag_off + payload > PACKET_MAX)
		return false;
	/* RFC 1858: a later fragment never overwrites the upper header */
	return p->frag_off == 0 || p->frag_off >= header_min(p->proto);
}

static bool
upper_ok(const struct packet *p)
{
	const uint8_t *h = p->data + p->l4;
	uint32_t n = p->len - p->l4, hlen;

	if (p->frag_off != 0)
		return true;
	if (n < header_min(p->proto))
		return false;
	if (p->proto == PACKET_TCP) {
		hlen = (uint32_t)(h[12] >> 4) * 4;
		return hlen >= 20 && hlen <= n && get16(h) != 0 &&
		    get16(h + 2) != 0;
	}
	if (p->proto == PACKET_UDP) /* port 0 cannot be translated back */
		return get16(h) != 0 && get16(h + 2) != 0 &&
		    get16(h + 4) >= 8 && (p->fragment || get16(h + 4) <= n);
	return true;
}

static bool
parse(struct packet *p, uint8_t *data, size_t len, bool quoted)
{
	bool ok;

	memset(p, 0, sizeof(*p));
	p->data = data;
	if (len < 20)
		return false;
	if (data[0] >> 4 == 4)
		ok = parse4(p, data, len, quoted);
	else if (data[0] >> 4 == 6)
		ok = parse6(p, data, len, quoted);
	else
		ok = false;
	/* one family's ICMP does not travel in the other */
	return ok && p->proto != (p->family == 4 ? PACKET_ICMP6 : PACKET_ICMP);
}

bool
packet_parse(struct packet *p, uint8_t *data, size_t len)
{
	return parse(p, data, len, false) && fragment_ok(p) && upper_ok(p);
}

bool
packet_parse_quoted(struct packet *p, uint8_t *data, size_t len)
{
	return parse(p, data, len, true) && p->frag_off == 0 &&
	    p->len - p->l4 >= 8;
}

bool
packet_has_header(const struct packet *p)
{
	return p->frag_off == 0;
}

enum packet_icmp
packet_icmp_kind(const struct packet *p)
{
	uint8_t type = p->data[p->l4];

	if (p->proto == PACKET_ICMP) {
		if (type == 8 || type == 0)
			return type == 8 ? PACKET_ICMP_REQUEST
					 : PACKET_ICMP_REPLY;
		if (type == 3 || type == 4 || type == 11 || type == 12)
			return PACKET_ICMP_ERROR;
	} else if (p->proto == PACKET_ICMP6) {
		if (type == 128 || type == 129)
			return type == 128 ? PACKET_ICMP_REQUEST
					   : PACKET_ICMP_REPLY;
		if (type >= 1 && type <= 4)
			return PACKET_ICMP_ERROR;
	}
	return PACKET_ICMP_OTHER;
}

uint8_t
packet_tcp_flags(const struct packet *p)
{
	return p->data[p->l4 + 13];
}

bool
packet_dont_fragment(const struct packet *p)
{
	return p->family == 6 || (p->data[6] & 0x40) != 0;
}

static bool
addr4_carried(const uint8_t *a)
{
	if (a[0] == 0 || a[0] == 127 || a[0] >= 224)
		return false;
	return a[0] != 169 || a[1] != 254; /* link-local, RFC 3927 */
}

static bool
addr6_carried(const uint8_t *a)
{
	static const uint8_t zero[12];

	if (a[0] == 0xff || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80))
		return false;
	/* ::/96 with "any" and loopback, and ::ffff:0:0/96 */
	if (memcmp(a, zero, 10) != 0)
		return true;
	return memcmp(a + 10, zero, 2) != 0 && (a[10] != 255 || a[11] != 255);
}

bool
packet_addr_carried(uint8_t family, const uint8_t *a)
{
	return family == 4 ? addr4_carried(a) : addr6_carried(a);
}

/* What its checksum covers: behind a UDP datagram there may be more. */
static uint32_t
upper_len(const struct packet *p)
{
	if (p->proto == PACKET_UDP)
		return get16(p->data + p->l4 + 4);
	return p->len - p->l4;
}

static uint64_t
sum_all(const struct packet *p)
{
	uint32_t n = upper_len(p);
	uint64_t sum = 0;

	if (p->proto != PACKET_ICMP)
		sum = checksum_pseudo(p->src, p->dst, p->alen, p->proto, n);
	return checksum_add(sum, p->data + p->l4, n);
}

/* Offset of the checksum in the upper header, 0 if there is none. */
static uint32_t
checksum_at(uint8_t proto)
{
	switch (proto) {
	case PACKET_TCP:
		return 16;
	case PACKET_UDP:
		return 6;
	case PACKET_ICMP:
	case PACKET_ICMP6:
		return 2;
	default:
		return 0;
	}
}

void
packet_checksum(struct packet *p)
{
	uint32_t at = checksum_at(p->proto);
	uint8_t *h = p->data + p->l4;

	if (at == 0)
		return;
	h[at] = h[at + 1] = 0;
	checksum_put(h + at, sum_all(p));
	if (p->proto == PACKET_UDP && h[at] == 0 && h[at + 1] == 0)
		h[at] = h[at + 1] = 0xff;
	p->partial = false;
}

bool
packet_checksum_ok(const struct packet *p)
{
	const uint8_t *h = p->data + p->l4;

	if (p->proto == PACKET_UDP && p->family == 4 && h[6] == 0 && h[7] == 0)
		return true;
	return checksum_fold(sum_all(p)) == 0xffff;
}
