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

/*
 * What should be on the system now, except for the devices: the input of
 * route_sync, rule_sync and nft_ensure, which make it so. All zero: nothing.
 */
struct plan {
	bool selective;   /* the mark, its rules, its table */
	bool halves;      /* default_gateway: two half-internet routes */
	bool guard;       /* and nothing leaves by the uplink but ours */
	bool bridge;      /* a rule by interface names a bridge's port */
	bool dns;         /* port 53 of devices goes to AFW_DNS4, AFW_DNS6 */
	bool lan_bypass;  /* connected networks are reached directly */
	uint32_t ifindex; /* of the TUN, 0: there is none */
	uint32_t mark, mask, table, priority;
	bool unsure;    /* not all rules are known: what may be one stays */
	uint32_t outer; /* the bit of our outer sockets' mark */
	struct prefix near[PLAN_NEAR_MAX]; /* the uplink's own networks */
	uint32_t n_near;
	char tun[AFW_IFNAME_SIZE];
	char wan[AFW_IFNAME_SIZE]; /* "": not known */
};

#endif
