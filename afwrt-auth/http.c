/* SPDX-License-Identifier: ISC */
/*
 * A small HTTP/1.1 client for one server: keeps the connection, follows
 * redirects that stay on the server, and ends each call in HTTP_TIMEOUT.
 * libevent's evhttp opens sockets by itself, which this process cannot do.
 */
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/event.h>

#include "conn.h"
#include "lib/daemon/log.h"
#include "lib/wire/channel.h"
#include "url.h"

#define HTTP_TIMEOUT    30    /* s, a whole call */
#define CONNECT_TIMEOUT 10000 /* ms */
#define REDIRECTS_MAX   3

struct http {
	char *host, *host6, *name, *ca;
	size_t ca_len;
	uint16_t port;
	enum afw_v4v6 policy;
	bool tls;
	struct conn *conn;
	bool up, reused, answered; /* answered: bytes of the answer came */
	struct afw_addr addr;
	struct event *timer;
	/* the call */
	bool busy;
	char *target, *headers, *body;
	int redirects;
	struct http_parse parse;
	http_cb cb;
	void *arg;
};

static void http_start(struct http *h);

static void
wipe_free(char **s)
{
	if (*s != NULL) {
		afw_wipe(*s, strlen(*s));
		free(*s);
	}
	*s = NULL;
}

static char *
dup_or_die(const char *s)
{
	char *p = strdup(s);

	if (p == NULL)
		fatal("auth: out of memory");
	return p;
}

/* ---- the end of a call ------------------------------------------------- */

static void
http_disconnect(struct http *h)
{
	conn_close(h->conn);
	h->conn = NULL;
	h->up = false;
}

static void
http_finish(struct http *h, const struct fail *why)
{
	struct http_parse p = h->parse;
	http_cb cb = h->cb;
	void *arg = h->arg;

	if (why != NULL || !p.keep_alive)
		http_disconnect(h);
	(void)event_del(h->timer);
	h->busy = false;
	wipe_free(&h->target);
	wipe_free(&h->headers);
	wipe_free(&h->body);
	http_parse_init(&h->parse);
	cb(arg, why != NULL ? NULL : &p, why); /* may free h */
	http_parse_free(&p);
}

/* A path on this server, or NULL: the redirect leads elsewhere. */
static const char *
same_server(const struct http *h, const char *location)
{
	struct url u;
	char text[AFW_URL_SIZE];
	const char *path;
	size_t n;

	if (location[0] == '/' && location[1] != '/')
		return location;
	path = strstr(location, "://");
	if (path == NULL)
		return NULL;
	n = (size_t)(path - location) + 3;
	n += strcspn(location + n, "/?#");
	if (n >= sizeof(text))
		return NULL;
	memcpy(text, location, n);
	text[n] = '\0';
	if (url_parse(&u, text) != NULL || u.port != h->port ||
	    (u.scheme == URL_HTTPS) != h->tls ||
	    strcasecmp(u.host, h->name) != 0)
		return NULL;
	return location[n] == '/' ? location + n : "/";
}

static bool
plain_text(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

/* 1: the call goes on elsewhere; 0: this answer is the one; -1: see why. */
static int
http_redirect(struct http *h, struct fail *why)
{
	const char *to = http_parse_header(&h->parse, "Location", 0);
	int status = h->parse.status;
	char *copy;

	if (status != 301 && status != 302 && status != 303 && status != 307 &&
	    status != 308)
		return 0;
	if (to == NULL || !plain_text(to) ||
	    (to = same_server(h, to)) == NULL) {
		fail_set(
		    why, AFW_REASON_PROTOCOL, "redirect to another server");
		return -1;
	}
	if (++h->redirects > REDIRECTS_MAX) {
		fail_set(why, AFW_REASON_PROTOCOL, "too many redirects");
		return -1;
	}
	copy = dup_or_die(to);
	wipe_free(&h->target);
	h->target = copy;
	if (status < 307)
		wipe_free(&h->body); /* RFC 9110, 15.4: becomes a GET */
	if (!h->parse.keep_alive)
		http_disconnect(h);
	http_parse_free(&h->parse);
	return 1;
}

static void
http_complete(struct http *h)
{
	struct fail why;

	switch (http_redirect(h, &why)) {
	case 1:
		http_start(h);
		break;
	case 0:
		http_finish(h, NULL);
		break;
	default:
		http_finish(h, &why);
		break;
	}
}

/* ---- the connection ---------------------------------------------------- */

static void
http_transmit(struct http *h)
{
	char host[280], *text = NULL;
	size_t body = h->body == NULL ? 0 : strlen(h->body);
	char length[48] = "";
	struct fail why;
	int n;

	if (h->body != NULL)
		(void)snprintf(
		    length, sizeof(length), "Content-Length: %zu\r\n", body);
	n = asprintf(&text, "%s %s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n%s",
	    h->body == NULL ? "GET" : "POST", h->target,
	    url_host_print(
		h->name, h->port, h->tls ? 443 : 80, host, sizeof(host)),
	    h->headers, length, h->body == NULL ? "" : h->body);
	if (n == -1)
		fatal("auth: out of memory");
	h->answered = false;
	n = conn_send(h->conn, text, (size_t)n);
	wipe_free(&text);
	if (n == -1 && h->reused) {
		http_disconnect(h);
		http_start(h);
	} else if (n == -1) {
		fail_set(&why, AFW_REASON_CONNECT, "cannot send");
		http_finish(h, &why);
	}
}

static void
http_up_cb(void *arg)
{
	struct http *h = arg;

	h->up = true;
	h->addr = *conn_addr(h->conn);
	http_transmit(h);
}

static void
http_data_cb(void *arg, const void *data, size_t len)
{
	struct http *h = arg;
	struct fail why;
	size_t used;
	int r;

	if (!h->busy) { /* words nobody asked for */
		http_disconnect(h);
		return;
	}
	h->answered = true;
	r = http_parse_feed(&h->parse, data, len, &used);
	if (r == -1) {
		fail_set(&why, AFW_REASON_PROTOCOL, "%s", h->parse.why);
		http_finish(h, &why);
	} else if (r == 1) {
		if (used != len)
			h->parse.keep_alive = false;
		http_complete(h);
	}
}

static void
http_closed_cb(void *arg, const struct fail *f)
{
	struct http *h = arg;
	struct fail why = *f;
	bool stale = h->reused && !h->answered;

	h->conn = NULL;
	h->up = false;
	if (!h->busy)
		return;
	if (stale) { /* it was closed while we were silent: once more */
		http_start(h);
		return;
	}
	if (why.reason == AFW_REASON_NONE ||
	    (h->answered && why.reason == AFW_REASON_CONNECT)) {
		if (why.reason == AFW_REASON_NONE &&
		    http_parse_end(&h->parse) == 1) {
			http_complete(h);
			return;
		}
		fail_set(&why, AFW_REASON_CONNECT, "%s",
		    h->parse.why != NULL ? h->parse.why : "answer cut off");
	}
	http_finish(h, &why);
}

static void
http_start(struct http *h)
{
	static const struct conn_cbs cbs = {
	    http_up_cb, http_data_cb, http_closed_cb};
	struct conn_opts o = {.host = h->host,
	    .host6 = h->host6,
	    .port = h->port,
	    .policy = h->policy,
	    .tls_name = h->tls ? h->name : NULL,
	    .ca = h->ca,
	    .ca_len = h->ca_len,
	    .timeout_ms = CONNECT_TIMEOUT};

	http_parse_init(&h->parse);
	h->answered = false;
	if (h->conn != NULL && h->up) {
		h->reused = true;
		http_transmit(h);
		return;
	}
	h->reused = false;
	http_disconnect(h);
	h->conn = conn_open(&o, &cbs, h);
}

static void
http_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	struct fail why;

	(void)fd;
	(void)what;
	fail_set(&why, AFW_REASON_TIMEOUT, "no answer in %d s", HTTP_TIMEOUT);
	http_parse_free(&h->parse);
	http_finish(h, &why);
}

/* ---- for its owner ----------------------------------------------------- */

struct http *
http_new(const struct http_opts *o)
{
	struct http *h = calloc(1, sizeof(*h));

	if (h == NULL ||
	    (h->timer = evtimer_new(conn_base(), http_timer_cb, h)) == NULL)
		fatal("auth: out of memory");
	h->host = dup_or_die(o->host);
	h->host6 = o->host6 != NULL ? dup_or_die(o->host6) : NULL;
	h->name = dup_or_die(o->name != NULL ? o->name : o->host);
	h->port = o->port;
	h->policy = o->policy;
	h->tls = o->tls;
	if (o->tls) {
		h->ca = malloc(o->ca_len + 1);
		if (h->ca == NULL)
			fatal("auth: out of memory");
		memcpy(h->ca, o->ca, o->ca_len);
		h->ca_len = o->ca_len;
	}
	return h;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	http_disconnect(h);
	event_free(h->timer);
	http_parse_free(&h->parse);
	wipe_free(&h->target);
	wipe_free(&h->headers);
	wipe_free(&h->body);
	free(h->host);
	free(h->host6);
	free(h->name);
	free(h->ca);
	free(h);
}

void
http_call(struct http *h, const char *target, const char *headers,
    const char *body, http_cb cb, void *arg)
{
	struct timeval tv = {.tv_sec = HTTP_TIMEOUT};

	h->busy = true;
	h->target = dup_or_die(target);
	h->headers = dup_or_die(headers);
	h->body = body == NULL ? NULL : dup_or_die(body);
	h->redirects = 0;
	h->cb = cb;
	h->arg = arg;
	(void)evtimer_add(h->timer, &tv);
	http_start(h);
}

const struct afw_addr *
http_addr(const struct http *h)
{
	return h->addr.family == 0 ? NULL : &h->addr;
}
