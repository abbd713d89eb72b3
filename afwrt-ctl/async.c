/* SPDX-License-Identifier: ISC */
#include "async.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keeper.h"

#define KEPT    10
#define RETRY_S 1

static char address[sizeof(((struct sockaddr_un *)0)->sun_path)];
static struct event *timer;
static int fd = -1;
static char *kept[KEPT]; /* the oldest first */
static unsigned int nkept;

bool
async_path_valid(const char *path)
{
	return *path == '\0' ||
	    (*path == '/' && strlen(path) < sizeof(address));
}

void
async_set(const char *path)
{
	(void)strcpy(address, path);
}

const char *
async_path(void)
{
	return address;
}

static void
oldest_drop(void)
{
	free(kept[0]);
	memmove(kept, kept + 1, --nkept * sizeof(kept[0]));
}

/* Not there yet, or another one than before. */
static bool
stale(int e)
{
	return e == ECONNREFUSED || e == ENOTCONN || e == ECONNRESET ||
	    e == EPIPE || e == EDESTADDRREQ;
}

static void
disconnect(void)
{
	if (fd != -1)
		(void)close(fd);
	fd = -1;
}

/* 0 sent, else errno. */
static int
oldest_send(void)
{
	if (fd == -1 && (fd = keeper_connect()) == -1)
		return errno;
	if (send(fd, kept[0], strlen(kept[0]), MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    -1)
		return 0;
	return errno;
}

/* Until the socket is not there, or full. */
static void
flush(void)
{
	static const struct timeval soon = {.tv_sec = RETRY_S};
	bool again = true;
	int e;

	while (nkept > 0) {
		if ((e = oldest_send()) == 0) {
			oldest_drop();
		} else if (again && fd != -1 && stale(e)) {
			disconnect();
			again = false;
		} else {
			break;
		}
	}
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
	if (address[0] == '\0')
		return 0;
	timer = event_new(base, -1, 0, timer_cb, NULL);
	return timer == NULL ? -1 : 0;
}

int
async_change(struct event_base *base, const char *path)
{
	async_set(path);
	if (*path == '\0') {
		async_stop();
		return 0;
	}
	disconnect();
	if (timer == NULL)
		return async_start(base);
	flush();
	return 0;
}

void
async_send(const char *json)
{
	if (timer == NULL)
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
	disconnect();
}
