/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_WG_IFACE_H
#define AFWRT_NET_WG_IFACE_H

#include "lib/daemon/link.h"
#include "link.h"
#include "tun.h"
#include "wg_route.h"

/* The interface of a WireGuard route: one of the kernel's, or a TUN. */
struct wg_iface {
	struct wg_route w;       /* what the others see of it */
	bool claimed;            /* false: only what blocks is left of it */
	uint32_t mtu;            /* as it is wanted */
	struct tun tun;          /* userspace; fd -1: none */
	struct afw_m_wg_set set; /* what tun said last; route 0: nothing yet */
};

/*
 * Makes the interface of that name, or adopts ours of an earlier life. impl is
 * what was asked for. *fd is -1 afterwards if it was taken. 0, or -1:
 * AFW_EBUSY, e->soon perhaps, or AFW_ENOTSUP.
 */
int wg_iface_make(struct wg_iface *i, uint32_t impl, int *fd, struct nerr *e);
/*
 * There, up, MTU and addresses: what is not so is put right, and tun is told
 * of an interface that had to be made anew. How many changes, or -1.
 */
int wg_iface_repair(struct wg_iface *i, struct nerr *e);
/* What a session says, of keys only in the kernel's case. 0, or -1. */
int wg_iface_session(
    struct wg_iface *i, const struct afw_m_wg_set *m, struct nerr *e);
/* The uplink has changed. */
void wg_iface_roam(struct wg_iface *i);
/* How the kernel's is getting on. 0, or -1. */
int wg_iface_state(
    const struct wg_iface *i, struct afw_m_wg_state *m, struct nerr *e);
/* WG_DEVICE, if there is an interface. */
void wg_iface_tell(const struct wg_iface *i, struct afw_link *l);
/* NET_KEEP, of a TUN. */
void wg_iface_keep(const struct wg_iface *i);
/* Away with it; secrets are wiped. */
void wg_iface_delete(struct wg_iface *i);
/* The same, except where an interface is needed to drop what comes. */
void wg_iface_block(struct wg_iface *i);
/* Interfaces of an earlier life that no route has. */
void wg_iface_sweep(void);

#endif
