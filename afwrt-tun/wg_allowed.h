/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_ALLOWED_H
#define AFWRT_TUN_WG_ALLOWED_H

#include "lib/wire/msg.h"

/*
 * allowed_ips: which addresses are behind the node. A look-up is a search
 * in a sorted list without overlaps, of a family.
 */
struct wg_range {
	uint8_t first[16], last[16];
};

struct wg_allowed {
	uint32_t n; /* as they were given */
	struct afw_wg_net net[AFW_WG_ALLOWED_MAX];
	uint32_t n4, n6;
	struct wg_range r4[AFW_WG_ALLOWED_MAX], r6[AFW_WG_ALLOWED_MAX];
};

void wg_allowed_set(
    struct wg_allowed *a, const struct afw_wg_net *net, uint32_t n);
/* family 4 or 6; the address as it stands in a packet. */
bool wg_allowed_has(
    const struct wg_allowed *a, unsigned int family, const uint8_t *addr);
/* The source or destination of a packet; false too if it is none. */
bool wg_allowed_source(
    const struct wg_allowed *a, const uint8_t *packet, size_t len);
bool wg_allowed_target(
    const struct wg_allowed *a, const uint8_t *packet, size_t len);

#endif
