/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_NEIGH_H
#define AFWRT_NET_NEIGH_H

#include <event2/event.h>

#include "lib/wire/msg.h"
#include "netlink.h"

/* Listens from now on. 0, or -1 and errno. */
int neigh_init(struct event_base *base);
/* Looks at all. 0, or -1 and nl->text. */
int neigh_dump(struct netlink *nl);
/* The same in a moment, with the stations of bridges; repeated if it fails. */
void neigh_again_soon(void);
/* Takes in what has happened up to now. */
void neigh_catch_up(void);
/*
 * One neighbour, asked of the kernel: 1 it counts, its MAC is in mac (zero
 * without one); 0 it does not; -1 and errno.
 */
int neigh_get(struct netlink *nl, uint32_t ifindex, const struct afw_addr *a,
    uint8_t mac[6]);
/* Makes the kernel find out; the answer comes as an event. */
int neigh_probe(struct netlink *nl, uint32_t ifindex, const struct afw_addr *a);
/* Where the router would send to it: interface, and gateway (or none). */
int neigh_path(struct netlink *nl, const struct afw_addr *a, uint32_t *ifindex,
    struct afw_addr *gateway);

#endif
