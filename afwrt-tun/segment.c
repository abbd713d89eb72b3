/* SPDX-License-Identifier: ISC */
/*
 * Pieces are made in place: each gets its header right before its payload,
 * over bytes that are gone already.
 */
#include "afwrt-tun/segment.h"

#include <string.h>

#include "afwrt-tun/checksum.h"
#include "afwrt-tun/hash.h"

#define HEADER_MAX 256

struct run {
	uint8_t header[HEADER_MAX];
	uint32_t hlen; /* up to the payload */
	uint32_t seq;
	uint16_t id;
	uint8_t flags;
};

static bool
run_init(struct run *s, const struct packet *p)
{
	const uint8_t *h = p->data + p->l4;

	if (p->proto != PACKET_TCP || p->fragment)
		return false;
	s->hlen = p->l4 + (uint32_t)(h[12] >> 4) * 4;
	if (s->hlen > HEADER_MAX || s->hlen > p->len)
		return false;
	memcpy(s->header, p->data, s->hlen);
	s->seq = get32(h + 4);
	s->id = get16(p->data + 4);
	s->flags = h[13];
	return true;
}

/* The header of piece i with n bytes of payload at pos. */
static void
run_header(struct run *s, struct packet *p, uint32_t i, uint32_t pos, bool last)
{
	uint8_t *h = p->data + p->l4;
	uint8_t flags = s->flags;

	memcpy(p->data, s->header, s->hlen);
	if (p->family == 4) {
		put16(p->data + 2, p->len);
		put16(p->data + 4, s->id + i);
		checksum_ip4(p->data);
	} else {
		put16(p->data + 4, p->len - 40);
	}
	put32(h + 4, s->seq + pos);
	if (!last)
		flags &= (uint8_t) ~(PACKET_FIN | PACKET_PSH);
	if (i != 0)
		flags &= (uint8_t)~PACKET_CWR;
	h[13] = flags;
	packet_checksum(p);
}

bool
segment_tcp(struct conn *c, struct packet *p, uint32_t mtu, segment_emit emit)
{
	uint32_t i, pos, n, total, size = p->gso;
	struct packet piece = *p;
	struct run s;

	if (!run_init(&s, p) || mtu <= s.hlen)
		return false;
	if (size > mtu - s.hlen)
		size = mtu - s.hlen;
	total = p->len - s.hlen;
	for (i = 0, pos = 0; i == 0 || pos < total; i++, pos += n) {
		n = total - pos < size ? total - pos : size;
		piece.data = p->data + pos;
		piece.src = piece.data + (p->src - p->data);
		piece.dst = piece.data + (p->dst - p->data);
		piece.len = s.hlen + n;
		run_header(&s, &piece, i, pos, pos + n == total);
		emit(c, piece.data, piece.len);
	}
	return true;
}

/* Options that only the first fragment has become no-operation (RFC 791:
 * the copied bit). */
static void
options_copied(uint8_t *ip, uint32_t hlen)
{
	uint32_t i = 20, n;

	while (i < hlen && ip[i] != 0) {
		n = ip[i] == 1 ? 1 : ip[i + 1];
		if ((ip[i] & 0x80) == 0)
			memset(ip + i, 1, n);
		i += n;
	}
}

bool
segment_ip4(struct conn *c, struct packet *p, uint32_t mtu, segment_emit emit)
{
	uint32_t hlen = p->l4, pos, n, total = p->len - hlen, size;
	uint8_t header[60], *d;
	uint32_t id;
	bool more;

	if (p->family != 4 || mtu < hlen + 8)
		return false;
	/* a whole one gets an id here: two devices may have used the same */
	id = p->fragment ? get16(p->data + 4) : hash_random() & 0xffff;
	size = (mtu - hlen) & ~7u;
	memcpy(header, p->data, hlen);
	for (pos = 0; pos < total; pos += n) {
		n = total - pos < size ? total - pos : size;
		more = pos + n < total || p->more;
		d = p->data + pos;
		memcpy(d, header, hlen);
		put16(d + 2, hlen + n);
		put16(d + 4, id);
		put16(d + 6, (p->frag_off + pos) / 8 | (more ? 0x2000u : 0));
		checksum_ip4(d);
		if (pos == 0)
			options_copied(header, hlen);
		emit(c, d, hlen + n);
	}
	return true;
}
