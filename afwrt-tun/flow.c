/* SPDX-License-Identifier: ISC */
/*
 * Which route a source address takes: a hash table that afwrt-net fills. A
 * sync is a new generation; its end drops what the old one alone had.
 */
#include "afwrt-tun/flow.h"

#include <stdlib.h>
#include <string.h>

#include "afwrt-tun/forward.h"
#include "afwrt-tun/hash.h"
#include "lib/wire/error.h"

#define FLOW_HEADS_MIN 256

struct flow {
	struct flow *next;
	uint32_t route;
	uint32_t generation;
	uint8_t family;
	uint8_t addr[16];
};

static struct flow **heads;
static uint32_t n_heads, n_flows, generation;

static uint32_t
flow_hash(uint8_t family, const uint8_t *addr)
{
	uint8_t k[24] = {0};

	memcpy(k, addr, family == 4 ? 4 : 16);
	k[16] = family;
	return hash_words(k, sizeof(k));
}

static struct flow **
flow_find(uint8_t family, const uint8_t *addr)
{
	size_t n = family == 4 ? 4 : 16;
	struct flow **f;

	f = &heads[flow_hash(family, addr) & (n_heads - 1)];
	while (*f != NULL &&
	    ((*f)->family != family || memcmp((*f)->addr, addr, n) != 0))
		f = &(*f)->next;
	return f;
}

/* Doubles the heads; false: no memory, and nothing has changed. */
static bool
flow_grow(void)
{
	uint32_t i, h, n = n_heads == 0 ? FLOW_HEADS_MIN : n_heads * 2;
	struct flow **bigger = calloc(n, sizeof(*bigger)), *f;

	if (bigger == NULL)
		return false;
	for (i = 0; i < n_heads; i++)
		while ((f = heads[i]) != NULL) {
			heads[i] = f->next;
			h = flow_hash(f->family, f->addr) & (n - 1);
			f->next = bigger[h];
			bigger[h] = f;
		}
	free(heads);
	heads = bigger;
	n_heads = n;
	return true;
}

static void
flow_unlink(struct flow **f)
{
	struct flow *gone = *f;

	*f = gone->next;
	free(gone);
	n_flows--;
}

int
flow_set(const struct afw_addr *a, uint32_t route)
{
	struct flow **f, *new;

	if (!afw_addr_is_host(a) || route == 0)
		return AFW_EINVAL;
	if (n_flows >= n_heads && !flow_grow() && n_heads == 0)
		return AFW_ENOMEM;
	f = flow_find(a->family, a->b);
	if (*f == NULL) {
		if (n_flows >= FLOW_MAX)
			return AFW_ENOSPC;
		new = calloc(1, sizeof(*new));
		if (new == NULL)
			return AFW_ENOMEM;
		new->family = a->family;
		memcpy(new->addr, a->b, sizeof(new->addr));
		*f = new;
		n_flows++;
	}
	(*f)->route = route;
	(*f)->generation = generation;
	return AFW_OK;
}

void
flow_del(const struct afw_addr *a)
{
	struct flow **f;

	if (n_heads == 0)
		return;
	f = flow_find(a->family, a->b);
	if (*f != NULL)
		flow_unlink(f);
}

void
flow_sync_begin(void)
{
	generation++;
}

void
flow_sync_end(void)
{
	struct flow **f;
	uint32_t i;

	for (i = 0; i < n_heads; i++)
		for (f = &heads[i]; *f != NULL;) {
			if ((*f)->generation != generation)
				flow_unlink(f);
			else
				f = &(*f)->next;
		}
}

uint32_t
flow_lookup(uint8_t family, const uint8_t *addr)
{
	struct flow *f = n_heads == 0 ? NULL : *flow_find(family, addr);

	return f == NULL ? 0 : f->route;
}

bool
flow_known(uint8_t family, const uint8_t *addr)
{
	return n_heads != 0 && *flow_find(family, addr) != NULL;
}

void
flow_each(void (*fn)(uint32_t route, void *arg), void *arg)
{
	const struct flow *f;
	uint32_t i;

	for (i = 0; i < n_heads; i++)
		for (f = heads[i]; f != NULL; f = f->next)
			fn(f->route, arg);
}

uint32_t
flow_count(void)
{
	return n_flows;
}
