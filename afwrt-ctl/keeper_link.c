/* SPDX-License-Identifier: ISC */
#include "keeper_link.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

int
keeper_link_send(int link_fd, const void *data, size_t len, int fd)
{
	struct iovec v = {(void *)(uintptr_t)data, len};
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c = {.room = {0}};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	if (fd != -1) {
		m.msg_control = c.room;
		m.msg_controllen = sizeof(c.room);
		c.h.cmsg_level = SOL_SOCKET;
		c.h.cmsg_type = SCM_RIGHTS;
		c.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	}
	return sendmsg(link_fd, &m, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -1;
}

/* The descriptor that came along is in *fd, or -1. */
int
keeper_link_recv(int link_fd, void *data, size_t len, int *fd)
{
	struct iovec v = {data, len};
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c;
	struct msghdr m = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = c.room,
	    .msg_controllen = sizeof(c.room)};
	const struct cmsghdr *h;
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(link_fd, &m, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	h = CMSG_FIRSTHDR(&m);
	if (h != NULL && h->cmsg_level == SOL_SOCKET &&
	    h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(h), sizeof(*fd));
	if (n == (ssize_t)len)
		return 0;
	errno = EPIPE;
	return -1;
}
