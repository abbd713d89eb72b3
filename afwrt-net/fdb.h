/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_FDB_H
#define AFWRT_NET_FDB_H

#include <stdbool.h>
#include <stdint.h>

#include "netlink.h"

/* Until it is switched on nothing is kept. On: looks at all. */
int fdb_enable(struct netlink *nl, bool on);
/* Looks at all once more. 0, or -1 and nl->text. */
int fdb_dump(struct netlink *nl);
/* RTM_NEWNEIGH or RTM_DELNEIGH of the family AF_BRIDGE. */
void fdb_event(const struct nlmsghdr *nlh);
/* The port of this bridge behind which a MAC was seen last, 0 unknown. */
uint32_t fdb_port(uint32_t bridge, const uint8_t mac[6]);

#endif
