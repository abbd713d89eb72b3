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
/* Has nobody else a rule for that mark, that table? 1 yes, 0 no, -1. */
int rule_mark_free(
    struct netlink *nl, uint32_t mark, uint32_t mask, struct nerr *e);
int rule_table_free(struct netlink *nl, uint32_t table, struct nerr *e);

#endif
