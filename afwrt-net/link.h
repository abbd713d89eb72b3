/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_LINK_H
#define AFWRT_NET_LINK_H

#include "lib/wire/msg.h"
#include "netlink.h"

/* The TUN. fd is -1 when there is none. */
struct link_tun {
	int fd;
	uint32_t ifindex; /* 0: the device was deleted under us */
	uint32_t mtu;
	uint32_t vnet_hdr; /* bytes before each packet */
	bool persistent;   /* made by somebody else, and stays */
	char name[AFW_IFNAME_SIZE];
};

/* What the kernel says of an interface. */
struct link_info {
	uint32_t ifindex, mtu, flags; /* flags: IFF_, ifindex 0: none */
	char name[AFW_IFNAME_SIZE];
	char kind[16];           /* "tun", "" for hardware */
	int rp_filter, addr_gen; /* -1: not said */
};

/* By name, or (name NULL) by index. 0, or -1: ENODEV, or what netlink says. */
int link_get(struct netlink *nl, const char *name, uint32_t ifindex,
    struct link_info *info);

/*
 * Makes fd the TUN of that name: fd is either attached to it already or an
 * unused /dev/net/tun. The fd becomes t's. -1: the fd is still the caller's.
 */
int link_attach(struct netlink *nl, struct link_tun *t, int fd,
    const char *name, struct nerr *e);
/* The device is gone although we hold the fd: make it again. */
int link_revive(struct netlink *nl, struct link_tun *t, struct nerr *e);
/*
 * Up, MTU, address, loose reverse-path filter, no IPv6 address of its own.
 * How many of these had to be changed, or -1.
 */
int link_setup(struct netlink *nl, struct link_tun *t,
    const struct afw_m_config *cfg, struct nerr *e);
/* The device goes, whoever else may hold it. */
void link_delete(
    struct netlink *nl, struct link_tun *t, const struct afw_addr *addr);

#endif
