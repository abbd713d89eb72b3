/* SPDX-License-Identifier: ISC */
/*
 * Sent by the service itself, whose process id the manager knows: the socket
 * is connected to before privilege is dropped, so that the file's mode does
 * not matter. WATCHDOG=1 comes from a timer of the loop, at half of the time
 * that $WATCHDOG_USEC allows: a loop that hangs sends none.
 */
#include "notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "service.h"

static int fd = -1;
static uint64_t watchdog_us; /* 0: none */
static uint64_t alive_us;    /* when it was last said */
static struct event *timer;

static uint64_t
now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
send_text(const char *text)
{
	if (fd != -1 &&
	    send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
		service_log(7, "notify: %s", strerror(errno));
}

/* A path, or with '@' a name in the abstract namespace. */
static int
address_make(struct sockaddr_un *sun, socklen_t *len, const char *name)
{
	size_t n = strlen(name);

	if ((*name != '/' && *name != '@') || n < 2 ||
	    n > sizeof(sun->sun_path) - (*name == '/')) {
		service_log(4,
		    "notify: NOTIFY_SOCKET is neither a path nor an abstract "
		    "name: \"%.128s\"",
		    name);
		return -1;
	}
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, name, n);
	if (*name == '@')
		sun->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n +
	    (*name == '/'));
	return 0;
}

static uint64_t
watchdog_read(void)
{
	const char *usec = getenv("WATCHDOG_USEC"),
		   *pid = getenv("WATCHDOG_PID");
	unsigned long long n;
	char *end;

	if (usec == NULL ||
	    (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	errno = 0;
	n = strtoull(usec, &end, 10);
	if (errno == 0 && *usec >= '0' && *usec <= '9' && *end == '\0' &&
	    n >= 2)
		return n;
	service_log(4, "notify: WATCHDOG_USEC is no time: \"%.32s\"", usec);
	return 0;
}

void
notify_open(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun;
	socklen_t len;

	if (name == NULL || *name == '\0' ||
	    address_make(&sun, &len, name) == -1)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, (void *)&sun, len) == -1) {
		service_log(4, "notify: %s: %s", name, strerror(errno));
		notify_close();
		return;
	}
	watchdog_us = watchdog_read();
}

static void
timer_cb(evutil_socket_t unused, short what, void *arg)
{
	(void)unused;
	(void)what;
	(void)arg;
	alive_us = now_us();
	send_text("WATCHDOG=1");
}

void
notify_alive(void)
{
	if (timer != NULL && now_us() - alive_us >= watchdog_us / 2)
		timer_cb(-1, 0, NULL);
}

void
notify_ready(struct event_base *base)
{
	struct timeval tv = {.tv_sec = (time_t)(watchdog_us / 2 / 1000000),
	    .tv_usec = (suseconds_t)(watchdog_us / 2 % 1000000)};

	send_text("READY=1");
	if (fd == -1 || watchdog_us == 0 || timer != NULL)
		return;
	timer = event_new(base, -1, EV_PERSIST, timer_cb, NULL);
	if (timer != NULL)
		(void)event_add(timer, &tv);
	timer_cb(-1, 0, NULL);
}

void
notify_reloading(void)
{
	char text[80];

	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
	    (unsigned long long)now_us());
	send_text(text);
}

void
notify_reloaded(void)
{
	send_text("READY=1");
}

void
notify_status(const char *fmt, ...)
{
	char text[256] = "STATUS=";
	size_t n = strlen(text);
	va_list ap;
	char *p;

	if (fd == -1)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	for (p = text + n; *p != '\0'; p++) /* a line is an assignment */
		if ((unsigned char)*p < ' ')
			*p = ' ';
	send_text(text);
}

void
notify_stopping(void)
{
	send_text("STOPPING=1");
}

void
notify_close(void)
{
	if (timer != NULL)
		event_free(timer);
	timer = NULL;
	if (fd != -1)
		(void)close(fd);
	fd = -1;
	watchdog_us = 0;
}
