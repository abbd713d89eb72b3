/* SPDX-License-Identifier: ISC */
#include "async.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEPT    10
#define RETRY_S 1

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static struct event *timer;
static int fd = -1;
static char *kept[KEPT]; /* the oldest first */
static unsigned int nkept;

int
async_set(const char *path)
{
	if (*path != '\0' &&
	    (*path != '/' || strlen(path) >= sizeof(address.sun_path)))
		return -1;
	(void)strcpy(address.sun_path, path);
	return 0;
}

bool
async_is_set(void)
{
	return address.sun_path[0] != '\0';
}

static void
oldest_drop(void)
{
	free(kept[0]);
	memmove(kept, kept + 1, --nkept * sizeof(kept[0]));
}

/* Until the socket is not there, or full. */
static void
flush(void)
{
	static const struct timeval soon = {.tv_sec = RETRY_S};

	while (nkept > 0 &&
	    sendto(fd, kept[0], strlen(kept[0]), MSG_DONTWAIT | MSG_NOSIGNAL,
		(void *)&address, sizeof(address)) != -1)
		oldest_drop();
	if (nkept > 0)
		(void)event_add(timer, &soon);
}

static void
timer_cb(evutil_socket_t unused, short what, void *arg)
{
	(void)unused;
	(void)what;
	(void)arg;
	flush();
}

int
async_start(struct event_base *base)
{
	if (!async_is_set())
		return 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	timer = event_new(base, -1, 0, timer_cb, NULL);
	return fd == -1 || timer == NULL ? -1 : 0;
}

void
async_send(const char *json)
{
	if (fd == -1)
		return;
	if (nkept == KEPT)
		oldest_drop();
	if ((kept[nkept] = strdup(json)) != NULL)
		nkept++;
	flush();
}

void
async_stop(void)
{
	while (nkept > 0)
		oldest_drop();
	if (timer != NULL)
		event_free(timer);
	timer = NULL;
	if (fd != -1)
		(void)close(fd);
	fd = -1;
}
