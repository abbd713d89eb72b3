/* SPDX-License-Identifier: ISC */
/*
 * An attempt goes session -> socket -> transport. A step for which a helper
 * (or the uplink) is missing waits for it, up to WAIT_MS; a server that fails
 * is named to afwrt-auth with the reason, which answers with the next one or
 * with the end of the attempt. Everything is bounded: time, servers, cookies.
 */
#include "attempt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "afwrt-tun/route_private.h"
#include "afwrt-tun/standby.h"
#include "afwrt-tun/tun.h"
#include "afwrt-tun/wg_device.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

#define WAIT_MS     30000  /* for a helper or the uplink */
#define ATTEMPT_MS  120000 /* all in all */
#define SESSION_MS  60000  /* afwrt-auth may have to log in */
#define SOCKET_MS   5000
#define SERVERS_MAX 16
#define COOKIES_MAX 2 /* fresh ones that are refused */

struct attempt {
	struct conn *c;
	struct route *r; /* of c */
	struct attempt_memory *mem;
	const struct attempt_owner *owner;
	bool own_only, waiting, fresh; /* fresh: session given just now */
	enum afw_reason wait_reason;
	unsigned int servers, cookies;
	struct transport *t;
	struct event *wait, *deadline;
	char tls[AFW_DETAIL_SIZE]; /* what was wrong with a certificate */
};

static struct afw_ratelimit limit;

static void session_ask(struct attempt *a);
static void socket_ask(struct attempt *a);
static void transport_start(struct attempt *a, int fd);

static void
timer_add(struct event *ev, int ms)
{
	struct timeval tv = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	(void)evtimer_add(ev, &tv);
}

static void
attempt_fail(struct attempt *a, enum afw_reason reason, const char *detail,
    bool permanent)
{
	char text[AFW_DETAIL_SIZE]; /* the owner frees a, and detail with it */

	(void)snprintf(text, sizeof(text), "%s", detail);
	a->owner->failed(a->c, reason, text, permanent);
}

static void
wait_for(struct attempt *a, enum afw_reason reason)
{
	a->wait_reason = reason;
	if (a->waiting)
		return;
	a->waiting = true;
	timer_add(a->wait, WAIT_MS);
}

static void
go(struct attempt *a)
{
	const struct attempt_memory *mem = a->mem;
	const char *why;

	if (wg_never(a->r, &why)) {
		log_err("route %s: %s", a->r->conf.location, why);
		attempt_fail(a, AFW_REASON_PROTOCOL, "", true);
	} else if (wg_waits(a->r)) {
		wait_for(a, AFW_REASON_TIMEOUT);
	} else if (!tun_wan_usable()) {
		wait_for(a, AFW_REASON_UNREACHABLE);
	} else if (!a->own_only &&
	    (mem->session == NULL || mem->why != AFW_WHY_LOST ||
		(!a->fresh && session_expired(mem->session)))) {
		session_ask(a);
	} else if (wg_in_kernel(a->r)) {
		transport_start(a, -1);
	} else {
		socket_ask(a);
	}
}

void
attempt_kick(struct attempt *a)
{
	if (!a->waiting)
		return;
	a->waiting = false;
	(void)evtimer_del(a->wait);
	go(a);
}

static void
timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *a = arg;

	(void)fd;
	(void)what;
	if (a->t != NULL && standby_keep(a->c, a->t))
		a->t = NULL;
	attempt_fail(
	    a, a->waiting ? a->wait_reason : AFW_REASON_TIMEOUT, "", false);
}

struct attempt *
attempt_start(struct conn *c, struct attempt_memory *mem, bool own_only,
    const struct attempt_owner *owner)
{
	struct event_base *base = tun_env()->base;
	struct attempt *a = calloc(1, sizeof(*a));

	if (a == NULL || (a->wait = evtimer_new(base, timeout_cb, a)) == NULL ||
	    (a->deadline = evtimer_new(base, timeout_cb, a)) == NULL)
		fatal("%s: out of memory", afw_log_name());
	a->c = c;
	a->r = c->r;
	a->mem = mem;
	a->own_only = own_only;
	a->owner = owner;
	timer_add(a->deadline, ATTEMPT_MS);
	go(a);
	return a;
}

void
attempt_free(struct attempt *a)
{
	if (a == NULL)
		return;
	afw_link_cancel(afw_daemon_peer(AFW_AUTH), a);
	afw_link_cancel(afw_daemon_peer(AFW_NET), a);
	if (a->t != NULL)
		a->t->ops->close(a->t);
	event_free(a->wait);
	event_free(a->deadline);
	free(a);
}

void
attempt_begin(struct attempt *a)
{
	if (a->t != NULL)
		a->t->ops->begin(a->t);
}

/* ---- the session ------------------------------------------------------- */

/* afwrt-auth has no (more) server for us. */
static void
session_refused(struct attempt *a, const struct afw_m_session_fail *f)
{
	enum afw_reason reason = (enum afw_reason)f->reason;
	const char *detail = f->detail;

	/* it was told, so the next question is about the session kept */
	a->mem->why = a->mem->session != NULL ? AFW_WHY_LOST : AFW_WHY_FIRST;
	if (a->tls[0] != '\0' &&
	    (reason == AFW_REASON_NO_SERVER ||
		(reason == AFW_REASON_TLS && detail[0] == '\0'))) {
		reason = AFW_REASON_TLS;
		detail = a->tls;
	}
	attempt_fail(a, reason, detail, f->permanent != 0);
}

/* The session of this route, of its type, or NULL. */
static struct session *
session_read(const struct attempt *a, struct afw_msg *m)
{
	const struct afw_m_session *p = (const void *)m->payload;
	const struct afw_m_wg_session *w = (const void *)m->payload;
	bool wg = m->hdr.type == AFW_MSG_WG_SESSION;

	if (wg != (a->r->conf.type == AFW_TYPE_WIREGUARD)) {
		log_err("route %s: got a session of another type: %s",
		    a->r->conf.location, m->row->name);
		return NULL;
	}
	if ((wg ? w->route : p->route) != a->r->id)
		return NULL;
	return session_new(m);
}

static void
session_take(struct attempt *a, struct afw_msg *m)
{
	struct session *s = session_read(a, m);

	if (s == NULL) {
		log_err("route %s: unusable session", conn_name(a->c));
		attempt_fail(a, AFW_REASON_PROTOCOL, "", false);
		return;
	}
	session_free(a->mem->session);
	a->mem->session = s;
	a->mem->why = AFW_WHY_LOST;
	a->fresh = true;
	go(a);
}

static void
session_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct attempt *a = arg;

	if (m != NULL &&
	    (m->hdr.type == AFW_MSG_SESSION ||
		m->hdr.type == AFW_MSG_WG_SESSION)) {
		session_take(a, m);
	} else if (m != NULL && m->hdr.type == AFW_MSG_SESSION_FAIL) {
		session_refused(a, (const void *)m->payload);
	} else if (code == AFW_EPIPE) {
		wait_for(a, AFW_REASON_TIMEOUT);
	} else {
		log_warn("route %s: session: %s", conn_name(a->c), text);
		attempt_fail(a,
		    code == AFW_ETIMEDOUT ? AFW_REASON_TIMEOUT
					  : AFW_REASON_CONNECT,
		    "", false);
	}
}

static void
session_ask(struct attempt *a)
{
	struct afw_link *l = afw_daemon_peer(AFW_AUTH);
	struct afw_m_session_get g = {.route = a->r->id,
	    .conn = a->c->index,
	    .why = (uint32_t)a->mem->why,
	    .type = a->r->conf.type};

	memcpy(g.location, a->r->conf.location, sizeof(g.location));
	if (!afw_link_is_open(l) ||
	    afw_link_request(l, AFW_MSG_SESSION_GET, &g, -1, SESSION_MS, false,
		session_cb, a) == 0) {
		wait_for(a, AFW_REASON_TIMEOUT);
		return;
	}
	a->mem->asked = true;
}

/* ---- the server -------------------------------------------------------- */

/* This server is not it. */
static void
server_failed(struct attempt *a, enum afw_reason reason, enum afw_why why,
    const char *detail)
{
	char addr[AFW_ADDR_TEXT];

	if (!a->mem->quiet && afw_ratelimit_ok(&limit, 20))
		log_warn("route %s: node %s: %s%s", conn_name(a->c),
		    afw_addr_print(
			&a->mem->session->server, addr, sizeof(addr)),
		    reason == AFW_REASON_TLS ? "tls: " : "", detail);
	if (why == AFW_WHY_LOST) /* before it was up */
		why = AFW_WHY_CONNECT;
	if (a->own_only) {
		attempt_fail(a, reason, detail, false);
		return;
	}
	a->mem->why = why;
	if (why == AFW_WHY_TLS)
		(void)afw_str_set(a->tls, sizeof(a->tls), detail);
	if (why == AFW_WHY_COOKIE && a->fresh)
		a->cookies++;
	if (why != AFW_WHY_CONNECT) { /* else it may be good again later */
		session_free(a->mem->session);
		a->mem->session = NULL;
	}
	if (++a->servers >= SERVERS_MAX || a->cookies >= COOKIES_MAX)
		attempt_fail(a, reason, detail, false);
	else
		go(a);
}

static void
secured(void *arg)
{
	struct attempt *a = arg;

	a->owner->secured(a->c);
}

static void
opened(void *arg, const struct transport_params *p)
{
	struct attempt *a = arg;
	struct transport *t = a->t;

	a->t = NULL;
	a->owner->up(a->c, t, p);
}

static void
down(void *arg, const struct transport_end *end)
{
	struct attempt *a = arg;
	struct transport_end e = *end;

	if (!standby_keep(a->c, a->t))
		a->t->ops->close(a->t);
	a->t = NULL;
	server_failed(a, e.reason, e.why, e.detail);
}

/* No packets before it is open: those that remain are never called. */
static const struct transport_owner owner = {
    .secured = secured,
    .opened = opened,
    .down = down,
};

static void
transport_start(struct attempt *a, int fd)
{
	const struct tun_env *env = tun_env();
	const struct transport_open o = {
	    .base = env->base,
	    .fd = fd,
	    .session = a->mem->session,
	    .mtu = env->wan.mtu,
	    .rcvbuf = env->conf.rcvbuf,
	    .sndbuf = env->conf.sndbuf,
	    .route = a->r->id,
	    .location = a->r->conf.location,
	};

	standby_drop(a->c);
	a->t = transport_find(a->r->conf.type)->open(&o, &owner, a);
}

static void
socket_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct attempt *a = arg;

	if (m != NULL && m->hdr.type == AFW_MSG_SOCKET)
		transport_start(a, afw_msg_take_fd(m));
	else if (code == AFW_EPIPE)
		wait_for(a, AFW_REASON_TIMEOUT);
	else if (!tun_wan_usable())
		wait_for(a, AFW_REASON_UNREACHABLE);
	else
		server_failed(a,
		    code == AFW_ENETUNREACH || code == AFW_ENODEV
			? AFW_REASON_UNREACHABLE
			: AFW_REASON_CONNECT,
		    AFW_WHY_CONNECT, text);
}

static void
socket_ask(struct attempt *a)
{
	struct afw_link *l = afw_daemon_peer(AFW_NET);
	struct afw_m_socket s = {.family = a->mem->session->server.family,
	    .stream = a->r->conf.type != AFW_TYPE_WIREGUARD,
	    .scope = AFW_SCOPE_WAN};

	if (!afw_link_is_open(l) ||
	    afw_link_request(l, AFW_MSG_SOCKET_GET, &s, -1, SOCKET_MS, false,
		socket_cb, a) == 0)
		wait_for(a, AFW_REASON_TIMEOUT);
}
