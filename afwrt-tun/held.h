/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_HELD_H
#define AFWRT_TUN_HELD_H

#include "afwrt-tun/packet.h"

#define HELD_PACKETS 64
#define HELD_BYTES   (128 * 1024)

/*
 * Packets that wait, as they came from the device: for their route to come
 * up, or for word about their source. NULL is an empty queue.
 */
struct held;

/* False: it has enough of them, and this one is dropped. */
bool held_add(struct held **h, const struct packet *p);
uint32_t held_bytes(const struct held *h);
/* Hands them over in their order and frees them; the queue is NULL before the
 * first is, and a new packet starts another. */
void held_release(
    struct held **h, void (*packet)(void *arg, struct packet *p), void *arg);
/* Drops them; how many. */
uint32_t held_drop(struct held **h);

#endif
