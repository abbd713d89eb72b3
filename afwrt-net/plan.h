/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_PLAN_H
#define AFWRT_NET_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/wire/msg.h"

/* Our number on every route and rule of ours: nobody else's in rt_protos. */
#define NET_RTPROT 97

/* A network: the first len bits of b. */
struct prefix {
	uint8_t family; /* 4 or 6 */
	uint8_t len;
	uint8_t b[16];
};
#define PLAN_NEAR_MAX 8
#define PLAN_WG_MAX   64

/* A WireGuard route in managed routing. */
struct plan_wg {
	uint32_t ifindex; /* 0: the interface is not there */
	uint32_t mark, table, mtu;
	bool has4, has6; /* it has an address of that family */
	char ifname[AFW_IFNAME_SIZE];
	struct afw_addr dns4, dns6; /* family 0: none */
	/* its addresses inside the tunnel that the uplink has not as well */
	struct afw_addr own[AFW_WG_ADDRS_MAX];
	uint32_t n_own;
};

/*
 * What should be on the system now, except for the devices: the input of
 * route_sync, rule_sync and nft_ensure, which make it so. All zero: nothing.
 */
struct plan {
	bool selective;   /* devices are marked */
	bool hydra;       /* the rules and the table of those who have `mark` */
	bool managed;     /* the WireGuard routes, and who is on them */
	bool halves;      /* default_gateway: two half-internet routes */
	bool guard;       /* and nothing leaves by the uplink but ours */
	bool bridge;      /* a rule by interface names a bridge's port */
	bool dns;         /* port 53 of devices goes to AFW_DNS4, AFW_DNS6 */
	bool lan_bypass;  /* connected networks are reached directly */
	uint32_t ifindex; /* of the TUN, 0: there is none */
	uint32_t mark, mask, table, priority;
	bool unsure;    /* not all rules are known: what may be one stays */
	bool blocked;   /* cleared, but what blocks is to stay */
	uint32_t outer; /* the bit of our outer sockets' mark */
	struct prefix near[PLAN_NEAR_MAX]; /* the uplink's own networks */
	uint32_t n_near;
	char tun[AFW_IFNAME_SIZE];
	char wan[AFW_IFNAME_SIZE]; /* "": not known */
	/*
	 * The way of outer packets past the halves, for those sockets that
	 * cannot be bound (wg_kernel.h): the uplink's default once more.
	 */
	bool outer_way;
	bool outer_has4, outer_has6;
	uint32_t outer_table, wan_ifindex;
	struct afw_addr outer_via4, outer_via6; /* family 0: on the link */
	struct plan_wg wg[PLAN_WG_MAX];         /* in order of their marks */
	uint32_t n_wg;
	int wg_default; /* where the halves lead, index of wg; -1: the TUN */
};

/* What net (state.h) says should be. */
void plan_make(struct plan *p);

#endif
