/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_SEED_H
#define AFWRT_NET_SEED_H

#include <stddef.h>
#include <stdint.h>

/*
 * A hash under random keys of this process, for what the network names
 * (addresses, MACs): nobody outside can aim at one chain. At most 24 bytes.
 */
#define SEED_BYTES 24
uint32_t seed_hash(const void *p, size_t n);

#endif
