/* SPDX-License-Identifier: ISC */
/*
 * New flows go by rendezvous hashing: each connection has a weight for the
 * pair of addresses, the heaviest of those that are up is it. One that is lost
 * moves its own pairs only, and gets them again when it comes back. The hash
 * has no key, so that the choice outlives the process as the mappings do; who
 * aims at one connection gains nothing by it.
 */
#include "afwrt-tun/spread.h"

#include "afwrt-tun/clock.h"
#include "afwrt-tun/nat.h"
#include "afwrt-tun/nat_table.h"

static uint32_t
hash_bytes(uint32_t h, const uint8_t *b, size_t n)
{
	while (n-- > 0)
		h = (h ^ *b++) * 16777619u; /* FNV-1a */
	return h;
}

/* The last step of MurmurHash3: every bit moves every other. */
static uint32_t
mix(uint32_t h)
{
	h = (h ^ h >> 16) * 0x85ebca6bu;
	h = (h ^ h >> 13) * 0xc2b2ae35u;
	return h ^ h >> 16;
}

struct conn *
spread_choose(
    struct route *r, uint8_t family, const uint8_t *src, const uint8_t *dst)
{
	size_t n = family == 4 ? 4 : 16;
	uint32_t h = hash_bytes(hash_bytes(2166136261u, src, n), dst, n);
	struct conn *best = NULL;
	uint32_t weight, most = 0;
	unsigned int i;

	for (i = 0; i < r->n_conns; i++) {
		if (!r->conns[i].up || nat_inner(&r->conns[i], family) == NULL)
			continue;
		weight = mix(h + i * 0x9e3779b9u);
		if (best == NULL || weight > most) {
			best = &r->conns[i];
			most = weight;
		}
	}
	return best;
}

static struct conn *
first_up(struct route *r)
{
	unsigned int i;

	for (i = 0; i < r->n_conns; i++)
		if (r->conns[i].up)
			return &r->conns[i];
	return NULL;
}

struct conn *
spread_pick(struct route *r, const struct packet *p)
{
	struct nat_entry *e;
	struct conn *c;

	if (r->n_conns == 1)
		return &r->conns[0];
	e = p->frag_off == 0 ? nat_entry_out(r, p) : NULL;
	if (e != NULL) {
		c = e->conn < r->n_conns ? &r->conns[e->conn] : NULL;
		if (c != NULL && c->up)
			return c;
		if (c != NULL && clock_now < c->resume)
			return NULL;
		nat_table_remove(e);
	}
	c = spread_choose(r, p->family, p->src, p->dst);
	return c != NULL ? c : first_up(r);
}
