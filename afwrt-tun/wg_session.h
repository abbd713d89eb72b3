/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_SESSION_H
#define AFWRT_TUN_WG_SESSION_H

#include "afwrt-tun/wg_noise.h"

/* Whitepaper 6.1. The reject limit leaves room for the window. */
#define WG_REKEY_AFTER_MESSAGES  (UINT64_C(1) << 60)
#define WG_REJECT_AFTER_MESSAGES (UINT64_MAX - (UINT64_C(1) << 13))
#define WG_REJECT_AFTER_MS       180000

#define WG_DATA_HEADER           16

/* Counters that may come late; the ring has room for as many again, so that
 * whole words can be cleared as the window moves. */
#define WG_WINDOW      8192
#define WG_WINDOW_RING (2 * WG_WINDOW)

struct wg_replay {
	uint64_t next; /* above all that came */
	uint64_t seen[WG_WINDOW_RING / 64];
};

/* Is it new, and not too old? Changes nothing. */
bool wg_replay_ok(const struct wg_replay *r, uint64_t counter);
/* Notes one that is ok and authentic. */
void wg_replay_mark(struct wg_replay *r, uint64_t counter);

/* The keys of one handshake. */
struct wg_session {
	EVP_CIPHER_CTX *seal, *open;
	uint64_t counter; /* of the next packet we send */
	uint64_t born;    /* ms */
	uint32_t local, remote;
	bool initiator;
	struct wg_replay replay;
};

/* NULL when out of memory; the keys stay the caller's to wipe. */
struct wg_session *wg_session_new(const struct wg_keys *k, bool initiator,
    uint32_t local, uint32_t remote, uint64_t now);
void wg_session_free(struct wg_session *s);
/* May it be used at all, in time? And for sending, in packets? */
bool wg_session_is_young(const struct wg_session *s, uint64_t now);
bool wg_session_can_send(const struct wg_session *s, uint64_t now);

/* How many zeros follow a packet, if mtu (0: none) leaves room for them. */
size_t wg_session_padding(size_t len, size_t mtu);
/*
 * A data message of a packet (len 0: a keepalive) and `pad` zeros, in `out`
 * with room for WG_DATA_HEADER + len + pad + WG_TAG. 0, or -1.
 */
int wg_session_seal(struct wg_session *s, uint8_t *out, const uint8_t *packet,
    size_t len, size_t pad);
/*
 * Opens a data message in place; the packet, with its padding, is then at
 * msg + WG_DATA_HEADER. Its length, or -1: not authentic, replayed, too late.
 */
ssize_t wg_session_open(
    struct wg_session *s, uint8_t *msg, size_t len, uint64_t now);
/* Length of the IP packet in n bytes with padding, or -1: it is none. */
ssize_t wg_session_ip_length(const uint8_t *p, size_t n);

#endif
