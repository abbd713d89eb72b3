/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_H
#define AFWRT_TUN_WG_H

#include <sys/uio.h>

#include <netinet/in.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * WireGuard with one peer: packets in, datagrams out, and back. No socket, no
 * device, no thread, no event loop and no log in here; the caller has those
 * and gives the time. One struct wg is used from one thread; the callbacks
 * deliver and event may call wg_output, wg_get_stats and the setters, the
 * others nothing of this.
 */
struct wg;

/* Datagrams handed out at once, at most; and the largest packet taken. */
#define WG_BATCH_MAX  64
#define WG_PACKET_MAX 65456
/* What a datagram is longer than its packet, without padding. */
#define WG_OVERHEAD 32

/* Two are the same when they look the same: a socket for both families gives
 * ::ffff:192.0.2.1, so the configured endpoint must be in that form too. */
union wg_endpoint {
	struct sockaddr sa; /* sa_family AF_UNSPEC: none */
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

enum wg_event {
	WG_EV_CONNECTED, /* a handshake completed: the first, or a renewal */
	WG_EV_FAILED,    /* none completed in fail_ms, and no session is left */
	WG_EV_EXPIRED,   /* the last session is over, 180 s old, not renewed;
			  * no error if there was nothing to send */
};

struct wg_calls {
	/*
	 * Sends n datagrams to one peer. They lie back to back in memory and
	 * are mostly of one size, so runs of equal ones suit UDP GSO. What
	 * cannot be sent now is lost.
	 */
	void (*send)(void *arg, const union wg_endpoint *to,
	    const struct iovec *v, unsigned int n);
	/* A whole IPv4 or IPv6 packet of the peer; valid during the call. */
	void (*deliver)(void *arg, uint8_t *packet, size_t len);
	/* The rest may be NULL. */
	void (*event)(void *arg, enum wg_event e);
	/* The peer, proved to be it, is heard from another address. */
	void (*roamed)(void *arg, const union wg_endpoint *to);
	/* Timestamp of the initiation about to be sent; keep it for
	 * wg_config.stamp of the next run. */
	void (*stamp)(void *arg, const uint8_t stamp[12]);
	/* May this packet come from the peer (allowed_ips)? NULL: all may. */
	bool (*allowed)(void *arg, const uint8_t *packet, size_t len);
	/* The wall clock; NULL is CLOCK_REALTIME. */
	void (*wall)(void *arg, struct timespec *now);
};

struct wg_config {
	uint8_t private_key[32];
	uint8_t peer_key[32];
	uint8_t psk[32];            /* zero: none */
	union wg_endpoint endpoint; /* none: the peer has to begin */
	uint16_t keepalive;         /* s, persistent; 0 none */
	uint16_t mtu;      /* padding makes no packet longer; 0 no limit */
	uint8_t stamp[12]; /* the last one used, zero if none was */
	uint32_t fail_ms;  /* of WG_EV_FAILED; 0 is 15 s */
	uint32_t rekey_ms; /* 0 is the protocol's 120 s; for tests */
};

struct wg_stats {
	uint64_t rx_bytes, tx_bytes;      /* datagrams, as `wg show` counts */
	uint64_t in_packets, out_packets; /* packets of users */
	uint64_t in_bytes, out_bytes;
	uint64_t dropped_out;  /* no session and the queue full, too big */
	uint64_t dropped_in;   /* not authentic, replayed, not allowed */
	uint64_t handshakes;   /* completed */
	uint64_t cookies;      /* replies sent: we were flooded */
	uint64_t challenged;   /* cookies got: the peer was flooded */
	uint64_t handshake_ms; /* the last one, in the caller's time; 0 none */
	struct timespec handshake_wall; /* and by the wall clock */
	size_t queued;                  /* packets waiting for a handshake */
};

/*
 * now_ms is the caller's monotonic time in milliseconds, above 0. NULL and
 * EINVAL: a key that cannot be used; ENOMEM. The config is copied; the caller
 * wipes its own. Nothing is sent yet.
 */
struct wg *wg_new(const struct wg_config *c, const struct wg_calls *calls,
    void *arg, uint64_t now_ms);
/* Wipes all keys; sends nothing. */
void wg_free(struct wg *w);

/* The time, once a batch, before wg_output and wg_input; it never goes back. */
void wg_now(struct wg *w, uint64_t now_ms);
/*
 * wg_now, then what is due. Returns when to call again at the latest (0: no
 * timer is set); any other call may bring that forward: see wg_deadline.
 */
uint64_t wg_tick(struct wg *w, uint64_t now_ms);
uint64_t wg_deadline(const struct wg *w);

/* Begins a handshake now; does nothing while one is under way. */
void wg_connect(struct wg *w);
/* The same while one is under way too: the way to the peer is another, so
 * what was sent is lost. */
void wg_reconnect(struct wg *w);
/* Sends a keepalive now: the peer learns where we are. Without a session it
 * begins a handshake. */
void wg_keepalive(struct wg *w);
/*
 * Seals one IP packet, or keeps it while a handshake is under way. What is
 * sealed goes out when the batch is full, and at wg_flush. 0, or -1 dropped:
 * EMSGSIZE, EINVAL (empty), ENOBUFS (the queue is full), ENOMEM.
 */
int wg_output(struct wg *w, const uint8_t *packet, size_t len);
/* Takes one datagram; decrypts in place. Answers are flushed. */
void wg_input(
    struct wg *w, uint8_t *datagram, size_t len, const union wg_endpoint *from);
/* Hands out the batch. */
void wg_flush(struct wg *w);

/* New credentials with unchanged keys: the session goes on. */
void wg_set_endpoint(struct wg *w, const union wg_endpoint *to);
void wg_set_keepalive(struct wg *w, uint16_t seconds);
/* For the next handshake. */
void wg_set_psk(struct wg *w, const uint8_t psk[32]);

/* Is there a session that packets can be sent with now? */
bool wg_is_up(const struct wg *w);
void wg_get_stats(const struct wg *w, struct wg_stats *s);
const union wg_endpoint *wg_get_endpoint(const struct wg *w);
const uint8_t *wg_get_public_key(const struct wg *w);

bool wg_endpoint_same(const union wg_endpoint *a, const union wg_endpoint *b);
socklen_t wg_endpoint_size(const union wg_endpoint *e);

#endif
