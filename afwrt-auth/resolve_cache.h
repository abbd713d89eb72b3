/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_RESOLVE_CACHE_H
#define AFWRT_AUTH_RESOLVE_CACHE_H

#include "resolve.h"

/* The addresses of a name as they were asked for under a policy, ttl in s. */
void resolve_cache_add(const char *name, enum afw_v4v6 policy,
    const struct afw_addr *addrs, size_t n, uint32_t ttl);
/* How many are known; 0: the name has to be asked for. */
size_t resolve_cache_find(
    const char *name, enum afw_v4v6 policy, struct afw_addr addrs[RESOLVE_MAX]);

#endif
