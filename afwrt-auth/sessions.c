/* SPDX-License-Identifier: ISC */
/*
 * The sessions of the routes. For each: what the backend provided, which
 * server is in use, and the node's cookie. It outlives afwrt-tun, so that a
 * restarted one gets the same cookie and with it the same inner address.
 */
#include "sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "conn.h"
#include "files.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"
#include "lib/wire/blob.h"
#include "locations.h"
#include "node_login.h"
#include "provide.h"
#include "tokens.h"

#define COOKIES_MAX  2      /* refused ones in a row before we give up */
#define COOKIES_TIME 60000  /* ms that make a row */
#define EARLIEST     600000 /* ms before the end: decisions.md */
#define RETRY        60000  /* ms between tries to refresh */

struct session {
	uint32_t route; /* 0: free */
	char location[AFW_LOCATION_SIZE];
	uint32_t id; /* of the request that waits, 0 none */
	bool given;  /* the last answer was a session */
	struct provide *provide;
	size_t server;
	char cookie[2048];
	struct afw_addr addr;
	/* this attempt */
	size_t failed;   /* servers that did not do */
	bool provided;   /* the backend was asked in it */
	bool by_country; /* the name is taken as a country's */
	bool once_more;  /* after SERVER_UNAVAILABLE */
	struct fail last;
	size_t refused; /* cookies in a row */
	int64_t refused_ms;
	struct tokens_call *call;
	struct node_login *login;
	/* renewal of the credentials */
	struct tokens_call *renewal;
	struct event *timer;
	bool told_expired;
};

static struct session sessions[AFW_ROUTES_MAX];
static struct afw_ratelimit limit;

static void session_login(struct session *s);
static void session_provide(struct session *s);
static void session_timer(struct session *s);

/* ---- answers to afwrt-tun ---------------------------------------------- */

static void
session_fail(struct session *s, const struct fail *why, bool permanent)
{
	struct afw_m_session_fail m = {
	    .route = s->route, .reason = why->reason, .permanent = permanent};
	char text[160];

	if (m.reason == AFW_REASON_NONE)
		m.reason = AFW_REASON_PROTOCOL;
	memcpy(m.detail, why->detail, sizeof(m.detail));
	if (afw_ratelimit_ok(&limit, 20))
		log_warn("%s: no session: %s", s->location,
		    fail_print(why, text, sizeof(text)));
	s->given = false;
	if (s->id != 0)
		(void)afw_link_send(afw_daemon_peer(AFW_TUN),
		    AFW_MSG_SESSION_FAIL, s->id, &m, -1);
	s->id = 0;
}

static void
session_fill(const struct session *s, struct afw_m_session *m)
{
	const struct provide_server *at = &s->provide->servers[s->server];

	m->route = s->route;
	m->expire_time = s->provide->expire_time;
	m->server = s->addr;
	m->port = at->port;
	(void)afw_str_set(m->host, sizeof(m->host), at->host);
	(void)afw_str_set(m->cookie, sizeof(m->cookie), s->cookie);
	(void)afw_str_set(m->chosen, sizeof(m->chosen), s->provide->location);
}

static const char *
session_ca(const struct session *s, size_t *len)
{
	const struct file *f = files_find(AFW_FILE_CA);

	if (s->provide->ca != NULL) {
		*len = strlen(s->provide->ca);
		return s->provide->ca;
	}
	*len = f->len;
	return f->text != NULL ? f->text : "";
}

static void
session_give(struct session *s)
{
	struct afw_m_session m = {.route = 0};
	struct fail why;
	size_t len;
	const char *ca = session_ca(s, &len);
	int fd;

	s->given = true;
	if (s->id == 0)
		return;
	if ((fd = afw_blob_make(ca, len)) == -1) {
		fail_set(
		    &why, AFW_REASON_PROTOCOL, "memfd: %s", strerror(errno));
		session_fail(s, &why, false);
		return;
	}
	session_fill(s, &m);
	m.ca_len = (uint32_t)len;
	(void)afw_link_send(
	    afw_daemon_peer(AFW_TUN), AFW_MSG_SESSION, s->id, &m, fd);
	afw_wipe(&m, sizeof(m));
	s->id = 0;
}

/* ---- life -------------------------------------------------------------- */

static void
session_drop_cookie(struct session *s)
{
	afw_wipe(s->cookie, sizeof(s->cookie));
}

static void
session_clear(struct session *s)
{
	if (s->call != NULL)
		tokens_cancel(s->call);
	if (s->renewal != NULL)
		tokens_cancel(s->renewal);
	if (s->login != NULL)
		node_login_cancel(s->login);
	if (s->timer != NULL)
		event_free(s->timer);
	provide_free(s->provide);
	afw_wipe(s, sizeof(*s));
}

static struct session *
session_find(uint32_t route)
{
	size_t i;

	for (i = 0; i < AFW_ROUTES_MAX; i++)
		if (sessions[i].route == route)
			return &sessions[i];
	return NULL;
}

/* ---- one attempt ------------------------------------------------------- */

/* A server did not do: the next one, then the backend, then no more. */
static void
session_next_server(struct session *s)
{
	s->failed++;
	if (s->provide != NULL && s->failed < s->provide->n) {
		session_drop_cookie(s);
		s->server = (s->server + 1) % s->provide->n;
		session_login(s);
	} else if (!s->provided) {
		session_provide(s);
	} else {
		session_fail(s, &s->last, false);
	}
}

static void
session_login_cb(void *arg, const char *cookie, const struct afw_addr *addr,
    const struct fail *why)
{
	struct session *s = arg;
	char text[160];

	s->login = NULL;
	if (cookie != NULL) {
		(void)afw_str_set(s->cookie, sizeof(s->cookie), cookie);
		s->addr = *addr;
		log_info("%s: logged in to %s", s->location,
		    s->provide->servers[s->server].host);
		session_give(s);
		return;
	}
	if (afw_ratelimit_ok(&limit, 20))
		log_warn("%s: login to %s: %s", s->location,
		    s->provide->servers[s->server].host,
		    fail_print(why, text, sizeof(text)));
	s->last = *why;
	if (why->reason != AFW_REASON_AUTH) {
		session_next_server(s);
	} else if (!s->provided && !backend_is_file()) {
		session_provide(s); /* the credentials may be too old */
	} else {
		(void)(s->timer != NULL && event_del(s->timer));
		provide_free(s->provide);
		s->provide = NULL;
		session_fail(s, why, true);
	}
}

static void
session_login(struct session *s)
{
	const struct provide_server *at = &s->provide->servers[s->server];
	struct node_opts o = {.address = at->address,
	    .port = at->port,
	    .host = at->host,
	    .username = s->provide->username,
	    .password = s->provide->password,
	    .group = s->provide->group};

	o.ca = session_ca(s, &o.ca_len);
	s->login = node_login_start(&o, session_login_cb, s);
}

/* New credentials; those of before may have been for the same servers. */
static void
session_provided(struct session *s, struct provide *p)
{
	bool same = provide_same_servers(s->provide, p);
	bool tried = s->failed > 0;

	provide_free(s->provide);
	s->provide = p;
	s->told_expired = false;
	session_timer(s);
	if (same && tried) { /* all of them failed just now */
		session_fail(s, &s->last, false);
		return;
	}
	session_drop_cookie(s);
	s->server = 0;
	s->failed = 0;
	session_login(s);
}

static bool
says_unavailable(const struct answer *a)
{
	return a->result == RES_SERVER_UNAVAILABLE || a->result == RES_INVALID;
}

static void
session_unavailable(struct session *s, const struct answer *a)
{
	struct fail why = a->fail;

	if (!s->once_more) {
		s->once_more = true;
		s->by_country = locations_is_country(s->location) &&
		    locations_find(s->location) != LOCATIONS_YES;
		session_provide(s);
		return;
	}
	if (locations_find(s->location) == LOCATIONS_NO &&
	    (!locations_is_country(s->location) ||
		locations_find_country(s->location) == LOCATIONS_NO)) {
		why.reason = AFW_REASON_LOCATION;
		session_fail(s, &why, true);
		return;
	}
	session_fail(s, &why, false);
}

static void
session_provide_cb(void *arg, const struct answer *a)
{
	struct session *s = arg;
	struct provide *p = NULL;
	const char *bad = NULL;
	struct fail why = a->fail;

	s->call = NULL;
	if (a->result == RES_OK &&
	    (p = provide_read(a->json, (enum afw_v4v6)backend_config()->v4v6,
		 &bad)) != NULL) {
		session_provided(s, p);
	} else if (says_unavailable(a)) {
		session_unavailable(s, a);
	} else if (answer_retry(a) && s->provide != NULL && s->failed == 0 &&
	    !provide_expired(s->provide)) {
		session_login(s); /* good until they expire */
	} else {
		if (bad != NULL)
			fail_set(&why, AFW_REASON_NO_SERVER, "%s", bad);
		session_fail(s, &why, answer_permanent(a));
	}
}

static struct tokens_call *
session_ask(struct session *s, backend_cb cb)
{
	static const char *const policies[] = {
	    [AFW_V4V6_LEGACY] = "legacy",
	    [AFW_V4V6_IPV4_ONLY] = "ipv4_only",
	    [AFW_V4V6_IPV6_ONLY] = "ipv6_only",
	    [AFW_V4V6_BOTH] = "both",
	};
	const struct afw_m_auth_config *c = backend_config();
	struct params p = {.n = 0};

	params_set(&p, "type",
	    c->type == AFW_TYPE_WIREGUARD ? "wireguard" : "hydra-tcp");
	if (strcmp(s->location, "optimal") != 0)
		params_set(
		    &p, s->by_country ? "country" : "location", s->location);
	params_set(&p, "v4v6_policy", policies[c->v4v6]);
	params_set(&p, "ipv6_exit", c->ipv6_exit != 0 ? "1" : "");
	return tokens_call(CALL_PROVIDE, &p, cb, s);
}

static void
session_provide(struct session *s)
{
	if (!s->provided)
		s->by_country = locations_is_country(s->location) &&
		    locations_find(s->location) == LOCATIONS_NO;
	s->provided = true;
	s->call = session_ask(s, session_provide_cb);
}

/* ---- renewal ----------------------------------------------------------- */

static void
session_renewal_cb(void *arg, const struct answer *a)
{
	struct session *s = arg;
	struct provide *p;
	const char *bad;

	s->renewal = NULL;
	if (s->provide == NULL)
		return; /* refused meanwhile: the next attempt asks anew */
	p = a->result == RES_OK
	    ? provide_read(a->json, (enum afw_v4v6)backend_config()->v4v6, &bad)
	    : NULL;
	if (p != NULL) {
		/* the cookie in use belongs to a server: keep its place */
		if (s->server >= p->n || !provide_same_servers(s->provide, p)) {
			memmove(&p->servers[1], &p->servers[0],
			    sizeof(p->servers) - sizeof(p->servers[0]));
			p->n += p->n < PROVIDE_SERVERS;
			p->servers[0] = s->provide->servers[s->server];
			s->server = 0;
		}
		provide_free(s->provide);
		s->provide = p;
		s->told_expired = false;
		log_info("%s: credentials renewed", s->location);
	}
	session_timer(s);
}

static void
session_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	if (provide_expired(s->provide) && !s->told_expired) {
		s->told_expired = true;
		log_warn("%s: credentials expired", s->location);
		(void)afw_link_send(
		    afw_daemon_sup(), AFW_MSG_AUTH_EXPIRED, 0, NULL, -1);
	}
	if (s->renewal == NULL && s->call == NULL && s->login == NULL)
		s->renewal = session_ask(s, session_renewal_cb);
	else
		session_timer(s);
}

/* When to renew: decisions.md, "Credentials". */
static void
session_timer(struct session *s)
{
	const struct provide *p = s->provide;
	int64_t early, wait, left;
	struct timeval tv;

	if (s->timer == NULL &&
	    (s->timer = evtimer_new(conn_base(), session_timer_cb, s)) == NULL)
		fatal("auth: out of memory");
	(void)event_del(s->timer);
	if (p->expire_ms == 0)
		return;
	early = p->life_ms / 10 > EARLIEST ? p->life_ms / 10 : EARLIEST;
	if (early > p->life_ms / 2)
		early = p->life_ms / 2;
	early += random() % (early / 10 + 1);
	left = p->expire_ms - afw_now_ms();
	wait = left - early;
	if (wait <= 0) /* late already: a try a minute, and one at the end */
		wait = left > 0 && left < RETRY ? left : RETRY;
	if (wait < 1000)
		wait = 1000;
	tv.tv_sec = wait / 1000;
	tv.tv_usec = wait % 1000 * 1000;
	(void)evtimer_add(s->timer, &tv);
}

/* ---- what afwrt-tun asks ----------------------------------------------- */

static void
session_begin(struct session *s)
{
	s->failed = 0;
	s->provided = false;
	s->once_more = false;
	if (s->provide == NULL || provide_expired(s->provide))
		session_provide(s);
	else if (s->cookie[0] != '\0')
		session_give(s);
	else
		session_login(s);
}

/* The node did not take its cookie. */
static void
session_cookie_refused(struct session *s)
{
	int64_t now = afw_now_ms();
	struct fail why;

	if (now - s->refused_ms > COOKIES_TIME)
		s->refused = 0;
	s->refused_ms = now;
	session_drop_cookie(s);
	if (++s->refused <= COOKIES_MAX) {
		session_begin(s);
		return;
	}
	fail_set(&why, AFW_REASON_AUTH, "the node refuses its own cookies");
	session_fail(s, &why, false);
}

static void
session_server_bad(struct session *s, uint32_t why)
{
	static const enum afw_reason reasons[AFW_WHY_MAX] = {
	    [AFW_WHY_CONNECT] = AFW_REASON_CONNECT,
	    [AFW_WHY_TLS] = AFW_REASON_TLS,
	    [AFW_WHY_PROTOCOL] = AFW_REASON_PROTOCOL,
	};

	fail_set(&s->last, reasons[why], "%s",
	    why == AFW_WHY_TLS ? "handshake failed" : "");
	session_next_server(s);
}

static void
session_ask_why(struct session *s, uint32_t why)
{
	/* "why" is about the session given last; was there one? */
	if (!s->given && why != AFW_WHY_COOKIE)
		why = AFW_WHY_FIRST;
	switch (why) {
	case AFW_WHY_COOKIE:
		session_cookie_refused(s);
		break;
	case AFW_WHY_CONNECT:
	case AFW_WHY_TLS:
	case AFW_WHY_PROTOCOL:
		session_server_bad(s, why);
		break;
	default:
		session_begin(s);
		break;
	}
}

int
sessions_get(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_session_get *p = (const void *)m->payload;
	struct session *s = session_find(p->route);

	(void)arg;
	if (!backend_is_configured())
		return AFW_EINVAL;
	if (s != NULL && strcmp(s->location, p->location) != 0) {
		if (s->id != 0)
			afw_link_status(l, s->id, AFW_EALREADY, NULL);
		session_clear(s);
		s = NULL;
	}
	if (s == NULL && (s = session_find(0)) == NULL)
		return AFW_ENOSPC;
	s->route = p->route;
	memcpy(s->location, p->location, sizeof(s->location));
	if (s->id != 0)
		afw_link_status(l, s->id, AFW_EALREADY, NULL);
	s->id = m->hdr.id;
	if (s->call == NULL && s->login == NULL)
		session_ask_why(s, p->why);
	return 0;
}

int
sessions_end(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_route_id *p = (const void *)m->payload;
	struct session *s = session_find(p->route);

	(void)arg;
	if (s == NULL)
		return 0;
	if (s->id != 0)
		afw_link_status(l, s->id, AFW_ENOENT, "the route has ended");
	session_clear(s);
	return 0;
}

void
sessions_tun_down(void)
{
	size_t i;

	for (i = 0; i < AFW_ROUTES_MAX; i++)
		sessions[i].id = 0;
}

void
sessions_reset(void)
{
	struct fail why;
	size_t i;

	fail_set(&why, AFW_REASON_NO_SERVER, "the configuration changed");
	for (i = 0; i < AFW_ROUTES_MAX; i++) {
		if (sessions[i].route == 0)
			continue;
		if (sessions[i].id != 0)
			session_fail(&sessions[i], &why, false);
		session_clear(&sessions[i]);
	}
}
