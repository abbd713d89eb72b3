/* SPDX-License-Identifier: ISC */
/*
 * Conversations with the kernel over libmnl. Each request has a sequence
 * number of its own; its ack is awaited with a deadline; late answers to
 * older requests are skipped. The kernel answers within sendmsg(2), so the
 * deadline is there for broken kernels, not for slow ones.
 */
#include "netlink.h"

#include <sys/socket.h>

#include <libnftnl/common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"
#include "lib/wire/error.h"

#define DEADLINE_MS 5000
#define DUMP_TRIES  10
#define RCVBUF      (4 * 1024 * 1024)
#define BATCH_STEP  (128 * 1024) /* more than the longest message */

struct talk {
	uint32_t first, last;
	bool interrupted;
	bool done;
	int err; /* errno of the first failure */
	netlink_cb cb;
	void *arg;
};

static _Alignas(8) uint8_t rx[64 * 1024];

int
nerr_set(struct nerr *e, unsigned int code, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	e->soon = false;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

/* Buffers beyond the system's limit: CAP_NET_ADMIN may, and a test may not. */
static void
buffers_set(int fd, int opt, int size)
{
	int force = opt == SO_RCVBUF ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;

	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) == -1)
		(void)setsockopt(fd, SOL_SOCKET, opt, &size, sizeof(size));
}

int
netlink_open(struct netlink *nl, int bus)
{
	int one = 1, e;

	memset(nl, 0, sizeof(*nl));
	if ((nl->sk = mnl_socket_open2(bus, SOCK_CLOEXEC)) == NULL)
		return -1;
	if (mnl_socket_bind(nl->sk, 0, MNL_SOCKET_AUTOPID) == -1) {
		e = errno;
		netlink_close(nl);
		errno = e;
		return -1;
	}
	nl->port = mnl_socket_get_portid(nl->sk);
	buffers_set(mnl_socket_get_fd(nl->sk), SO_RCVBUF, RCVBUF);
	/* each of these is a help, none is needed */
	(void)mnl_socket_setsockopt(nl->sk, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(nl->sk, NETLINK_CAP_ACK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(
	    nl->sk, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return 0;
}

void
netlink_close(struct netlink *nl)
{
	if (nl->sk != NULL)
		(void)mnl_socket_close(nl->sk);
	nl->sk = NULL;
}

int
netlink_listen(struct netlink *nl, int bus, const unsigned int *groups)
{
	int fl, fd, g;

	if (netlink_open(nl, bus) == -1)
		return -1;
	fd = mnl_socket_get_fd(nl->sk);
	if ((fl = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, fl | O_NONBLOCK) == -1)
		return -1;
	for (; *groups != 0; groups++) {
		g = (int)*groups;
		if (mnl_socket_setsockopt(
			nl->sk, NETLINK_ADD_MEMBERSHIP, &g, sizeof(g)) == -1)
			return -1;
	}
	return 0;
}

struct nlmsghdr *
netlink_msg(
    void *buf, uint16_t type, uint16_t flags, const void *head, size_t head_len)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(mnl_nlmsg_put_extra_header(nlh, head_len), head, head_len);
	return nlh;
}

/* strerror's text and, if there is one, the sentence of the extended ack. */
static void
failure_note(
    struct netlink *nl, int e, const struct nlmsghdr *nlh, size_t offset)
{
	const struct nlattr *a;
	const char *more = NULL;

	if (nlh != NULL && (nlh->nlmsg_flags & NLM_F_ACK_TLVS) != 0 &&
	    offset <= mnl_nlmsg_get_payload_len(nlh))
		mnl_attr_for_each (a, nlh, (unsigned int)offset)
			if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG &&
			    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
				more = mnl_attr_get_str(a);
	if (more != NULL)
		(void)snprintf(
		    nl->text, sizeof(nl->text), "%s (%s)", strerror(e), more);
	else
		(void)snprintf(nl->text, sizeof(nl->text), "%s", strerror(e));
}

static void
failure_first(struct netlink *nl, struct talk *t, int e,
    const struct nlmsghdr *nlh, size_t offset)
{
	if (t->err != 0)
		return;
	t->err = e;
	failure_note(nl, e, nlh, offset);
}

static void
error_take(struct netlink *nl, struct talk *t, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*err);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err))
		return;
	if ((nlh->nlmsg_flags & NLM_F_CAPPED) == 0 && err->error != 0)
		offset += MNL_ALIGN(err->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (err->error != 0)
		failure_first(nl, t, -err->error, nlh, offset);
	/* a batch refused as a whole is answered at its first message */
	if (nlh->nlmsg_seq == t->last ||
	    (nlh->nlmsg_seq == t->first && err->error != 0))
		t->done = true;
}

static void
done_take(struct netlink *nl, struct talk *t, const struct nlmsghdr *nlh)
{
	int e = 0;

	t->done = true;
	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(e))
		memcpy(&e, mnl_nlmsg_get_payload(nlh), sizeof(e));
	if (e < 0)
		failure_first(nl, t, -e, nlh, sizeof(e));
}

static void
answer_take(struct netlink *nl, struct talk *t, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_pid != nl->port ||
	    nlh->nlmsg_seq - t->first > t->last - t->first)
		return; /* the late answer to an older request */
	if ((nlh->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
		t->interrupted = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_NOOP:
		break;
	case NLMSG_ERROR:
		error_take(nl, t, nlh);
		break;
	case NLMSG_DONE:
		done_take(nl, t, nlh);
		break;
	default:
		if (t->cb != NULL)
			t->cb(nlh, t->arg);
		break;
	}
}

/* Reads until the end of the answer. -1: none came, errno. */
static int
answer_await(struct netlink *nl, struct talk *t)
{
	struct pollfd pfd = {.fd = mnl_socket_get_fd(nl->sk), .events = POLLIN};
	int64_t deadline = afw_now_ms() + DEADLINE_MS, left;
	const struct nlmsghdr *nlh;
	ssize_t got;
	int n, rc;

	while (!t->done) {
		left = deadline - afw_now_ms();
		rc = left > 0 ? poll(&pfd, 1, (int)left) : 0;
		if (rc == -1 && errno == EINTR)
			continue;
		if (rc == 0)
			errno = ETIMEDOUT;
		if (rc <= 0)
			return -1;
		if ((got = mnl_socket_recvfrom(nl->sk, rx, sizeof(rx))) == -1) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			return -1;
		}
		n = (int)got;
		for (nlh = (void *)rx; mnl_nlmsg_ok(nlh, n);
		     nlh = mnl_nlmsg_next(nlh, &n))
			answer_take(nl, t, nlh);
	}
	return 0;
}

static int
conversation(struct netlink *nl, const void *data, size_t len, struct talk *t)
{
	if (mnl_socket_sendto(nl->sk, data, len) == -1 ||
	    answer_await(nl, t) == -1) {
		int e = errno;

		failure_note(nl, e, NULL, 0);
		errno = e;
		return -1;
	}
	if (t->err != 0) {
		errno = t->err;
		return -1;
	}
	return 0;
}

static int
request(struct netlink *nl, struct nlmsghdr *nlh, uint16_t flags, netlink_cb cb,
    void *arg)
{
	struct talk t = {.cb = cb, .arg = arg};

	nlh->nlmsg_flags |= flags;
	nlh->nlmsg_seq = t.first = t.last = ++nl->seq;
	return conversation(nl, nlh, nlh->nlmsg_len, &t);
}

int
netlink_talk(struct netlink *nl, struct nlmsghdr *nlh)
{
	return request(nl, nlh, NLM_F_ACK, NULL, NULL);
}

int
netlink_get(struct netlink *nl, struct nlmsghdr *nlh, netlink_cb cb, void *arg)
{
	return request(nl, nlh, NLM_F_ACK, cb, arg);
}

int
netlink_dump(struct netlink *nl, struct nlmsghdr *nlh, netlink_cb cb,
    void (*again)(void *), void *arg)
{
	int tries;

	nlh->nlmsg_flags |= NLM_F_DUMP;
	for (tries = 0; tries < DUMP_TRIES; tries++) {
		struct talk t = {.cb = cb, .arg = arg};

		nlh->nlmsg_seq = t.first = t.last = ++nl->seq;
		if (conversation(nl, nlh, nlh->nlmsg_len, &t) == 0) {
			if (!t.interrupted)
				return 0;
		} else if (errno != ENOBUFS && errno != EINTR) {
			return -1;
		}
		if (again != NULL)
			again(arg);
	}
	errno = EAGAIN;
	failure_note(nl, errno, NULL, 0);
	return -1;
}

void *
netlink_batch_next(struct netlink *nl, struct netlink_batch *b, uint32_t *seq)
{
	if (b->size - b->len < BATCH_STEP) {
		b->size = b->size * 2 + 2 * BATCH_STEP;
		if ((b->buf = realloc(b->buf, b->size)) == NULL)
			fatal("netlink: out of memory");
	}
	if (b->len == 0) {
		b->first = ++nl->seq;
		(void)nftnl_batch_begin((char *)b->buf, b->first);
		b->len = mnl_nlmsg_size(sizeof(struct nfgenmsg));
	}
	*seq = ++nl->seq;
	return b->buf + b->len;
}

void
netlink_batch_add(struct netlink_batch *b, const struct nlmsghdr *nlh)
{
	b->last = b->len;
	b->len += MNL_ALIGN(nlh->nlmsg_len);
}

int
netlink_batch_run(struct netlink *nl, struct netlink_batch *b)
{
	struct talk t = {.first = b->first};
	struct nlmsghdr *nlh;
	int rc, e;

	if (b->len == 0)
		return 0;
	/* not every kernel acknowledges the end of a batch itself */
	nlh = (void *)(b->buf + b->last);
	nlh->nlmsg_flags |= NLM_F_ACK;
	t.last = nlh->nlmsg_seq;
	(void)nftnl_batch_end((char *)b->buf + b->len, ++nl->seq);
	b->len += mnl_nlmsg_size(sizeof(struct nfgenmsg));
	buffers_set(
	    mnl_socket_get_fd(nl->sk), SO_SNDBUF, (int)(b->len + BATCH_STEP));
	rc = conversation(nl, b->buf, b->len, &t);
	e = errno;
	free(b->buf);
	memset(b, 0, sizeof(*b));
	errno = e;
	return rc;
}
