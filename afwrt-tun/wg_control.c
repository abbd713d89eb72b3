/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "afwrt-tun/wg_control.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "lib/wire/channel.h"
#ifdef AFWRT_WG_ENGINE
#include "afwrt-tun/wg_udp.h"
#endif

#define CLIENTS_MAX 8
#define IDLE_S      10
#define PAUSE_MS    200   /* without a free descriptor */
#define REQUEST_MAX 16384 /* all that one peer can have is half of it */
#define ANSWER_MAX  16384

struct client {
	struct wg_control *c;
	int fd; /* -1: free */
	struct event *readable;
	size_t used;
	char *buf;
};

struct wg_control {
	struct event_base *base;
	int fd;
	uint32_t route;
	struct event *acceptable, *again;
	struct client client[CLIENTS_MAX];
};

static void
client_close(struct client *k)
{
	if (k->fd == -1)
		return;
	event_free(k->readable);
	(void)close(k->fd);
	afw_wipe(k->buf, REQUEST_MAX);
	free(k->buf);
	k->fd = -1;
}

/* ---- requests ---------------------------------------------------------- */

/* Half an answer is no answer: a client that does not read is closed. */
static bool
client_answer(struct client *k, const char *text, size_t len)
{
	return send(k->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    (ssize_t)len;
}

/* Errors are negative, as wireguard-go has them. */
static bool
answer_errno(struct client *k, int error)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "errno=%d\n\n", -error);

	return client_answer(k, text, (size_t)n);
}

#ifdef AFWRT_WG_ENGINE

static bool
request_get(struct client *k, char *rest)
{
	char answer[ANSWER_MAX];
	struct wg_uapi_device d;
	size_t n = 0;
	bool ok;

	if (*rest != '\0')
		return answer_errno(k, EINVAL);
	(void)wg_change_get(k->c->route, &d);
	n = wg_uapi_print(&d, answer, sizeof(answer));
	n += (size_t)snprintf(answer + n, sizeof(answer) - n, "errno=0\n\n");
	ok = n < sizeof(answer) && client_answer(k, answer, n);
	afw_wipe(&d, sizeof(d));
	afw_wipe(answer, sizeof(answer));
	return ok;
}

static bool
request_set(struct client *k, char *rest)
{
	static struct afw_ratelimit limit;
	struct wg_uapi_set s;
	const char *key;
	int error = wg_uapi_parse(rest, &s, &key);

	if (error == 0)
		error = wg_change_set(k->c->route, &s);
	else if (afw_ratelimit_ok(&limit, 5))
		log_warn("wireguard: configuration socket: %s: %s",
		    *key != '\0' ? key : "unknown line", strerror(error));
	afw_wipe(&s, sizeof(s));
	return answer_errno(k, error);
}

#else

static bool
request_get(struct client *k, char *rest)
{
	(void)rest;
	return answer_errno(k, EOPNOTSUPP);
}

static bool
request_set(struct client *k, char *rest)
{
	return request_get(k, rest);
}

#endif

/* The first line says what it is; text ends before the empty line. */
static bool
request(struct client *k, char *text)
{
	static const char get[] = "get=1\n", set[] = "set=1\n";

	if (strncmp(text, get, sizeof(get) - 1) == 0)
		return request_get(k, text + sizeof(get) - 1);
	if (strncmp(text, set, sizeof(set) - 1) == 0)
		return request_set(k, text + sizeof(set) - 1);
	(void)answer_errno(k, EINVAL);
	return false;
}

/* All requests that are there whole. */
static bool
client_requests(struct client *k)
{
	char *end;
	size_t n;
	bool ok;

	while ((end = memmem(k->buf, k->used, "\n\n", 2)) != NULL) {
		end[1] = '\0';
		n = (size_t)(end + 2 - k->buf);
		/* a NUL within would hide what is behind it */
		ok = memchr(k->buf, '\0', n - 1) == NULL && request(k, k->buf);
		if (!ok)
			return false;
		memmove(k->buf, k->buf + n, k->used - n);
		afw_wipe(k->buf + k->used - n, n);
		k->used -= n;
	}
	if (k->used < REQUEST_MAX)
		return true;
	(void)answer_errno(k, E2BIG);
	return false;
}

/* ---- clients ----------------------------------------------------------- */

static void
client_cb(evutil_socket_t fd, short what, void *arg)
{
	struct client *k = arg;
	ssize_t n;

	if ((what & EV_TIMEOUT) != 0) {
		client_close(k);
		return;
	}
	n = recv(fd, k->buf + k->used, REQUEST_MAX - k->used, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(k);
		return;
	}
	k->used += (size_t)n;
	if (!client_requests(k))
		client_close(k);
}

static struct client *
client_free_slot(struct wg_control *c)
{
	int i;

	for (i = 0; i < CLIENTS_MAX; i++)
		if (c->client[i].fd == -1)
			return &c->client[i];
	return NULL;
}

/* Who waits in the backlog keeps the listener readable. */
static void
accept_pause(struct wg_control *c)
{
	static const struct timeval pause = {0, PAUSE_MS * 1000};

	if (event_del(c->acceptable) == -1 ||
	    evtimer_add(c->again, &pause) == -1)
		fatal("%s: out of memory", afw_log_name());
}

static void
again_cb(evutil_socket_t fd, short what, void *arg)
{
	struct wg_control *c = arg;

	(void)fd;
	(void)what;
	if (event_add(c->acceptable, NULL) == -1)
		fatal("%s: out of memory", afw_log_name());
}

static void
accept_cb(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval idle = {IDLE_S, 0};
	struct wg_control *c = arg;
	struct client *k = client_free_slot(c);
	int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (got == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			accept_pause(c);
		return;
	}
	if (k == NULL) {
		(void)close(got);
		return;
	}
	k->fd = got;
	k->used = 0;
	k->buf = malloc(REQUEST_MAX);
	k->readable =
	    event_new(c->base, got, EV_READ | EV_PERSIST, client_cb, k);
	if (k->buf == NULL || k->readable == NULL ||
	    event_add(k->readable, &idle) == -1)
		fatal("%s: out of memory", afw_log_name());
}

/* ---- life -------------------------------------------------------------- */

struct wg_control *
wg_control_open(struct event_base *base, int fd, uint32_t route)
{
	struct wg_control *c = calloc(1, sizeof(*c));
	int i;

	if (c == NULL)
		fatal("%s: out of memory", afw_log_name());
	c->base = base;
	c->fd = fd;
	c->route = route;
	for (i = 0; i < CLIENTS_MAX; i++) {
		c->client[i].fd = -1;
		c->client[i].c = c;
	}
	(void)evutil_make_socket_nonblocking(fd);
	(void)evutil_make_socket_closeonexec(fd);
	c->acceptable = event_new(base, fd, EV_READ | EV_PERSIST, accept_cb, c);
	c->again = evtimer_new(base, again_cb, c);
	if (c->acceptable == NULL || c->again == NULL ||
	    event_add(c->acceptable, NULL) == -1)
		fatal("%s: out of memory", afw_log_name());
	return c;
}

void
wg_control_close(struct wg_control *c)
{
	int i;

	if (c == NULL)
		return;
	for (i = 0; i < CLIENTS_MAX; i++)
		client_close(&c->client[i]);
	event_free(c->acceptable);
	event_free(c->again);
	(void)close(c->fd);
	free(c);
}
