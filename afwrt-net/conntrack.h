/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_CONNTRACK_H
#define AFWRT_NET_CONNTRACK_H

#include "lib/wire/msg.h"
#include "netlink.h"

/*
 * Forgets the connections of these devices (keys of addresses; others are
 * skipped), so that none keeps the NAT and the path it had before. How many
 * were forgotten; failures are logged: a connection that stays is no leak, as
 * the mark is set for each packet.
 */
int conntrack_forget(struct netlink *nl, const struct afw_key *keys, size_t n);

#endif
