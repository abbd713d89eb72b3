/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_SEGMENT_H
#define AFWRT_TUN_SEGMENT_H

#include "afwrt-tun/packet.h"
#include "afwrt-tun/route.h"

typedef void (*segment_emit)(struct conn *c, const uint8_t *data, size_t len);

/*
 * A packet larger than the tunnel's MTU in pieces, each given to emit. Both
 * use up the buffer. False: it cannot be done, nothing was emitted.
 */
/* A run of TCP segments (p->gso) becomes segments, checksums complete. */
bool segment_tcp(
    struct conn *c, struct packet *p, uint32_t mtu, segment_emit emit);
/* An IPv4 packet becomes fragments. */
bool segment_ip4(
    struct conn *c, struct packet *p, uint32_t mtu, segment_emit emit);

#endif
