/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_WG_LINK_H
#define AFWRT_NET_WG_LINK_H

#include "link.h"
#include "wg_kernel.h"

/* Stands on every link of ours (ip link: "alias"). */
#define WG_LINK_ALIAS "afwrt"

/*
 * Makes the link, or finds the one of ours that is there. 0 found, 1 made,
 * -1 and e.
 */
int wg_link_make(struct netlink *rt, const char *name, struct link_info *info,
    struct nerr *e);
/* Of this kind, and with the alias. */
bool wg_link_ours(const struct link_info *info);
/* Ours, by name. -1: AFW_ENOENT, or AFW_EBUSY for another's. */
int wg_link_find(struct netlink *rt, const char *name, struct link_info *info,
    struct nerr *e);
int wg_link_delete(
    struct netlink *rt, const struct link_info *info, struct nerr *e);

#endif
