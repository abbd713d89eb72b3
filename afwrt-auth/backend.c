/* SPDX-License-Identifier: ISC */
/*
 * Calls at the backends: the list in order, beginning with the one that
 * answered last; what a try later may cure is tried TRIES times in all. A
 * file: backend goes the same way, see backend_file.c.
 */
#include "backend.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "backend_file.h"
#include "backend_http.h"
#include "conn.h"
#include "lib/daemon/log.h"
#include "url.h"

#define TRIES      3
#define BACKOFF    500   /* ms, doubled twice a try */
#define LAST_START 20000 /* ms after which no further try begins */

static const char *const names[] = {
    [CALL_LOGIN] = "login",
    [CALL_LOCATIONS] = "locations",
    [CALL_COUNTRIES] = "countries",
    [CALL_PROVIDE] = "provide",
    [CALL_VERIFY] = "verify",
};

struct backend_call {
	enum call call;
	struct params params;
	struct url urls[AFW_BACKENDS_MAX];
	size_t n, first, done; /* urls[(first + done) % n] is asked */
	enum afw_file file;    /* where a file: URL is found */
	bool ours;             /* the configured list */
	int tries;
	int64_t since;
	struct backend_http *http;
	struct backend_file *in_file;
	struct event *timer;
	backend_cb cb;
	void *arg;
};

static struct afw_m_auth_config config;
static struct url urls[AFW_BACKENDS_MAX];
static size_t n_urls, good; /* good: the one that answered last */
static struct afw_ratelimit limit;

void
backend_configure(const struct afw_m_auth_config *c)
{
	config = *c;
	memset(urls, 0, sizeof(urls));
	n_urls = good = 0;
}

const char *
backend_set(uint32_t i, const char *url)
{
	struct url u;
	const char *why;

	if (config.backends == 0 || i >= config.backends)
		return "more backends than were announced";
	if ((why = url_parse(&u, url)) != NULL)
		return why;
	urls[i] = u;
	for (n_urls = 0; n_urls < config.backends; n_urls++)
		if (urls[n_urls].scheme == 0)
			break;
	return NULL;
}

bool
backend_is_configured(void)
{
	return config.backends != 0 && n_urls == config.backends;
}

const struct afw_m_auth_config *
backend_config(void)
{
	return &config;
}

enum afw_v4v6
backend_policy(void)
{
	return config.v4v6 == AFW_V4V6_BOTH || config.v4v6 == AFW_V4V6_IPV6_ONLY
	    ? AFW_V4V6_BOTH
	    : AFW_V4V6_LEGACY;
}

bool
backend_is_file(void)
{
	return n_urls > 0 && urls[0].scheme == URL_FILE;
}

/* ---- one call ---------------------------------------------------------- */

static void call_try(struct backend_call *c);

static struct url *
call_url(struct backend_call *c)
{
	return &c->urls[(c->first + c->done) % c->n];
}

void
backend_cancel(struct backend_call *c)
{
	if (c->http != NULL)
		backend_http_cancel(c->http);
	if (c->in_file != NULL)
		backend_file_cancel(c->in_file);
	event_free(c->timer);
	params_clear(&c->params);
	free(c);
}

static void
call_tell(struct backend_call *c, const struct answer *a)
{
	backend_cb cb = c->cb;
	void *arg = c->arg;

	if (c->ours && !answer_retry(a))
		good = (c->first + c->done) % c->n;
	backend_cancel(c);
	cb(arg, a);
}

static const char *
url_name(const struct url *u)
{
	return u->scheme == URL_FILE ? u->path : u->host;
}

static bool
worth_a_wait(const struct backend_call *c, const struct answer *a)
{
	return a->result != RES_UNREADABLE &&
	    a->fail.reason != AFW_REASON_TLS && c->tries + 1 < TRIES &&
	    afw_now_ms() - c->since < LAST_START;
}

static void
call_backoff(struct backend_call *c)
{
	int ms = BACKOFF << (2 * c->tries);
	struct timeval tv;

	ms += (int)(random() % (ms / 2));
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	c->tries++;
	c->done = 0;
	(void)evtimer_add(c->timer, &tv);
}

static void
call_answer_cb(void *arg, const struct answer *a)
{
	struct backend_call *c = arg;
	char text[160];

	c->http = NULL;
	c->in_file = NULL;
	if (!answer_retry(a)) {
		call_tell(c, a);
		return;
	}
	if (afw_ratelimit_ok(&limit, 10))
		log_warn("backend %s: %s: %s", url_name(call_url(c)),
		    names[c->call], fail_print(&a->fail, text, sizeof(text)));
	if (c->done + 1 < c->n) {
		c->done++;
		call_try(c);
	} else if (call_url(c)->scheme != URL_FILE && worth_a_wait(c, a)) {
		call_backoff(c);
	} else {
		call_tell(c, a);
	}
}

static void
call_try(struct backend_call *c)
{
	struct url *u = call_url(c);

	if (u->scheme == URL_FILE)
		c->in_file = backend_file_call(
		    c->file, c->call, &c->params, call_answer_cb, c);
	else
		c->http = backend_http_call(
		    u, c->call, &c->params, call_answer_cb, c);
}

static void
call_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	call_try(arg);
}

static struct backend_call *
call_new(enum call call, struct params *p, backend_cb cb, void *arg)
{
	struct backend_call *c = calloc(1, sizeof(*c));

	if (c == NULL ||
	    (c->timer = evtimer_new(conn_base(), call_timer_cb, c)) == NULL)
		fatal("auth: out of memory");
	c->call = call;
	c->params = *p;
	memset(p, 0, sizeof(*p));
	c->cb = cb;
	c->arg = arg;
	c->since = afw_now_ms();
	return c;
}

struct backend_call *
backend_call(enum call call, struct params *p, backend_cb cb, void *arg)
{
	struct backend_call *c = call_new(call, p, cb, arg);

	memcpy(c->urls, urls, sizeof(urls));
	c->n = n_urls;
	c->first = good;
	c->file = AFW_FILE_BACKEND;
	c->ours = true;
	call_try(c);
	return c;
}

struct backend_call *
backend_call_at(const char *url, enum call call, struct params *p,
    const char **why, backend_cb cb, void *arg)
{
	struct backend_call *c;
	struct url u;

	if ((*why = url_parse(&u, url)) != NULL) {
		params_clear(p);
		return NULL;
	}
	c = call_new(call, p, cb, arg);
	c->urls[0] = u;
	c->n = 1;
	c->file = AFW_FILE_VERIFY;
	call_try(c);
	return c;
}
