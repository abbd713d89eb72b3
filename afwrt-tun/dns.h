/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_DNS_H
#define AFWRT_TUN_DNS_H

#include "afwrt-tun/packet.h"
#include "afwrt-tun/route.h"

/*
 * "dns": "tunnel". Queries come for AFW_DNS4 or AFW_DNS6 and go to the server
 * that the node named; its answers come from there again. The
 * ports stay. These are called by the NAT; all is done in place.
 */

/* A query (or a later fragment of one): it is for that address. */
bool dns_asked(const struct packet *p);
/* The connection's server of that family, NULL: it has none. */
const uint8_t *dns_server(const struct conn *c, uint8_t family);

/* A query becomes one to that server. */
void dns_out(const struct conn *c, struct packet *p);
/* An answer of it becomes one of ours; what is none stays as it is. */
void dns_in(const struct conn *c, struct packet *p);

/* The same for an ICMP error p that quotes q; q is rewritten with its
 * checksums, that of p is the caller's to make. */
void dns_error_out(const struct conn *c, struct packet *p, struct packet *q);
void dns_error_in(const struct conn *c, struct packet *p, struct packet *q);

#endif
