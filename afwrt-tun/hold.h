/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_HOLD_H
#define AFWRT_TUN_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOLD_MAX (256 * 1024) /* bytes of one route */

/* Packets that wait for a moment, in order; bounded. Zero it before use. */
struct hold_packet;
struct hold {
	struct hold_packet *head, **tail;
	size_t bytes;
};

/* Copies a packet; false: there is no room. */
bool hold_push(struct hold *h, const uint8_t *packet, size_t len);
/* The oldest packet, until hold_pop; NULL when there is none. */
const uint8_t *hold_front(const struct hold *h, size_t *len);
void hold_pop(struct hold *h);
/* Drops all; how many there were. */
size_t hold_clear(struct hold *h);

#endif
