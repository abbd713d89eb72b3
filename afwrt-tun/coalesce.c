/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/coalesce.h"

#include <string.h>

#include "afwrt-tun/checksum.h"
#include "afwrt-tun/device.h"

#define SLOTS 8 /* connections that are collected at one time */

/* The beginning of a run of segments: headers, then all their payload. */
struct slot {
	struct device *d;
	struct packet p; /* p.data is data */
	uint32_t hlen;   /* up to the payload */
	uint32_t size;   /* payload of a full segment */
	uint32_t seq;    /* of the next byte */
	uint32_t segments;
	uint8_t data[PACKET_MAX];
};

static struct slot slots[SLOTS];
static unsigned int n_used, next_victim;
static uint32_t lost;

static uint32_t
header_length(const struct packet *p)
{
	return p->l4 + (uint32_t)(p->data[p->l4 + 12] >> 4) * 4;
}

/* Plain data: worth to be collected. */
static bool
collectable(const struct packet *p)
{
	if (p->proto != PACKET_TCP || p->fragment || p->partial)
		return false;
	if (p->family == 4 ? p->l4 != 20 || !packet_dont_fragment(p)
			   : p->l4 != 40)
		return false;
	return (packet_tcp_flags(p) & ~PACKET_PSH) == PACKET_ACK &&
	    p->len > header_length(p);
}

static struct slot *
slot_find(const struct device *d, const struct packet *p)
{
	struct slot *s;

	for (s = slots; n_used != 0 && s < slots + SLOTS; s++)
		if (s->segments != 0 && s->d == d && s->p.family == p->family &&
		    memcmp(s->data + s->p.l4, p->data + p->l4, 4) == 0 &&
		    memcmp(s->p.src, p->src, (size_t)p->alen * 2) == 0)
			return s;
	return NULL;
}

/* Lengths and, as the kernel wants it, the pseudo header's sum. */
static void
slot_finish(struct slot *s, struct device_meta *m)
{
	uint8_t *h = s->data + s->p.l4;
	uint16_t sum;

	if (s->p.family == 4) {
		put16(s->data + 2, s->p.len);
		checksum_ip4(s->data);
	} else {
		put16(s->data + 4, s->p.len - 40);
	}
	sum = checksum_fold(checksum_pseudo(
	    s->p.src, s->p.dst, s->p.alen, PACKET_TCP, s->p.len - s->p.l4));
	memcpy(h + 16, &sum, 2);
	memset(m, 0, sizeof(*m));
	m->gso = (uint16_t)s->size;
	m->partial = true;
	m->family = s->p.family;
	m->header = (uint16_t)s->hlen;
	m->start = (uint16_t)s->p.l4;
	m->offset = 16;
}

static void
slot_flush(struct slot *s)
{
	struct device_meta m;
	bool many = s->segments > 1;

	if (many)
		slot_finish(s, &m);
	if (!device_write(s->d, s->data, s->p.len, many ? &m : NULL))
		lost += s->segments;
	s->segments = 0;
	n_used--;
}

/* The same but for length, id, checksums, sequence number and PSH. */
static bool
headers_alike(const struct slot *s, const struct packet *p)
{
	const uint8_t *a = s->data, *b = p->data;
	const uint8_t *x = a + s->p.l4, *y = b + p->l4;

	if (p->family == 4) {
		if (a[1] != b[1] || memcmp(a + 6, b + 6, 4) != 0)
			return false;
	} else if (memcmp(a, b, 4) != 0 || a[7] != b[7]) {
		return false;
	}
	return memcmp(x + 8, y + 8, 5) == 0 && memcmp(x + 14, y + 14, 2) == 0 &&
	    memcmp(x + 18, y + 18, s->hlen - s->p.l4 - 18) == 0;
}

static bool
slot_takes(const struct slot *s, const struct packet *p)
{
	uint32_t n = p->len - s->hlen;

	return header_length(p) == s->hlen && n <= s->size &&
	    s->p.len + n <= PACKET_MAX &&
	    get32(p->data + p->l4 + 4) == s->seq && headers_alike(s, p) &&
	    packet_checksum_ok(p);
}

static void
slot_append(struct slot *s, const struct packet *p)
{
	uint32_t n = p->len - s->hlen;
	bool push = (packet_tcp_flags(p) & PACKET_PSH) != 0;

	memcpy(s->data + s->p.len, p->data + s->hlen, n);
	s->p.len += n;
	s->seq += n;
	s->segments++;
	if (push)
		s->data[s->p.l4 + 13] |= PACKET_PSH;
	if (push || n < s->size)
		slot_flush(s);
}

static struct slot *
slot_free(void)
{
	struct slot *s;

	for (s = slots; s < slots + SLOTS; s++)
		if (s->segments == 0)
			return s;
	s = &slots[next_victim++ % SLOTS];
	slot_flush(s);
	return s;
}

static void
slot_start(struct device *d, const struct packet *p)
{
	struct slot *s = slot_free();

	s->d = d;
	s->p = *p;
	s->p.data = s->data;
	s->p.src = s->data + (p->src - p->data);
	s->p.dst = s->data + (p->dst - p->data);
	memcpy(s->data, p->data, p->len);
	s->hlen = header_length(p);
	s->size = p->len - s->hlen;
	s->seq = get32(p->data + p->l4 + 4) + s->size;
	s->segments = 1;
	n_used++;
}

bool
coalesce_add(struct device *d, const struct packet *p)
{
	struct slot *s;

	if (p->proto != PACKET_TCP || p->frag_off != 0 || !device_takes_gso(d))
		return device_write(d, p->data, p->len, NULL);
	s = slot_find(d, p);
	if (s != NULL) {
		if (collectable(p) && slot_takes(s, p)) {
			slot_append(s, p);
			return true;
		}
		slot_flush(s);
	}
	if (!collectable(p) || (packet_tcp_flags(p) & PACKET_PSH) != 0 ||
	    !packet_checksum_ok(p))
		return device_write(d, p->data, p->len, NULL);
	slot_start(d, p);
	return true;
}

uint32_t
coalesce_flush(void)
{
	struct slot *s;
	uint32_t n;

	for (s = slots; n_used != 0 && s < slots + SLOTS; s++)
		if (s->segments != 0)
			slot_flush(s);
	n = lost;
	lost = 0;
	return n;
}
