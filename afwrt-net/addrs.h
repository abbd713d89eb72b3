/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_ADDRS_H
#define AFWRT_NET_ADDRS_H

#include "lib/wire/msg.h"
#include "netlink.h"

/* An array of addresses with the prefixes of their networks. */
struct addrs {
	const struct afw_wg_net *net;
	size_t n;
};

/*
 * The addresses `want` on an interface, and none of ours besides: ours are
 * those that this process or an earlier one gave (the kernel notes it, Linux
 * 5.18), and those in `was`. Others stay. How many were changed, or -1.
 */
int addrs_sync(struct netlink *nl, uint32_t ifindex, const char *name,
    const struct addrs *want, const struct addrs *was, struct nerr *e);
/* Those that it has now, link-local ones left out. 0, or -1. */
int addrs_list(struct netlink *nl, uint32_t ifindex,
    struct afw_addr to[AFW_WG_ADDRS_MAX], uint32_t *n);

#endif
