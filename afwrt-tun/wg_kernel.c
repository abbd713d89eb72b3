/* SPDX-License-Identifier: ISC */
/*
 * WireGuard in the kernel: afwrt-net sets it up as the session says and is
 * asked how it gets on, often until the first handshake, then every 2 s. What
 * is a handshake, and how long ago, is told from what changes between two
 * answers, so that a jump of the clock is no matter; only a tunnel that is
 * found (after our restart) is judged by the wall clock.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "afwrt-tun/tun.h"
#include "afwrt-tun/wg.h"
#include "afwrt-tun/wg_transport.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

#define POLL_CONNECT_MS 250
#define POLL_UP_MS      2000
#define GET_MS          5000
#define CONNECT_MS      15000
#define FRESH_S         180 /* as long as a session lives */

struct wg_kernel {
	struct wg_base b; /* first */
	struct event *poll;
	bool asking, seen;
	int64_t begun_ms; /* of this attempt */
	/* the last handshake: by its own word, and when we saw it */
	int64_t shook_s;
	uint32_t shook_ns;
	int64_t renewed_ms;
	uint64_t rx_bytes, tx_bytes;
	int64_t silent_ms; /* sent since then and heard nothing; 0: not so */
};

static void
poll_in(struct wg_kernel *k, int ms)
{
	struct timeval tv = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	(void)evtimer_add(k->poll, &tv);
}

/* ---- counters ---------------------------------------------------------- */

/* A link that was made anew counts from zero. */
static uint64_t
grown(uint64_t now, uint64_t was)
{
	return now >= was ? now - was : now;
}

/* The link counts whole datagrams, with those that carry no packet. */
static uint64_t
payload(uint64_t bytes, uint64_t packets)
{
	uint64_t extra = packets * WG_OVERHEAD;

	return bytes > extra ? bytes - extra : 0;
}

static void
link_count(struct wg_device *wd, const struct afw_m_wg_state *s)
{
	const struct afw_m_wg_state *was = &wd->link;
	uint64_t rx = grown(s->rx_packets, was->rx_packets);
	uint64_t tx = grown(s->tx_packets, was->tx_packets);

	if (wd->linked) { /* else it may have counted before our time */
		wd->count.down_packets += rx;
		wd->count.up_packets += tx;
		wd->count.down_bytes +=
		    payload(grown(s->rx_bytes, was->rx_bytes), rx);
		wd->count.up_bytes +=
		    payload(grown(s->tx_bytes, was->tx_bytes), tx);
	}
	wd->link = *s;
	wd->linked = true;
}

/* ---- what the answers mean --------------------------------------------- */

/* Of one that was made before we looked; a second of doubt. */
static int64_t
age_s(const struct afw_m_wg_state *s)
{
	int64_t age = (int64_t)time(NULL) - s->handshake_s;

	return age == -1 ? 0 : age;
}

static bool
is_fresh(const struct afw_m_wg_state *s)
{
	return age_s(s) >= 0 && age_s(s) < FRESH_S;
}

/* Did a handshake complete since the last answer? */
static bool
is_renewed(struct wg_kernel *k, const struct afw_m_wg_state *s)
{
	bool first = !k->seen, other;

	other = s->handshake_s != k->shook_s || s->handshake_ns != k->shook_ns;
	k->seen = true;
	k->shook_s = s->handshake_s;
	k->shook_ns = s->handshake_ns;
	if (s->handshake_s == 0 || (first ? !is_fresh(s) : !other))
		return false;
	k->renewed_ms = afw_now_ms() - (first ? age_s(s) * 1000 : 0);
	return true;
}

static void
silence_look(struct wg_kernel *k, const struct afw_m_wg_state *s)
{
	if (s->rx_bytes != k->rx_bytes)
		k->silent_ms = 0;
	else if (s->tx_bytes != k->tx_bytes && k->silent_ms == 0)
		k->silent_ms = afw_now_ms();
	k->rx_bytes = s->rx_bytes;
	k->tx_bytes = s->tx_bytes;
}

/* The session is over, and what was sent for 15 s at least brought no new
 * one. It is no loss when there was nothing to send. */
static bool
is_lost(const struct wg_kernel *k)
{
	int64_t now = afw_now_ms();

	return now - k->renewed_ms >= FRESH_S * 1000 && k->silent_ms != 0 &&
	    now - k->silent_ms >= CONNECT_MS;
}

/* It may be the end of k. */
static void
state_look(struct wg_kernel *k, const struct afw_m_wg_state *s)
{
	if (k->b.wd != NULL)
		link_count(k->b.wd, s);
	silence_look(k, s);
	if (is_renewed(k, s)) {
		k->begun_ms = 0;
		k->silent_ms = 0;
		wg_base_shook(&k->b);
	} else if (k->b.up && is_lost(k)) {
		wg_base_down(&k->b, AFW_REASON_TIMEOUT, AFW_WHY_LOST,
		    "no handshake for 180 s");
	}
}

static void
patience_look(struct wg_kernel *k)
{
	if (k->b.up || k->begun_ms == 0 ||
	    afw_now_ms() - k->begun_ms < CONNECT_MS)
		return;
	k->begun_ms = 0; /* said once */
	wg_base_down(
	    &k->b, AFW_REASON_TIMEOUT, AFW_WHY_CONNECT, "no handshake in 15 s");
}

/* ---- asking ------------------------------------------------------------ */

static void
get_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	static struct afw_ratelimit limit;
	struct wg_kernel *k = arg;

	k = (struct wg_kernel *)(void *)((char *)arg -
	    offsetof(struct wg_kernel, asking));
	k->asking = false;
	if (m != NULL && m->hdr.type == AFW_MSG_WG_STATE)
		state_look(k, (const void *)m->payload);
	else if (code != AFW_EPIPE && afw_ratelimit_ok(&limit, 1))
		log_debug("route %s: state: %s", k->b.location, text);
}

static void
poll_cb(evutil_socket_t fd, short what, void *arg)
{
	struct wg_kernel *k = arg;
	struct afw_m_route_id id = {.route = k->b.route};
	struct afw_link *net = afw_daemon_peer(AFW_NET);

	(void)fd;
	(void)what;
	poll_in(k, k->b.up || k->begun_ms == 0 ? POLL_UP_MS : POLL_CONNECT_MS);
	if (k->b.set && !k->asking && afw_link_is_open(net))
		k->asking = afw_link_request(net, AFW_MSG_WG_GET, &id, -1,
				GET_MS, false, get_cb, &k->asking) != 0;
	patience_look(k); /* the last thing */
}

static void
kernel_was_set(struct wg_base *b)
{
	struct wg_kernel *k = (struct wg_kernel *)b;

	if (!b->up && !k->seen)
		poll_in(k, 0);
}

/* Where the peer is the kernel knows; its routes and mark are afwrt-net's. */
static void
kernel_uplink(struct wg_base *b)
{
	b->away = false;
}

/* ---- life -------------------------------------------------------------- */

static void
kernel_close(struct transport *t)
{
	struct wg_kernel *k = (struct wg_kernel *)t;

	afw_link_cancel(afw_daemon_peer(AFW_NET), &k->asking);
	event_free(k->poll);
	wg_base_done(&k->b);
	free(k);
}

static const struct transport_ops kernel_ops = {
    .name = "wireguard",
    .begin = wg_base_nothing,
    .send = wg_base_send,
    .flush = wg_base_nothing,
    .drain = wg_base_nothing,
    .probe = wg_base_probe,
    .bye = wg_base_bye,
    .close = kernel_close,
};

static const struct wg_kind kernel_kind = {
    .ops = &kernel_ops,
    .kernel = true,
    .was_set = kernel_was_set,
    .uplink = kernel_uplink,
};

struct transport *
wg_kernel_open(const struct transport_open *o,
    const struct transport_owner *owner, void *arg)
{
	struct wg_kernel *k = calloc(1, sizeof(*k));

	if (k == NULL || (k->poll = evtimer_new(o->base, poll_cb, k)) == NULL)
		fatal("%s: out of memory", afw_log_name());
	wg_base_init(&k->b, &kernel_kind, o, owner, arg);
	k->begun_ms = afw_now_ms();
	wg_base_tell(&k->b); /* which also makes the kernel begin */
	poll_in(k, POLL_CONNECT_MS);
	return &k->b.t;
}
