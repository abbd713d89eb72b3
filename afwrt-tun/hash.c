/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/hash.h"

#include <sys/random.h>

#include <stdbool.h>
#include <string.h>

#include "lib/daemon/log.h"

static uint64_t key[2];
static bool keyed;

static void
hash_init(void)
{
	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		fatal("random numbers are not to be had");
	keyed = true;
}

static uint64_t
rotate(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void
sip_word(uint64_t v[4], uint64_t w)
{
	v[3] ^= w;
	sip_round(v);
	v[0] ^= w;
}

uint32_t
hash_words(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint64_t v[4], w;
	size_t i;

	if (!keyed)
		hash_init();
	v[0] = key[0] ^ UINT64_C(0x736f6d6570736575);
	v[1] = key[1] ^ UINT64_C(0x646f72616e646f6d);
	v[2] = key[0] ^ UINT64_C(0x6c7967656e657261);
	v[3] = key[1] ^ UINT64_C(0x7465646279746573);
	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&w, b + i, 8);
		sip_word(v, w);
	}
	sip_word(v, (uint64_t)n << 56);
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	w = v[0] ^ v[1] ^ v[2] ^ v[3];
	return (uint32_t)(w ^ w >> 32);
}

uint32_t
hash_random(void)
{
	static uint64_t counter;

	counter++;
	return hash_words(&counter, sizeof(counter));
}
