/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "afwrt-tun/wg_device.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afwrt-tun/route_private.h"
#include "afwrt-tun/tun.h"
#include "afwrt-tun/wg_control.h"
#include "afwrt-tun/wg_transport.h"
#include "lib/daemon/log.h"
#ifdef AFWRT_WG_ENGINE
#include <openssl/crypto.h>
#endif

static struct wg_device *devices;

void
wg_device_init(void)
{
#ifdef AFWRT_WG_ENGINE
	/* what it needs is fetched with the first tunnel; no file is read */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		log_warn("wireguard: libcrypto does not start");
#endif
}

/* ---- packets ----------------------------------------------------------- */

static void
input_begin(void *arg)
{
	struct wg_device *wd = arg;

	if (wd->user != NULL && wd->user->kind->batch_begin != NULL)
		wd->user->kind->batch_begin(wd->user);
}

static void
input_packet(void *arg, uint8_t *data, size_t len, const struct device_meta *m)
{
	struct wg_device *wd = arg;

	if (wd->user != NULL && wd->user->kind->packet != NULL)
		wd->user->kind->packet(wd->user, data, len, m);
	else
		wd->count.dropped++;
}

static void
input_end(void *arg)
{
	struct wg_device *wd = arg;

	if (wd->user != NULL && wd->user->kind->batch_end != NULL)
		wd->user->kind->batch_end(wd->user);
}

static const struct device_input input = {
    .packet = input_packet,
    .begin = input_begin,
    .end = input_end,
};

/* ---- the table --------------------------------------------------------- */

struct wg_device *
wg_device_find(uint32_t route)
{
	struct wg_device *wd;

	for (wd = devices; wd != NULL; wd = wd->next)
		if (wd->route == route)
			return wd;
	return NULL;
}

static void
device_remove(struct wg_device *wd)
{
	struct wg_device **pp;

	for (pp = &devices; *pp != wd; pp = &(*pp)->next)
		;
	*pp = wd->next;
	if (wd->user != NULL)
		wd->user->wd = NULL;
	wg_control_close(wd->control);
	device_free(wd->tun);
	free(wd);
}

void
wg_device_drop(uint32_t route)
{
	struct wg_device *wd = wg_device_find(route);

	if (wd != NULL)
		device_remove(wd);
}

/* Too many: the oldest that no route asked for goes. */
static void
room_make(void)
{
	struct wg_device *wd, *old = NULL;
	size_t n = 0;

	for (wd = devices; wd != NULL; wd = wd->next, n++)
		if (route_find(wd->route) == NULL)
			old = wd;
	if (n >= AFW_ROUTES_MAX && old != NULL)
		device_remove(old);
}

static struct wg_device *
device_make(uint32_t route)
{
	struct wg_device *wd = wg_device_find(route);

	if (wd != NULL)
		return wd;
	room_make();
	if ((wd = calloc(1, sizeof(*wd))) == NULL)
		fatal("%s: out of memory", afw_log_name());
	wd->route = route;
	wd->next = devices;
	devices = wd;
	return wd;
}

/* ---- messages ---------------------------------------------------------- */

static void
tun_take(struct wg_device *wd, int fd)
{
	if (fd == -1) {
		device_free(wd->tun);
		wd->tun = NULL;
		return;
	}
	if (wd->tun == NULL)
		wd->tun = device_new(tun_env()->base, &input, wd);
	device_set(wd->tun, fd, wd->info.vnet_hdr);
}

static void
kick(uint32_t route)
{
	struct route *r = route_find(route);

	if (r != NULL && r->conns[0].priv->attempt != NULL)
		attempt_kick(r->conns[0].priv->attempt);
}

int
wg_device_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_wg_device *p = (const void *)m->payload;
	bool user = p->impl == AFW_WG_USERSPACE;
	struct wg_device *wd;
	int fd = afw_msg_take_fd(m);

	(void)arg;
	(void)l;
	if (user != (fd != -1)) {
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	wd = device_make(p->route);
	wd->info = *p;
	log_debug("wireguard %s: %s", p->ifname,
	    user ? "in userspace" : "in the kernel");
	tun_take(wd, fd);
	if (wd->user != NULL)
		wg_base_device(wd->user);
	kick(p->route);
	return 0;
}

int
wg_listen_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_route_id *p = (const void *)m->payload;
	struct wg_device *wd = device_make(p->route);

	(void)arg;
	(void)l;
	wg_control_close(wd->control);
	wd->control =
	    wg_control_open(tun_env()->base, afw_msg_take_fd(m), p->route);
	return 0;
}

/* ---- the rest ---------------------------------------------------------- */

void
wg_device_wan(void)
{
	struct wg_device *wd, *next;

	for (wd = devices; wd != NULL; wd = next) {
		next = wd->next;
		if (wd->user != NULL)
			wg_base_wan(wd->user);
	}
}

void
wg_device_stats(uint32_t route, struct afw_m_route_stats *s)
{
	struct wg_device *wd = wg_device_find(route);
	const struct wg_counts *c;

	if (wd == NULL)
		return;
	if (wd->user != NULL && wd->user->kind->count != NULL)
		wd->user->kind->count(wd->user);
	c = &wd->count;
	s->up_packets = c->up_packets;
	s->up_bytes = c->up_bytes;
	s->down_packets = c->down_packets;
	s->down_bytes = c->down_bytes;
	s->dropped += c->dropped;
	s->connects = (uint32_t)c->handshakes;
	s->rtt_us = 0;
}

static const struct wg_device *
device_of(const struct route *r)
{
	const struct wg_device *wd = wg_device_find(r->id);

	return wd != NULL && wd->info.route != 0 ? wd : NULL;
}

bool
wg_waits(const struct route *r)
{
	return r->conf.type == AFW_TYPE_WIREGUARD && device_of(r) == NULL;
}

bool
wg_in_kernel(const struct route *r)
{
	const struct wg_device *wd = device_of(r);

	return r->conf.type == AFW_TYPE_WIREGUARD && wd != NULL &&
	    wd->info.impl == AFW_WG_KERNEL;
}

bool
wg_never(const struct route *r, const char **why)
{
#ifdef AFWRT_WG_ENGINE
	(void)r;
	(void)why;
	return false;
#else
	*why = "userspace wireguard needs a build with libcrypto 3";
	return r->conf.type == AFW_TYPE_WIREGUARD && !wg_waits(r) &&
	    !wg_in_kernel(r);
#endif
}
