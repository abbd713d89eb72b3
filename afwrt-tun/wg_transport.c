/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "afwrt-tun/wg_transport.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afwrt-tun/tun.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

/* An uplink that comes back within this time was not gone: DHCP, a modem
 * that dials again, a cable put elsewhere. */
#define GONE_S      5
#define SET_MS      5000
#define MTU_DEFAULT 1420
#define MTU_MIN     1280
#define OVERHEAD    80 /* IPv6, UDP and WireGuard: as wg-quick counts */

static struct transport *
wg_open(const struct transport_open *o, const struct transport_owner *owner,
    void *arg)
{
	const struct wg_device *wd = wg_device_find(o->route);

#ifdef AFWRT_WG_ENGINE
	if (wd == NULL || wd->info.impl != AFW_WG_KERNEL)
		return wg_udp_open(o, owner, arg);
#else
	(void)wd; /* attempts do not come here then: wg_never */
#endif
	if (o->fd != -1)
		(void)close(o->fd);
	return wg_kernel_open(o, owner, arg);
}

const struct transport_ops wg_ops = {
    .name = "wireguard",
    .open = wg_open,
};

/* ---- up and down ------------------------------------------------------- */

static void
params_fill(const struct wg_base *b, struct transport_params *p)
{
	struct afw_addr *to;
	uint32_t i;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < b->s.addrs; i++) {
		to = b->s.addr[i].addr.family == 4 ? &p->inner4 : &p->inner6;
		if (to->family == 0)
			*to = b->s.addr[i].addr;
	}
	p->dns4 = b->s.dns4;
	p->dns6 = b->s.dns6;
	p->mtu = b->mtu;
}

static void
open_if_ready(struct wg_base *b)
{
	struct transport_params p;

	if (b->up || !b->set || !b->shook)
		return;
	b->up = true;
	params_fill(b, &p);
	b->t.owner->opened(b->t.arg, &p);
}

void
wg_base_shook(struct wg_base *b)
{
	b->shook = true;
	if (b->wd != NULL)
		b->wd->count.handshakes++;
	open_if_ready(b);
}

void
wg_base_down(struct wg_base *b, enum afw_reason reason, enum afw_why why,
    const char *detail)
{
	struct transport_end end = {.reason = reason, .why = why};

	b->up = b->shook = false;
	(void)afw_str_set(end.detail, sizeof(end.detail), detail);
	b->t.owner->down(b->t.arg, &end);
}

/* ---- the uplink -------------------------------------------------------- */

static void
gone_cb(evutil_socket_t fd, short what, void *arg)
{
	struct wg_base *b = arg;

	(void)fd;
	(void)what;
	if (!tun_wan_usable() && b->up)
		wg_base_down(b, AFW_REASON_UNREACHABLE, AFW_WHY_LOST,
		    "the uplink is gone");
}

void
wg_base_wan(struct wg_base *b)
{
	static const struct timeval patience = {GONE_S, 0};

	if (tun_wan_usable()) {
		(void)evtimer_del(b->gone);
		b->kind->uplink(b);
	} else {
		b->away = true;
		if (!evtimer_pending(b->gone, NULL))
			(void)evtimer_add(b->gone, &patience);
	}
}

/* ---- afwrt-net --------------------------------------------------------- */

static void
set_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct wg_base *b = arg;

	(void)m;
	if (code == AFW_EPIPE)
		return; /* the next afwrt-net sends WG_DEVICE */
	if (code != AFW_OK) {
		log_warn("route %s: interface: %s", b->location, text);
		if (!b->up)
			wg_base_down(
			    b, AFW_REASON_CONNECT, AFW_WHY_CONNECT, text);
		return;
	}
	b->set = true;
	b->kind->was_set(b);
	open_if_ready(b);
}

static void
keys_fill(struct afw_m_wg_set *m, const struct afw_m_wg_session *s)
{
	memcpy(m->private_key, s->private_key, sizeof(m->private_key));
	memcpy(m->peer_key, s->peer_key, sizeof(m->peer_key));
	memcpy(m->preshared_key, s->preshared_key, sizeof(m->preshared_key));
}

void
wg_base_tell(struct wg_base *b)
{
	struct afw_m_wg_set m = {.route = b->route,
	    .mtu = b->mtu,
	    .endpoint = b->s.server,
	    .port = b->s.port,
	    .keepalive = b->s.keepalive,
	    .addrs = b->s.addrs,
	    .allowed = b->s.allowed,
	    .dns4 = b->s.dns4,
	    .dns6 = b->s.dns6};
	struct afw_link *net = afw_daemon_peer(AFW_NET);

	if (b->kind->kernel)
		keys_fill(&m, &b->s);
	memcpy(m.addr, b->s.addr, sizeof(m.addr));
	memcpy(m.allow, b->s.allow, sizeof(m.allow));
	afw_link_cancel(net, b);
	if (afw_link_is_open(net))
		(void)afw_link_request(
		    net, AFW_MSG_WG_SET, &m, -1, SET_MS, false, set_cb, b);
	afw_wipe(&m, sizeof(m));
}

void
wg_base_device(struct wg_base *b)
{
	bool kernel = b->wd->info.impl == AFW_WG_KERNEL;

	if (kernel != b->kind->kernel)
		wg_base_down(b, AFW_REASON_CONNECT, AFW_WHY_LOST,
		    "the interface has become another");
	else
		wg_base_tell(b);
}

/* ---- life -------------------------------------------------------------- */

static void
bye_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	wg_base_down(arg, AFW_REASON_NONE, AFW_WHY_LOST, "");
}

/* Not said: what the uplink leaves, as wg-quick does it. */
static uint32_t
mtu_choose(uint32_t said, uint32_t uplink)
{
	if (said != 0)
		return said;
	if (uplink == 0 || uplink >= MTU_DEFAULT + OVERHEAD)
		return MTU_DEFAULT;
	return uplink < MTU_MIN + OVERHEAD ? MTU_MIN : uplink - OVERHEAD;
}

void
wg_base_init(struct wg_base *b, const struct wg_kind *kind,
    const struct transport_open *o, const struct transport_owner *owner,
    void *arg)
{
	b->t.ops = kind->ops;
	b->t.owner = owner;
	b->t.arg = arg;
	b->kind = kind;
	b->base = o->base;
	b->route = o->route;
	b->s = *o->session->wg;
	b->mtu = mtu_choose(b->s.mtu, o->mtu);
	(void)afw_str_set(b->location, sizeof(b->location), o->location);
	b->gone = evtimer_new(o->base, gone_cb, b);
	b->bye = evtimer_new(o->base, bye_cb, b);
	if (b->gone == NULL || b->bye == NULL)
		fatal("%s: out of memory", afw_log_name());
	if ((b->wd = wg_device_find(o->route)) != NULL)
		b->wd->user = b;
}

void
wg_base_done(struct wg_base *b)
{
	afw_link_cancel(afw_daemon_peer(AFW_NET), b);
	event_free(b->gone);
	event_free(b->bye);
	if (b->wd != NULL && b->wd->user == b)
		b->wd->user = NULL;
	afw_wipe(&b->s, sizeof(b->s));
}

/* ---- operations -------------------------------------------------------- */

void
wg_base_nothing(struct transport *t)
{
	(void)t;
}

/* Packets come from the route's own device, not this way. */
bool
wg_base_send(struct transport *t, const uint8_t *packet, size_t len)
{
	(void)t;
	(void)packet;
	(void)len;
	return false;
}

void
wg_base_probe(struct transport *t)
{
	wg_base_wan((struct wg_base *)t);
}

/* The protocol knows no goodbye. */
void
wg_base_bye(struct transport *t, const char *text)
{
	struct wg_base *b = (struct wg_base *)t;

	(void)text;
	event_active(b->bye, EV_TIMEOUT, 0);
}
