/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_RULE_H
#define AFWRT_NET_RULE_H

#include "netlink.h"
#include "plan.h"

/* As route_sync, for the policy rules. */
int rule_sync(struct netlink *nl, const struct plan *p, struct nerr *e);
/*
 * Whether our priority, table or mark is somebody else's: 0, or -1 and whose.
 * *ours is true if rules of ours are there.
 */
int rule_check(
    struct netlink *nl, const struct plan *p, bool *ours, struct nerr *e);

#endif
