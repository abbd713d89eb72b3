/* SPDX-License-Identifier: ISC */
/*
 * The data path: packets into datagrams and back, and when a session is so
 * old that a new one is asked for.
 */
#include "afwrt-tun/wg_private.h"

#include <errno.h>
#include <stdlib.h>

/* After sending: the one who began the session renews it. */
static void
renew_if_old(struct wg *w, const struct wg_session *s)
{
	if (s->counter >= WG_REKEY_AFTER_MESSAGES ||
	    (s->initiator && w->now - s->born >= w->rekey_ms))
		if (!w->trying)
			wg_handshake_begin(w, false);
}

/* After receiving: also when we only receive, but just before it ends. */
static void
renew_if_ending(struct wg *w, const struct wg_session *s)
{
	if (w->last_minute || !s->initiator || s != w->current ||
	    w->now - s->born <
		WG_REJECT_AFTER_MS - WG_KEEPALIVE_MS - WG_REKEY_TIMEOUT_MS)
		return;
	w->last_minute = true;
	wg_handshake_begin(w, false);
}

/* len 0: a keepalive. 0, or -1: lost. */
static int
data_send(struct wg *w, const uint8_t *packet, size_t len)
{
	size_t pad = wg_session_padding(len, w->mtu);
	size_t size = len + pad + WG_OVERHEAD;
	uint8_t *out = wg_peer_reserve(w, size);

	if (out == NULL ||
	    wg_session_seal(w->current, out, packet, len, pad) != 0) {
		w->stats.dropped_out += len > 0;
		errno = out == NULL ? EDESTADDRREQ : ENOMEM;
		return -1;
	}
	wg_peer_commit(w, size);
	w->stats.out_packets += len > 0;
	w->stats.out_bytes += len;
	wg_timers_sent(w, len > 0);
	renew_if_old(w, w->current);
	return 0;
}

int
wg_output(struct wg *w, const uint8_t *packet, size_t len)
{
	if (len == 0 || len > WG_PACKET_MAX) {
		w->stats.dropped_out++;
		errno = len == 0 ? EINVAL : EMSGSIZE;
		return -1;
	}
	if (wg_session_can_send(w->current, w->now))
		return data_send(w, packet, len);
	if (!w->trying)
		wg_handshake_begin(w, false);
	else
		w->tries_end = w->now + WG_REKEY_ATTEMPT_MS;
	if (wg_queue_push(&w->queue, packet, len) == 0)
		return 0;
	w->stats.dropped_out++;
	return -1;
}

void
wg_data_send_queued(struct wg *w)
{
	uint8_t *packet;
	size_t len;

	while (wg_session_can_send(w->current, w->now)) {
		packet = wg_queue_pop(&w->queue, &len);
		if (packet == NULL)
			return;
		(void)data_send(w, packet, len);
		free(packet);
	}
}

void
wg_data_keepalive(struct wg *w)
{
	if (wg_session_can_send(w->current, w->now))
		(void)data_send(w, NULL, 0);
	else if (!w->trying)
		wg_handshake_begin(w, false);
}

static void
deliver(struct wg *w, uint8_t *packet, size_t n)
{
	ssize_t len = wg_session_ip_length(packet, n);

	if (len < 0 ||
	    (w->calls.allowed != NULL &&
		!w->calls.allowed(w->arg, packet, (size_t)len))) {
		w->stats.dropped_in++;
		return;
	}
	w->stats.in_packets++;
	w->stats.in_bytes += (uint64_t)len;
	w->calls.deliver(w->arg, packet, (size_t)len);
}

void
wg_data_input(
    struct wg *w, uint8_t *msg, size_t len, const union wg_endpoint *from)
{
	struct wg_session *s = NULL;
	ssize_t n = -1;

	if (len >= WG_OVERHEAD)
		s = wg_peer_find(w, wg_get32(msg + 4));
	if (s != NULL)
		n = wg_session_open(s, msg, len, w->now);
	if (n < 0) {
		w->stats.dropped_in++;
		return;
	}
	wg_peer_roam(w, from);
	wg_timers_received(w);
	if (s == w->next)
		wg_peer_confirm(w);
	renew_if_ending(w, s);
	if (n == 0)
		return;
	wg_timers_received_data(w);
	deliver(w, msg + WG_DATA_HEADER, (size_t)n);
}
