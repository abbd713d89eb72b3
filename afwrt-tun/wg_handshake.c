/* SPDX-License-Identifier: ISC */
/*
 * Handshake messages: when one is sent, and what is believed of those that
 * come. We keep the state of our own initiation only; the peer's is answered
 * in one step, so both sides may begin at once and both handshakes complete.
 */
#include "afwrt-tun/wg_private.h"

#include <string.h>

static void
next_stamp(struct wg *w)
{
	struct timespec wall = {0};

	if (w->calls.wall != NULL)
		w->calls.wall(w->arg, &wall);
	else
		(void)clock_gettime(CLOCK_REALTIME, &wall);
	wg_stamp_next(w->stamp, &wall);
	if (w->calls.stamp != NULL)
		w->calls.stamp(w->arg, w->stamp);
}

static void
send_initiation(struct wg *w)
{
	uint8_t *msg = wg_peer_reserve(w, WG_INITIATION_SIZE);
	uint32_t index;

	if (msg == NULL || wg_peer_index(w, &index) != 0)
		return;
	next_stamp(w);
	w->index = index;
	w->pending = wg_noise_make_initiation(
			 &w->noise, &w->id, msg, w->index, w->stamp) == 0 &&
	    wg_cookie_sign(&w->cookie, msg, WG_INITIATION_SIZE, w->now) == 0;
	if (w->pending)
		wg_peer_commit(w, WG_INITIATION_SIZE);
}

void
wg_handshake_begin(struct wg *w, bool retry)
{
	uint64_t gap = WG_REKEY_TIMEOUT_MS;

	if (gap > w->rekey_ms)
		gap = w->rekey_ms;
	if (!retry)
		w->tries_end = w->now + WG_REKEY_ATTEMPT_MS;
	if (!w->trying) {
		w->trying = true;
		wg_timers_arm(w, WG_T_FAILED, w->fail_ms);
	}
	if (w->tried_at != 0 && w->now - w->tried_at < gap) {
		if (!wg_timers_is_armed(w, WG_T_RETRY))
			w->due[WG_T_RETRY] = w->tried_at + gap;
		return;
	}
	w->tried_at = w->now;
	wg_timers_initiation_sent(w);
	send_initiation(w);
}

void
wg_handshake_give_up(struct wg *w)
{
	w->pending = false;
	w->trying = false;
	wg_wipe(&w->noise, sizeof(w->noise));
	wg_timers_stop(w, WG_T_RETRY);
	wg_timers_stop(w, WG_T_FAILED);
	wg_timers_stop(w, WG_T_KEEPALIVE);
	w->stats.dropped_out += wg_queue_clear(&w->queue);
	if (!wg_timers_is_armed(w, WG_T_ZERO))
		wg_timers_arm(w, WG_T_ZERO, 3 * WG_REJECT_AFTER_MS);
}

static void
send_cookie(
    struct wg *w, const uint8_t *msg, size_t len, const union wg_endpoint *from)
{
	uint8_t reply[WG_COOKIE_SIZE];

	if (wg_cookie_reply(&w->cookie, reply, msg, len, from, w->now) != 0)
		return;
	w->stats.cookies++;
	wg_peer_send_to(w, from, reply, sizeof(reply));
}

static bool
macs_are_good(
    struct wg *w, const uint8_t *msg, size_t len, const union wg_endpoint *from)
{
	switch (wg_cookie_check(&w->cookie, msg, len, from, w->now)) {
	case WG_ACCEPT:
		return true;
	case WG_CHALLENGE:
		send_cookie(w, msg, len, from);
		return false;
	case WG_REFUSE:
		w->stats.dropped_in++;
		break;
	}
	return false;
}

/* Authentic, and not one that was or might have been sent before. */
static bool
initiation_is_new(struct wg *w, const uint8_t stamp[WG_STAMP])
{
	if (!wg_stamp_after(stamp, w->peer_stamp))
		return false;
	if (w->peer_tried_at != 0 &&
	    w->now - w->peer_tried_at < WG_INITIATION_GAP_MS)
		return false;
	memcpy(w->peer_stamp, stamp, WG_STAMP);
	w->peer_tried_at = w->now;
	return true;
}

static void
answer_initiation(
    struct wg *w, struct wg_noise *n, const union wg_endpoint *from)
{
	uint8_t msg[WG_RESPONSE_SIZE];
	uint32_t index;

	if (wg_peer_index(w, &index) != 0 ||
	    wg_noise_make_response(n, &w->id, msg, index) != 0 ||
	    wg_cookie_sign(&w->cookie, msg, sizeof(msg), w->now) != 0 ||
	    wg_peer_session(w, n, false, index) != 0)
		return;
	wg_peer_roam(w, from);
	wg_timers_sent(w, false);
	wg_peer_send_to(w, from, msg, sizeof(msg));
}

static void
take_initiation(struct wg *w, const uint8_t *msg, const union wg_endpoint *from)
{
	struct wg_noise n;
	uint8_t stamp[WG_STAMP];

	if (wg_noise_take_initiation(&n, &w->id, msg, stamp) == 0 &&
	    initiation_is_new(w, stamp)) {
		wg_timers_received(w);
		answer_initiation(w, &n, from);
	} else {
		w->stats.dropped_in++;
	}
	wg_wipe(&n, sizeof(n));
}

static void
take_response(struct wg *w, const uint8_t *msg, const union wg_endpoint *from)
{
	if (!w->pending || wg_get32(msg + 8) != w->index ||
	    wg_noise_take_response(&w->noise, &w->id, msg) != 0) {
		w->stats.dropped_in++;
		return;
	}
	w->pending = false;
	if (wg_peer_session(w, &w->noise, true, w->index) != 0)
		return;
	wg_peer_roam(w, from);
	wg_timers_received(w);
	wg_timers_handshake_done(w);
	wg_peer_event(w, WG_EV_CONNECTED);
	/* the peer may use the session after a packet of ours only */
	if (w->queue.n > 0)
		wg_data_send_queued(w);
	else
		wg_data_keepalive(w);
}

static void
take_cookie(struct wg *w, const uint8_t *msg)
{
	uint32_t index = wg_get32(msg + 4);

	/* to our initiation, or to a response that made a session */
	if (!(w->pending && index == w->index) &&
	    wg_peer_find(w, index) == NULL) {
		w->stats.dropped_in++;
		return;
	}
	if (wg_cookie_take(&w->cookie, msg, w->now) != 0)
		w->stats.dropped_in++;
	else
		w->stats.challenged++;
}

void
wg_handshake_input(
    struct wg *w, uint8_t *msg, size_t len, const union wg_endpoint *from)
{
	uint32_t type = wg_get32(msg);

	if (type == WG_M_INITIATION && len == WG_INITIATION_SIZE) {
		if (macs_are_good(w, msg, len, from))
			take_initiation(w, msg, from);
	} else if (type == WG_M_RESPONSE && len == WG_RESPONSE_SIZE) {
		if (macs_are_good(w, msg, len, from))
			take_response(w, msg, from);
	} else if (type == WG_M_COOKIE && len == WG_COOKIE_SIZE) {
		take_cookie(w, msg);
	} else {
		w->stats.dropped_in++;
	}
}
