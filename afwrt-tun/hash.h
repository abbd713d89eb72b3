/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_HASH_H
#define AFWRT_TUN_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-1-3 under a key of this process: what the tables of the packet path
 * are indexed with, so that nobody outside can aim at one chain. n is a
 * multiple of eight.
 */
uint32_t hash_words(const void *p, size_t n);
/* Not for secrets: port numbers, fragment ids. */
uint32_t hash_random(void);

#endif
