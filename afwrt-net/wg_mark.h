/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_WG_MARK_H
#define AFWRT_NET_WG_MARK_H

#include "netlink.h"
#include "wg_route.h"

/*
 * The mark behind v: counted up by the lowest bit of mask, within mask, round
 * and round. Unfit are 0, fwmark itself and what has the bit of the outer
 * sockets.
 */
uint32_t wg_mark_next(uint32_t v, uint32_t mask);
bool wg_mark_fits(uint32_t v, uint32_t fwmark, uint32_t mask, uint32_t outer);
/*
 * In managed routing gives a route its mark and table, if it has none yet.
 * 0, or -1: AFW_ENOSPC, there is none left.
 */
int wg_mark_give(struct wg_route *w, struct nerr *e);
/* The configuration was `was` before: other numbers, where it says others. */
void wg_mark_renew(const struct afw_m_config *was);

#endif
