/* SPDX-License-Identifier: ISC */
/*
 * A channel: records in, records out, each checked against the table before
 * anybody sees it. The order of checks is the same for every process: record
 * whole, fd count, length, row, sender, phase, generation, kind, payload size,
 * payload content.
 */
#include "channel.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct afw_out {
	struct afw_out *next;
	int fd;
	bool secret;
	uint32_t len;
	uint8_t data[];
};

#define RECORD(payload)                                                        \
	(sizeof(struct afw_hdr) + sizeof(struct afw_m_##payload))
_Static_assert(RECORD(protect) * AFW_RULES_MAX < AFW_QUEUE_MAX, "QUERY");
_Static_assert(RECORD(rule) * AFW_RULES_MAX < AFW_QUEUE_MAX, "replay");

/* Room for more fds than any row has, so that a stray one is seen. */
#define CTRL_FDS 4

/* Stale records dropped in one go; a flood must not hold the reader. */
#define STALE_BATCH 64

void
afw_wipe(void *p, size_t n)
{
	volatile uint8_t *b = p;

	while (n-- > 0)
		*b++ = 0;
}

int
afw_chan_pair(int sv[2])
{
	return socketpair(AF_UNIX,
	    SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv);
}

int
afw_chan_init(struct afw_chan *c, int fd, enum afw_role self,
    enum afw_role peer)
{
	int fl;

	memset(c, 0, sizeof(*c));
	c->fd = fd;
	c->self = (uint8_t)self;
	c->peer = (uint8_t)peer;
	c->phase = AFW_PH_H;
	c->tail = &c->head;
	if ((fl = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, fl | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return -1;
	return 0;
}

static void
out_free(struct afw_out *o)
{
	if (o->fd != -1)
		(void)close(o->fd);
	if (o->secret)
		afw_wipe(o->data, o->len);
	free(o);
}

void
afw_chan_close(struct afw_chan *c)
{
	struct afw_out *o;

	while ((o = c->head) != NULL) {
		c->head = o->next;
		out_free(o);
	}
	c->tail = &c->head;
	c->queued = 0;
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
}

static int violation(struct afw_chan *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static int
violation(struct afw_chan *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	errno = EPROTO;
	return -1;
}

/* The row's columns, for both directions. NULL, or what is wrong. */
static const char *
row_refuses(const struct afw_row *row, const struct afw_hdr *h,
    unsigned int from, unsigned int to, unsigned int phase)
{
	bool reply = (h->flags & AFW_F_REPLY) != 0;

	if ((row->pairs & AFW_PAIR(from, to)) == 0)
		return "not from this sender";
	if ((row->phases & phase) == 0)
		return "not in this phase";
	if ((h->flags & ~AFW_F_REPLY) != 0)
		return "unknown flag";
	if (reply != (row->kind == AFW_RP))
		return "wrong reply flag";
	if ((h->id != 0) != (row->kind != AFW_EV))
		return "wrong request number";
	return NULL;
}

static const char *
payload_refuses(const struct afw_row *row, uint32_t len, const void *payload)
{
	if (len != row->size)
		return "wrong payload size";
	if (!row->check(payload))
		return "bad payload";
	return NULL;
}

static const char *
fds_refuse(const struct afw_row *row, bool has_fd)
{
	if (has_fd && row->fds == AFW_FD_NO)
		return "stray descriptor";
	if (!has_fd && row->fds == AFW_FD_ONE)
		return "descriptor missing";
	return NULL;
}

/* One record now. 1 sent, 0 would block, -1 EPIPE. */
static int
record_send(struct afw_chan *c, const void *data, size_t len, int fd)
{
	union {
		struct cmsghdr h;
		char buf[CMSG_SPACE(sizeof(int))];
	} ctrl;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data,
	    .iov_len = len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cm;
	ssize_t n;

	if (fd != -1) {
		memset(&ctrl, 0, sizeof(ctrl));
		mh.msg_control = ctrl.buf;
		mh.msg_controllen = sizeof(ctrl.buf);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	}
	do
		n = sendmsg(c->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == (ssize_t)len)
		return 1;
	if (n == -1 && (errno == EAGAIN || errno == ENOBUFS ||
	    errno == ETOOMANYREFS))
		return 0;
	errno = EPIPE;
	return -1;
}

static int
out_queue(struct afw_chan *c, const struct afw_row *row, const uint8_t *data,
    uint32_t len, int fd)
{
	struct afw_out *o;

	if (c->queued + len > AFW_QUEUE_MAX ||
	    (o = malloc(sizeof(*o) + len)) == NULL) {
		if (fd != -1)
			(void)close(fd);
		errno = ENOBUFS;
		return -1;
	}
	o->next = NULL;
	o->fd = fd;
	o->secret = row->secret != 0;
	o->len = len;
	memcpy(o->data, data, len);
	*c->tail = o;
	c->tail = &o->next;
	c->queued += len;
	return 0;
}

int
afw_chan_send(struct afw_chan *c, enum afw_msg_type type, uint32_t id,
    const void *payload, int fd)
{
	static const struct afw_m_none none;
	const struct afw_row *row = afw_row((uint16_t)type);
	struct afw_hdr h = {.type = (uint16_t)type, .id = id,
	    .gen = c->self_gen};
	_Alignas(8) uint8_t data[AFW_MSG_MAX];
	const char *bad;
	int rc = -1;

	if (row == NULL) {
		(void)violation(c, "sending unknown type %d", (int)type);
		goto out;
	}
	if (payload == NULL)
		payload = &none;
	h.len = row->size;
	h.flags = row->kind == AFW_RP ? AFW_F_REPLY : 0;
	if ((bad = row_refuses(row, &h, c->self, c->peer, c->phase)) != NULL ||
	    (bad = fds_refuse(row, fd != -1)) != NULL ||
	    (bad = payload_refuses(row, row->size, payload)) != NULL) {
		(void)violation(c, "sending %s to %s: %s", row->name,
		    afw_role_name(c->peer), bad);
		goto out;
	}
	if (c->fd == -1) {
		errno = EPIPE;
		goto out;
	}
	memcpy(data, &h, sizeof(h));
	memcpy(data + sizeof(h), payload, row->size);
	if (c->trace != NULL)
		c->trace(c, true, &h, row);
	rc = c->head != NULL ? 0 :
	    record_send(c, data, sizeof(h) + row->size, fd);
	if (rc == 0) {
		rc = out_queue(c, row, data,
		    (uint32_t)sizeof(h) + row->size, fd);
		fd = -1;
	} else if (rc == 1) {
		rc = 0;
	}
	if (row->secret)
		afw_wipe(data, sizeof(h) + row->size);
out:
	if (fd != -1) {
		int e = errno;

		(void)close(fd);
		errno = e;
	}
	return rc;
}

int
afw_chan_flush(struct afw_chan *c)
{
	struct afw_out *o;
	int rc;

	while ((o = c->head) != NULL) {
		if ((rc = record_send(c, o->data, o->len, o->fd)) != 1)
			return rc;
		c->queued -= o->len;
		if ((c->head = o->next) == NULL)
			c->tail = &c->head;
		out_free(o);
	}
	return 1;
}

/* Takes the fds out of the control data: how many, the first in *fd. */
static int
fds_take(struct msghdr *mh, int *fd)
{
	struct cmsghdr *cm;
	int n = 0, got;
	size_t i, count;

	*fd = -1;
	for (cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET ||
		    cm->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < count; i++) {
			memcpy(&got, CMSG_DATA(cm) + i * sizeof(int),
			    sizeof(got));
			if (n++ == 0)
				*fd = got;
			else
				(void)close(got);
		}
	}
	return n;
}

/*
 * No room for a single one: it is this process that has no number left for it
 * (RLIMIT_NOFILE), not the peer that sent too many.
 */
static bool
fd_was_lost(const struct msghdr *mh, int nfds)
{
	return (mh->msg_flags & MSG_CTRUNC) != 0 && nfds == 0;
}

/* The checks, in their order. NULL: accepted; "" stale; else what is bad. */
static const char *
record_refuses(struct afw_chan *c, struct afw_msg *m, const struct msghdr *mh,
    size_t n, int nfds)
{
	bool lost = fd_was_lost(mh, nfds);
	const char *bad;

	m->row = NULL;
	if ((mh->msg_flags & MSG_TRUNC) != 0 ||
	    ((mh->msg_flags & MSG_CTRUNC) != 0 && !lost))
		return "record truncated";
	if (nfds > 1)
		return "more than one descriptor";
	if (n < sizeof(m->hdr) || n - sizeof(m->hdr) != m->hdr.len)
		return "wrong length";
	if ((m->row = afw_row(m->hdr.type)) == NULL)
		return "unknown type";
	bad = row_refuses(m->row, &m->hdr, c->peer, c->self, c->phase);
	if (bad != NULL)
		return bad;
	if (m->hdr.gen != c->peer_gen)
		return m->hdr.gen < c->peer_gen ? "" : "future generation";
	if ((bad = fds_refuse(m->row, nfds == 1 || lost)) != NULL)
		return bad;
	if (lost && m->row->kind != AFW_RP)
		return "no descriptor is left to take it by";
	return payload_refuses(m->row, m->hdr.len, m->payload);
}

/* An answer whose descriptor was lost is one that did not work out. */
static void
reply_fail(struct afw_msg *m)
{
	struct afw_m_status st = {.code = AFW_ENOMEM};

	(void)afw_str_set(st.text, sizeof(st.text),
	    "this process has no file descriptor left");
	afw_wipe(m->payload, m->hdr.len);
	m->row = afw_row(AFW_MSG_STATUS);
	m->hdr.type = AFW_MSG_STATUS;
	m->hdr.len = sizeof(st);
	memcpy(m->payload, &st, sizeof(st));
}

static size_t
payload_len(size_t record)
{
	return record > sizeof(struct afw_hdr) ?
	    record - sizeof(struct afw_hdr) : 0;
}

int
afw_chan_recv(struct afw_chan *c, struct afw_msg *m)
{
	union {
		struct cmsghdr h;
		char buf[CMSG_SPACE(CTRL_FDS * sizeof(int))];
	} ctrl;
	struct iovec iov[2];
	struct msghdr mh;
	const char *bad;
	ssize_t n;
	int nfds, resets = 0, stale = 0;

again:
	memset(&mh, 0, sizeof(mh));
	iov[0].iov_base = &m->hdr;
	iov[0].iov_len = sizeof(m->hdr);
	iov[1].iov_base = m->payload;
	iov[1].iov_len = sizeof(m->payload);
	mh.msg_iov = iov;
	mh.msg_iovlen = 2;
	mh.msg_control = ctrl.buf;
	mh.msg_controllen = sizeof(ctrl.buf);
	m->fd = -1;
	m->row = NULL;
	if (c->fd == -1) {
		errno = ECONNRESET;
		return -1;
	}
	/* a peer that closed with our messages unread makes the kernel say
	 * ECONNRESET once, before it gives out what that peer had sent */
	do
		n = recvmsg(c->fd, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n == -1 &&
	    (errno == EINTR || (errno == ECONNRESET && resets++ == 0)));
	if (n == -1 && errno == EAGAIN)
		return 0;
	nfds = n == -1 ? 0 : fds_take(&mh, &m->fd);
	if (n == -1 || (n == 0 && nfds == 0)) {
		errno = ECONNRESET;
		return -1;
	}
	bad = record_refuses(c, m, &mh, (size_t)n, nfds);
	if (bad == NULL) {
		if (fd_was_lost(&mh, nfds))
			reply_fail(m);
		if (c->trace != NULL)
			c->trace(c, false, &m->hdr, m->row);
		return 1;
	}
	afw_wipe(m->payload, payload_len((size_t)n)); /* it may be a secret */
	if (m->fd != -1)
		(void)close(m->fd);
	m->fd = -1;
	if (*bad == '\0') {
		c->stale++;
		if (++stale < STALE_BATCH)
			goto again;
		return 0;
	}
	return violation(c, "%s from %s: %s",
	    m->row != NULL ? m->row->name : "record", afw_role_name(c->peer),
	    bad);
}

int
afw_msg_take_fd(struct afw_msg *m)
{
	int fd = m->fd;

	m->fd = -1;
	return fd;
}

void
afw_msg_done(struct afw_msg *m)
{
	if (m->fd != -1)
		(void)close(m->fd);
	m->fd = -1;
	if (m->row != NULL && m->row->secret)
		afw_wipe(m->payload, m->hdr.len);
}
