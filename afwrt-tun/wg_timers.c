/* SPDX-License-Identifier: ISC */
/*
 * The timers of whitepaper section 6, as times at which something is due; the
 * caller's clock drives them. Packets only set and clear numbers.
 */
#include "afwrt-tun/wg_private.h"

static uint64_t
jitter(void)
{
	uint16_t r = 0;

	(void)wg_random(&r, sizeof(r));
	return r % WG_JITTER_MS;
}

void
wg_timers_arm(struct wg *w, enum wg_timer t, uint64_t in_ms)
{
	w->due[t] = w->now + in_ms;
}

void
wg_timers_stop(struct wg *w, enum wg_timer t)
{
	w->due[t] = 0;
}

bool
wg_timers_is_armed(const struct wg *w, enum wg_timer t)
{
	return w->due[t] != 0;
}

/* Every authentic packet, either way, puts the persistent one off. */
static void
timers_traversal(struct wg *w)
{
	if (w->keepalive != 0)
		wg_timers_arm(w, WG_T_PERSISTENT, w->keepalive * 1000u);
}

void
wg_timers_initiation_sent(struct wg *w)
{
	uint64_t timeout = WG_REKEY_TIMEOUT_MS;

	if (timeout > w->rekey_ms)
		timeout = w->rekey_ms;
	wg_timers_arm(w, WG_T_RETRY, timeout + jitter());
	timers_traversal(w);
}

void
wg_timers_handshake_done(struct wg *w)
{
	wg_timers_stop(w, WG_T_RETRY);
	wg_timers_stop(w, WG_T_FAILED);
	w->trying = false;
	w->last_minute = false;
}

void
wg_timers_session(struct wg *w)
{
	wg_timers_arm(w, WG_T_ZERO, 3 * WG_REJECT_AFTER_MS);
	if (wg_session_is_young(w->current, w->now))
		w->due[WG_T_EXPIRED] = w->current->born + WG_REJECT_AFTER_MS;
}

void
wg_timers_sent(struct wg *w, bool data)
{
	wg_timers_stop(w, WG_T_KEEPALIVE);
	timers_traversal(w);
	if (data && !wg_timers_is_armed(w, WG_T_SILENCE))
		wg_timers_arm(w, WG_T_SILENCE,
		    WG_KEEPALIVE_MS + WG_REKEY_TIMEOUT_MS + jitter());
}

void
wg_timers_received(struct wg *w)
{
	wg_timers_stop(w, WG_T_SILENCE);
	timers_traversal(w);
}

void
wg_timers_received_data(struct wg *w)
{
	if (!wg_timers_is_armed(w, WG_T_KEEPALIVE))
		wg_timers_arm(w, WG_T_KEEPALIVE, WG_KEEPALIVE_MS);
	else
		w->another_keepalive = true;
}

static void
retry_due(struct wg *w)
{
	if (w->now >= w->tries_end)
		wg_handshake_give_up(w);
	else
		wg_handshake_begin(w, true);
}

static void
keepalive_due(struct wg *w)
{
	wg_data_keepalive(w);
	if (!w->another_keepalive)
		return;
	w->another_keepalive = false;
	wg_timers_arm(w, WG_T_KEEPALIVE, WG_KEEPALIVE_MS);
}

/* While a session is left nothing has failed yet: ask again when it ends. */
static void
failed_due(struct wg *w)
{
	if (wg_session_is_young(w->current, w->now))
		w->due[WG_T_FAILED] = w->current->born + WG_REJECT_AFTER_MS;
	else if (w->trying)
		wg_peer_event(w, WG_EV_FAILED);
}

static void
timer_fires(struct wg *w, enum wg_timer t)
{
	switch (t) {
	case WG_T_RETRY:
		retry_due(w);
		break;
	case WG_T_KEEPALIVE:
		keepalive_due(w);
		break;
	case WG_T_SILENCE:
		wg_handshake_begin(w, false);
		break;
	case WG_T_PERSISTENT:
		timers_traversal(w);
		wg_data_keepalive(w);
		break;
	case WG_T_FAILED:
		failed_due(w);
		break;
	case WG_T_EXPIRED:
		wg_peer_event(w, WG_EV_EXPIRED);
		break;
	case WG_T_ZERO:
		wg_peer_forget(w);
		break;
	case WG_TIMERS:
		break;
	}
}

void
wg_timers_run(struct wg *w)
{
	int t;

	for (t = 0; t < WG_TIMERS; t++) {
		if (w->due[t] == 0 || w->due[t] > w->now)
			continue;
		w->due[t] = 0;
		timer_fires(w, t);
	}
}
