/* SPDX-License-Identifier: ISC */
/* A TCP proxy in front of a node, so that its connections can be harmed. */
#include <netinet/in.h>
#include <sys/socket.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "hydra_lab.h"

struct pair {
	struct pair *next;
	struct proxy *proxy;
	struct bufferevent *side[2];
};

struct proxy {
	struct event_base *base;
	struct evconnlistener *listener;
	struct pair *pairs;
	uint16_t port, target;
	unsigned int connections;
};

static void
pair_free(struct pair *p)
{
	struct pair **pp = &p->proxy->pairs;

	while (*pp != p)
		pp = &(*pp)->next;
	*pp = p->next;
	bufferevent_free(p->side[0]);
	bufferevent_free(p->side[1]);
	free(p);
}

static void
read_cb(struct bufferevent *b, void *arg)
{
	struct pair *p = arg;
	struct bufferevent *other = p->side[b == p->side[0]];

	(void)bufferevent_read_buffer(b, bufferevent_get_output(other));
}

/* The last bytes of one side still go to the other. */
static void
event_cb(struct bufferevent *b, short what, void *arg)
{
	struct pair *p = arg;
	struct bufferevent *other = p->side[b == p->side[0]];

	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0)
		return;
	read_cb(b, arg);
	(void)bufferevent_flush(other, EV_WRITE, BEV_FLUSH);
	(void)evbuffer_write(
	    bufferevent_get_output(other), bufferevent_getfd(other));
	pair_free(p);
}

static void
accept_cb(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa,
    int len, void *arg)
{
	struct proxy *x = arg;
	struct pair *p = calloc(1, sizeof(*p));
	struct sockaddr_in in = {.sin_family = AF_INET,
	    .sin_port = htons(x->target),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int i;

	(void)l;
	(void)sa;
	(void)len;
	x->connections++;
	p->proxy = x;
	p->next = x->pairs;
	x->pairs = p;
	p->side[0] = bufferevent_socket_new(x->base, fd, BEV_OPT_CLOSE_ON_FREE);
	p->side[1] = bufferevent_socket_new(x->base, -1, BEV_OPT_CLOSE_ON_FREE);
	for (i = 0; i < 2; i++) {
		bufferevent_setcb(p->side[i], read_cb, NULL, event_cb, p);
		(void)bufferevent_enable(p->side[i], EV_READ | EV_WRITE);
	}
	(void)bufferevent_socket_connect(
	    p->side[1], (struct sockaddr *)&in, sizeof(in));
}

struct proxy *
proxy_open(struct event_base *base, unsigned int node)
{
	struct proxy *x = calloc(1, sizeof(*x));
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
	socklen_t len = sizeof(in);

	x->base = base;
	x->target = (uint16_t)(4431 + node);
	x->listener = evconnlistener_new_bind(base, accept_cb, x,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 8,
	    (struct sockaddr *)&in, sizeof(in));
	ck_assert_ptr_nonnull(x->listener);
	(void)getsockname(
	    evconnlistener_get_fd(x->listener), (struct sockaddr *)&in, &len);
	x->port = ntohs(in.sin_port);
	return x;
}

void
proxy_cut(struct proxy *p)
{
	while (p->pairs != NULL)
		pair_free(p->pairs);
}

void
proxy_close(struct proxy *p)
{
	proxy_cut(p);
	evconnlistener_free(p->listener);
	free(p);
}

void
proxy_stall(struct proxy *p)
{
	struct pair *q;

	for (q = p->pairs; q != NULL; q = q->next) {
		(void)bufferevent_disable(q->side[0], EV_READ);
		(void)bufferevent_disable(q->side[1], EV_READ);
	}
}

uint16_t
proxy_port(const struct proxy *p)
{
	return p->port;
}

unsigned int
proxy_connections(const struct proxy *p)
{
	return p->connections;
}
