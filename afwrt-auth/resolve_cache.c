/* SPDX-License-Identifier: ISC */
/* Answers of nameservers for as long as they hold; the oldest makes room. */
#include "resolve_cache.h"

#include <string.h>
#include <strings.h>

#include "dns.h"
#include "lib/daemon/log.h"

#define CACHE_SIZE 32
#define TTL_MIN    5
#define TTL_MAX    3600

struct cached {
	char name[DNS_NAME_MAX];
	struct afw_addr addrs[RESOLVE_MAX];
	size_t n;
	enum afw_v4v6 policy;
	int64_t until;
};

static struct cached cache[CACHE_SIZE];
static size_t next;

void
resolve_cache_add(const char *name, enum afw_v4v6 policy,
    const struct afw_addr *addrs, size_t n, uint32_t ttl)
{
	struct cached *c = &cache[next++ % CACHE_SIZE];

	ttl = ttl < TTL_MIN ? TTL_MIN : ttl > TTL_MAX ? TTL_MAX : ttl;
	memset(c, 0, sizeof(*c));
	(void)afw_str_set(c->name, sizeof(c->name), name);
	memcpy(c->addrs, addrs, n * sizeof(*addrs));
	c->n = n;
	c->policy = policy;
	c->until = afw_now_ms() + (int64_t)ttl * 1000;
}

size_t
resolve_cache_find(
    const char *name, enum afw_v4v6 policy, struct afw_addr addrs[RESOLVE_MAX])
{
	size_t i;

	for (i = 0; i < CACHE_SIZE; i++)
		if (cache[i].n > 0 && cache[i].policy == policy &&
		    cache[i].until > afw_now_ms() &&
		    strcasecmp(cache[i].name, name) == 0) {
			memcpy(addrs, cache[i].addrs, sizeof(cache[i].addrs));
			return cache[i].n;
		}
	return 0;
}
