/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_QUEUE_H
#define AFWRT_TUN_WG_QUEUE_H

#include <stddef.h>
#include <stdint.h>

/* Packets that wait for a handshake, in order; the newest is refused when
 * there are too many. */
#define WG_QUEUE_PACKETS 128
#define WG_QUEUE_BYTES   (256 * 1024)

struct wg_queued {
	uint8_t *packet;
	size_t len;
};

struct wg_queue {
	struct wg_queued ring[WG_QUEUE_PACKETS];
	unsigned int first, n;
	size_t bytes;
};

/* Copies the packet. 0, or -1: ENOBUFS, ENOMEM. */
int wg_queue_push(struct wg_queue *q, const uint8_t *packet, size_t len);
/* The oldest, the caller's to free; NULL when empty. */
uint8_t *wg_queue_pop(struct wg_queue *q, size_t *len);
/* Frees all; how many there were. */
unsigned int wg_queue_clear(struct wg_queue *q);

#endif
