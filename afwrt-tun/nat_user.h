/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_NAT_USER_H
#define AFWRT_TUN_NAT_USER_H

#include <stdint.h>

/*
 * Who uses the NAT table: one user a source address, with its entries in the
 * order of their last use, so that the one who takes too much pays for it.
 * Entries are known by their number. All of it is private to the process and
 * made anew when a table is adopted.
 */
int nat_user_init(uint32_t entries); /* 0, or -1 and ENOMEM */
void nat_user_free(void);

/* Entry i is of this address, and the newest. 0, or -1: no memory. */
int nat_user_add(uint32_t i, uint8_t family, const uint8_t *addr);
void nat_user_remove(uint32_t i);
/* Entry i was used just now. */
void nat_user_touch(uint32_t i);

/* Entries of an address. */
uint32_t nat_user_count(uint8_t family, const uint8_t *addr);
/* The oldest entry of an address; of the biggest user (to a factor of two).
 * NAT_NONE when there is none. */
uint32_t nat_user_oldest(uint8_t family, const uint8_t *addr);
uint32_t nat_user_oldest_biggest(void);

#endif
