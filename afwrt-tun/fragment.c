/* SPDX-License-Identifier: ISC */
/*
 * Fragments are rare, so the records are a plain array that is searched.
 * Towards the node a datagram gets an id of ours: behind one inner address
 * two devices may use the same one.
 */
#include "afwrt-tun/fragment.h"

#include <stdlib.h>
#include <string.h>

#include "afwrt-tun/checksum.h"
#include "afwrt-tun/clock.h"
#include "afwrt-tun/hash.h"
#include "afwrt-tun/nat_rewrite.h"

#define LIFE_KNOWN   30 /* s; RFC 8200 has 60, RFC 791 15 to reassemble */
#define LIFE_WAITING 3  /* s for the first fragment to come */

struct held_fragment {
	struct held_fragment *next;
	uint32_t len;
	uint8_t data[];
};

struct record {
	struct fragment_key key;
	bool used;
	bool known; /* addr, other, id and conn are */
	unsigned int conn;
	uint8_t addr[16]; /* of ours and of the other end, translated */
	uint8_t other[16];
	uint32_t id;
	uint32_t since;
	struct held_fragment *held, **last;
	uint32_t n_held;
};

static struct record records[FRAGMENT_RECORDS];
static uint32_t n_records, held_bytes;

void
fragment_key(struct fragment_key *k, const struct conn *c, bool out,
    const struct packet *p)
{
	memset(k, 0, sizeof(*k));
	k->route = c->r->id;
	k->conn = out ? 0 : (uint8_t)c->index;
	k->id = p->frag_id;
	k->out = out;
	k->family = p->family;
	k->proto = p->family == 4 ? p->proto : 0; /* RFC 8200: no part of it */
	memcpy(k->src, p->src, p->alen);
	memcpy(k->dst, p->dst, p->alen);
}

static void
record_free(struct record *f)
{
	struct held_fragment *h, *next;

	for (h = f->held; h != NULL; h = next) {
		next = h->next;
		held_bytes -= h->len;
		free(h);
	}
	f->used = false;
	f->held = NULL;
	n_records--;
}

static struct record *
record_find(const struct fragment_key *k)
{
	uint32_t i;

	for (i = 0; i < FRAGMENT_RECORDS; i++)
		if (records[i].used && records[i].key.id == k->id &&
		    memcmp(&records[i].key, k, sizeof(*k)) == 0)
			return &records[i];
	return NULL;
}

/* A free one; else the oldest of this source if it has its share, else the
 * oldest of all. */
static struct record *
record_room(const struct fragment_key *k)
{
	struct record *oldest = NULL, *own = NULL, *f;
	uint32_t i, n = 0;

	for (i = 0; i < FRAGMENT_RECORDS; i++) {
		f = &records[i];
		if (!f->used)
			continue;
		if (oldest == NULL || f->since < oldest->since)
			oldest = f;
		if (f->key.out != k->out || memcmp(f->key.src, k->src, 16) != 0)
			continue;
		n++;
		if (own == NULL || f->since < own->since)
			own = f;
	}
	if (n >= FRAGMENT_SHARE)
		record_free(own);
	else if (n_records >= FRAGMENT_RECORDS)
		record_free(oldest);
	for (i = 0; records[i].used; i++)
		continue;
	return &records[i];
}

static struct record *
record_get(const struct fragment_key *k)
{
	struct record *f = record_find(k);

	if (f != NULL)
		return f;
	f = record_room(k);
	memset(f, 0, sizeof(*f));
	f->key = *k;
	f->used = true;
	f->since = clock_now;
	f->last = &f->held;
	n_records++;
	return f;
}

static bool
record_hold(struct record *f, const struct packet *p)
{
	struct held_fragment *h;

	if (f->n_held >= FRAGMENT_HELD || held_bytes + p->len > FRAGMENT_BYTES)
		return false;
	h = malloc(sizeof(*h) + p->len);
	if (h == NULL)
		return false;
	h->next = NULL;
	h->len = p->len;
	memcpy(h->data, p->data, p->len);
	*f->last = h;
	f->last = &h->next;
	f->n_held++;
	held_bytes += p->len;
	return true;
}

static void
id_put(const struct record *f, struct packet *p)
{
	uint8_t was[2];

	if (!f->key.out)
		return;
	if (p->family == 6) {
		put32(p->data + p->frag_at + 4, f->id);
		return;
	}
	memcpy(was, p->data + 4, 2);
	put16(p->data + 4, f->id);
	checksum_change(p->data + 10, was, p->data + 4, 2);
}

static void
apply(const struct record *f, struct packet *p)
{
	nat_rewrite_address(p, f->key.out != 0, f->addr);
	nat_rewrite_address(p, f->key.out == 0, f->other);
	id_put(f, p);
}

bool
fragment_later(const struct fragment_key *k, struct packet *p, bool *held,
    unsigned int *conn)
{
	struct record *f = record_get(k);

	*held = false;
	if (!f->known) {
		*held = record_hold(f, p);
		return false;
	}
	apply(f, p);
	*conn = f->conn;
	return true;
}

static void
emit_held(struct record *f, struct conn *c,
    void (*emit)(struct conn *c, struct packet *p))
{
	struct held_fragment *h;
	struct packet p;

	while ((h = f->held) != NULL) {
		f->held = h->next;
		held_bytes -= h->len;
		if (packet_parse(&p, h->data, h->len)) {
			apply(f, &p);
			emit(c, &p);
		}
		free(h);
	}
	f->last = &f->held;
	f->n_held = 0;
}

void
fragment_first(const struct fragment_key *k, struct conn *c, struct packet *p,
    void (*emit)(struct conn *c, struct packet *p))
{
	struct record *f = record_get(k);

	if (!f->known)
		f->id = p->family == 4 ? hash_random() & 0xffff : hash_random();
	f->known = true;
	f->conn = c->index;
	f->since = clock_now;
	memcpy(f->addr, k->out ? p->src : p->dst, p->alen);
	memcpy(f->other, k->out ? p->dst : p->src, p->alen);
	id_put(f, p);
	emit(c, p);
	emit_held(f, c, emit);
}

void
fragment_tick(void)
{
	struct record *f;
	uint32_t i;

	for (i = 0; i < FRAGMENT_RECORDS && n_records != 0; i++) {
		f = &records[i];
		if (f->used &&
		    clock_now - f->since >=
			(f->known ? LIFE_KNOWN : LIFE_WAITING))
			record_free(f);
	}
}

void
fragment_drop(const struct conn *c)
{
	struct record *f;
	uint32_t i;

	for (i = 0; i < FRAGMENT_RECORDS; i++) {
		f = &records[i];
		if (f->used && f->key.route == c->r->id &&
		    (f->known ? f->conn : f->key.conn) == c->index)
			record_free(f);
	}
}

uint32_t
fragment_count(void)
{
	return n_records;
}
