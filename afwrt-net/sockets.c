/* SPDX-License-Identifier: ISC */
/*
 * Sockets to the outside, for those who must not make any. What binds a
 * socket to the uplink and what marks it is set here: the holder has no
 * privilege to change it, so its traffic cannot loop into the tunnel.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "state.h"

/* Of the outer sockets: one bit that is not the mark of the devices. */
#define OUTER_MARK       0x10
#define OUTER_MARK_OTHER 0x20
#define UDP_BUFFER       (2 * 1024 * 1024)

uint32_t
sockets_mark(void)
{
	return ((OUTER_MARK ^ net.cfg.fwmark) & net.cfg.fwmark_mask) == 0
	    ? OUTER_MARK_OTHER
	    : OUTER_MARK;
}

static int
option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int
bind_to(int fd, const char *ifname)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname,
	    (socklen_t)strlen(ifname) + 1);
}

/*
 * Buffers beyond the system's limit. One UDP socket has a whole tunnel's
 * datagrams (WireGuard), and what comes while its reader does something else
 * would be lost; a TCP one has the system's, which grow by themselves.
 */
static int
buffers_set(int fd, bool stream)
{
	uint32_t usual = stream ? 0 : UDP_BUFFER;
	uint32_t rcv = net.cfg.rcvbuf != 0 ? net.cfg.rcvbuf : usual;
	uint32_t snd = net.cfg.sndbuf != 0 ? net.cfg.sndbuf : usual;

	if (rcv != 0 && option(fd, SOL_SOCKET, SO_RCVBUFFORCE, (int)rcv) == -1)
		return -1;
	if (snd != 0 && option(fd, SOL_SOCKET, SO_SNDBUFFORCE, (int)snd) == -1)
		return -1;
	return 0;
}

static int
prepare(int fd, const struct afw_m_socket *m)
{
	if (m->family == 6 && option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == -1)
		return -1;
	if (m->stream && option(fd, IPPROTO_TCP, TCP_NODELAY, 1) == -1)
		return -1;
	if (m->scope == AFW_SCOPE_LOOPBACK)
		return bind_to(fd, "lo");
	if (net.mode == NET_OFF)
		return 0; /* verify_user: no configuration, no uplink */
	if (bind_to(fd, net.wan.msg.ifname) == -1 ||
	    option(fd, SOL_SOCKET, SO_MARK, (int)sockets_mark()) == -1)
		return -1;
	return buffers_set(fd, m->stream != 0);
}

int
sockets_get(struct afw_link *l, uint32_t id, const struct afw_m_socket *m)
{
	unsigned int code;
	int fd;

	if (m->scope == AFW_SCOPE_LOOPBACK && l->chan.peer != AFW_AUTH)
		return AFW_EPERM;
	if (m->scope == AFW_SCOPE_WAN && net.mode != NET_OFF &&
	    net.wan.ifindex == 0) {
		afw_link_status(l, id, AFW_ENETUNREACH,
		    "no uplink: interface %s is not there", net.cfg.wan_ifname);
		return 0;
	}
	fd = socket(m->family == 4 ? AF_INET : AF_INET6,
	    (m->stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK |
		SOCK_CLOEXEC,
	    0);
	if (fd == -1 || prepare(fd, m) == -1) {
		/* the interface may have gone a moment ago */
		code = errno == ENODEV ? AFW_ENETUNREACH
				       : afw_error_from_errno(errno);
		afw_link_status(l, id, code, "socket: %s", strerror(errno));
		if (fd != -1)
			(void)close(fd);
		return 0;
	}
	(void)afw_link_send(l, AFW_MSG_SOCKET, id, NULL, fd);
	return 0;
}
