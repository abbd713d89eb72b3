/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_SOCKET_H
#define AFWRT_TUN_WG_SOCKET_H

#include "afwrt-tun/wg.h"

/*
 * The UDP socket of a tunnel. Datagrams of one size go out as one (UDP GSO)
 * and may come in so (UDP GRO), where the kernel does that. What the kernel
 * does not take now waits in a queue, and is lost when that is full.
 */
struct wg_socket {
	int fd; /* -1: none */
	bool gso, gro, wide;
	bool dead;          /* its interface is gone: get another */
	bool congested;     /* the datagram in hand: ECN says so */
	uint64_t lost;      /* datagrams */
	uint8_t *wait;      /* runs, each behind its header */
	size_t first, used; /* bytes in there */
};

/* Takes fd, closes an older one; wide: datagrams may exceed 8 KiB. */
void wg_socket_set(struct wg_socket *s, int fd, bool wide);
void wg_socket_close(struct wg_socket *s);
/* As wg_calls.send. */
void wg_socket_send(struct wg_socket *s, const union wg_endpoint *to,
    const struct iovec *v, unsigned int n);
/* Something waits: call wg_socket_flush when it can be written. */
bool wg_socket_waits(const struct wg_socket *s);
void wg_socket_flush(struct wg_socket *s);
/* A batch; fn may change the datagram. */
void wg_socket_receive(struct wg_socket *s,
    void (*fn)(void *arg, uint8_t *datagram, size_t len,
	const union wg_endpoint *from),
    void *arg);
/* In host order, 0: none yet. */
uint16_t wg_socket_port(const struct wg_socket *s);

#endif
