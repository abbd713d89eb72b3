/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_NAT_H
#define AFWRT_TUN_NAT_H

#include "afwrt-tun/packet.h"
#include "afwrt-tun/route.h"

enum nat_result {
	NAT_OK,       /* translated in place */
	NAT_DROP,     /* nothing that we carry, or no room */
	NAT_NO_STATE, /* TCP in mid-stream without an entry */
};

/*
 * A packet from the LAN to the node of r, or back; not a later fragment. The
 * route must have an inner address of the packet's family.
 */
enum nat_result nat_out(const struct route *r, struct packet *p);
enum nat_result nat_in(const struct route *r, struct packet *p);

/* Its inner address of that family, NULL when it has none. */
const uint8_t *nat_inner(const struct route *r, uint8_t family);
/* The node gave these addresses: entries made with others go. */
void nat_route_up(const struct route *r);
/* Once a second: takes a look at a part of the table. */
void nat_tick(void);

#endif
