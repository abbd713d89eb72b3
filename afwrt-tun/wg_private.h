/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_PRIVATE_H
#define AFWRT_TUN_WG_PRIVATE_H

#include "afwrt-tun/wg.h"
#include "afwrt-tun/wg_batch.h"
#include "afwrt-tun/wg_cookie.h"
#include "afwrt-tun/wg_noise.h"
#include "afwrt-tun/wg_queue.h"
#include "afwrt-tun/wg_session.h"

/* What the files of one peer share: wg_peer.c owns it. */

/* Whitepaper 6.1, in milliseconds. */
#define WG_REKEY_AFTER_MS   120000
#define WG_REKEY_TIMEOUT_MS 5000
#define WG_KEEPALIVE_MS     10000
#define WG_REKEY_ATTEMPT_MS 90000
#define WG_JITTER_MS        334
#define WG_FAIL_MS          15000
/* An initiation of the peer so soon after its last is a flood. */
#define WG_INITIATION_GAP_MS 20
#define WG_RECONNECT_MS      100 /* so ours are further apart */

enum wg_timer {
	WG_T_RETRY,     /* the initiation was not answered */
	WG_T_KEEPALIVE, /* we received and had nothing to say */
	WG_T_SILENCE,   /* we sent and heard nothing */
	WG_T_PERSISTENT,
	WG_T_EXPIRED, /* the newest session is over */
	WG_T_FAILED,  /* to be told that no handshake completes */
	WG_T_ZERO,    /* all keys are wiped */
	WG_TIMERS
};

struct wg {
	struct wg_calls calls;
	void *arg;
	uint64_t now;
	uint16_t keepalive, mtu;
	uint32_t fail_ms, rekey_ms;
	struct wg_identity id;
	struct wg_cookie cookie;
	union wg_endpoint endpoint;

	/* sessions: `next` is one the peer has not used yet */
	struct wg_session *previous, *current, *next;

	/* our own handshake under way */
	struct wg_noise noise;
	bool pending; /* noise awaits a response to index */
	uint32_t index;
	bool trying;        /* initiations are sent, none is answered yet */
	uint64_t tried_at;  /* the last one, 0 never */
	uint64_t tries_end; /* then we give up */
	uint8_t stamp[WG_STAMP];

	/* the peer's */
	uint8_t peer_stamp[WG_STAMP];
	uint64_t peer_tried_at;

	uint64_t due[WG_TIMERS]; /* 0: off */
	bool another_keepalive;
	bool last_minute; /* renewal was asked for by the receiving side */
	struct wg_queue queue;
	struct wg_batch batch;
	struct wg_stats stats;
};

/* wg_handshake.c */
/* Sends an initiation unless one was sent just now; a new series of tries
 * begins unless it is a retry. */
void wg_handshake_begin(struct wg *w, bool retry);
void wg_handshake_give_up(struct wg *w);
void wg_handshake_input(
    struct wg *w, uint8_t *msg, size_t len, const union wg_endpoint *from);

/* wg_data.c */
void wg_data_input(
    struct wg *w, uint8_t *msg, size_t len, const union wg_endpoint *from);
/* Sends what waits for a session; all of it, or it waits on. */
void wg_data_send_queued(struct wg *w);
void wg_data_keepalive(struct wg *w);

/* wg_peer.c */
void wg_peer_event(struct wg *w, enum wg_event e);
/* The peer is known to be there now. */
void wg_peer_roam(struct wg *w, const union wg_endpoint *from);
/* Room for a datagram in the batch, made by flushing if need be; NULL: there
 * is no endpoint. */
uint8_t *wg_peer_reserve(struct wg *w, size_t len);
void wg_peer_commit(struct wg *w, size_t len);
/* One datagram to anywhere, at once. */
void wg_peer_send_to(
    struct wg *w, const union wg_endpoint *to, uint8_t *msg, size_t len);
/* A session of ours under a new index; previous and next are moved on. */
int wg_peer_session(
    struct wg *w, struct wg_noise *n, bool initiator, uint32_t local);
/* The session of this index of ours, or NULL. */
struct wg_session *wg_peer_find(const struct wg *w, uint32_t index);
/* An index nobody uses. 0, or -1. */
int wg_peer_index(const struct wg *w, uint32_t *index);
/* The peer has used `next`: it is the current one now. */
void wg_peer_confirm(struct wg *w);
void wg_peer_forget(struct wg *w);

/* wg_timers.c: what happened; whitepaper 6.2 to 6.5 */
void wg_timers_arm(struct wg *w, enum wg_timer t, uint64_t in_ms);
void wg_timers_stop(struct wg *w, enum wg_timer t);
bool wg_timers_is_armed(const struct wg *w, enum wg_timer t);
void wg_timers_initiation_sent(struct wg *w);
void wg_timers_handshake_done(struct wg *w);
void wg_timers_session(struct wg *w);
void wg_timers_sent(struct wg *w, bool data);
void wg_timers_received(struct wg *w);
void wg_timers_received_data(struct wg *w);
void wg_timers_run(struct wg *w);

#endif
