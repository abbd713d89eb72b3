/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/wg_socket.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"

/* linux/udp.h; older C libraries lack them */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define RUN_SEGMENTS 64    /* UDP_MAX_SEGMENTS of kernels before 6.9 */
#define RUN_BYTES    65000 /* one datagram in the kernel's eyes */
#define WAIT_BYTES   (256 * 1024)
#define BUFFER_BYTES (512 * 1024)
#define ARENA_BYTES  (1024 * 1024) /* touched as far as it is used */
#define SLOT         8192
#define SLOT_WIDE    65536

/* Datagrams of one size, the last may be shorter, back to back. */
struct run {
	union wg_endpoint to;
	uint32_t len;
	uint32_t size;
	uint8_t *data;
};

/* A batch is done with before the next is read, from whatever socket. */
static _Alignas(16) uint8_t arena[ARENA_BYTES];

/* ---- life -------------------------------------------------------------- */

static void
wait_drop(struct wg_socket *s)
{
	free(s->wait);
	s->wait = NULL;
	s->first = s->used = 0;
}

void
wg_socket_close(struct wg_socket *s)
{
	if (s->fd != -1)
		(void)close(s->fd);
	s->fd = -1;
	wait_drop(s);
}

/* More than the system's default, if it lets us; a configured size was set
 * by afwrt-net and is larger. */
static void
buffer_grow(int fd, int option)
{
	int want = BUFFER_BYTES, is = 0;
	socklen_t len = sizeof(is);

	if (getsockopt(fd, SOL_SOCKET, option, &is, &len) == 0 && is < want)
		(void)setsockopt(fd, SOL_SOCKET, option, &want, sizeof(want));
}

void
wg_socket_set(struct wg_socket *s, int fd, bool wide)
{
	int on = 1, flags = fcntl(fd, F_GETFL), size;
	socklen_t len = sizeof(size);

	wg_socket_close(s);
	s->fd = fd;
	s->dead = false;
	(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	buffer_grow(fd, SO_RCVBUF);
	buffer_grow(fd, SO_SNDBUF);
	s->gso = getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &len) == 0;
	s->gro = setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) == 0;
	s->wide = wide || s->gro;
	/* of the other family it fails */
	(void)setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on));
	log_debug("wireguard: udp: gso %s, gro %s", s->gso ? "on" : "off",
	    s->gro ? "on" : "off");
}

uint16_t
wg_socket_port(const struct wg_socket *s)
{
	union wg_endpoint e = {0};
	socklen_t len = sizeof(e);

	if (s->fd == -1 || getsockname(s->fd, &e.sa, &len) == -1)
		return 0;
	return ntohs(
	    e.sa.sa_family == AF_INET ? e.in.sin_port : e.in6.sin6_port);
}

/* ---- out --------------------------------------------------------------- */

static unsigned int
runs_make(const struct wg_socket *s, const union wg_endpoint *to,
    const struct iovec *v, unsigned int n, struct run *out)
{
	unsigned int i, m = 0, segments = 0;
	struct run *r = NULL;

	for (i = 0; i < n; i++) {
		if (r != NULL && s->gso && segments < RUN_SEGMENTS &&
		    v[i].iov_len <= r->size && r->len % r->size == 0 &&
		    r->len + v[i].iov_len <= RUN_BYTES &&
		    (uint8_t *)v[i].iov_base == r->data + r->len) {
			r->len += (uint32_t)v[i].iov_len;
			segments++;
			continue;
		}
		r = &out[m++];
		r->to = *to;
		r->data = v[i].iov_base;
		r->len = r->size = (uint32_t)v[i].iov_len;
		segments = 1;
	}
	return m;
}

/* One by one; what the kernel does not take is lost. */
static void
run_split(struct wg_socket *s, const struct run *r)
{
	uint32_t pos, n;

	for (pos = 0; pos < r->len; pos += n) {
		n = r->len - pos < r->size ? r->len - pos : r->size;
		if (sendto(s->fd, r->data + pos, n, MSG_DONTWAIT, &r->to.sa,
			wg_endpoint_size(&r->to)) == -1)
			s->lost++;
	}
}

/* What is wrong with the first run. True: it is settled, go on behind it. */
static bool
run_refused(struct wg_socket *s, const struct run *r, int error)
{
	static struct afw_ratelimit limit;

	if (error == EAGAIN || error == ENOBUFS)
		return false;
	if (r->len > r->size &&
	    (error == EIO || error == EINVAL || error == EMSGSIZE ||
		error == EOPNOTSUPP)) {
		/* EIO: a device that cannot do checksums */
		if (error == EIO || error == EOPNOTSUPP)
			s->gso = false;
		run_split(s, r);
		return true;
	}
	if (error == ENODEV || error == ENXIO)
		s->dead = true;
	s->lost += (r->len + r->size - 1) / r->size;
	if (afw_ratelimit_ok(&limit, 1))
		log_debug("wireguard: udp: send: %s", strerror(error));
	return true;
}

static void
message_fill(
    struct msghdr *m, struct iovec *v, uint8_t *control, const struct run *r)
{
	uint16_t size = (uint16_t)r->size;
	struct cmsghdr *c;

	memset(m, 0, sizeof(*m));
	v->iov_base = r->data;
	v->iov_len = r->len;
	m->msg_name = (void *)(uintptr_t)&r->to;
	m->msg_namelen = wg_endpoint_size(&r->to);
	m->msg_iov = v;
	m->msg_iovlen = 1;
	if (r->len <= r->size)
		return;
	m->msg_control = control;
	m->msg_controllen = CMSG_SPACE(sizeof(size));
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(c), &size, sizeof(size));
}

/* How many are settled: sent, or lost. */
static unsigned int
runs_send(struct wg_socket *s, const struct run *r, unsigned int n)
{
	_Alignas(struct cmsghdr)
	    uint8_t control[WG_BATCH_MAX][CMSG_SPACE(sizeof(uint16_t))];
	struct mmsghdr m[WG_BATCH_MAX];
	struct iovec v[WG_BATCH_MAX];
	unsigned int i, done = 0;
	int sent;

	memset(control, 0, sizeof(control[0]) * n);
	for (i = 0; i < n; i++)
		message_fill(&m[i].msg_hdr, &v[i], control[i], &r[i]);
	while (done < n) {
		sent = sendmmsg(s->fd, m + done, n - done, MSG_DONTWAIT);
		if (sent > 0)
			done += (unsigned int)sent;
		else if (sent == -1 && errno == EINTR)
			continue;
		else if (!run_refused(s, &r[done], errno))
			break;
		else
			done++;
	}
	return done;
}

static void
wait_push(struct wg_socket *s, const struct run *r)
{
	struct run kept = *r;

	if (s->wait == NULL && (s->wait = malloc(WAIT_BYTES)) == NULL)
		fatal("%s: out of memory", afw_log_name());
	if (sizeof(kept) + r->len > WAIT_BYTES - s->used) {
		s->lost += (r->len + r->size - 1) / r->size;
		return;
	}
	kept.data = NULL; /* it lies behind */
	memcpy(s->wait + s->used, &kept, sizeof(kept));
	memcpy(s->wait + s->used + sizeof(kept), r->data, r->len);
	s->used += sizeof(kept) + r->len;
}

void
wg_socket_send(struct wg_socket *s, const union wg_endpoint *to,
    const struct iovec *v, unsigned int n)
{
	struct run runs[WG_BATCH_MAX];
	unsigned int i = 0, m;

	if (s->fd == -1) {
		s->lost += n;
		return;
	}
	runs[0].len = 0;
	m = runs_make(s, to, v, n, runs);
	if (!wg_socket_waits(s))
		i = runs_send(s, runs, m);
	for (; i < m; i++)
		wait_push(s, &runs[i]);
}

bool
wg_socket_waits(const struct wg_socket *s)
{
	return s->used != s->first;
}

void
wg_socket_flush(struct wg_socket *s)
{
	struct run r;

	while (wg_socket_waits(s)) {
		memcpy(&r, s->wait + s->first, sizeof(r));
		r.data = s->wait + s->first + sizeof(r);
		if (runs_send(s, &r, 1) == 0)
			return;
		s->first += sizeof(r) + r.len;
	}
	s->first = s->used = 0;
}

/* ---- in ---------------------------------------------------------------- */

/* Bytes of a datagram in what came, by GRO many. */
static size_t
segment_size(struct msghdr *m, size_t len)
{
	struct cmsghdr *c;
	int size = 0;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO)
			memcpy(&size, CMSG_DATA(c), sizeof(size));
	return size > 0 ? (size_t)size : len;
}

/* RFC 3168, 5: a router on the way had a queue. */
static bool
congestion_marked(struct msghdr *m)
{
	struct cmsghdr *c;
	uint8_t tos = 0;
	int value;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			memcpy(&tos, CMSG_DATA(c), sizeof(tos));
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_TCLASS) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			tos = (uint8_t)value;
		}
	}
	return (tos & 3) == 3;
}

/* A socket for IPv6 that was sent an IPv4 address answers with a mapped one:
 * the same peer must always look the same. */
static void
unmap(union wg_endpoint *e)
{
	struct sockaddr_in in = {.sin_family = AF_INET};

	if (e->sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&e->in6.sin6_addr))
		return;
	in.sin_port = e->in6.sin6_port;
	memcpy(&in.sin_addr, e->in6.sin6_addr.s6_addr + 12, 4);
	memset(e, 0, sizeof(*e));
	e->in = in;
}

#define SLOTS_MAX 64

void
wg_socket_receive(struct wg_socket *s,
    void (*fn)(void *, uint8_t *, size_t, const union wg_endpoint *), void *arg)
{
	_Alignas(struct cmsghdr)
	    uint8_t control[SLOTS_MAX][2 * CMSG_SPACE(sizeof(int))];
	size_t pos, len, size, slot = s->wide ? SLOT_WIDE : SLOT;
	unsigned int i, slots = s->wide ? ARENA_BYTES / SLOT_WIDE : SLOTS_MAX;
	union wg_endpoint from[SLOTS_MAX];
	struct mmsghdr m[SLOTS_MAX];
	struct iovec v[SLOTS_MAX];
	int n;

	memset(m, 0, slots * sizeof(m[0]));
	memset(from, 0, slots * sizeof(from[0]));
	for (i = 0; i < slots; i++) {
		v[i] = (struct iovec){arena + i * slot, slot};
		m[i].msg_hdr.msg_name = &from[i];
		m[i].msg_hdr.msg_namelen = sizeof(from[i]);
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
		m[i].msg_hdr.msg_control = control[i];
		m[i].msg_hdr.msg_controllen = sizeof(control[i]);
	}
	n = recvmmsg(s->fd, m, slots, MSG_DONTWAIT, NULL);
	for (i = 0; n > 0 && i < (unsigned int)n; i++) {
		len = m[i].msg_len;
		if ((m[i].msg_hdr.msg_flags & MSG_TRUNC) != 0)
			continue;
		unmap(&from[i]);
		size = segment_size(&m[i].msg_hdr, len);
		s->congested = congestion_marked(&m[i].msg_hdr);
		for (pos = 0; pos < len; pos += size)
			fn(arg, (uint8_t *)v[i].iov_base + pos,
			    len - pos < size ? len - pos : size, &from[i]);
	}
}
