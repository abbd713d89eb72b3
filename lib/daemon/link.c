/* SPDX-License-Identifier: ISC */
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* All items of one answer may take so many times the limit of one. */
#define MANY_LIMITS 4

/* Messages handled in one go before other events get their turn. */
#define BATCH 64

struct afw_pending {
	struct afw_pending *next;
	uint32_t id;
	bool many;
	int64_t deadline;
	int64_t last; /* with many: no item gives time beyond this */
	unsigned int timeout_ms;
	afw_reply_cb cb;
	void *arg;
};

static void read_cb(evutil_socket_t, short, void *);
static void write_cb(evutil_socket_t, short, void *);
static void timer_cb(evutil_socket_t, short, void *);
static void pending_fail(struct afw_link *, struct afw_pending *,
    unsigned int);

static void
trace(const struct afw_chan *c, bool out, const struct afw_hdr *h,
    const struct afw_row *row)
{
	if (!afw_log_wants(7) || h->type == AFW_MSG_LOG)
		return;
	log_debug("%s -> %s %s id=%u len=%u",
	    afw_role_name(out ? c->self : c->peer),
	    afw_role_name(out ? c->peer : c->self), row->name, h->id, h->len);
}

int
afw_link_open(struct afw_link *l, struct event_base *base, int fd,
    enum afw_role self, enum afw_role peer, const struct afw_handler *handlers,
    void (*closed)(void *, struct afw_link *, const char *), void *arg)
{
	int e;

	memset(l, 0, sizeof(*l));
	if (afw_chan_init(&l->chan, fd, self, peer) == -1) {
		e = errno;
		afw_chan_close(&l->chan);
		errno = e;
		return -1;
	}
	l->chan.trace = trace;
	l->base = base;
	l->handlers = handlers;
	l->closed = closed;
	l->arg = arg;
	l->next_id = 1;
	l->tail = &l->pending;
	l->rd = event_new(base, fd, EV_READ | EV_PERSIST, read_cb, l);
	l->wr = event_new(base, fd, EV_WRITE, write_cb, l);
	l->timer = evtimer_new(base, timer_cb, l);
	if (l->rd == NULL || l->wr == NULL || l->timer == NULL ||
	    event_add(l->rd, NULL) == -1)
		fatal("%s: out of memory", afw_log_name());
	return 0;
}

bool
afw_link_is_open(const struct afw_link *l)
{
	return l->rd != NULL && !l->dead;
}

static void
event_drop(struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	*ev = NULL;
}

void
afw_link_close(struct afw_link *l)
{
	if (l->rd == NULL)
		return;
	event_drop(&l->rd);
	event_drop(&l->wr);
	event_drop(&l->timer);
	l->dead = true;
	afw_chan_close(&l->chan);
	while (l->pending != NULL)
		pending_fail(l, l->pending, AFW_EPIPE);
}

/* closed() runs from the loop: sending must not pull the rug away. */
static void
link_die(struct afw_link *l)
{
	if (l->dead)
		return;
	l->dead = true;
	event_active(l->rd, EV_READ, 0);
}

/* The timer may fire too early for what is left, never too late. */
static void
timer_arm(struct afw_link *l, int64_t deadline)
{
	struct timeval tv;
	int64_t wait = deadline - afw_now_ms();

	if (l->due != 0 && l->due <= deadline)
		return;
	l->due = deadline;
	if (wait < 0)
		wait = 0;
	tv.tv_sec = (time_t)(wait / 1000);
	tv.tv_usec = (suseconds_t)(wait % 1000) * 1000;
	(void)evtimer_add(l->timer, &tv);
}

/* Takes the request out of the list, so that its callback may do anything. */
static struct afw_pending *
pending_take(struct afw_link *l, uint32_t id)
{
	struct afw_pending **pp, *p;

	for (pp = &l->pending; (p = *pp) != NULL; pp = &p->next)
		if (p->id == id) {
			if ((*pp = p->next) == NULL)
				l->tail = pp;
			return p;
		}
	return NULL;
}

static struct afw_pending *
pending_find(struct afw_link *l, uint32_t id)
{
	struct afw_pending *p;

	for (p = l->pending; p != NULL && p->id != id; p = p->next)
		continue;
	return p;
}

static void
pending_fail(struct afw_link *l, struct afw_pending *p, unsigned int code)
{
	(void)pending_take(l, p->id);
	if (p->cb != NULL)
		p->cb(p->arg, code, afw_error_text(code), NULL);
	free(p);
}

static void
timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct afw_link *l = arg;
	struct afw_pending *p;
	int64_t now = afw_now_ms(), next;

	(void)fd;
	(void)what;
	l->due = 0;
again:
	next = INT64_MAX;
	for (p = l->pending; p != NULL; p = p->next) {
		if (p->deadline <= now) {
			pending_fail(l, p, AFW_ETIMEDOUT);
			if (l->rd == NULL)
				return;
			goto again; /* the callback may have changed it */
		}
		if (p->deadline < next)
			next = p->deadline;
	}
	if (next != INT64_MAX)
		timer_arm(l, next);
}

/* A reply: find who asked. One that nobody waits for any more is dropped. */
static void
reply_dispatch(struct afw_link *l, struct afw_msg *m)
{
	struct afw_pending *p = pending_find(l, m->hdr.id);
	const struct afw_m_status *st = (const void *)m->payload;

	if (p == NULL)
		return;
	if (p->many && m->hdr.type != AFW_MSG_STATUS) {
		p->deadline = afw_now_ms() + p->timeout_ms;
		if (p->deadline > p->last)
			p->deadline = p->last;
		if (p->cb != NULL)
			p->cb(p->arg, AFW_OK, "", m);
		return;
	}
	(void)pending_take(l, p->id);
	if (p->cb != NULL && m->hdr.type == AFW_MSG_STATUS)
		p->cb(p->arg, st->code, st->text, m);
	else if (p->cb != NULL)
		p->cb(p->arg, AFW_OK, "", m);
	free(p);
}

static int
dispatch(struct afw_link *l, struct afw_msg *m)
{
	const struct afw_handler *h;
	uint32_t id = m->hdr.id;
	bool request = m->row->kind == AFW_RQ;
	int rc;

	if (m->row->kind == AFW_RP) {
		reply_dispatch(l, m);
		return 0;
	}
	for (h = l->handlers; h->type != 0; h++)
		if (h->type == m->hdr.type)
			break;
	rc = h->type == 0 ? AFW_ENOSYS : h->fn(l->arg, l, m);
	if (rc > 0 && request && l->rd != NULL)
		afw_link_status(l, id, (unsigned int)rc, NULL);
	return rc < 0 ? -1 : 0;
}

static void
read_cb(evutil_socket_t fd, short what, void *arg)
{
	struct afw_link *l = arg;
	struct afw_msg m;
	char why[sizeof(l->chan.why)] = "";
	int i, rc = 1;

	(void)fd;
	(void)what;
	for (i = 0; i < BATCH; i++) {
		if ((rc = afw_chan_recv(&l->chan, &m)) != 1)
			break;
		rc = dispatch(l, &m);
		if (rc == -1)
			(void)snprintf(why, sizeof(why), "%s from %s: refused "
			    "by its handler", m.row->name,
			    afw_role_name(l->chan.peer));
		afw_msg_done(&m);
		if (l->rd == NULL)
			return; /* a handler closed us */
		if (rc == -1)
			goto dead;
	}
	if (rc == -1 && errno == EPROTO)
		(void)snprintf(why, sizeof(why), "%s", l->chan.why);
	if (rc == -1)
		goto dead;
	if (rc == 0 && i < BATCH && l->dead)
		goto dead; /* nothing to read, but sending failed */
	return;
dead:
	l->dead = true;
	(void)event_del(l->rd);
	(void)event_del(l->wr);
	l->closed(l->arg, l, why);
}

static void
write_cb(evutil_socket_t fd, short what, void *arg)
{
	struct afw_link *l = arg;
	int rc = afw_chan_flush(&l->chan);

	(void)fd;
	(void)what;
	if (rc == 0)
		(void)event_add(l->wr, NULL);
	else if (rc == -1)
		link_die(l);
	else if (l->drained != NULL)
		l->drained(l->arg, l);
}

int
afw_link_send(struct afw_link *l, enum afw_msg_type type, uint32_t id,
    const void *payload, int fd)
{
	if (l->rd == NULL) { /* closed, or never opened */
		if (fd != -1)
			(void)close(fd);
		errno = EPIPE;
		return -1;
	}
	if (afw_chan_send(&l->chan, type, id, payload, fd) == 0) {
		if (l->chan.head != NULL)
			(void)event_add(l->wr, NULL);
		return 0;
	}
	if (errno == EPROTO)
		log_err("bug: %s", l->chan.why);
	else if (errno == EPIPE)
		link_die(l);
	return -1;
}

uint32_t
afw_link_request(struct afw_link *l, enum afw_msg_type type,
    const void *payload, int fd, unsigned int timeout_ms, bool many,
    afw_reply_cb cb, void *arg)
{
	struct afw_pending *p = calloc(1, sizeof(*p));

	if (p == NULL)
		fatal("%s: out of memory", afw_log_name());
	p->id = l->next_id++;
	if (l->next_id == 0)
		l->next_id = 1;
	p->many = many;
	p->timeout_ms = timeout_ms > 0 ? timeout_ms : 1;
	p->deadline = afw_now_ms() + p->timeout_ms;
	p->last = afw_now_ms() + (int64_t)p->timeout_ms * MANY_LIMITS;
	p->cb = cb;
	p->arg = arg;
	if (afw_link_send(l, type, p->id, payload, fd) == -1) {
		free(p);
		return 0;
	}
	*l->tail = p;
	l->tail = &p->next;
	timer_arm(l, p->deadline);
	return p->id;
}

void
afw_link_cancel(struct afw_link *l, const void *arg)
{
	struct afw_pending *p;

	for (p = l->pending; p != NULL; p = p->next)
		if (p->arg == arg)
			p->cb = NULL;
}

void
afw_link_status(struct afw_link *l, uint32_t id, unsigned int code,
    const char *fmt, ...)
{
	struct afw_m_status st = {.code = code};
	va_list ap;

	if (fmt == NULL) {
		(void)snprintf(st.text, sizeof(st.text), "%s",
		    afw_error_text(code));
	} else {
		va_start(ap, fmt);
		(void)vsnprintf(st.text, sizeof(st.text), fmt, ap);
		va_end(ap);
	}
	(void)afw_link_send(l, AFW_MSG_STATUS, id, &st, -1);
}

void
afw_link_drain(struct afw_link *l, int timeout_ms)
{
	struct pollfd pfd = {.fd = l->chan.fd, .events = POLLOUT};
	int64_t deadline = afw_now_ms() + timeout_ms, left = timeout_ms;

	while (l->rd != NULL && afw_chan_flush(&l->chan) == 0 && left > 0) {
		(void)poll(&pfd, 1, (int)left);
		left = deadline - afw_now_ms();
	}
}
