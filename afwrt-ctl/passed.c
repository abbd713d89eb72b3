/* SPDX-License-Identifier: ISC */
#include "passed.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service.h"

#define FIRST 3 /* SD_LISTEN_FDS_START */
#define HIGH  10
#define MAX   16

static int fd = -1;

/* A number from the environment, else -1. */
static long
number_of(const char *name)
{
	const char *s = getenv(name);
	char *end;
	long n;

	if (s == NULL || *s < '0' || *s > '9')
		return -1;
	errno = 0;
	n = strtol(s, &end, 10);
	return errno == 0 && *end == '\0' ? n : -1;
}

static bool
option_is(int option, int value)
{
	int found;
	socklen_t len = sizeof(found);

	return getsockopt(fd, SOL_SOCKET, option, &found, &len) == 0 &&
	    found == value;
}

/* Of the only one; what else was passed is closed. */
void
passed_take(void)
{
	bool ours = number_of("LISTEN_PID") == (long)getpid();
	long n = number_of("LISTEN_FDS"), i;

	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	if (!ours || n < 1)
		return;
	if (n != 1)
		service_log(4,
		    "control: %ld sockets were passed, only the first is used",
		    n);
	/* away from the descriptor that the keeper and afwrtd are born with */
	fd = fcntl(FIRST, F_DUPFD_CLOEXEC, HIGH);
	for (i = 0; i < n && i < MAX; i++)
		(void)close(FIRST + (int)i);
}

/* /var/run is a link to /run. */
static bool
same_path(const char *a, const char *b)
{
	const char *both[] = {a, b};
	char part[2][PATH_MAX], real[2][PATH_MAX];
	const char *slash;
	int i;

	for (i = 0; i < 2; i++) {
		if (both[i][0] != '/')
			return false;
		slash = strrchr(both[i], '/');
		(void)snprintf(part[i], sizeof(part[i]), "%.*s/.",
		    (int)(slash - both[i]), both[i]);
		if (realpath(part[i], real[i]) == NULL)
			return false;
	}
	return strcmp(real[0], real[1]) == 0 &&
	    strcmp(strrchr(a, '/'), strrchr(b, '/')) == 0;
}

/* NULL, or what is wrong with it. */
static const char *
refuses(const char *path)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct sockaddr_un sun = {.sun_family = AF_UNSPEC};
	socklen_t len = sizeof(sun) - 1; /* it ends with a NUL then */

	if (getsockname(fd, (void *)&sun, &len) == -1 ||
	    sun.sun_family != AF_UNIX || !option_is(SO_TYPE, SOCK_SEQPACKET) ||
	    !option_is(SO_ACCEPTCONN, 1))
		return "it is not a SOCK_SEQPACKET that listens";
	if (!same_path(sun.sun_path, path))
		return "it has another path";
	if (poll(&p, 1, 0) == -1 || (p.revents & (POLLHUP | POLLERR)) != 0)
		return "it was shut down";
	return NULL;
}

int
passed_use(const char *path)
{
	const char *why;
	int used = fd, flags;

	if (fd == -1)
		return -1;
	if ((why = refuses(path)) != NULL) {
		service_log(4,
		    "control: %s: the socket that was passed is not used: %s",
		    path, why);
		passed_refuse();
		return -1;
	}
	flags = fcntl(fd, F_GETFL);
	(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	fd = -1;
	return used;
}

/* Those who came already are in the queue. */
void
passed_refuse(void)
{
	int client;

	if (fd == -1)
		return;
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)shutdown(fd, SHUT_RDWR);
	while ((client = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) != -1)
		(void)close(client);
	(void)close(fd);
	fd = -1;
}
