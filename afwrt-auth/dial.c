/* SPDX-License-Identifier: ISC */
/*
 * Several addresses, one connection: after RFC 8305 ("happy eyeballs"), so
 * that a family that leads nowhere costs a moment and not the time limit.
 */
#include "dial.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "conn.h"
#include "lib/daemon/log.h"
#include "sock.h"
#include "url.h"

struct
try {
	struct dial *d;
	struct afw_addr addr;
	struct sock *sock;
	struct event *ev;
	int fd;
	struct fail why;
};

struct dial {
	struct try tries[DIAL_MAX];
	size_t n, next, busy;
	uint16_t port;
	bool loopback;
	struct timeval stagger;
	struct event *timer;
	dial_cb cb;
	void *arg;
};

static void dial_next(struct dial *d);

/* ---- order ------------------------------------------------------------- */

static bool
excluded(const struct afw_addr *a, enum afw_v4v6 policy)
{
	return (a->family == 4 && policy == AFW_V4V6_IPV6_ONLY) ||
	    (a->family == 6 && policy == AFW_V4V6_IPV4_ONLY);
}

static bool
known(const struct afw_addr *list, size_t n, const struct afw_addr *a)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (memcmp(&list[i], a, sizeof(*a)) == 0)
			return true;
	return false;
}

/* The next address of a family from *at on, or NULL. */
static const struct afw_addr *
next_of(const struct afw_addr *list, size_t n, size_t *at, unsigned int family)
{
	for (; *at < n; (*at)++)
		if (list[*at].family == family)
			return &list[(*at)++];
	return NULL;
}

size_t
dial_order(struct afw_addr *addrs, size_t n, enum afw_v4v6 policy)
{
	struct afw_addr list[DIAL_MAX];
	const struct afw_addr *a;
	size_t at[2] = {0, 0}, i, m = 0;
	bool six = policy == AFW_V4V6_BOTH || policy == AFW_V4V6_IPV6_ONLY;
	int turn = six;

	for (i = 0; i < n && m < DIAL_MAX; i++)
		if (!excluded(&addrs[i], policy) && !known(list, m, &addrs[i]))
			list[m++] = addrs[i];
	for (i = 0; i < m; i++) {
		a = next_of(list, m, &at[turn], turn ? 6 : 4);
		if (a == NULL) {
			turn = !turn;
			a = next_of(list, m, &at[turn], turn ? 6 : 4);
		} else if (policy == AFW_V4V6_BOTH) {
			turn = !turn; /* RFC 8305, 4: in alternation */
		}
		addrs[i] = *a;
	}
	return m;
}

/* ---- one address ------------------------------------------------------- */

static void
try_drop(struct try *t)
{
	if (t->sock != NULL)
		sock_cancel(t->sock);
	if (t->ev != NULL)
		event_free(t->ev);
	if (t->fd != -1)
		(void)close(t->fd);
	t->sock = NULL;
	t->ev = NULL;
	t->fd = -1;
}

void
dial_cancel(struct dial *d)
{
	size_t i;

	for (i = 0; i < d->next; i++)
		try_drop(&d->tries[i]);
	event_free(d->timer);
	free(d);
}

/* The end; t NULL: none did, and the best one's failure is told. */
static void
dial_end(struct dial *d, struct try *t)
{
	dial_cb cb = d->cb;
	void *arg = d->arg;
	struct fail why = d->tries[0].why;
	struct afw_addr addr = {.family = 0};
	int fd = -1;

	if (t != NULL) {
		addr = t->addr;
		fd = t->fd;
		t->fd = -1;
	}
	dial_cancel(d);
	cb(arg, fd, &addr, &why);
}

static void
try_failed(struct try *t, int e)
{
	struct dial *d = t->d;

	try_drop(t);
	fail_from_errno(&t->why, e);
	d->busy--;
	if (d->next < d->n)
		dial_next(d);
	else if (d->busy == 0)
		dial_end(d, NULL);
}

static void
try_connected_cb(evutil_socket_t fd, short what, void *arg)
{
	struct try *t = arg;
	int e = 0;
	socklen_t len = sizeof(e);

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) == -1)
		e = errno;
	if (e != 0)
		try_failed(t, e);
	else
		dial_end(t->d, t);
}

static void
try_socket_cb(void *arg, int fd, int e)
{
	struct try *t = arg;
	struct sockaddr_storage ss;
	socklen_t len;

	t->sock = NULL;
	t->fd = fd;
	if (fd == -1) {
		try_failed(t, e);
		return;
	}
	(void)evutil_make_socket_nonblocking(fd);
	len = afw_addr_to_sockaddr(&t->addr, t->d->port, &ss);
	if (connect(fd, (struct sockaddr *)&ss, len) == -1 &&
	    errno != EINPROGRESS) {
		try_failed(t, errno);
		return;
	}
	t->ev = event_new(conn_base(), fd, EV_WRITE, try_connected_cb, t);
	if (t->ev == NULL || event_add(t->ev, NULL) == -1)
		fatal("auth: out of memory");
}

/* ---- all of them ------------------------------------------------------- */

static void
dial_next(struct dial *d)
{
	struct try *t = &d->tries[d->next++];
	char text[AFW_ADDR_TEXT];
	bool lo;

	if (d->next < d->n)
		(void)evtimer_add(d->timer, &d->stagger);
	else
		(void)evtimer_del(d->timer);
	(void)afw_addr_print(&t->addr, text, sizeof(text));
	lo = d->loopback && url_is_loopback(text);
	d->busy++;
	t->sock = sock_get(t->addr.family, true,
	    lo ? AFW_SCOPE_LOOPBACK : AFW_SCOPE_WAN, try_socket_cb, t);
}

static void
stagger_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dial_next(arg);
}

struct dial *
dial_start(const struct dial_opts *o, dial_cb cb, void *arg)
{
	struct dial *d = calloc(1, sizeof(*d));
	size_t i;

	if (d == NULL ||
	    (d->timer = evtimer_new(conn_base(), stagger_cb, d)) == NULL)
		fatal("auth: out of memory");
	d->n = o->n < DIAL_MAX ? o->n : DIAL_MAX;
	for (i = 0; i < d->n; i++) {
		d->tries[i].d = d;
		d->tries[i].addr = o->addrs[i];
		d->tries[i].fd = -1;
	}
	d->port = o->port;
	d->loopback = o->loopback;
	d->stagger.tv_sec = (time_t)(o->stagger_ms / 1000);
	d->stagger.tv_usec = (suseconds_t)(o->stagger_ms % 1000 * 1000);
	d->cb = cb;
	d->arg = arg;
	dial_next(d);
	return d;
}
