/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_NAT_ICMP_H
#define AFWRT_TUN_NAT_ICMP_H

#include "afwrt-tun/nat.h"
#include "afwrt-tun/nat_table.h"

/* An ICMP error about a packet that went the other way, with the packet that
 * it quotes. It neither makes nor keeps nor ends an entry (RFC 5508 REQ-6). */
enum nat_result nat_icmp_out(const struct conn *c, struct packet *p);
enum nat_result nat_icmp_in(const struct conn *c, struct packet *p);
/* The mapping that an error from the LAN is about. */
struct nat_entry *nat_icmp_entry_out(
    const struct route *r, const struct packet *p);

/* nat.c: what an entry is found by; out: p goes to the node. */
void nat_key_lan(
    struct nat_key *k, const struct conn *c, const struct packet *p, bool out);

#endif
