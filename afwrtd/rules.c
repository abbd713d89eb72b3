/* SPDX-License-Identifier: ISC */
/* A hash table of rules that doubles as it fills. */
#include "rules.h"

#include <stdlib.h>

#include "afwrtd.h"

#define BUCKETS_FIRST 64

static struct rule **buckets;
static size_t n_buckets, n_rules;

/* FNV-1a; the keys are the owner's own devices, not an adversary's choice. */
static size_t
bucket_of(const struct afw_key *key)
{
	const uint8_t *b = (const void *)key;
	uint32_t h = UINT32_C(0x811c9dc5);
	size_t i;

	for (i = 0; i < sizeof(*key); i++)
		h = (h ^ b[i]) * UINT32_C(0x01000193);
	return h & (n_buckets - 1);
}

static void
rule_link(struct rule *r)
{
	size_t i = bucket_of(&r->key);

	r->chain = buckets[i];
	buckets[i] = r;
}

static void
table_grow(void)
{
	struct rule **old = buckets, *r, *next;
	size_t i, n_old = n_buckets;

	n_buckets = n_old == 0 ? BUCKETS_FIRST : n_old * 2;
	buckets = afwrtd_alloc(n_buckets * sizeof(*buckets));
	for (i = 0; i < n_old; i++)
		for (r = old[i]; r != NULL; r = next) {
			next = r->chain;
			rule_link(r);
		}
	free(old);
}

struct rule *
rules_find(const struct afw_key *key)
{
	struct rule *r;

	if (n_buckets == 0)
		return NULL;
	for (r = buckets[bucket_of(key)]; r != NULL; r = r->chain)
		if (afw_key_equal(&r->key, key))
			return r;
	return NULL;
}

struct rule *
rules_add(const struct afw_key *key)
{
	struct rule *r;

	if (n_rules == AFW_RULES_MAX)
		return NULL;
	if (n_rules >= n_buckets)
		table_grow();
	r = afwrtd_alloc(sizeof(*r));
	r->key = *key;
	rule_link(r);
	n_rules++;
	return r;
}

void
rules_del(struct rule *r)
{
	struct rule **pp = &buckets[bucket_of(&r->key)];

	while (*pp != r)
		pp = &(*pp)->chain;
	*pp = r->chain;
	n_rules--;
	if (r->route != NULL)
		routes_release(r->route);
	if (r->next != NULL)
		routes_release(r->next);
	free(r);
}

void
rules_route_set(struct rule *r, struct route *route)
{
	struct route *old = r->route;

	r->route = route;
	if (old != NULL)
		routes_release(old);
}

size_t
rules_count(void)
{
	return n_rules;
}

void
rules_each(void (*fn)(struct rule *r, void *arg), void *arg)
{
	struct rule *r, *next;
	size_t i;

	for (i = 0; i < n_buckets; i++)
		for (r = buckets[i]; r != NULL; r = next) {
			next = r->chain;
			fn(r, arg);
		}
}
