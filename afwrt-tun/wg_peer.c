/* SPDX-License-Identifier: ISC */
/*
 * One peer: its life, its sessions, where it is, and what the caller sees.
 */
#include "afwrt-tun/wg_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- life -------------------------------------------------------------- */

static int
peer_configure(struct wg *w, const struct wg_config *c)
{
	memcpy(w->id.private_key, c->private_key, WG_KEY);
	memcpy(w->id.peer_key, c->peer_key, WG_KEY);
	memcpy(w->id.psk, c->psk, WG_KEY);
	memcpy(w->stamp, c->stamp, WG_STAMP);
	w->endpoint = c->endpoint;
	w->keepalive = c->keepalive;
	w->mtu = c->mtu;
	w->fail_ms = c->fail_ms != 0 ? c->fail_ms : WG_FAIL_MS;
	w->rekey_ms = c->rekey_ms != 0 ? c->rekey_ms : WG_REKEY_AFTER_MS;
	if (wg_identity_complete(&w->id) != 0 ||
	    wg_cookie_init(&w->cookie, &w->id) != 0) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

struct wg *
wg_new(const struct wg_config *c, const struct wg_calls *calls, void *arg,
    uint64_t now_ms)
{
	struct wg *w;

	if (wg_crypto_init() != 0) {
		errno = ENOTSUP;
		return NULL;
	}
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return NULL;
	w->calls = *calls;
	w->arg = arg;
	w->now = now_ms;
	if (wg_batch_init(&w->batch) == 0 && peer_configure(w, c) == 0)
		return w;
	wg_free(w);
	return NULL;
}

void
wg_free(struct wg *w)
{
	int saved = errno;

	if (w == NULL)
		return;
	wg_peer_forget(w);
	(void)wg_queue_clear(&w->queue);
	wg_batch_done(&w->batch);
	wg_wipe(w, sizeof(*w));
	free(w);
	errno = saved;
}

/* ---- sessions ---------------------------------------------------------- */

void
wg_peer_forget(struct wg *w)
{
	wg_session_free(w->previous);
	wg_session_free(w->current);
	wg_session_free(w->next);
	w->previous = w->current = w->next = NULL;
	w->pending = false;
	wg_wipe(&w->noise, sizeof(w->noise));
}

struct wg_session *
wg_peer_find(const struct wg *w, uint32_t index)
{
	if (w->current != NULL && w->current->local == index)
		return w->current;
	if (w->next != NULL && w->next->local == index)
		return w->next;
	if (w->previous != NULL && w->previous->local == index)
		return w->previous;
	return NULL;
}

int
wg_peer_index(const struct wg *w, uint32_t *index)
{
	do {
		if (wg_random(index, sizeof(*index)) != 0)
			return -1;
	} while (wg_peer_find(w, *index) != NULL ||
	    (w->pending && *index == w->index));
	return 0;
}

static void
replace(struct wg_session **slot, struct wg_session *s)
{
	wg_session_free(*slot);
	*slot = s;
}

/*
 * Ours is current at once; what it replaces is good for packets under way. One
 * the peer began is `next` until a packet proves that the peer has it too.
 */
int
wg_peer_session(
    struct wg *w, struct wg_noise *n, bool initiator, uint32_t local)
{
	uint32_t remote = n->peer_index;
	struct wg_session *s = NULL;
	struct wg_keys k;

	if (wg_noise_split(n, initiator, &k) == 0)
		s = wg_session_new(&k, initiator, local, remote, w->now);
	wg_wipe(&k, sizeof(k));
	if (s == NULL)
		return -1;
	if (!initiator) {
		replace(&w->next, s);
		wg_timers_session(w);
		return 0;
	}
	if (w->next != NULL) {
		replace(&w->previous, w->next);
		w->next = NULL;
		replace(&w->current, s);
	} else {
		replace(&w->previous, w->current);
		w->current = s;
	}
	w->stats.handshakes++;
	wg_timers_session(w);
	return 0;
}

void
wg_peer_confirm(struct wg *w)
{
	replace(&w->previous, w->current);
	w->current = w->next;
	w->next = NULL;
	w->stats.handshakes++;
	wg_timers_session(w);
	wg_timers_handshake_done(w);
	wg_peer_event(w, WG_EV_CONNECTED);
	wg_data_send_queued(w);
}

/* ---- where it is ------------------------------------------------------- */

bool
wg_endpoint_same(const union wg_endpoint *a, const union wg_endpoint *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port &&
		    a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	if (a->sa.sa_family != AF_INET6)
		return true;
	return a->in6.sin6_port == b->in6.sin6_port &&
	    a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
	    memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
}

socklen_t
wg_endpoint_size(const union wg_endpoint *e)
{
	if (e->sa.sa_family == AF_INET)
		return sizeof(e->in);
	return e->sa.sa_family == AF_INET6 ? sizeof(e->in6) : 0;
}

void
wg_peer_roam(struct wg *w, const union wg_endpoint *from)
{
	if (wg_endpoint_same(&w->endpoint, from))
		return;
	wg_set_endpoint(w, from);
	if (w->calls.roamed != NULL)
		w->calls.roamed(w->arg, from);
}

void
wg_set_endpoint(struct wg *w, const union wg_endpoint *to)
{
	wg_flush(w);
	w->endpoint = *to;
}

void
wg_set_keepalive(struct wg *w, uint16_t seconds)
{
	w->keepalive = seconds;
	if (seconds == 0)
		wg_timers_stop(w, WG_T_PERSISTENT);
	else
		wg_timers_arm(w, WG_T_PERSISTENT, seconds * 1000u);
}

void
wg_set_psk(struct wg *w, const uint8_t psk[32])
{
	memcpy(w->id.psk, psk, WG_KEY);
}

/* ---- datagrams --------------------------------------------------------- */

uint8_t *
wg_peer_reserve(struct wg *w, size_t len)
{
	uint8_t *p;

	if (w->endpoint.sa.sa_family == AF_UNSPEC)
		return NULL;
	p = wg_batch_reserve(&w->batch, len);
	if (p != NULL)
		return p;
	wg_flush(w);
	return wg_batch_reserve(&w->batch, len);
}

void
wg_peer_commit(struct wg *w, size_t len)
{
	wg_batch_commit(&w->batch, len);
	w->stats.tx_bytes += len;
}

void
wg_peer_send_to(
    struct wg *w, const union wg_endpoint *to, uint8_t *msg, size_t len)
{
	struct iovec v = {.iov_base = msg, .iov_len = len};

	w->stats.tx_bytes += len;
	w->calls.send(w->arg, to, &v, 1);
}

void
wg_flush(struct wg *w)
{
	if (w->batch.n == 0)
		return;
	w->calls.send(w->arg, &w->endpoint, w->batch.v, w->batch.n);
	wg_batch_clear(&w->batch);
}

void
wg_input(
    struct wg *w, uint8_t *datagram, size_t len, const union wg_endpoint *from)
{
	w->stats.rx_bytes += len;
	if (len < 4 || wg_endpoint_size(from) == 0)
		w->stats.dropped_in++;
	else if (wg_get32(datagram) == WG_M_DATA)
		wg_data_input(w, datagram, len, from);
	else
		wg_handshake_input(w, datagram, len, from);
	wg_flush(w);
}

/* ---- time and the rest ------------------------------------------------- */

void
wg_now(struct wg *w, uint64_t now_ms)
{
	if (now_ms > w->now)
		w->now = now_ms;
}

uint64_t
wg_tick(struct wg *w, uint64_t now_ms)
{
	wg_now(w, now_ms);
	wg_timers_run(w);
	wg_flush(w);
	return wg_deadline(w);
}

uint64_t
wg_deadline(const struct wg *w)
{
	uint64_t first = 0;
	int t;

	for (t = 0; t < WG_TIMERS; t++)
		if (w->due[t] != 0 && (first == 0 || w->due[t] < first))
			first = w->due[t];
	return first;
}

void
wg_connect(struct wg *w)
{
	if (!w->trying)
		wg_handshake_begin(w, false);
	wg_flush(w);
}

void
wg_reconnect(struct wg *w)
{
	uint64_t soon = w->tried_at + WG_RECONNECT_MS;
	bool early = w->trying && w->tried_at != 0 && w->now < soon;

	w->tried_at = 0;
	if (early) /* the peer may have got that one */
		w->due[WG_T_RETRY] = soon;
	else
		wg_handshake_begin(w, false);
	wg_flush(w);
}

void
wg_keepalive(struct wg *w)
{
	wg_data_keepalive(w);
	wg_flush(w);
}

void
wg_peer_event(struct wg *w, enum wg_event e)
{
	if (e == WG_EV_CONNECTED) {
		w->stats.handshake_ms = w->now;
		if (w->calls.wall != NULL)
			w->calls.wall(w->arg, &w->stats.handshake_wall);
		else
			(void)clock_gettime(
			    CLOCK_REALTIME, &w->stats.handshake_wall);
	}
	if (w->calls.event != NULL)
		w->calls.event(w->arg, e);
}

bool
wg_is_up(const struct wg *w)
{
	return wg_session_can_send(w->current, w->now);
}

void
wg_get_stats(const struct wg *w, struct wg_stats *s)
{
	*s = w->stats;
	s->queued = w->queue.n;
}

const union wg_endpoint *
wg_get_endpoint(const struct wg *w)
{
	return &w->endpoint;
}

const uint8_t *
wg_get_public_key(const struct wg *w)
{
	return w->id.public_key;
}
