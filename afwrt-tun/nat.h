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
 * A packet from the LAN to the node by c, or back; not a later fragment. The
 * connection must have an inner address of the packet's family, and no other
 * one of the route a mapping for a packet from the LAN.
 */
enum nat_result nat_out(const struct conn *c, struct packet *p);
enum nat_result nat_in(const struct conn *c, struct packet *p);
/* The mapping that a packet from the LAN has, by whichever connection. */
struct nat_entry;
struct nat_entry *nat_entry_out(const struct route *r, const struct packet *p);

/* Its inner address of that family, NULL when it has none. */
const uint8_t *nat_inner(const struct conn *c, uint8_t family);
/* The node gave these addresses: entries made by c with others go. */
void nat_conn_up(const struct conn *c);
/* Once a second: takes a look at a part of the table. */
void nat_tick(void);

#endif
