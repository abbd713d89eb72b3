/* SPDX-License-Identifier: ISC */
/*
 * The transport "hydra-tcp": the open tunnel protocol of OpenConnect, IP
 * packets in frames over TLS over TCP. This file brings a tunnel up, one step
 * after the other, each with its time limit: connect, handshake, and a CONNECT
 * request with the cookie. There is no renegotiation: a node that asks to
 * rekey by `ssl` gets a new tunnel, too.
 */
#include "hydra_tcp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"

#define STEP_MS      10000
#define NOTSENT_MAX  (128 * 1024)
#define REQUEST_SIZE 4096

static void rd_cb(evutil_socket_t, short, void *);
static void wr_cb(evutil_socket_t, short, void *);
static void timer_cb(evutil_socket_t, short, void *);

void
hydra_fail(struct hydra *h, enum afw_reason reason, enum afw_why why,
    const char *fmt, ...)
{
	va_list ap;

	if (h->state == HYDRA_DOWN)
		return;
	h->state = HYDRA_DOWN;
	h->end.reason = reason;
	h->end.why = why;
	va_start(ap, fmt);
	(void)vsnprintf(h->end.detail, sizeof(h->end.detail), fmt, ap);
	va_end(ap);
	(void)event_del(h->rd);
	(void)event_del(h->wr);
	(void)event_del(h->late);
	event_active(h->timer, EV_TIMEOUT, 0);
}

void
hydra_timer_set(struct hydra *h, int64_t ms)
{
	struct timeval tv;

	if (ms < 0)
		ms = 0;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	(void)evtimer_add(h->timer, &tv);
}

static void
step(struct hydra *h, enum hydra_state state)
{
	h->state = state;
	hydra_timer_set(h, STEP_MS);
}

static void
connect_failed(struct hydra *h, int e)
{
	enum afw_reason reason = AFW_REASON_CONNECT;

	if (e == ENETUNREACH || e == EHOSTUNREACH)
		reason = AFW_REASON_UNREACHABLE;
	else if (e == ETIMEDOUT)
		reason = AFW_REASON_TIMEOUT;
	hydra_fail(h, reason, AFW_WHY_CONNECT, "connect: %s", strerror(e));
}

/* A limit that the kernel does not know costs speed only. */
static void
option_set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)) == -1)
		log_debug(
		    "socket: option %d/%d: %s", level, name, strerror(errno));
}

static void
socket_tune(const struct transport_open *o)
{
	option_set(o->fd, IPPROTO_TCP, TCP_NODELAY, 1); /* we batch */
	option_set(o->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOTSENT_MAX);
	option_set(o->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, STEP_MS);
	if (o->rcvbuf > 0 && o->rcvbuf <= INT32_MAX)
		option_set(o->fd, SOL_SOCKET, SO_RCVBUF, (int)o->rcvbuf);
	if (o->sndbuf > 0 && o->sndbuf <= INT32_MAX)
		option_set(o->fd, SOL_SOCKET, SO_SNDBUF, (int)o->sndbuf);
}

static void
connect_start(struct hydra *h)
{
	struct sockaddr_storage ss;
	socklen_t len;

	len = afw_addr_to_sockaddr(&h->session->server, h->session->port, &ss);
	step(h, HYDRA_CONNECT);
	if (evutil_make_socket_nonblocking(h->fd) == -1 ||
	    (connect(h->fd, (struct sockaddr *)&ss, len) == -1 &&
		errno != EINPROGRESS)) {
		connect_failed(h, errno);
		return;
	}
	(void)event_add(h->wr, NULL);
}

static struct transport *
hydra_open(const struct transport_open *o, const struct transport_owner *owner,
    void *arg)
{
	struct hydra *h = calloc(1, sizeof(*h));

	if (h == NULL)
		fatal("%s: out of memory", afw_log_name());
	h->t.ops = &hydra_tcp_ops;
	h->t.owner = owner;
	h->t.arg = arg;
	h->base = o->base;
	h->session = o->session;
	h->link_mtu = o->mtu;
	h->fd = o->fd;
	h->rd = event_new(o->base, o->fd, EV_READ | EV_PERSIST, rd_cb, h);
	h->wr = event_new(o->base, o->fd, EV_WRITE, wr_cb, h);
	h->timer = evtimer_new(o->base, timer_cb, h);
	h->late = evtimer_new(o->base, rd_cb, h);
	if (h->rd == NULL || h->wr == NULL || h->timer == NULL ||
	    h->late == NULL)
		fatal("%s: out of memory", afw_log_name());
	socket_tune(o);
	connect_start(h);
	return &h->t;
}

static void
head_free(struct hydra *h)
{
	if (h->head != NULL)
		afw_wipe(h->head, CSTP_HEAD_MAX);
	free(h->head);
	h->head = NULL;
	h->head_len = 0;
}

static void
hydra_close(struct transport *t)
{
	struct hydra *h = (struct hydra *)t;

	event_free(h->rd);
	event_free(h->wr);
	event_free(h->timer);
	event_free(h->late);
	if (h->tls != NULL)
		afw_tls_free(h->tls);
	else if (h->fd != -1)
		(void)close(h->fd);
	head_free(h);
	free(h);
}

static void
handshake(struct hydra *h)
{
	int rc = afw_tls_handshake(h->tls);

	if (rc == -1) {
		hydra_fail(h, AFW_REASON_TLS, AFW_WHY_TLS, "%s",
		    afw_tls_error(h->tls));
		return;
	}
	if (rc == 1) {
		(void)event_del(h->rd);
		(void)event_del(h->wr);
		step(h, HYDRA_SECURED);
		h->t.owner->secured(h->t.arg);
		return;
	}
	if (afw_tls_events(h->tls) & POLLOUT)
		(void)event_add(h->wr, NULL);
}

static void
connected(struct hydra *h)
{
	const struct session *s = h->session;
	int e = 0;
	socklen_t len = sizeof(e);

	if (getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &e, &len) == -1)
		e = errno;
	if (e != 0) {
		connect_failed(h, e);
		return;
	}
	h->tls = afw_tls_new(h->fd, s->host, s->ca, s->ca_len);
	if (h->tls == NULL) {
		h->fd = -1; /* was closed */
		hydra_fail(
		    h, AFW_REASON_TLS, AFW_WHY_TLS, "no usable trust anchor");
		return;
	}
	step(h, HYDRA_HANDSHAKE);
	(void)event_add(h->rd, NULL);
	handshake(h);
}

static void
hydra_begin(struct transport *t)
{
	struct hydra *h = (struct hydra *)t;
	char request[REQUEST_SIZE];
	size_t n;

	if (h->state != HYDRA_SECURED)
		return;
	n = cstp_head_request(request, sizeof(request), h->session->host,
	    h->session->cookie, h->link_mtu);
	if (n == 0) {
		hydra_fail(h, AFW_REASON_PROTOCOL, AFW_WHY_COOKIE,
		    "unusable host name or cookie");
		return;
	}
	if ((h->head = malloc(CSTP_HEAD_MAX)) == NULL)
		fatal("%s: out of memory", afw_log_name());
	step(h, HYDRA_HEAD);
	(void)event_add(h->rd, NULL);
	if (afw_tls_write(h->tls, request, n) == -1)
		hydra_fail(h, AFW_REASON_CONNECT, AFW_WHY_CONNECT,
		    "cannot send the request");
	else
		hydra_io_flush(t);
	afw_wipe(request, sizeof(request));
}

/* What the node answered to CONNECT; the head is whole. */
static void
head_done(struct hydra *h, size_t len)
{
	const char *bad = cstp_head_parse(&h->params, h->head, len);
	const struct cstp_params *p = &h->params;

	if (bad != NULL)
		hydra_fail(h, AFW_REASON_PROTOCOL, AFW_WHY_PROTOCOL, "%s", bad);
	else if (p->status == 401 || p->status == 403)
		hydra_fail(h, AFW_REASON_AUTH, AFW_WHY_COOKIE,
		    "cookie refused%s%s", p->reason[0] != '\0' ? ": " : "",
		    p->reason);
	else if (p->status != 200)
		hydra_fail(h, AFW_REASON_PROTOCOL, AFW_WHY_PROTOCOL,
		    "status %u: %s", p->status, p->reason);
	else
		hydra_io_open(h, (uint8_t *)h->head + len, h->head_len - len);
	head_free(h);
}

static void
head_read(struct hydra *h)
{
	ssize_t n;
	size_t len;

	for (;;) {
		if (h->head_len == CSTP_HEAD_MAX) {
			hydra_fail(h, AFW_REASON_PROTOCOL, AFW_WHY_PROTOCOL,
			    "head too long");
			return;
		}
		n = afw_tls_read(
		    h->tls, h->head + h->head_len, CSTP_HEAD_MAX - h->head_len);
		if (n <= 0)
			break;
		h->head_len += (size_t)n;
		if ((len = cstp_head_end(h->head, h->head_len)) != 0) {
			head_done(h, len);
			if (h->state == HYDRA_OPEN) /* more may be buffered */
				hydra_io_read(h);
			return;
		}
	}
	if (n == 0 || errno != EAGAIN)
		hydra_fail(h, AFW_REASON_CONNECT, AFW_WHY_CONNECT,
		    "closed by the node before it answered");
}

static void
rd_cb(evutil_socket_t fd, short what, void *arg)
{
	struct hydra *h = arg;

	(void)fd;
	(void)what;
	if (h->state == HYDRA_HANDSHAKE)
		handshake(h);
	else if (h->state == HYDRA_HEAD)
		head_read(h);
	else if (h->state == HYDRA_OPEN || h->state == HYDRA_LEAVING)
		hydra_io_read(h);
}

static void
wr_cb(evutil_socket_t fd, short what, void *arg)
{
	struct hydra *h = arg;

	(void)fd;
	(void)what;
	if (h->state == HYDRA_CONNECT)
		connected(h);
	else if (h->state == HYDRA_HANDSHAKE)
		handshake(h);
	else if (h->state >= HYDRA_HEAD && h->state < HYDRA_DOWN)
		hydra_io_write(h);
}

static void
timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct hydra *h = arg;
	static const char *const steps[] = {
	    [HYDRA_CONNECT] = "connect",
	    [HYDRA_HANDSHAKE] = "handshake",
	    [HYDRA_SECURED] = "start",
	    [HYDRA_HEAD] = "answer to the request",
	};

	(void)fd;
	(void)what;
	if (h->state == HYDRA_DOWN)
		h->t.owner->down(h->t.arg, &h->end);
	else if (h->state == HYDRA_OPEN)
		hydra_io_tick(h);
	else if (h->state == HYDRA_LEAVING)
		hydra_fail(h, AFW_REASON_NONE, AFW_WHY_LOST, "bye");
	else
		hydra_fail(h, AFW_REASON_TIMEOUT, AFW_WHY_CONNECT,
		    "%s: timed out", steps[h->state]);
}

const struct transport_ops hydra_tcp_ops = {
    .name = "hydra-tcp",
    .open = hydra_open,
    .begin = hydra_begin,
    .send = hydra_io_send,
    .flush = hydra_io_flush,
    .drain = hydra_io_drain,
    .probe = hydra_io_probe,
    .bye = hydra_io_bye,
    .close = hydra_close,
};
