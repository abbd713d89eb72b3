/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_SPREAD_H
#define AFWRT_TUN_SPREAD_H

#include "afwrt-tun/packet.h"
#include "afwrt-tun/route.h"

/*
 * The connection that a packet to the node takes: that of its flow's mapping,
 * for the flow's life; a new flow's by source and destination address, so
 * that all that one device has with one server leaves by one address.
 *
 * NULL: its flow waits for a connection that is being made again. A flow whose
 * connection does not come back loses its mapping here: NAT makes a new one or
 * says that there is none.
 */
struct conn *spread_pick(struct route *r, const struct packet *p);
/* Of those that are up and have the family; NULL when none does. */
struct conn *spread_choose(
    struct route *r, uint8_t family, const uint8_t *src, const uint8_t *dst);

#endif
