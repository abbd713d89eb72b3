/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_DEVICE_H
#define AFWRT_TUN_WG_DEVICE_H

#include "afwrt-tun/device.h"
#include "afwrt-tun/route.h"
#include "lib/daemon/link.h"

/*
 * The interface of a WireGuard route, as afwrt-net gives it: the kernel's, or
 * a TUN; with that the configuration socket that afwrtd gives. It may come
 * before its route does, and is dropped with the route. The transport of the
 * moment (wg_transport.h) is its user; without one packets are dropped.
 */
struct wg_base;
struct wg_control;

struct wg_counts {
	uint64_t up_packets, up_bytes, down_packets, down_bytes, dropped;
	uint64_t handshakes;
};

struct wg_device {
	struct wg_device *next;
	uint32_t route;
	struct afw_m_wg_device info; /* route 0: not told yet */
	struct device *tun;          /* userspace */
	struct wg_control *control;
	struct wg_base *user; /* or NULL */
	struct wg_counts count;
	/* of the kernel's link, when it was asked last */
	bool linked;
	struct afw_m_wg_state link;
};

/* Before the sandbox closes. */
void wg_device_init(void);
/* Messages WG_DEVICE and WG_LISTEN. */
int wg_device_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int wg_listen_handle(void *arg, struct afw_link *l, struct afw_msg *m);
/* NULL when nobody said anything about it. */
struct wg_device *wg_device_find(uint32_t route);
void wg_device_drop(uint32_t route);
/* The uplink has changed, is gone, or back. */
void wg_device_wan(void);
void wg_device_stats(uint32_t route, struct afw_m_route_stats *s);

/* ---- what an attempt wants to know; false for other routes ------------- */

/* Its interface is not there yet. */
bool wg_waits(const struct route *r);
bool wg_in_kernel(const struct route *r);
/* It cannot work with this build; why. */
bool wg_never(const struct route *r, const char **why);

#endif
