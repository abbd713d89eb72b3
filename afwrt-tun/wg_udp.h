/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_UDP_H
#define AFWRT_TUN_WG_UDP_H

#include "afwrt-tun/wg.h"
#include "afwrt-tun/wg_allowed.h"
#include "afwrt-tun/wg_socket.h"
#include "afwrt-tun/wg_transport.h"
#include "afwrt-tun/wg_uapi.h"

/*
 * WireGuard in userspace: engine, socket, timer. wg_udp.c has the life,
 * wg_path.c the packets between the route's TUN and the engine, wg_change.c
 * what is asked and changed by the configuration socket.
 */
struct wg_udp {
	struct wg_base b;      /* first */
	struct wg *engine;     /* NULL: no timestamp yet, or no peer */
	struct wg_config conf; /* of the engine; peer_key zero: no peer */
	struct wg_allowed allowed;
	struct wg_socket sock;
	struct event *tick, *readable, *writable, *again;
	struct wg_stats counted; /* of the engine, in the device's counters */
	uint64_t lost;           /* of the socket, the same */
	bool stamped;            /* conf.stamp is the last one */
	bool connected, failed;  /* the engine said so */
	bool asking;             /* for a socket */
	char ifname[AFW_IFNAME_SIZE]; /* the uplink of the socket */
};

/* ---- wg_udp.c ---------------------------------------------------------- */

/* The engine by conf, from scratch; a handshake is begun. */
void wg_udp_restart(struct wg_udp *u);
/* After any use of the engine: timer, queue, what it said. It may be the end
 * of u. */
void wg_udp_settle(struct wg_udp *u);
void wg_udp_count(struct wg_base *b);
/* Another socket, for the family of conf.endpoint. */
void wg_udp_socket(struct wg_udp *u);

/* ---- wg_path.c --------------------------------------------------------- */

void wg_path_begin(struct wg_base *b);
void wg_path_packet(
    struct wg_base *b, uint8_t *data, size_t len, const struct device_meta *m);
void wg_path_end(struct wg_base *b);
/* wg_calls.deliver and .allowed; arg is the struct wg_udp. */
void wg_path_deliver(void *arg, uint8_t *packet, size_t len);
bool wg_path_allowed(void *arg, const uint8_t *packet, size_t len);
/* The end of a batch from the socket. */
void wg_path_deliver_end(struct wg_udp *u);

/* ---- wg_change.c ------------------------------------------------------- */

/* The tunnel of a route as `get=1` wants it; false: there is none now. */
bool wg_change_get(uint32_t route, struct wg_uapi_device *d);
/* 0 or an errno. */
int wg_change_set(uint32_t route, const struct wg_uapi_set *s);

#endif
