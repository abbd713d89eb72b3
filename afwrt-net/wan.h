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
	/* its addresses; of very many not all */
	struct afw_addr own[PLAN_NEAR_MAX];
	uint32_t n_own;
	/* the gateways of its best default routes, family 0: on the link */
	struct afw_addr via4, via6;
	int rp_filter; /* -1: not said */
};

/*
 * Looks at the uplink `name`, or at that of the default route if it is
 * "auto"; never at an interface that `not_this` is true of (our tunnels'). 0,
 * or -1 and nl->text.
 */
int wan_look(struct netlink *nl, const char *name,
    bool (*not_this)(uint32_t ifindex), struct wan *w);

#endif
