/* SPDX-License-Identifier: ISC */
/*
 * The same in a libevent application: one event for the library's descriptor,
 * one for a signal, one for a timer that prints the status.
 *
 *	cc -o libevent libevent.c \
 *	    $(pkg-config --cflags --libs afwrt-client libevent_core)
 *	./libevent CONFIG.json aa:bb:cc:00:00:01 de-berlin
 *
 * It protects a device by its MAC address until SIGTERM or SIGINT.
 */
#include <afwrt.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>

#include "read_file.h"

static struct event_base *base;
static int status;

static void
on_event(const char *event)
{
	puts(event);
	(void)fflush(stdout);
}

static void
fail(const char *what)
{
	(void)fprintf(stderr, "%s: %s\n", what, afwrt_last_error());
	status = 1;
}

static void
dispatch_cb(evutil_socket_t fd, short what, void *arg)
{
	int state = afwrt_dispatch();

	(void)fd;
	(void)what;
	(void)arg;
	if (state == 0)
		return;
	if (state == -1)
		fail("afwrt_dispatch");
	(void)event_base_loopbreak(base);
}

static void
signal_cb(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	(void)arg;
	(void)afwrt_stop(); /* afwrt_dispatch() returns 1 when it is done */
}

static void
status_cb(evutil_socket_t fd, short what, void *arg)
{
	char *json = afwrt_get_status();

	(void)fd;
	(void)what;
	(void)arg;
	if (json == NULL)
		fail("afwrt_get_status");
	else
		on_event(json);
	afwrt_free(json);
}

static void
add(struct event *e, const struct timeval *tv)
{
	if (e == NULL || event_add(e, tv) == -1)
		exit(1);
}

static void
loop(void)
{
	static const struct timeval often = {.tv_sec = 2};
	int fd = afwrt_get_fd();

	if (fd == -1) {
		fail("afwrt_get_fd");
		return;
	}
	if ((base = event_base_new()) == NULL)
		exit(1);
	add(event_new(base, fd, EV_READ | EV_PERSIST, dispatch_cb, NULL), NULL);
	add(evsignal_new(base, SIGTERM, signal_cb, NULL), NULL);
	add(evsignal_new(base, SIGINT, signal_cb, NULL), NULL);
	add(event_new(base, -1, EV_PERSIST, status_cb, NULL), &often);
	(void)event_base_dispatch(base);
}

int
main(int argc, char **argv)
{
	char *config;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: libevent CONFIG MAC LOCATION\n");
		return 2;
	}
	if ((config = read_file(argv[1])) == NULL)
		return 1;
	if (afwrt_init(config, on_event) != 0)
		fail("afwrt_init");
	else if (afwrt_protect_mac_addr(argv[2], argv[3]) != 0)
		fail("afwrt_protect_mac_addr");
	else
		loop();
	free(config);
	(void)afwrt_deinit();
	return status;
}
