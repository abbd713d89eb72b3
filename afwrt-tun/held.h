/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_HELD_H
#define AFWRT_TUN_HELD_H

#include "afwrt-tun/packet.h"
#include "afwrt-tun/route.h"

#define HELD_PACKETS 64
#define HELD_BYTES   (128 * 1024)

/* Packets that wait for their route to come up, as they came from the
 * device. False: it has enough of them, and this one is dropped. */
bool held_add(struct route *r, const struct packet *p);
/* Hands them over in their order and frees them. */
void held_release(
    struct route *r, void (*packet)(struct route *r, struct packet *p));
/* Drops and counts them. */
void held_drop(struct route *r);

#endif
