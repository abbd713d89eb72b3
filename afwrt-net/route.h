/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_ROUTE_H
#define AFWRT_NET_ROUTE_H

#include "netlink.h"
#include "plan.h"

/*
 * Makes our routes those of the plan: adds what is missing, then removes what
 * is ours and not in it. How many were changed, or -1.
 */
int route_sync(struct netlink *nl, const struct plan *p, struct nerr *e);
/* Whether somebody else uses our table. 0 free, -1 and whose. */
int route_check(struct netlink *nl, const struct plan *p, struct nerr *e);
/* Has nobody else a route in that table? 1 yes, 0 no, -1. */
int route_table_free(struct netlink *nl, uint32_t table, struct nerr *e);
/* "static", "kernel" or digits: the program behind a protocol number. */
const char *route_proto_name(unsigned int proto, char buf[16]);

#endif
