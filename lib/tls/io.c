/* SPDX-License-Identifier: ISC */
/*
 * Between TLS and the socket. mbedTLS never sees the socket: its send
 * callback appends to an output buffer, so that many records leave in one
 * send(), and its receive callback takes from an input buffer that is filled
 * by large recv() calls. The output buffer grows to OUT_LIMIT for records of
 * the owner; what TLS says on its own (handshake, alerts) may go OUT_SLACK
 * beyond it.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tls_priv.h"

bool
io_out_room(struct afw_tls *t, size_t len)
{
	size_t have = t->out_tail - t->out_head, size;
	uint8_t *p;

	if (have + len > OUT_LIMIT + OUT_SLACK)
		return false;
	if (t->out_tail + len <= t->out_size)
		return true;
	if (t->out_head > 0) {
		memmove(t->out, t->out + t->out_head, have);
		t->out_head = 0;
		t->out_tail = have;
		if (have + len <= t->out_size / 2)
			return true;
	}
	size = t->out_size == 0 ? OUT_FIRST : t->out_size;
	while (size < have + len)
		size *= 2;
	if (size == t->out_size)
		return true;
	if ((p = realloc(t->out, size)) == NULL)
		return false;
	t->out = p;
	t->out_size = size;
	return true;
}

int
io_send_cb(void *arg, const unsigned char *buf, size_t len)
{
	struct afw_tls *t = arg;

	if (!io_out_room(t, len))
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	memcpy(t->out + t->out_tail, buf, len);
	t->out_tail += len;
	return (int)len;
}

int
io_fill(struct afw_tls *t)
{
	ssize_t n;

	if (t->in_head == t->in_tail)
		t->in_head = t->in_tail = 0;
	do
		n = recv(
		    t->fd, t->in + t->in_tail, sizeof(t->in) - t->in_tail, 0);
	while (n == -1 && errno == EINTR);
	if (n == 0)
		return MBEDTLS_ERR_SSL_CONN_EOF;
	if (n == -1 && (errno == EAGAIN || errno == ENOTCONN))
		return MBEDTLS_ERR_SSL_WANT_READ;
	if (n == -1) {
		t->sys_errno = errno;
		return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
	}
	t->in_tail += (size_t)n;
	return 1;
}

int
io_recv_cb(void *arg, unsigned char *buf, size_t len)
{
	struct afw_tls *t = arg;
	int r = t->in_head < t->in_tail ? 1 : io_fill(t);

	if (r != 1)
		return r;
	if (len > t->in_tail - t->in_head)
		len = t->in_tail - t->in_head;
	memcpy(buf, t->in + t->in_head, len);
	t->in_head += len;
	return (int)len;
}

int
afw_tls_flush(struct afw_tls *t)
{
	ssize_t n;

	while (t->out_head < t->out_tail) {
		n = send(t->fd, t->out + t->out_head, t->out_tail - t->out_head,
		    MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == ENOTCONN))
			return 0;
		if (n == -1) {
			t->sys_errno = errno;
			error_set(t, 0);
			return -1;
		}
		t->out_head += (size_t)n;
	}
	t->out_head = t->out_tail = 0;
	return 1;
}

size_t
afw_tls_queued(const struct afw_tls *t)
{
	return t->out_tail - t->out_head;
}

short
afw_tls_events(const struct afw_tls *t)
{
	return afw_tls_queued(t) > 0 ? POLLIN | POLLOUT : POLLIN;
}
