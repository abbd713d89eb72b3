/* SPDX-License-Identifier: ISC */
/*
 * What `wg show` and `wg set` want of a tunnel in userspace. A change is made
 * to a copy first, so that a request is done as a whole or not at all. It
 * lasts until the next session.
 */
#include <errno.h>
#include <string.h>

#include "afwrt-tun/wg_udp.h"
#include "lib/daemon/log.h"
#include "lib/wire/channel.h"

static const uint8_t none[WG_UAPI_KEY];

static bool
same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, WG_UAPI_KEY) == 0;
}

static struct wg_udp *
tunnel_find(uint32_t route)
{
	struct wg_device *wd = wg_device_find(route);

	if (wd == NULL || wd->user == NULL || wd->user->kind->kernel)
		return NULL;
	return (struct wg_udp *)wd->user;
}

static void
peer_get(const struct wg_udp *u, struct wg_uapi_device *d)
{
	const struct wg_config *c = &u->conf;
	struct wg_stats stats;

	d->has_peer = true;
	memcpy(d->peer_key, c->peer_key, sizeof(d->peer_key));
	memcpy(d->psk, c->psk, sizeof(d->psk));
	d->endpoint = c->endpoint;
	d->keepalive = c->keepalive;
	d->allowed = u->allowed.n;
	memcpy(d->allow, u->allowed.net, sizeof(d->allow));
	if (u->engine == NULL)
		return;
	wg_get_stats(u->engine, &stats);
	d->endpoint = *wg_get_endpoint(u->engine);
	d->handshake = stats.handshake_wall;
	d->rx_bytes = stats.rx_bytes;
	d->tx_bytes = stats.tx_bytes;
}

bool
wg_change_get(uint32_t route, struct wg_uapi_device *d)
{
	const struct wg_udp *u = tunnel_find(route);

	memset(d, 0, sizeof(*d));
	if (u == NULL)
		return false;
	memcpy(d->private_key, u->conf.private_key, sizeof(d->private_key));
	d->port = wg_socket_port(&u->sock);
	if (!same(u->conf.peer_key, none))
		peer_get(u, d);
	return true;
}

/* ---- changes ----------------------------------------------------------- */

/* How it shall be. */
struct plan {
	struct wg_config conf;
	uint32_t allowed;
	struct afw_wg_net allow[AFW_WG_ALLOWED_MAX];
};

static int
refuse(const struct wg_udp *u, int error, const char *what)
{
	static struct afw_ratelimit limit;

	if (afw_ratelimit_ok(&limit, 5))
		log_warn(
		    "route %s: configuration socket: %s", u->b.location, what);
	return error;
}

/* 0 is what `wg setconf` sends when the file does not say. */
static int
device_plan(const struct wg_udp *u, const struct wg_uapi_set *s, struct plan *p)
{
	if (s->has_port && s->port != 0 && s->port != wg_socket_port(&u->sock))
		return refuse(u, EOPNOTSUPP, "listen_port cannot be chosen");
	if (s->has_fwmark && s->fwmark != 0)
		return refuse(u, EOPNOTSUPP, "fwmark is afwrt-net's");
	if (!s->has_private)
		return 0;
	if (same(s->private_key, none))
		return refuse(u, EOPNOTSUPP, "there is no tunnel without key");
	memcpy(p->conf.private_key, s->private_key, WG_UAPI_KEY);
	return 0;
}

static void
peer_clear(struct plan *p)
{
	memset(p->conf.peer_key, 0, WG_UAPI_KEY);
	memset(p->conf.psk, 0, WG_UAPI_KEY);
	memset(&p->conf.endpoint, 0, sizeof(p->conf.endpoint));
	p->conf.keepalive = 0;
	p->allowed = 0;
}

static int
allowed_plan(struct plan *p, const struct wg_uapi_peer *peer)
{
	uint32_t i, j;

	if (peer->replace_allowed)
		p->allowed = 0;
	for (i = 0; i < peer->allowed; i++) {
		for (j = 0; j < p->allowed; j++)
			if (memcmp(&p->allow[j], &peer->allow[i],
				sizeof(p->allow[j])) == 0)
				break;
		if (j < p->allowed)
			continue;
		if (p->allowed == AFW_WG_ALLOWED_MAX)
			return ENOSPC;
		p->allow[p->allowed++] = peer->allow[i];
	}
	return 0;
}

static int
peer_plan(
    const struct wg_udp *u, const struct wg_uapi_peer *peer, struct plan *p)
{
	bool known = same(p->conf.peer_key, peer->key);

	if (!known && (peer->remove || peer->update_only))
		return 0;
	if (same(peer->key, none))
		return EINVAL;
	if (!known && !same(p->conf.peer_key, none))
		return refuse(u, EOPNOTSUPP, "a second peer is not possible");
	if (peer->remove) {
		peer_clear(p);
		return 0;
	}
	memcpy(p->conf.peer_key, peer->key, WG_UAPI_KEY);
	if (peer->has_psk)
		memcpy(p->conf.psk, peer->psk, WG_UAPI_KEY);
	if (peer->has_endpoint)
		p->conf.endpoint = peer->endpoint;
	if (peer->has_keepalive)
		p->conf.keepalive = peer->keepalive;
	return allowed_plan(p, peer);
}

static int
plan_make(const struct wg_udp *u, const struct wg_uapi_set *s, struct plan *p)
{
	unsigned int i;
	int rc = device_plan(u, s, p);

	if (rc != 0)
		return rc;
	if (s->replace_peers)
		peer_clear(p);
	for (i = 0; i < s->n_peers; i++)
		if ((rc = peer_plan(u, &s->peer[i], p)) != 0)
			return rc;
	return 0;
}

/* The same peer by the same key: the session goes on. */
static void
engine_change(struct wg_udp *u, const struct wg_config *was)
{
	const struct wg_config *c = &u->conf;

	if (!same(was->psk, c->psk))
		wg_set_psk(u->engine, c->psk);
	if (was->keepalive != c->keepalive)
		wg_set_keepalive(u->engine, c->keepalive);
	if (!wg_endpoint_same(wg_get_endpoint(u->engine), &c->endpoint))
		wg_set_endpoint(u->engine, &c->endpoint);
}

static void
plan_do(struct wg_udp *u, struct plan *p)
{
	struct wg_config was = u->conf;
	int family = was.endpoint.sa.sa_family, to;

	memcpy(p->conf.stamp, u->conf.stamp, sizeof(p->conf.stamp));
	u->conf = p->conf;
	wg_allowed_set(&u->allowed, p->allow, p->allowed);
	if (u->engine != NULL && same(was.private_key, u->conf.private_key) &&
	    same(was.peer_key, u->conf.peer_key))
		engine_change(u, &was);
	else
		wg_udp_restart(u);
	to = u->conf.endpoint.sa.sa_family;
	if (to != AF_UNSPEC && to != family)
		wg_udp_socket(u);
	afw_wipe(&was, sizeof(was));
}

int
wg_change_set(uint32_t route, const struct wg_uapi_set *s)
{
	struct wg_udp *u = tunnel_find(route);
	struct plan p;
	int rc;

	if (u == NULL)
		return EAGAIN; /* no session yet */
	p.conf = u->conf;
	if (u->engine != NULL)
		p.conf.endpoint = *wg_get_endpoint(u->engine);
	p.allowed = u->allowed.n;
	memcpy(p.allow, u->allowed.net, sizeof(p.allow));
	rc = plan_make(u, s, &p);
	if (rc == 0)
		plan_do(u, &p);
	afw_wipe(&p.conf, sizeof(p.conf));
	if (rc == 0)
		wg_udp_settle(u);
	return rc;
}
