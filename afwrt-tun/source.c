/* SPDX-License-Identifier: ISC */
/*
 * Sources without a flow: which of them the default route may have is
 * afwrt-net's to say, and a packet waits for the word or is dropped; it never
 * takes the default route because an answer was late. An answer is good for
 * some seconds and asked for anew before its end while packets come. Anybody
 * can make up sources, so questions, packets and answers are bounded, and some
 * of the questions a second are kept for the sources that are known.
 */
#include "afwrt-tun/source.h"

#include <string.h>

#include "afwrt-tun/clock.h"
#include "afwrt-tun/flow.h"
#include "afwrt-tun/hash.h"
#include "afwrt-tun/held.h"

#define SETS     1024
#define WAYS     4
#define AHEAD    2   /* s before its end an answer is renewed */
#define RATE_NEW 448 /* the rest is for renewals */

struct ask {
	bool used;
	uint32_t hash;
	struct afw_addr addr;
	struct held *held;
};

/* An answer that no rule is about it. */
struct known {
	uint32_t until; /* by clock_now; 0 unused */
	uint8_t family;
	bool dropped; /* there was no default route, so packets are dropped */
	bool asked;   /* is being renewed */
	uint8_t addr[16];
};

static struct ask asks[SOURCE_ASKS];
static struct known known[SETS][WAYS];
static uint32_t n_asks, bytes, default_route;
static struct {
	uint32_t second, count;
} rate;
static void (*release)(uint32_t route, struct packet *p);

void
source_init(void (*fn)(uint32_t route, struct packet *p))
{
	release = fn;
}

void
source_default_set(uint32_t route)
{
	default_route = route;
	memset(known, 0, sizeof(known));
}

uint32_t
source_default(void)
{
	return default_route;
}

static uint32_t
source_hash(const struct afw_addr *a)
{
	uint8_t k[24] = {0};

	memcpy(k, a->b, sizeof(a->b));
	k[16] = a->family;
	return hash_words(k, sizeof(k));
}

static void
source_addr(struct afw_addr *a, const struct packet *p)
{
	memset(a, 0, sizeof(*a));
	a->family = p->family;
	memcpy(a->b, p->src, p->alen);
}

/* ---- answers that are remembered --------------------------------------- */

static struct known *
known_find(const struct afw_addr *a, uint32_t hash)
{
	struct known *k = known[hash % SETS];
	int i;

	for (i = 0; i < WAYS; i++, k++)
		if (k->until > clock_now && k->family == a->family &&
		    memcmp(k->addr, a->b, sizeof(k->addr)) == 0)
			return k;
	return NULL;
}

/* Its own place, or that of the answer which ends first. */
static struct known *
known_place(const struct afw_addr *a, uint32_t hash)
{
	struct known *k = known_find(a, hash), *set = known[hash % SETS];
	int i;

	if (k != NULL)
		return k;
	for (k = set, i = 1; i < WAYS; i++)
		if (set[i].until < k->until)
			k = &set[i];
	return k;
}

static void
known_add(const struct afw_addr *a, uint32_t hash)
{
	struct known *k = known_place(a, hash);

	memset(k, 0, sizeof(*k));
	k->family = a->family;
	memcpy(k->addr, a->b, sizeof(k->addr));
	k->dropped = default_route == 0;
	k->until = clock_now + (k->dropped ? 1 : SOURCE_TTL);
}

/* ---- questions --------------------------------------------------------- */

static struct ask *
ask_find(const struct afw_addr *a, uint32_t hash)
{
	uint32_t i;

	for (i = 0; n_asks != 0 && i < SOURCE_ASKS; i++)
		if (asks[i].used && asks[i].hash == hash &&
		    afw_addr_equal(&asks[i].addr, a))
			return &asks[i];
	return NULL;
}

static bool
rate_ok(uint32_t limit)
{
	if (rate.second != clock_now) {
		rate.second = clock_now;
		rate.count = 0;
	}
	if (rate.count >= limit)
		return false;
	rate.count++;
	return true;
}

/* NULL: there are too many, or nobody to ask. */
static struct ask *
ask_start(const struct afw_addr *a, uint32_t hash, uint32_t limit)
{
	uint32_t i;

	if (n_asks >= SOURCE_ASKS || !rate_ok(limit))
		return NULL;
	for (i = 0; asks[i].used;)
		i++;
	if (!source_ask(a, i))
		return NULL;
	memset(&asks[i], 0, sizeof(asks[i]));
	asks[i].used = true;
	asks[i].hash = hash;
	asks[i].addr = *a;
	n_asks++;
	return &asks[i];
}

static void
ask_hold(struct ask *k, const struct packet *p)
{
	uint32_t before = held_bytes(k->held);

	if (bytes + p->len <= SOURCE_BYTES && held_add(&k->held, p))
		bytes += held_bytes(k->held) - before;
}

static void
held_packet(void *arg, struct packet *p)
{
	release(*(const uint32_t *)arg, p);
}

/* What is held goes there; 0: nowhere. */
static void
ask_release(struct ask *k, uint32_t route)
{
	bytes -= held_bytes(k->held);
	if (route != 0)
		held_release(&k->held, held_packet, &route);
	else
		(void)held_drop(&k->held);
}

/* ---- packets and answers ----------------------------------------------- */

static void
known_renew(struct known *k, const struct afw_addr *a, uint32_t hash)
{
	if (k->asked || k->dropped || k->until - clock_now > AHEAD)
		return;
	k->asked = true;
	if (ask_find(a, hash) == NULL)
		(void)ask_start(a, hash, SOURCE_RATE);
}

uint32_t
source_route(const struct packet *p)
{
	struct afw_addr a;
	struct known *k;
	struct ask *q;
	uint32_t hash, route = flow_lookup(p->family, p->src);

	if (route != 0)
		return route;
	source_addr(&a, p);
	hash = source_hash(&a);
	k = known_find(&a, hash);
	if (k != NULL) {
		known_renew(k, &a, hash);
		return k->dropped ? 0 : default_route;
	}
	q = ask_find(&a, hash);
	if (q == NULL)
		q = ask_start(&a, hash, RATE_NEW);
	if (q != NULL)
		ask_hold(q, p);
	return 0;
}

void
source_flow(const struct afw_addr *a)
{
	struct ask *k = ask_find(a, source_hash(a));

	if (k != NULL)
		ask_release(k, flow_lookup(a->family, a->b));
}

void
source_answer(uint32_t n, enum source_answer answer)
{
	struct ask *k = &asks[n];
	uint32_t route;

	/* a flow counts, whatever the answer was */
	route = flow_lookup(k->addr.family, k->addr.b);
	if (route == 0 && answer == SOURCE_NONE) {
		known_add(&k->addr, k->hash);
		route = default_route;
	}
	k->used = false; /* whoever comes from now on may ask again */
	n_asks--;
	ask_release(k, route);
}

void
source_forget(void)
{
	uint32_t i;

	memset(known, 0, sizeof(known));
	for (i = 0; i < SOURCE_ASKS; i++)
		if (asks[i].used)
			ask_release(&asks[i], 0);
}
