/* SPDX-License-Identifier: ISC */
/* Packets made and checked the plain way, for the tests of the packet path. */
#include "path_lab.h"

#include <arpa/inet.h>
#include <string.h>

struct afw_addr
lab_addr(const char *text)
{
	struct afw_addr a = {0};

	/* as it is written: afw_addr_parse would make IPv4 of ::ffff:1.2.3.4 */
	a.family = strchr(text, ':') != NULL ? 6 : 4;
	ck_assert_msg(inet_pton(a.family == 6 ? AF_INET6 : AF_INET, text,
			  a.b) == 1, "address %s", text);
	return a;
}

/* RFC 1071 as it stands there: byte pairs, big-endian. */
static uint32_t
plain_sum(uint32_t sum, const uint8_t *b, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)b[i] << 8 : b[i];
	return sum;
}

static uint16_t
plain_fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t
upper_sum(const uint8_t *b, uint8_t proto, const uint8_t *upper, size_t n)
{
	uint32_t sum = 0;

	if (proto != PACKET_ICMP) {
		sum = b[0] >> 4 == 4 ? plain_sum(0, b + 12, 8)
				     : plain_sum(0, b + 8, 32);
		sum += proto + (uint32_t)n;
	}
	return plain_fold(plain_sum(sum, upper, n));
}

static size_t
sum_offset(uint8_t proto)
{
	return proto == PACKET_TCP ? 16 : proto == PACKET_UDP ? 6 : 2;
}

static void
put(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static size_t
make_upper(uint8_t *u, const struct lab_spec *s)
{
	size_t i, n = s->proto == PACKET_TCP ? 20 + s->n_options : 8;

	memset(u, 0, n);
	put(u, s->sport);
	put(u + 2, s->dport);
	if (s->proto == PACKET_TCP) {
		put(u + 4, s->seq >> 16);
		put(u + 6, s->seq);
		put(u + 8, s->ack >> 16);
		put(u + 10, s->ack);
		u[12] = (uint8_t)(n / 4 << 4);
		u[13] = s->flags;
		put(u + 14, 4096);
		if (s->n_options != 0)
			memcpy(u + 20, s->options, s->n_options);
	} else if (s->proto == PACKET_UDP) {
		put(u + 4, (uint32_t)(8 + s->payload));
	} else {
		u[0] = s->type;
		u[1] = s->code;
		u[2] = u[3] = 0;
		put(u + 4, s->sport);
		put(u + 6, s->dport);
	}
	for (i = 0; i < s->payload; i++)
		u[n + i] = (uint8_t)(i * 7 + s->seq);
	return n + s->payload;
}

static size_t
make_header(uint8_t *b, const struct lab_spec *s)
{
	struct afw_addr src = lab_addr(s->src), dst = lab_addr(s->dst);
	bool frag = s->frag_len != 0;

	memset(b, 0, 48);
	if (src.family == 4) {
		b[0] = 0x45;
		put(b + 4, s->id);
		b[6] = s->df ? 0x40 : 0;
		b[8] = 63;
		b[9] = s->proto;
		memcpy(b + 12, src.b, 4);
		memcpy(b + 16, dst.b, 4);
		return 20;
	}
	b[0] = 0x60;
	b[6] = frag ? 44 : s->proto;
	b[7] = 63;
	memcpy(b + 8, src.b, 16);
	memcpy(b + 24, dst.b, 16);
	if (!frag)
		return 40;
	b[40] = s->proto;
	put(b + 46, s->id);
	return 48;
}

static void
set_lengths(struct lab_packet *p)
{
	if (p->b[0] >> 4 == 4) {
		put(p->b + 2, (uint32_t)p->len);
		put(p->b + 10, 0);
		put(p->b + 10, (uint16_t)~plain_fold(plain_sum(0, p->b, 20)));
	} else {
		put(p->b + 4, (uint32_t)(p->len - 40));
	}
}

void
lab_make(struct lab_packet *p, const struct lab_spec *s)
{
	static uint8_t u[LAB_MAX];
	size_t h = make_header(p->b, s), n = make_upper(u, s);
	size_t at = sum_offset(s->proto), cut = n;
	uint16_t c;
	bool more;

	if (!s->no_udp_checksum) {
		c = (uint16_t)~upper_sum(p->b, s->proto, u, n);
		put(u + at, c == 0 && s->proto == PACKET_UDP ? 0xffff : c);
	}
	if (s->frag_len != 0) {
		cut = n - s->frag_off < s->frag_len ? n - s->frag_off
						    : s->frag_len;
		more = s->frag_off + cut < n;
		if (h == 20)
			put(p->b + 6,
			    (uint32_t)(s->frag_off / 8 | (more ? 0x2000 : 0)));
		else
			put(p->b + 42, (uint32_t)(s->frag_off | more));
	}
	memcpy(p->b + h, u + s->frag_off, cut);
	p->len = h + cut;
	set_lengths(p);
}

void
lab_make_error(struct lab_packet *p, const char *src, const char *dst,
    uint8_t type, uint8_t code, const struct lab_packet *q, size_t n)
{
	struct lab_spec s = {
	    .src = src, .dst = dst, .type = type, .code = code};
	bool four = strchr(src, ':') == NULL;
	size_t h;

	s.proto = four ? PACKET_ICMP : PACKET_ICMP6;
	h = make_header(p->b, &s);
	memset(p->b + h, 0, 8);
	p->b[h] = type;
	p->b[h + 1] = code;
	if (n > q->len)
		n = q->len;
	memcpy(p->b + h + 8, q->b, n);
	p->len = h + 8 + n;
	set_lengths(p);
	put(p->b + h + 2, (uint16_t)~upper_sum(p->b, s.proto, p->b + h, 8 + n));
}

size_t
lab_upper(const uint8_t *b)
{
	return b[0] >> 4 == 4 ? (size_t)(b[0] & 15) * 4 : 40;
}

bool
lab_checksums_ok(const uint8_t *b, size_t len)
{
	size_t h = lab_upper(b);
	uint8_t proto = h == 40 ? b[6] : b[9];

	if (h != 40 && plain_fold(plain_sum(0, b, h)) != 0xffff)
		return false;
	if (h != 40 && ((b[6] & 0x3f) != 0 || b[7] != 0))
		return true; /* a fragment: the sum is the datagram's */
	if (proto == 44)
		return true;
	if (proto == PACKET_UDP && h != 40 && b[h + 6] == 0 && b[h + 7] == 0)
		return true;
	return upper_sum(b, proto, b + h, len - h) == 0xffff;
}

bool
lab_addr_is(const uint8_t *b, int i, const char *text)
{
	struct afw_addr a = lab_addr(text);

	if (b[0] >> 4 != a.family)
		return false;
	if (a.family == 4)
		return memcmp(b + 12 + 4 * i, a.b, 4) == 0;
	return memcmp(b + 8 + 16 * i, a.b, 16) == 0;
}
