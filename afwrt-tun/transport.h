/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_TRANSPORT_H
#define AFWRT_TUN_TRANSPORT_H

#include <event2/event.h>

#include "afwrt-tun/session.h"

/*
 * What moves the packets of a route: one connection to one node. A transport
 * knows nothing of routes, policies or the other helpers. It tells its owner
 * what happens by the functions of struct transport_owner; they are called
 * from the event loop only, never from within send, flush or any other call
 * down, and down() is always the last call: after it the owner closes. Those
 * of WireGuard (wg_transport.h) know a bit more, and go on after down().
 */
struct transport;

/* What the node assigned. */
struct transport_params {
	struct afw_addr inner4, inner6; /* family 0: none */
	struct afw_addr dns4, dns6;     /* the same */
	uint32_t mtu;
};

/* How it ended. */
struct transport_end {
	enum afw_reason reason; /* for the event; AFW_REASON_NONE: in order */
	enum afw_why why;       /* for afwrt-auth */
	char detail[AFW_DETAIL_SIZE];
};

struct transport_owner {
	/* the node proved who it is; go on with begin(), now or later */
	void (*secured)(void *arg);
	/* the tunnel is up */
	void (*opened)(void *arg, const struct transport_params *p);
	/* one packet from the node; the buffer may be changed */
	void (*packet)(void *arg, uint8_t *packet, size_t len);
	/* no more packets for now */
	void (*batch_end)(void *arg);
	/* answer to drain(): the node has taken everything sent before */
	void (*drained)(void *arg);
	/* it is time for a new tunnel; comes again if there is none */
	void (*rekey)(void *arg);
	/* failed, lost, or said bye */
	void (*down)(void *arg, const struct transport_end *end);
};

struct transport {
	const struct transport_ops *ops;
	const struct transport_owner *owner; /* may be changed, with arg */
	void *arg;
	uint32_t rtt_us; /* of the last dead-peer exchange, 0 unknown */
};

/* What a connection is made from. The session must live until opened. */
struct transport_open {
	struct event_base *base;
	int fd; /* taken; of the server's family, not connected; or -1 */
	const struct session *session;
	uint32_t mtu;            /* of the uplink, 0 unknown */
	uint32_t rcvbuf, sndbuf; /* 0: the system's */
	uint32_t route;          /* for those that ask afwrt-net about it */
	const char *location;
};

struct transport_ops {
	const char *name;
	struct transport *(*open)(const struct transport_open *o,
	    const struct transport_owner *owner, void *arg);
	void (*begin)(struct transport *t);
	/* copies a packet into the batch; false: the queue is full */
	bool (*send)(struct transport *t, const uint8_t *packet, size_t len);
	/* writes the batch out, or as much as the kernel takes now */
	void (*flush)(struct transport *t);
	void (*drain)(struct transport *t);
	/* is the node still there? down() follows soon if not */
	void (*probe)(struct transport *t);
	/* logs out with a text; down() follows in any case, and soon */
	void (*bye)(struct transport *t, const char *text);
	/* frees it without a word; no more calls to the owner */
	void (*close)(struct transport *t);
};

/* The transport of an enum afw_type, or NULL. */
const struct transport_ops *transport_find(uint32_t type);

extern const struct transport_ops hydra_tcp_ops;
extern const struct transport_ops wg_ops;

#endif
