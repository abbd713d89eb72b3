/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_DEVICE_H
#define AFWRT_NET_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire/msg.h"

/* One protected device: what it is known by, and its route. */
struct device {
	struct device *next;
	struct afw_key key;
	uint32_t route;
	bool pending;  /* a request about it is under way */
	bool fresh;    /* pending, and not in force before */
	uint32_t mark; /* in the maps of nftables, 0: in none */
	uint32_t seen; /* scratch: the sets that a dump showed it in */
};

/* A hash of devices by key; all zero is an empty one. */
struct devices {
	struct device **bucket;
	size_t buckets, n;
	size_t kinds[AFW_KEY_IFACE + 1]; /* how many of each */
};

struct device *device_find(const struct devices *t, const struct afw_key *k);
/* The one there is, or a new one with route 0; NULL: AFW_RULES_MAX reached. */
struct device *device_add(struct devices *t, const struct afw_key *k);
void device_del(struct devices *t, struct device *d);
void device_clear(struct devices *t);
/* A walk: start with *i 0 and *d NULL; false at the end. No change on it. */
bool device_next(const struct devices *t, size_t *i, struct device **d);
/* The key of an address. */
void device_key(struct afw_key *k, const struct afw_addr *a);

#endif
