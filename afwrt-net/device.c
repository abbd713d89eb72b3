/* SPDX-License-Identifier: ISC */
/*
 * The protected devices, as the supervisor wants them. Keys come from the
 * configuration, not from the network, so the hash needs no secret.
 */
#include "device.h"

#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"

#define BUCKETS_LEAST 64

static size_t
hash(const struct afw_key *k)
{
	const uint8_t *b = (const uint8_t *)k;
	uint32_t h = 2166136261u; /* FNV-1a */
	size_t i;

	for (i = 0; i < sizeof(*k); i++)
		h = (h ^ b[i]) * 16777619u;
	return h;
}

struct device *
device_find(const struct devices *t, const struct afw_key *k)
{
	struct device *d;

	if (t->buckets == 0)
		return NULL;
	for (d = t->bucket[hash(k) & (t->buckets - 1)]; d != NULL; d = d->next)
		if (afw_key_equal(&d->key, k))
			return d;
	return NULL;
}

static void
grow(struct devices *t)
{
	size_t n = t->buckets != 0 ? t->buckets * 2 : BUCKETS_LEAST, i;
	struct device **bucket = calloc(n, sizeof(*bucket)), *d, **to;

	if (bucket == NULL)
		fatal("devices: out of memory");
	for (i = 0; i < t->buckets; i++)
		while ((d = t->bucket[i]) != NULL) {
			t->bucket[i] = d->next;
			to = &bucket[hash(&d->key) & (n - 1)];
			d->next = *to;
			*to = d;
		}
	free(t->bucket);
	t->bucket = bucket;
	t->buckets = n;
}

struct device *
device_add(struct devices *t, const struct afw_key *k)
{
	struct device *d = device_find(t, k), **to;

	if (d != NULL)
		return d;
	if (t->n == AFW_RULES_MAX)
		return NULL;
	if (t->n == t->buckets)
		grow(t);
	if ((d = calloc(1, sizeof(*d))) == NULL)
		fatal("devices: out of memory");
	d->key = *k;
	to = &t->bucket[hash(k) & (t->buckets - 1)];
	d->next = *to;
	*to = d;
	t->n++;
	t->kinds[k->kind]++;
	return d;
}

void
device_del(struct devices *t, struct device *d)
{
	struct device **p = &t->bucket[hash(&d->key) & (t->buckets - 1)];

	for (; *p != NULL; p = &(*p)->next)
		if (*p == d) {
			*p = d->next;
			t->kinds[d->key.kind]--;
			free(d);
			t->n--;
			return;
		}
}

void
device_clear(struct devices *t)
{
	struct device *d;
	size_t i;

	for (i = 0; i < t->buckets; i++)
		while ((d = t->bucket[i]) != NULL) {
			t->bucket[i] = d->next;
			free(d);
		}
	free(t->bucket);
	memset(t, 0, sizeof(*t));
}

bool
device_next(const struct devices *t, size_t *i, struct device **d)
{
	if (*d != NULL)
		*d = (*d)->next;
	while (*d == NULL && *i < t->buckets)
		*d = t->bucket[(*i)++];
	return *d != NULL;
}

void
device_key(struct afw_key *k, const struct afw_addr *a)
{
	memset(k, 0, sizeof(*k));
	k->kind = AFW_KEY_IP;
	k->addr = *a;
}
