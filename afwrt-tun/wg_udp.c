/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/wg_udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afwrt-tun/stamp_store.h"
#include "afwrt-tun/tun.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

#define SOCKET_MS  5000
#define AGAIN_S    2   /* afwrt-net had no socket for us */
#define PATIENCE_S 180 /* without a handshake, as there is no peer */

static const uint8_t no_key[WG_UAPI_KEY];

static uint64_t
now_ms(void)
{
	return (uint64_t)afw_now_ms();
}

/* ---- what the engine says ---------------------------------------------- */

static void
engine_send(void *arg, const union wg_endpoint *to, const struct iovec *v,
    unsigned int n)
{
	struct wg_udp *u = arg;

	wg_socket_send(&u->sock, to, v, n);
}

/* Heard from within the engine, acted upon when it is done: settle(). */
static void
engine_event(void *arg, enum wg_event e)
{
	struct wg_udp *u = arg;

	if (e == WG_EV_CONNECTED)
		u->connected = true;
	else if (e == WG_EV_FAILED)
		u->failed = true;
	else /* nobody had anything to say: the tunnel stands by */
		log_debug("route %s: the session is over", u->b.location);
}

static void
engine_roamed(void *arg, const union wg_endpoint *to)
{
	static struct afw_ratelimit limit;
	struct wg_udp *u = arg;
	char text[WG_UAPI_ENDPOINT];

	if (afw_ratelimit_ok(&limit, 2))
		log_info("route %s: the node is at %s now", u->b.location,
		    wg_uapi_endpoint_print(to, text, sizeof(text)));
}

static void
engine_stamp(void *arg, const uint8_t stamp[12])
{
	struct wg_udp *u = arg;

	memcpy(u->conf.stamp, stamp, sizeof(u->conf.stamp));
	stamp_store_used(u->b.location, stamp);
}

static const struct wg_calls calls = {
    .send = engine_send,
    .deliver = wg_path_deliver,
    .event = engine_event,
    .roamed = engine_roamed,
    .stamp = engine_stamp,
    .allowed = wg_path_allowed,
};

/* ---- counters ---------------------------------------------------------- */

void
wg_udp_count(struct wg_base *b)
{
	struct wg_udp *u = (struct wg_udp *)b;
	struct wg_stats now, *was = &u->counted;
	struct wg_counts *c;

	if (u->engine == NULL || b->wd == NULL)
		return;
	c = &b->wd->count;
	wg_get_stats(u->engine, &now);
	c->up_packets += now.out_packets - was->out_packets;
	c->up_bytes += now.out_bytes - was->out_bytes;
	c->down_packets += now.in_packets - was->in_packets;
	c->down_bytes += now.in_bytes - was->in_bytes;
	c->dropped += now.dropped_in - was->dropped_in + now.dropped_out -
	    was->dropped_out + u->sock.lost - u->lost;
	*was = now;
	u->lost = u->sock.lost;
}

static void
engine_free(struct wg_udp *u)
{
	wg_udp_count(&u->b);
	wg_free(u->engine);
	u->engine = NULL;
	memset(&u->counted, 0, sizeof(u->counted));
	(void)evtimer_del(u->tick);
}

/* ---- the loop ---------------------------------------------------------- */

static void
timer_set(struct wg_udp *u)
{
	uint64_t due = wg_deadline(u->engine), now = now_ms();
	struct timeval tv = {0, 0};

	if (due == 0) {
		(void)evtimer_del(u->tick);
		return;
	}
	if (due > now) {
		tv.tv_sec = (time_t)((due - now) / 1000);
		tv.tv_usec = (suseconds_t)((due - now) % 1000) * 1000;
	}
	(void)evtimer_add(u->tick, &tv);
}

/* No more is read than can be sent. */
static void
queue_look(struct wg_udp *u)
{
	bool waits = wg_socket_waits(&u->sock);

	if (waits == (event_pending(u->writable, EV_WRITE, NULL) != 0))
		return;
	if (waits)
		(void)event_add(u->writable, NULL);
	else
		(void)event_del(u->writable);
	if (u->b.wd != NULL && u->b.wd->tun != NULL)
		device_pause(u->b.wd->tun, waits);
}

void
wg_udp_settle(struct wg_udp *u)
{
	bool connected = u->connected, failed = u->failed;

	u->connected = u->failed = false;
	if (u->engine != NULL)
		timer_set(u);
	if (u->writable != NULL)
		queue_look(u);
	if (u->sock.dead)
		wg_udp_socket(u);
	if (connected)
		wg_base_shook(&u->b);
	else if (failed && u->b.up)
		wg_base_down(&u->b, AFW_REASON_TIMEOUT, AFW_WHY_LOST,
		    "no handshake for 180 s");
	else if (failed)
		wg_base_down(&u->b, AFW_REASON_TIMEOUT, AFW_WHY_CONNECT,
		    "no handshake in 15 s");
}

static void
tick_cb(evutil_socket_t fd, short what, void *arg)
{
	struct wg_udp *u = arg;

	(void)fd;
	(void)what;
	if (u->engine != NULL)
		(void)wg_tick(u->engine, now_ms());
	else
		u->failed = true; /* a bad key, or no peer for too long */
	wg_udp_settle(u);
}

static void
datagram(void *arg, uint8_t *data, size_t len, const union wg_endpoint *from)
{
	struct wg_udp *u = arg;

	if (u->engine != NULL)
		wg_input(u->engine, data, len, from);
}

static void
readable_cb(evutil_socket_t fd, short what, void *arg)
{
	struct wg_udp *u = arg;

	(void)fd;
	(void)what;
	if (u->engine != NULL)
		wg_now(u->engine, now_ms());
	wg_socket_receive(&u->sock, datagram, u);
	wg_path_deliver_end(u);
	wg_udp_settle(u);
}

static void
writable_cb(evutil_socket_t fd, short what, void *arg)
{
	struct wg_udp *u = arg;

	(void)fd;
	(void)what;
	wg_socket_flush(&u->sock);
	queue_look(u);
}

/* ---- the socket -------------------------------------------------------- */

static void
events_free(struct wg_udp *u)
{
	if (u->readable != NULL)
		event_free(u->readable);
	if (u->writable != NULL)
		event_free(u->writable);
	u->readable = u->writable = NULL;
}

static void
socket_take(struct wg_udp *u, int fd)
{
	const struct afw_m_wan *wan = &tun_env()->wan;

	events_free(u);
	wg_socket_set(&u->sock, fd, u->b.mtu > 8000);
	if (u->b.wd != NULL && u->b.wd->tun != NULL)
		device_pause(u->b.wd->tun, false);
	memcpy(u->ifname, wan->ifname, sizeof(u->ifname));
	u->b.away = false;
	u->readable =
	    event_new(u->b.base, fd, EV_READ | EV_PERSIST, readable_cb, u);
	u->writable =
	    event_new(u->b.base, fd, EV_WRITE | EV_PERSIST, writable_cb, u);
	if (u->readable == NULL || u->writable == NULL ||
	    event_add(u->readable, NULL) == -1)
		fatal("%s: out of memory", afw_log_name());
}

/* The node learns where we are. Without a session a handshake begins at
 * once: what was tried by another way is no reason to wait. */
static void
greet(struct wg_udp *u)
{
	if (u->engine == NULL)
		return;
	wg_now(u->engine, now_ms());
	if (u->b.up && wg_is_up(u->engine))
		wg_keepalive(u->engine);
	else
		wg_reconnect(u->engine);
	wg_udp_settle(u);
}

static void
socket_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	static const struct timeval again = {AGAIN_S, 0};
	struct wg_udp *u = arg;

	u = (struct wg_udp *)(void *)((char *)arg -
	    offsetof(struct wg_udp, sock));
	u->asking = false;
	if (m != NULL && m->hdr.type == AFW_MSG_SOCKET) {
		socket_take(u, afw_msg_take_fd(m));
		greet(u);
		return;
	}
	log_debug("route %s: socket: %u %s", u->b.location, code, text);
	(void)evtimer_add(u->again, &again);
}

/* Requests of the base have the base as their argument, this one the socket,
 * so that each can be forgotten alone. */
void
wg_udp_socket(struct wg_udp *u)
{
	static const struct timeval again = {AGAIN_S, 0};
	struct afw_m_socket m = {
	    .family = u->conf.endpoint.sa.sa_family == AF_INET6 ? 6 : 4,
	    .scope = AFW_SCOPE_WAN};
	struct afw_link *net = afw_daemon_peer(AFW_NET);

	u->sock.dead = false;
	if (u->asking)
		return;
	if (tun_wan_usable() && afw_link_is_open(net) &&
	    afw_link_request(net, AFW_MSG_SOCKET_GET, &m, -1, SOCKET_MS, false,
		socket_cb, &u->sock) != 0)
		u->asking = true;
	else
		(void)evtimer_add(u->again, &again);
}

static void
again_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	wg_udp_socket(arg);
}

static void
udp_uplink(struct wg_base *b)
{
	struct wg_udp *u = (struct wg_udp *)b;

	/* an interface that was gone may be another of that name now */
	if (b->away || u->sock.fd == -1 ||
	    strcmp(u->ifname, tun_env()->wan.ifname) != 0)
		wg_udp_socket(u);
	else
		greet(u);
}

/* ---- life -------------------------------------------------------------- */

void
wg_udp_restart(struct wg_udp *u)
{
	static const struct timeval patience = {PATIENCE_S, 0};

	engine_free(u);
	if (!u->stamped)
		return;
	if (memcmp(u->conf.peer_key, no_key, sizeof(no_key)) == 0) {
		(void)evtimer_add(u->tick, &patience);
		return;
	}
	u->engine = wg_new(&u->conf, &calls, u, now_ms());
	if (u->engine == NULL) {
		log_err("route %s: %s", u->b.location,
		    errno == ENOTSUP
			? "libcrypto has no BLAKE2s or no ChaCha20-Poly1305"
			: "a key cannot be used");
		event_active(u->tick, EV_TIMEOUT, 0);
		return;
	}
	wg_connect(u->engine);
	timer_set(u);
}

static void
stamp_known(void *arg, const uint8_t stamp[12])
{
	struct wg_udp *u = arg;

	memcpy(u->conf.stamp, stamp, sizeof(u->conf.stamp));
	u->stamped = true;
	wg_udp_restart(u);
}

static void
conf_fill(struct wg_udp *u)
{
	const struct afw_m_wg_session *s = &u->b.s;
	struct wg_config *c = &u->conf;
	struct sockaddr_storage ss;
	socklen_t len = afw_addr_to_sockaddr(&s->server, s->port, &ss);

	memcpy(c->private_key, s->private_key, sizeof(c->private_key));
	memcpy(c->peer_key, s->peer_key, sizeof(c->peer_key));
	memcpy(c->psk, s->preshared_key, sizeof(c->psk));
	memcpy(&c->endpoint, &ss,
	    len < sizeof(c->endpoint) ? len : sizeof(c->endpoint));
	c->keepalive = s->keepalive;
	c->mtu = (uint16_t)u->b.mtu;
	wg_allowed_set(&u->allowed, s->allow, s->allowed);
}

static void
udp_was_set(struct wg_base *b)
{
	(void)b;
}

static void
udp_close(struct transport *t)
{
	struct wg_udp *u = (struct wg_udp *)t;

	stamp_store_cancel(u);
	afw_link_cancel(afw_daemon_peer(AFW_NET), &u->sock);
	engine_free(u);
	events_free(u);
	wg_socket_close(&u->sock);
	event_free(u->tick);
	event_free(u->again);
	if (u->b.wd != NULL && u->b.wd->tun != NULL)
		device_pause(u->b.wd->tun, false);
	wg_base_done(&u->b);
	afw_wipe(u, sizeof(*u));
	free(u);
}

static const struct transport_ops udp_ops = {
    .name = "wireguard",
    .begin = wg_base_nothing,
    .send = wg_base_send,
    .flush = wg_base_nothing,
    .drain = wg_base_nothing,
    .probe = wg_base_probe,
    .bye = wg_base_bye,
    .close = udp_close,
};

static const struct wg_kind udp_kind = {
    .ops = &udp_ops,
    .was_set = udp_was_set,
    .uplink = udp_uplink,
    .count = wg_udp_count,
    .batch_begin = wg_path_begin,
    .packet = wg_path_packet,
    .batch_end = wg_path_end,
};

struct transport *
wg_udp_open(const struct transport_open *o, const struct transport_owner *owner,
    void *arg)
{
	struct wg_udp *u = calloc(1, sizeof(*u));

	if (u == NULL || (u->tick = evtimer_new(o->base, tick_cb, u)) == NULL ||
	    (u->again = evtimer_new(o->base, again_cb, u)) == NULL)
		fatal("%s: out of memory", afw_log_name());
	u->sock.fd = -1;
	wg_base_init(&u->b, &udp_kind, o, owner, arg);
	conf_fill(u);
	socket_take(u, o->fd);
	wg_base_tell(&u->b);
	stamp_store_load(u->b.location, stamp_known, u);
	return &u->b.t;
}
