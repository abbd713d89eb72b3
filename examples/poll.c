/* SPDX-License-Identifier: ISC */
/*
 * An application with a poll loop of its own: afwrt_get_fd() starts the VPN,
 * and whenever its descriptor is readable afwrt_dispatch() is due.
 *
 *	cc -o poll poll.c $(pkg-config --cflags --libs afwrt-client)
 *	./poll CONFIG.json 192.168.1.20
 *
 * Each line of standard input is a location, which the device is moved to;
 * "off" ends its protection, the end of the input ends the program.
 */
#include <afwrt.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "read_file.h"

static const char *device;

static void
on_event(const char *event)
{
	puts(event);
	(void)fflush(stdout);
}

static void
obey(const char *line)
{
	int done = strcmp(line, "off") == 0
	    ? afwrt_unprotect_ip_addr(device)
	    : afwrt_protect_ip_addr(device, line);

	if (done != 0)
		(void)fprintf(stderr, "%s: %s\n", line, afwrt_last_error());
}

/* What came on standard input; false at its end. */
static int
read_lines(void)
{
	static char text[256];
	static size_t used;
	char *end;
	ssize_t n = read(0, text + used, sizeof(text) - 1 - used);

	if (n <= 0)
		return 0;
	used += (size_t)n;
	text[used] = '\0';
	while ((end = strchr(text, '\n')) != NULL) {
		*end = '\0';
		obey(text);
		used -= (size_t)(end + 1 - text);
		memmove(text, end + 1, used + 1);
	}
	if (used == sizeof(text) - 1)
		used = 0; /* no location is that long */
	return 1;
}

/* 0 after an ordered end, -1 when the run ended by itself. */
static int
loop(void)
{
	struct pollfd fds[2] = {
	    {.fd = 0, .events = POLLIN}, {.events = POLLIN}};
	int state = 0;

	if ((fds[1].fd = afwrt_get_fd()) == -1)
		return -1;
	while (state == 0) {
		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			return -1;
		if (fds[0].revents != 0 && !read_lines()) {
			fds[0].fd = -1; /* poll() passes over it */
			(void)afwrt_stop();
		}
		if (fds[1].revents != 0)
			state = afwrt_dispatch();
	}
	return state == 1 ? 0 : -1;
}

int
main(int argc, char **argv)
{
	char *config;
	int status;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: poll CONFIG ADDRESS\n");
		return 2;
	}
	device = argv[2];
	if ((config = read_file(argv[1])) == NULL)
		return 1;
	status = afwrt_init(config, on_event);
	free(config);
	if (status == 0)
		status = loop();
	if (status != 0)
		(void)fprintf(stderr, "%s\n", afwrt_last_error());
	(void)afwrt_deinit();
	return status != 0;
}
