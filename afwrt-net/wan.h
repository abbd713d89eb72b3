/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_WAN_H
#define AFWRT_NET_WAN_H

#include "lib/wire/msg.h"
#include "netlink.h"
#include "plan.h"

/* The uplink as it is now. */
struct wan {
	struct afw_m_wan msg;
	uint32_t ifindex; /* 0: there is none */
	/* over addresses and gateways: a new lease on the same interface is
	 * a change, too */
	uint32_t sum;
	/* the networks that it is connected to; not those that could be a
	 * hole: public ones of a very short prefix */
	struct prefix near[PLAN_NEAR_MAX];
	uint32_t n_near;
	int rp_filter; /* -1: not said */
};

/*
 * Looks at the uplink `name`, or at that of the default route if it is
 * "auto"; never at the interface `not_this` (the TUN). 0, or -1 and nl->text.
 */
int wan_look(
    struct netlink *nl, const char *name, uint32_t not_this, struct wan *w);

#endif
