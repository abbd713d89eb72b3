/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "wg_listen.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"

#define SOCKET_DIR "/var/run/wireguard" /* wireguard-tools, ipc-uapi-unix.h */
#define BACKLOG    8

static const char *
dir_path(void)
{
	const char *dir = secure_getenv("AFWRT_WG_SOCKET_DIR");

	return dir != NULL ? dir : SOCKET_DIR;
}

/* NULL, or why no socket may be made there. */
static const char *
dir_refuses(const char *dir)
{
	struct stat st;
	int fd;

	if (mkdir(dir, 0700) == -1 && errno != EEXIST)
		return strerror(errno);
	fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return strerror(errno);
	(void)fstat(fd, &st);
	(void)close(fd);
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "may be written by others";
	return NULL;
}

static int
address_make(struct sockaddr_un *sa, const char *ifname)
{
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if ((size_t)snprintf(sa->sun_path, sizeof(sa->sun_path), "%s/%s.sock",
		dir_path(), ifname) < sizeof(sa->sun_path))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/* Somebody listens there: the interface of another network namespace. */
static bool
is_alive(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool alive;

	if (fd == -1)
		return false;
	alive =
	    connect(fd, (const void *)sa, sizeof(*sa)) == 0 || errno == EAGAIN;
	(void)close(fd);
	return alive;
}

static int
socket_make(const struct sockaddr_un *sa)
{
	mode_t old;
	int fd, rc, e;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	old = umask(0177);
	rc = bind(fd, (const void *)sa, sizeof(*sa));
	e = errno;
	(void)umask(old);
	if (rc == 0 && (rc = listen(fd, BACKLOG)) == -1)
		e = errno;
	if (rc == 0)
		return fd;
	(void)close(fd);
	errno = e;
	return -1;
}

int
wg_listen_open(const char *ifname)
{
	const char *why = dir_refuses(dir_path());
	struct sockaddr_un sa;
	int fd = -1;

	if (why != NULL) {
		log_warn("%s: %s: no configuration socket for %s", dir_path(),
		    why, ifname);
		return -1;
	}
	if (address_make(&sa, ifname) == 0) {
		if (is_alive(&sa)) {
			log_warn(
			    "%s: another program listens there", sa.sun_path);
			return -1;
		}
		(void)unlink(sa.sun_path);
		fd = socket_make(&sa);
	}
	if (fd == -1)
		log_warn("%s/%s.sock: %s", dir_path(), ifname, strerror(errno));
	return fd;
}

void
wg_listen_close(int fd, const char *ifname)
{
	struct sockaddr_un sa;

	if (fd == -1)
		return;
	if (address_make(&sa, ifname) == 0)
		(void)unlink(sa.sun_path);
	(void)close(fd);
}
