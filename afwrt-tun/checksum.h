/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_CHECKSUM_H
#define AFWRT_TUN_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * The internet checksum (RFC 1071). Sums are kept in memory byte order; a
 * field is two bytes that may lie anywhere.
 */
uint64_t checksum_add(uint64_t sum, const void *p, size_t n);
/* Folded to 16 bits, not complemented. */
uint16_t checksum_fold(uint64_t sum);
/* The pseudo header of either family; alen 4 or 16, src before dst. */
uint64_t checksum_pseudo(const uint8_t *src, const uint8_t *dst, size_t alen,
    uint8_t proto, uint32_t len);
/* field = complement of the folded sum. */
void checksum_put(uint8_t *field, uint64_t sum);
/* n bytes (even) under the checksum change from was to is: RFC 1624. */
void checksum_change(uint8_t *field, const void *was, const void *is, size_t n);
/* The same for a UDP checksum: 0 means none, and never comes out. */
void checksum_change_udp(
    uint8_t *field, const void *was, const void *is, size_t n);
/* The header of an IPv4 packet, anew. */
void checksum_ip4(uint8_t *ip);

#endif
