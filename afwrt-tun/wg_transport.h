/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_TRANSPORT_H
#define AFWRT_TUN_WG_TRANSPORT_H

#include "afwrt-tun/device.h"
#include "afwrt-tun/transport.h"
#include "afwrt-tun/wg_device.h"

/*
 * What the two WireGuard transports have in common: the session, what is told
 * to afwrt-net, and when the tunnel is up or down. wg_udp.c runs the protocol
 * itself, wg_kernel.c looks how the kernel does. Unlike others they go on
 * after down() until they are closed, and call opened() again.
 */
struct wg_base;

struct wg_kind {
	const struct transport_ops *ops;
	bool kernel;
	/* afwrt-net has done what WG_SET says */
	void (*was_set)(struct wg_base *b);
	/* the uplink is there: as it was, back, or another one */
	void (*uplink)(struct wg_base *b);
	/* brings the device's counters up to date */
	void (*count)(struct wg_base *b);
	/* out of the route's TUN; NULL: it has none */
	void (*batch_begin)(struct wg_base *b);
	void (*packet)(struct wg_base *b, uint8_t *data, size_t len,
	    const struct device_meta *m);
	void (*batch_end)(struct wg_base *b);
};

struct wg_base {
	struct transport t;
	const struct wg_kind *kind;
	struct event_base *base;
	struct wg_device *wd; /* NULL: the route is gone */
	uint32_t route, mtu;
	char location[AFW_LOCATION_SIZE];
	struct afw_m_wg_session s;
	bool set;   /* afwrt-net has what WG_SET says */
	bool shook; /* a handshake completed since the last down() */
	bool up;    /* opened() was called after that */
	bool away;  /* the uplink was gone; cleared by the transport */
	struct event *gone, *bye;
};

void wg_base_init(struct wg_base *b, const struct wg_kind *kind,
    const struct transport_open *o, const struct transport_owner *owner,
    void *arg);
/* Wipes the session, lets go of the device. */
void wg_base_done(struct wg_base *b);
/* Tells afwrt-net addresses, MTU and for the kernel keys and peer. */
void wg_base_tell(struct wg_base *b);
/* A handshake completed. */
void wg_base_shook(struct wg_base *b);
/* Calls the owner, the last thing to do; nothing when it is down already and
 * was up before. */
void wg_base_down(struct wg_base *b, enum afw_reason reason, enum afw_why why,
    const char *detail);
/* The interface is there again, or is another one. */
void wg_base_device(struct wg_base *b);
/* tun_wan_usable may have changed, or the uplink is another one. */
void wg_base_wan(struct wg_base *b);

/* The operations that do the same in both. */
void wg_base_nothing(struct transport *t);
bool wg_base_send(struct transport *t, const uint8_t *packet, size_t len);
void wg_base_probe(struct transport *t);
void wg_base_bye(struct transport *t, const char *text);

struct transport *wg_udp_open(const struct transport_open *o,
    const struct transport_owner *owner, void *arg);
struct transport *wg_kernel_open(const struct transport_open *o,
    const struct transport_owner *owner, void *arg);

#endif
