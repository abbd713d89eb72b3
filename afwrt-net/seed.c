/* SPDX-License-Identifier: ISC */
/*
 * Multilinear hashing (Lemire and Kaser, "Strongly universal string hashing
 * is fast"): a sum of 32-bit words, each times a random 64-bit key, of which
 * the upper half is the hash.
 */
#include "seed.h"

#include <sys/random.h>

#include <stdbool.h>
#include <string.h>

#include "lib/daemon/log.h"

#define WORDS (SEED_BYTES / sizeof(uint32_t))

uint32_t
seed_hash(const void *p, size_t n)
{
	static uint64_t key[WORDS + 1];
	static bool made;
	uint32_t w[WORDS] = {0};
	uint64_t sum;
	size_t i;

	if (!made && getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		fatal("hash: no random numbers");
	made = true;
	memcpy(w, p, n < sizeof(w) ? n : sizeof(w));
	sum = key[WORDS];
	for (i = 0; i < WORDS; i++)
		sum += key[i] * w[i];
	return (uint32_t)(sum >> 32);
}
