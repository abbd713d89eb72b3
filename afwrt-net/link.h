/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_LINK_H
#define AFWRT_NET_LINK_H

#include "lib/wire/msg.h"
#include "netlink.h"

#define LINK_RPF_LOOSE  2 /* of rp_filter */
#define LINK_ALIAS_SIZE 64

/* What the kernel says of an interface. */
struct link_info {
	uint32_t ifindex, mtu, flags; /* flags: IFF_, ifindex 0: none */
	char name[AFW_IFNAME_SIZE];
	char kind[16];               /* "tun", "" for hardware */
	char alias[LINK_ALIAS_SIZE]; /* a note for people and for us */
	int rp_filter, addr_gen;     /* -1: not said */
	int64_t owner, group;        /* of a TUN; -1: none, or not said */
	bool persist;
};

/* By name, or (name NULL) by index. 0, or -1: ENODEV, or what netlink says. */
int link_get(struct netlink *nl, const char *name, uint32_t ifindex,
    struct link_info *info);
/* From an RTM_NEWLINK. */
void link_parse(const struct nlmsghdr *nlh, struct link_info *info);

/*
 * Up, the MTU (0: what it is; *mtu: what it is now), loose reverse-path
 * filter, no IPv6 address of its own. How many had to be changed, or -1.
 */
int link_prepare(struct netlink *nl, uint32_t ifindex, uint32_t want,
    uint32_t *mtu, struct nerr *e);
/*
 * Up, MTU, address, loose reverse-path filter, no IPv6 address of its own.
 * How many of these had to be changed, or -1.
 */
int link_setup(struct netlink *nl, uint32_t ifindex,
    const struct afw_m_config *cfg, uint32_t *mtu, struct nerr *e);
/* 0, or -1, errno and nl->text. */
int link_rp_filter(struct netlink *nl, uint32_t ifindex, int value);
int link_alias(struct netlink *nl, uint32_t ifindex, const char *alias);
int link_up(struct netlink *nl, uint32_t ifindex, bool up);
int link_addr_del(
    struct netlink *nl, uint32_t ifindex, const struct afw_addr *addr);

#endif
