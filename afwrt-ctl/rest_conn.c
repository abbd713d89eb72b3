/* SPDX-License-Identifier: ISC */
/*
 * evhttp asks for a bufferevent a connection; we make it, and keep a reference
 * and a deadline. One that evhttp has freed has no callbacks any more. One
 * that is too old is shut down, and evhttp sees the end of it. While all
 * places are taken nobody is accepted: the kernel's queue waits.
 */
#include "rest_conn.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include <sys/socket.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "service.h"

#define CONNECTIONS_MAX 32
#define REQUEST_S       15 /* from accept to the end of the request */
#define ANSWER_S        60 /* and from there to the end of the answer */
#define SWEEP_MS        250
#define EVHTTP_PAGE_MAX 1024

static struct {
	struct bufferevent *bev; /* NULL: free */
	int64_t deadline;
} connections[CONNECTIONS_MAX];
static unsigned int n_connections;
static struct event *timer;
static const struct timeval soon = {.tv_usec = SWEEP_MS * 1000};
static struct evconnlistener *listener;
static char *(*error_text)(int);

static int64_t
now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec;
}

/* ---- pages -------------------------------------------------------------- */

/* The status line of an answer that evhttp made, or 0: it is one of ours. */
static int
page_code(struct evbuffer *out)
{
	char head[EVHTTP_PAGE_MAX + 1], *body;
	ev_ssize_t n = evbuffer_copyout(out, head, EVHTTP_PAGE_MAX);
	int code;

	head[n > 0 ? n : 0] = '\0';
	if ((body = strstr(head, "\r\n\r\n")) == NULL ||
	    strstr(body, "</HTML>") == NULL)
		return 0;
	*body = '\0';
	if (strstr(head, "Content-Type: text/html") == NULL ||
	    sscanf(head, "HTTP/%*d.%*d %d", &code) != 1)
		return 0;
	return code == 501 ? 405 : code; /* a method that it does not know */
}

/* Our own error in the place of evhttp's page, before it is sent. */
static void
page_cb(struct evbuffer *out, const struct evbuffer_cb_info *info, void *arg)
{
	char *text;
	int code;

	(void)arg;
	if (info->n_added == 0 || (code = page_code(out)) == 0 ||
	    (text = error_text(code)) == NULL)
		return;
	/* only the bufferevent itself may drain it otherwise */
	(void)evbuffer_unfreeze(out, 1);
	(void)evbuffer_drain(out, evbuffer_get_length(out));
	(void)evbuffer_freeze(out, 1);
	(void)evbuffer_add_printf(out,
	    "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n"
	    "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
	    code,
	    code == 413       ? "Content Too Large"
		: code == 405 ? "Method Not Allowed"
			      : "Bad Request",
	    strlen(text), text);
	free(text);
}

/* ---- connections -------------------------------------------------------- */

static bool
is_alive(struct bufferevent *bev)
{
	bufferevent_event_cb fn = NULL;

	bufferevent_getcb(bev, NULL, NULL, &fn, NULL);
	return fn != NULL;
}

static void
sweep(void)
{
	int64_t now = now_s();
	unsigned int i;

	for (i = 0; i < CONNECTIONS_MAX; i++) {
		if (connections[i].bev == NULL)
			continue;
		if (!is_alive(connections[i].bev)) {
			(void)bufferevent_decref(connections[i].bev);
			connections[i].bev = NULL;
			n_connections--;
		} else if (now > connections[i].deadline) {
			(void)shutdown(
			    bufferevent_getfd(connections[i].bev), SHUT_RDWR);
		}
	}
	if (n_connections < CONNECTIONS_MAX)
		(void)evconnlistener_enable(listener);
	if (n_connections > 0)
		(void)event_add(timer, &soon);
}

/* The events of a connection that was closed are there until its reference is
 * given back: the next socket with its number would not be watched. */
void
rest_conn_sweep(void)
{
	if (timer != NULL)
		sweep();
}

static void
timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	sweep();
}

/* There is a place: with the last one the listener has been told to stop. */
static struct bufferevent *
made_cb(struct event_base *base, void *arg)
{
	struct bufferevent *bev;
	unsigned int i;

	(void)arg;
	sweep();
	for (i = 0; i < CONNECTIONS_MAX; i++)
		if (connections[i].bev == NULL)
			break;
	if (i == CONNECTIONS_MAX ||
	    (bev = bufferevent_socket_new(base, -1, 0)) == NULL)
		return NULL; /* evhttp makes one of its own */
	connections[i].bev = bev;
	connections[i].deadline = now_s() + REQUEST_S;
	bufferevent_incref(bev);
	(void)evbuffer_add_cb(bufferevent_get_output(bev), page_cb, NULL);
	if (++n_connections == CONNECTIONS_MAX)
		(void)evconnlistener_disable(listener);
	(void)event_add(timer, &soon);
	return bev;
}

void
rest_conn_answering(struct evhttp_connection *c)
{
	const struct bufferevent *bev = evhttp_connection_get_bufferevent(c);
	unsigned int i;

	for (i = 0; i < CONNECTIONS_MAX; i++)
		if (connections[i].bev == bev)
			connections[i].deadline = now_s() + ANSWER_S;
}

int
rest_conn_start(struct event_base *base, struct evhttp *http,
    struct evhttp_bound_socket *bound, char *(*text)(int code))
{
	error_text = text;
	listener = evhttp_bound_socket_get_listener(bound);
	timer = evtimer_new(base, timer_cb, NULL);
	if (timer == NULL)
		return -1;
	evhttp_set_bevcb(http, made_cb, NULL);
	return 0;
}

void
rest_conn_listener(struct evhttp_bound_socket *bound)
{
	listener = evhttp_bound_socket_get_listener(bound);
	if (n_connections == CONNECTIONS_MAX)
		(void)evconnlistener_disable(listener);
}

void
rest_conn_stop(void)
{
	unsigned int i;

	for (i = 0; i < CONNECTIONS_MAX; i++)
		if (connections[i].bev != NULL)
			(void)bufferevent_decref(connections[i].bev);
	memset(connections, 0, sizeof(connections));
	n_connections = 0;
	if (timer != NULL)
		event_free(timer);
	timer = NULL;
}
