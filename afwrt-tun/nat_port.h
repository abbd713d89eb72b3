/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_NAT_PORT_H
#define AFWRT_TUN_NAT_PORT_H

#include "afwrt-tun/nat_table.h"
#include "afwrt-tun/route.h"

/*
 * A new entry for this key from the LAN and this connection (which has an
 * address of the key's family), with a port on the node's side: the
 * device's own when it is free, else one of the same range and, if there is
 * one, the same parity (RFC 4787 REQ-3, REQ-4). The tries are bounded; when
 * none is free, a device with more entries loses its oldest one met on the way.
 * NULL: not even that.
 */
struct nat_entry *nat_port_entry(
    const struct nat_key *lan, const struct conn *c, uint8_t flags);

#endif
