/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_NAT_REWRITE_H
#define AFWRT_TUN_NAT_REWRITE_H

#include "afwrt-tun/packet.h"

/* Source or destination of p becomes addr; the IPv4 header's checksum
 * follows, the upper layer's does not. */
void nat_rewrite_address(struct packet *p, bool source, const uint8_t *addr);
/*
 * Address and port (or echo id) of one side, with all checksums. For a quoted
 * packet the upper checksum follows if it is in what is there.
 */
void nat_rewrite(
    struct packet *p, bool source, const uint8_t *addr, uint16_t port);

#endif
