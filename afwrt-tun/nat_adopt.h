/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_NAT_ADOPT_H
#define AFWRT_TUN_NAT_ADOPT_H

#include <stdbool.h>
#include <stdint.h>

#include "afwrt-tun/nat_table.h"

#define NAT_MAGIC   "afwrtNAT"
#define NAT_VERSION 1

/* The whole memfd. */
struct nat_map {
	char magic[8];
	uint32_t version;
	uint32_t entry_size;
	uint32_t n_entries;
	uint8_t pad[4096 - 20];
	struct nat_entry entries[NAT_ENTRIES];
};

/*
 * Maps the memfd, makes it as large as it must be, and empties it when it is
 * fresh or its header is not ours. NULL and errno.
 */
struct nat_map *nat_adopt_map(int memfd, bool fresh);
/* What check must be; never 0. */
uint32_t nat_adopt_check(const struct nat_entry *e);
/* Clears what is no good entry; the numbers of the rest in the order of
 * their last use. Returns how many. */
uint32_t nat_adopt_order(struct nat_map *m, uint32_t order[NAT_ENTRIES]);
/* One more than the number of the last good entry. */
uint32_t nat_adopt_end(const struct nat_map *m);

#endif
