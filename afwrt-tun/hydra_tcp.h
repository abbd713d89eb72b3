/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_HYDRA_TCP_H
#define AFWRT_TUN_HYDRA_TCP_H

#include <stdarg.h>

#include "afwrt-tun/cstp.h"
#include "afwrt-tun/cstp_head.h"
#include "afwrt-tun/gather.h"
#include "afwrt-tun/transport.h"
#include "lib/tls/tls.h"

/*
 * Shared by the two files of the transport: hydra_tcp.c brings the tunnel up,
 * hydra_io.c moves frames through it and watches over it.
 */
enum hydra_state {
	HYDRA_CONNECT,   /* TCP */
	HYDRA_HANDSHAKE, /* TLS */
	HYDRA_SECURED,   /* waits for begin() */
	HYDRA_HEAD,      /* CONNECT sent, its answer is awaited */
	HYDRA_OPEN,
	HYDRA_LEAVING, /* bye said, the node's end of file is awaited */
	HYDRA_DOWN     /* down() is due or done */
};

struct hydra {
	struct transport t; /* first */
	enum hydra_state state;
	struct event_base *base;
	const struct session *session; /* until open */
	uint32_t link_mtu;
	int fd; /* the tls' own once there is one */
	struct afw_tls *tls;
	struct event *rd, *wr, *timer;
	struct event *late; /* reads what was not told of */
	struct gather gather;
	char *head; /* of the answer, while it is read */
	size_t head_len;
	struct cstp_params params;
	/* CLOCK_BOOTTIME in ms */
	int64_t last_rx, keepalive_at, rekey_at;
	/* dead-peer request: number, when, how long to wait for the answer */
	uint32_t dpd_number, drain_number;
	bool dpd_pending;
	int64_t dpd_at, dpd_wait, dpd_us;
	struct transport_end end;
};

/* Ends it: down() follows from the loop. The first reason counts. */
void hydra_fail(struct hydra *h, enum afw_reason reason, enum afw_why why,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Runs timer_cb of the state in so many milliseconds. */
void hydra_timer_set(struct hydra *h, int64_t ms);

/* ---- hydra_io.c -------------------------------------------------------- */

/* The head was good: the tunnel is up; rest is what followed the head. */
void hydra_io_open(struct hydra *h, uint8_t *rest, size_t len);
/* The socket is readable, writable: states OPEN and LEAVING. */
void hydra_io_read(struct hydra *h);
void hydra_io_write(struct hydra *h);
/* The timer of state OPEN. */
void hydra_io_tick(struct hydra *h);

bool hydra_io_send(struct transport *t, const uint8_t *packet, size_t len);
void hydra_io_flush(struct transport *t);
void hydra_io_drain(struct transport *t);
void hydra_io_probe(struct transport *t);
void hydra_io_bye(struct transport *t, const char *text);

#endif
