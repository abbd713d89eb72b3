/* SPDX-License-Identifier: ISC */
/*
 * One outgoing stream: name to addresses, a connection to one of them, TLS
 * where asked for, then bytes. An address whose TLS is bad is followed by the
 * others, all within one time limit.
 */
#include "conn.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "dial.h"
#include "lib/daemon/log.h"
#include "lib/tls/tls.h"
#include "lib/wire/channel.h"
#include "resolve.h"
#include "url.h"

#define PLAIN_MAX (512 * 1024)
#define TRY_MIN   2500 /* ms for one address of several */
#define STAGGER   250  /* ms, RFC 8305, 5: for the policy "both" */

enum { RESOLVING, DIALLING, HANDSHAKE, UP };

struct conn {
	struct conn_opts o;
	const struct conn_cbs *cbs;
	void *arg;
	int state;
	int in_cb; /* depth; freed when it is left */
	bool gone;
	int64_t deadline;
	struct afw_addr addrs[DIAL_MAX]; /* left to be tried */
	size_t n_addrs;
	struct afw_addr addr; /* in use */
	struct fail last;     /* of a TLS handshake */
	struct resolve *resolve;
	struct dial *dial;
	int fd;
	struct afw_tls *tls;
	struct evbuffer *out; /* without TLS */
	struct event *ev, *timer;
};

static struct event_base *base;

static void conn_dial(struct conn *c);
static void conn_watch(struct conn *c);

void
conn_init(struct event_base *b)
{
	base = b;
}

struct event_base *
conn_base(void)
{
	return base;
}

/* ---- ends -------------------------------------------------------------- */

/* Lets go of one attempt's socket. */
static void
conn_drop(struct conn *c)
{
	if (c->ev != NULL)
		event_free(c->ev);
	c->ev = NULL;
	if (c->tls != NULL)
		afw_tls_free(c->tls); /* and the fd */
	else if (c->fd != -1)
		(void)close(c->fd);
	c->tls = NULL;
	c->fd = -1;
}

static void
conn_free(struct conn *c)
{
	conn_drop(c);
	if (c->resolve != NULL)
		resolve_cancel(c->resolve);
	if (c->dial != NULL)
		dial_cancel(c->dial);
	event_free(c->timer);
	evbuffer_free(c->out);
	free(c);
}

void
conn_close(struct conn *c)
{
	if (c == NULL)
		return;
	if (c->tls != NULL && c->state == UP) {
		afw_tls_bye(c->tls);
		(void)afw_tls_flush(c->tls);
	}
	c->gone = true;
	if (c->in_cb == 0)
		conn_free(c);
}

/* The last callback. */
static void
conn_end(struct conn *c, const struct fail *why)
{
	struct fail copy = *why;
	void (*closed)(void *, const struct fail *) = c->cbs->closed;
	void *arg = c->arg;

	if (c->gone)
		return;
	c->gone = true;
	if (c->in_cb == 0)
		conn_free(c);
	closed(arg, &copy);
}

/* Leaves a callback; true if the connection went away in it. */
static bool
conn_leave(struct conn *c)
{
	c->in_cb--;
	if (c->gone && c->in_cb == 0) {
		conn_free(c);
		return true;
	}
	return c->gone;
}

/* ---- data -------------------------------------------------------------- */

static ssize_t
conn_read(struct conn *c, void *buf, size_t size)
{
	if (c->tls != NULL)
		return afw_tls_read(c->tls, buf, size);
	return recv(c->fd, buf, size, 0);
}

static void
conn_lost(struct conn *c, ssize_t n, int e)
{
	struct fail f = {.reason = AFW_REASON_NONE};

	if (n != 0 && e == EPROTO && c->tls != NULL)
		fail_set(&f, AFW_REASON_TLS, "%s", afw_tls_error(c->tls));
	else if (n != 0)
		fail_from_errno(&f, e);
	conn_end(c, &f);
}

static int
conn_flush(struct conn *c)
{
	if (c->tls != NULL)
		return afw_tls_flush(c->tls) == -1 ? -1 : 0;
	while (evbuffer_get_length(c->out) > 0)
		if (evbuffer_write(c->out, c->fd) == -1)
			return errno == EAGAIN ? 0 : -1;
	return 0;
}

static void
conn_io(struct conn *c)
{
	char buf[16384];
	ssize_t n;
	int e;

	if (conn_flush(c) == -1) {
		conn_lost(c, -1, ECONNRESET);
		return;
	}
	for (;;) {
		n = conn_read(c, buf, sizeof(buf));
		e = errno;
		if (n == -1 && e == EINTR)
			continue;
		if (n <= 0)
			break;
		c->in_cb++;
		c->cbs->data(c->arg, buf, (size_t)n);
		afw_wipe(buf, (size_t)n);
		if (conn_leave(c))
			return;
	}
	if (n == 0 || e != EAGAIN)
		conn_lost(c, n, e);
	else
		conn_watch(c);
}

int
conn_send(struct conn *c, const void *data, size_t len)
{
	const char *p = data;
	size_t n;

	if (c->tls == NULL) {
		if (evbuffer_get_length(c->out) + len > PLAIN_MAX ||
		    evbuffer_add(c->out, data, len) == -1)
			return -1;
	} else {
		for (; len > 0; p += n, len -= n) {
			n = len < 16384 ? len : 16384;
			if (afw_tls_write(c->tls, p, n) == -1)
				return -1;
		}
	}
	/* what this cannot send goes when the socket is writable */
	(void)conn_flush(c);
	conn_watch(c);
	return 0;
}

const struct afw_addr *
conn_addr(const struct conn *c)
{
	return &c->addr;
}

/* ---- getting up -------------------------------------------------------- */

static void
conn_is_up(struct conn *c)
{
	c->state = UP;
	(void)event_del(c->timer);
	conn_watch(c);
	c->in_cb++;
	c->cbs->up(c->arg);
	(void)conn_leave(c);
}

static void
conn_handshake(struct conn *c)
{
	int r = afw_tls_handshake(c->tls);

	if (r == 1) {
		conn_is_up(c);
	} else if (r == 0) {
		conn_watch(c);
	} else {
		fail_set(&c->last, AFW_REASON_TLS, "%s", afw_tls_error(c->tls));
		conn_dial(c);
	}
}

static void
conn_connected(struct conn *c)
{
	if (c->o.tls_name == NULL) {
		conn_is_up(c);
		return;
	}
	c->tls = afw_tls_new(c->fd, c->o.tls_name, c->o.ca, c->o.ca_len);
	if (c->tls == NULL) {
		c->fd = -1;
		fail_set(&c->last, AFW_REASON_TLS, "no usable trust anchor");
		conn_end(c, &c->last);
		return;
	}
	c->state = HANDSHAKE;
	conn_handshake(c);
}

static void
conn_cb(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == HANDSHAKE)
		conn_handshake(c);
	else
		conn_io(c);
}

/* Waits for what the state needs. */
static void
conn_watch(struct conn *c)
{
	short what = EV_READ;

	if (c->tls != NULL)
		what |= (afw_tls_events(c->tls) & POLLOUT) ? EV_WRITE : 0;
	else if (evbuffer_get_length(c->out) > 0)
		what |= EV_WRITE;
	if (c->ev != NULL)
		event_free(c->ev);
	c->ev = event_new(base, c->fd, what, conn_cb, c);
	if (c->ev == NULL || event_add(c->ev, NULL) == -1)
		fatal("auth: out of memory");
}

/* Of the time that is left, the part of one of n addresses. */
static unsigned int
conn_share(const struct conn *c, size_t n)
{
	int64_t left = c->deadline - afw_now_ms();
	int64_t share = left / (int64_t)n;

	if (share < TRY_MIN)
		share = TRY_MIN;
	if (share > left)
		share = left;
	return share < 0 ? 0 : (unsigned int)share;
}

static void
conn_arm(struct conn *c, unsigned int ms)
{
	struct timeval tv = {.tv_sec = (time_t)(ms / 1000),
	    .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	(void)evtimer_add(c->timer, &tv);
}

/* Not to be tried again, should its TLS be bad. */
static void
conn_address_used(struct conn *c)
{
	size_t i;

	for (i = 0; i < c->n_addrs; i++)
		if (memcmp(&c->addrs[i], &c->addr, sizeof(c->addr)) == 0)
			break;
	if (i < c->n_addrs)
		memmove(&c->addrs[i], &c->addrs[i + 1],
		    (--c->n_addrs - i) * sizeof(c->addrs[0]));
}

static void
conn_dial_cb(
    void *arg, int fd, const struct afw_addr *addr, const struct fail *why)
{
	struct conn *c = arg;

	c->dial = NULL;
	if (fd == -1) { /* what TLS said of another one tells more */
		conn_end(c, c->last.reason != 0 ? &c->last : why);
		return;
	}
	c->fd = fd;
	c->addr = *addr;
	conn_address_used(c);
	conn_arm(c, conn_share(c, c->n_addrs + 1));
	conn_connected(c);
}

/* Tries the addresses that are left, or gives up. */
static void
conn_dial(struct conn *c)
{
	struct dial_opts o = {.addrs = c->addrs,
	    .n = c->n_addrs,
	    .port = c->o.port,
	    .loopback = url_is_loopback(c->o.host) ||
		(c->o.host6 != NULL && url_is_loopback(c->o.host6)),
	    .stagger_ms = STAGGER};

	conn_drop(c);
	if (c->n_addrs == 0 || afw_now_ms() >= c->deadline) {
		conn_end(c, &c->last);
		return;
	}
	if (c->o.policy != AFW_V4V6_BOTH)
		o.stagger_ms = conn_share(c, c->n_addrs);
	c->state = DIALLING;
	conn_arm(c, conn_share(c, 1));
	c->dial = dial_start(&o, conn_dial_cb, c);
}

static void
conn_resolved_cb(
    void *arg, const struct afw_addr *addrs, size_t n, const struct fail *why)
{
	struct conn *c = arg;
	struct afw_addr six;
	struct fail none;

	c->resolve = NULL;
	memcpy(c->addrs, addrs, n * sizeof(*addrs));
	if (c->o.host6 != NULL && afw_addr_parse(&six, c->o.host6) == 0)
		c->addrs[n++] = six;
	c->n_addrs = dial_order(c->addrs, n, c->o.policy);
	if (c->n_addrs > 0) {
		conn_dial(c);
		return;
	}
	fail_set(&none, AFW_REASON_UNREACHABLE, "no address of that family");
	conn_end(c, n > 0 ? &none : why);
}

static void
conn_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct fail why;

	(void)fd;
	(void)what;
	fail_set(&why, AFW_REASON_TIMEOUT, "%s",
	    c->state == RESOLVING       ? "name"
		: c->state == HANDSHAKE ? "tls handshake"
					: "");
	if (c->last.reason == AFW_REASON_NONE)
		c->last = why;
	if (c->state == HANDSHAKE)
		conn_dial(c);
	else
		conn_end(c, &c->last);
}

struct conn *
conn_open(const struct conn_opts *o, const struct conn_cbs *cbs, void *arg)
{
	struct conn *c = calloc(1, sizeof(*c));
	struct timeval tv = {.tv_sec = o->timeout_ms / 1000,
	    .tv_usec = o->timeout_ms % 1000 * 1000};

	if (c == NULL || (c->out = evbuffer_new()) == NULL ||
	    (c->timer = evtimer_new(base, conn_timer_cb, c)) == NULL)
		fatal("auth: out of memory");
	c->o = *o;
	c->cbs = cbs;
	c->arg = arg;
	c->fd = -1;
	c->deadline = afw_now_ms() + o->timeout_ms;
	(void)evtimer_add(c->timer, &tv);
	c->resolve = resolve_name(o->host, o->policy, conn_resolved_cb, c);
	return c;
}
