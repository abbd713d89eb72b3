/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_TUN_H
#define AFWRT_NET_TUN_H

#include "lib/wire/msg.h"
#include "link.h"
#include "netlink.h"

/* The TUN. fd is -1 when there is none, or none that we hold. */
struct tun {
	int fd;
	uint32_t ifindex; /* 0: there is no interface, or it was deleted */
	uint32_t mtu;
	uint32_t vnet_hdr; /* bytes before each packet */
	bool persistent;   /* made by somebody else, and stays */
	bool held;         /* made persistent by us */
	bool foreign;      /* the application's (hydra_tun_fd) */
	bool down;         /* foreign, and not ours to set up: no routes yet */
	char name[AFW_IFNAME_SIZE];
};

/*
 * Makes fd the TUN of that name: fd is either attached to it already or an
 * unused /dev/net/tun. The fd becomes t's. -1: the fd is still the caller's.
 */
int tun_attach(struct netlink *nl, struct tun *t, int fd, const char *name,
    struct nerr *e);
/* The same for an fd of the application: a TUN, or anything of packets. */
int tun_adopt(
    struct netlink *nl, struct tun *t, int fd, uint32_t mtu, struct nerr *e);
/* Is fd attached to the TUN of that name? */
bool tun_is(int fd, const char *name);
/* Is that one that we held, in this life or an earlier one? */
bool tun_is_held(const struct link_info *info);
/* The device is gone although we hold the fd: make it again. */
int tun_revive(struct netlink *nl, struct tun *t, struct nerr *e);
/* To stay without a holder, or not to. 0, or -1 and errno. */
int tun_hold(struct tun *t, bool hold);
/* Our descriptor goes, the device (if held) stays and drops all. */
void tun_leave(struct tun *t);
/* The device goes, whoever else may hold it; not if it is another's. */
void tun_delete(
    struct netlink *nl, struct tun *t, const struct afw_m_config *cfg);
/* Devices that we held in an earlier life go. How many, or -1. */
int tun_sweep(struct netlink *nl);

#endif
