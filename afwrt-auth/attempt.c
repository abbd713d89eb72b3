/* SPDX-License-Identifier: ISC */
/*
 * One attempt at a session that works: the cookie in hand, else a login to
 * the server in hand, to the next one, or to what the backend provides.
 * Credentials that were renewed meanwhile are taken up here.
 */
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "lib/daemon/log.h"
#include "lib/wire/channel.h"
#include "locations.h"
#include "node_login.h"
#include "session.h"
#include "tokens.h"

#define COOKIES_MAX   2     /* refused ones in a row before we give up */
#define COOKIES_TIME  60000 /* ms that make a row */
#define PROBE_TIMEOUT 10000 /* ms */

static struct afw_ratelimit limit;

static void attempt_login(struct session *s);
static void attempt_provide(struct session *s);

bool
attempt_is_busy(const struct session *s)
{
	return s->call != NULL || s->login != NULL || s->probe != NULL ||
	    attempt_wg_is_busy(s);
}

void
attempt_stop(struct session *s)
{
	if (s->call != NULL)
		tokens_cancel(s->call);
	if (s->login != NULL)
		node_login_cancel(s->login);
	conn_close(s->probe);
	attempt_wg_stop(s);
	s->call = NULL;
	s->login = NULL;
	s->probe = NULL;
}

static bool
is_wg(const struct session *s)
{
	return s->type == AFW_TYPE_WIREGUARD;
}

/* There is something that may still be good. */
static bool
attempt_has_cookie(const struct session *s)
{
	return is_wg(s) ? s->addr.family != 0 : s->cookie[0] != '\0';
}

static void
attempt_drop_cookie(struct session *s)
{
	afw_wipe(s->cookie, sizeof(s->cookie));
	if (is_wg(s))
		attempt_wg_forget(s);
}

/*
 * Takes up renewed credentials. True if the server in use is not among the
 * new ones, so that the first of them is now.
 */
static bool
attempt_adopt(struct session *s)
{
	size_t at;

	if (s->next == NULL)
		return false;
	at = provide_find(s->next, &s->provide->servers[s->server]);
	provide_free(s->provide);
	s->provide = s->next;
	s->next = NULL;
	s->server = at < s->provide->n ? at : 0;
	if (at < s->provide->n)
		return false;
	attempt_drop_cookie(s);
	return true;
}

/* ---- login ------------------------------------------------------------- */

/* The next server, then the backend, then no more. */
void
attempt_next_server(struct session *s)
{
	s->failed++;
	s->probed = false;
	if (s->borrowed) { /* the first connection decides where to */
		reply_fail(s, &s->last, false);
		return;
	}
	if (s->provide != NULL && s->failed < s->provide->n) {
		attempt_drop_cookie(s);
		s->server = (s->server + 1) % s->provide->n;
		attempt_login(s);
	} else if (!s->provided) {
		attempt_provide(s);
	} else {
		reply_fail(s, &s->last, false);
	}
}

static void
attempt_login_refused(struct session *s, const struct fail *why)
{
	if (!s->provided && !s->borrowed && !backend_is_file()) {
		attempt_provide(s); /* the credentials may be too old */
		return;
	}
	renewal_stop(s);
	provide_free(s->provide);
	s->provide = NULL;
	s->borrowed = false;
	reply_fail(s, why, true);
}

static void
attempt_login_cb(void *arg, const char *cookie, const struct afw_addr *addr,
    const struct fail *why)
{
	struct session *s = arg;
	char text[160];

	s->login = NULL;
	if (cookie != NULL) {
		(void)afw_str_set(s->cookie, sizeof(s->cookie), cookie);
		s->addr = *addr;
		log_info("%s: logged in to %s at %s", s->location,
		    s->provide->servers[s->server].host,
		    afw_addr_print(addr, text, sizeof(text)));
		reply_session(s);
		return;
	}
	if (afw_ratelimit_ok(&limit, 20))
		log_warn("%s: login to %s: %s", s->location,
		    s->provide->servers[s->server].host,
		    fail_print(why, text, sizeof(text)));
	s->last = *why;
	if (why->reason == AFW_REASON_AUTH)
		attempt_login_refused(s, why);
	else
		attempt_next_server(s);
}

static void
attempt_login(struct session *s)
{
	const struct provide_server *at = &s->provide->servers[s->server];
	struct node_opts o = {.address = at->address,
	    .address6 = at->address6,
	    .port = at->port,
	    .policy = (enum afw_v4v6)backend_config()->v4v6,
	    .host = at->host,
	    .username = s->provide->username,
	    .password = s->provide->password,
	    .group = s->provide->group};

	if (is_wg(s)) {
		attempt_wg_resolve(s);
		return;
	}
	o.ca = reply_ca(s, &o.ca_len);
	s->login = node_login_start(&o, attempt_login_cb, s);
}

/* ---- another address of the same server -------------------------------- */

static void
probe_up_cb(void *arg)
{
	struct session *s = arg;

	s->addr = *conn_addr(s->probe);
	conn_close(s->probe);
	s->probe = NULL;
	reply_session(s);
}

static void
probe_data_cb(void *arg, const void *data, size_t len)
{
	(void)arg;
	(void)data;
	(void)len;
}

static void
probe_closed_cb(void *arg, const struct fail *why)
{
	struct session *s = arg;

	s->probe = NULL;
	s->last = *why;
	attempt_next_server(s);
}

/* The cookie is good at each of its addresses: which one answers now? */
static void
attempt_probe(struct session *s)
{
	static const struct conn_cbs cbs = {
	    probe_up_cb, probe_data_cb, probe_closed_cb};
	const struct provide_server *at = &s->provide->servers[s->server];
	struct conn_opts o = {.host = at->address,
	    .host6 = at->address6[0] != '\0' ? at->address6 : NULL,
	    .port = at->port,
	    .policy = (enum afw_v4v6)backend_config()->v4v6,
	    .timeout_ms = PROBE_TIMEOUT};

	s->probed = true;
	s->probe = conn_open(&o, &cbs, s);
}

/* ---- provide ----------------------------------------------------------- */

/* New credentials; those of before may have been for the same servers. */
static void
attempt_provided(struct session *s, struct provide *p)
{
	bool same = provide_same_servers(s->provide, p);
	bool tried = s->failed > 0;

	provide_free(s->provide);
	s->provide = p;
	s->borrowed = false;
	renewal_start(s);
	if (same && tried) {  /* all of them failed just now */
		if (is_wg(s)) /* its name may come to mean another */
			attempt_drop_cookie(s);
		reply_fail(s, &s->last, false);
		return;
	}
	attempt_drop_cookie(s);
	s->server = 0;
	s->failed = 0;
	attempt_login(s);
}

static bool
says_unavailable(const struct answer *a)
{
	return a->result == RES_SERVER_UNAVAILABLE || a->result == RES_INVALID;
}

/* The list says that it is of the other type. */
static bool
attempt_other_type(const struct session *s)
{
	uint32_t type = locations_type(s->location);

	return type != 0 && type != s->type;
}

static void
attempt_unavailable(struct session *s, const struct answer *a)
{
	struct fail why = a->fail;

	if (attempt_other_type(s)) {
		fail_set(&why, AFW_REASON_LOCATION, "it is of another type");
		reply_fail(s, &why, true);
		return;
	}

	if (!s->once_more) {
		s->once_more = true;
		s->by_country = locations_is_country(s->location) &&
		    locations_find(s->location) != LOCATIONS_YES;
		attempt_provide(s);
		return;
	}
	if (locations_find(s->location) == LOCATIONS_NO &&
	    (!locations_is_country(s->location) ||
		locations_find_country(s->location) == LOCATIONS_NO)) {
		why.reason = AFW_REASON_LOCATION;
		reply_fail(s, &why, true);
		return;
	}
	reply_fail(s, &why, false);
}

struct provide *
attempt_read(const struct session *s, const struct answer *a, const char **why)
{
	const struct afw_m_auth_config *c = backend_config();
	const struct provide_want want = {.type = (enum afw_type)s->type,
	    .policy = (enum afw_v4v6)c->v4v6,
	    .ipv6_exit = c->ipv6_exit != 0};

	return a->result == RES_OK ? provide_read(a->json, &want, why) : NULL;
}

static void
attempt_provide_cb(void *arg, const struct answer *a)
{
	struct session *s = arg;
	const char *bad = NULL;
	struct provide *p = attempt_read(s, a, &bad);
	struct fail why = a->fail;

	s->call = NULL;
	if (p != NULL) {
		attempt_provided(s, p);
	} else if (says_unavailable(a)) {
		attempt_unavailable(s, a);
	} else if (answer_retry(a) && s->provide != NULL && s->failed == 0 &&
	    !provide_expired(s->provide)) {
		attempt_login(s); /* good until they expire */
	} else {
		if (bad != NULL)
			fail_set(&why, AFW_REASON_NO_SERVER, "%s", bad);
		reply_fail(s, &why, answer_permanent(a));
	}
}

struct tokens_call *
attempt_ask(struct session *s, bool same, backend_cb cb, void *arg)
{
	static const char *const policies[] = {
	    [AFW_V4V6_LEGACY] = "legacy",
	    [AFW_V4V6_IPV4_ONLY] = "ipv4_only",
	    [AFW_V4V6_IPV6_ONLY] = "ipv6_only",
	    [AFW_V4V6_BOTH] = "both",
	};
	const struct afw_m_auth_config *c = backend_config();
	struct params p = {.n = 0};

	params_set(&p, "type", is_wg(s) ? "wireguard" : "hydra-tcp");
	params_set(&p, "wg_public_key", s->wg.public_key);
	if (same && s->provide != NULL && s->provide->location[0] != '\0')
		params_set(&p, "location", s->provide->location);
	else if (strcmp(s->location, AFW_LOCATION_OPTIMAL) != 0)
		params_set(
		    &p, s->by_country ? "country" : "location", s->location);
	params_set(&p, "v4v6_policy", policies[c->v4v6]);
	params_set(&p, "ipv6_exit", c->ipv6_exit != 0 ? "1" : "");
	return tokens_call(CALL_PROVIDE, &p, cb, arg);
}

static void
attempt_provide(struct session *s)
{
	if (attempt_wg_key(s, attempt_provide))
		return;
	if (!s->provided)
		s->by_country = locations_is_country(s->location) &&
		    locations_find(s->location) == LOCATIONS_NO;
	s->provided = true;
	s->call = attempt_ask(s, false, attempt_provide_cb, s);
}

/* ---- what afwrt-tun asks ----------------------------------------------- */

/*
 * Another connection of the route goes where the first one went, by its
 * credentials: one account, one server, one provide. It is on its own only
 * while there is no session of the first.
 */
static void
attempt_follow(struct session *s)
{
	const struct session *first = sessions_first(s);
	const struct provide_server *at;
	struct provide *p = first == NULL ? NULL : first->provide;
	size_t server;

	s->borrowed = false;
	if (p == NULL)
		return;
	server = first->server;
	at = &p->servers[server];
	if (first->next != NULL &&
	    provide_find(first->next, at) < first->next->n) {
		p = first->next; /* renewed */
		server = provide_find(p, at);
	}
	if (provide_expired(p))
		return;
	if (s->provide == NULL ||
	    provide_find(p, &s->provide->servers[s->server]) != server)
		attempt_drop_cookie(s);
	if (s->provide != p) {
		renewal_stop(s);
		provide_free(s->provide);
		s->provide = provide_ref(p);
	}
	s->server = server;
	s->borrowed = true;
}

void
attempt_begin(struct session *s)
{
	s->failed = 0;
	s->provided = false;
	s->once_more = false;
	s->probed = false;
	attempt_follow(s);
	if (is_wg(s)) /* that costs nothing, unless the server is another */
		(void)attempt_adopt(s);
	if (attempt_has_cookie(s)) { /* the node says when it is too old */
		reply_session(s);
		return;
	}
	(void)attempt_adopt(s);
	if (s->provide == NULL || provide_expired(s->provide))
		attempt_provide(s);
	else
		attempt_login(s);
}

/* The node did not take its cookie. */
static void
attempt_cookie_refused(struct session *s)
{
	int64_t now = afw_now_ms();
	struct fail why;

	if (now - s->refused_ms > COOKIES_TIME)
		s->refused = 0;
	s->refused_ms = now;
	attempt_drop_cookie(s);
	if (++s->refused <= COOKIES_MAX) {
		attempt_begin(s);
		return;
	}
	fail_set(&why, AFW_REASON_AUTH, "the node refuses its own cookies");
	reply_fail(s, &why, false);
}

static void
attempt_server_bad(struct session *s, uint32_t why)
{
	static const enum afw_reason reasons[AFW_WHY_MAX] = {
	    [AFW_WHY_CONNECT] = AFW_REASON_CONNECT,
	    [AFW_WHY_TLS] = AFW_REASON_TLS,
	    [AFW_WHY_PROTOCOL] = AFW_REASON_PROTOCOL,
	};

	fail_set(&s->last, reasons[why], "%s",
	    why == AFW_WHY_TLS ? "handshake failed" : "");
	if (attempt_adopt(s))
		attempt_login(s);
	else if (is_wg(s) && why == AFW_WHY_CONNECT && attempt_wg_next(s))
		return;
	else if (!is_wg(s) && why == AFW_WHY_CONNECT && !s->probed &&
	    s->provide != NULL &&
	    provide_has_choice(&s->provide->servers[s->server]))
		attempt_probe(s);
	else
		attempt_next_server(s);
}

void
attempt_again(struct session *s, uint32_t why)
{
	/* "why" is about the session given last; was there one? */
	if (!s->given && why != AFW_WHY_COOKIE)
		why = AFW_WHY_FIRST;
	if (is_wg(s) && why == AFW_WHY_LOST)
		attempt_drop_cookie(s); /* its name may mean another now */
	switch (why) {
	case AFW_WHY_COOKIE:
		attempt_cookie_refused(s);
		break;
	case AFW_WHY_CONNECT:
	case AFW_WHY_TLS:
	case AFW_WHY_PROTOCOL:
		attempt_server_bad(s, why);
		break;
	default:
		attempt_begin(s);
		break;
	}
}
