/* SPDX-License-Identifier: ISC */
/*
 * The simplest application: afwrt_start() is its main loop.
 *
 *	cc -o blocking blocking.c $(pkg-config --cflags --libs afwrt-client)
 *	./blocking CONFIG.json 192.168.1.20 de-berlin
 *
 * It protects one device until SIGINT or SIGTERM, and prints each event.
 */
#include <afwrt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "read_file.h"

static void
on_event(const char *event)
{
	puts(event);
	(void)fflush(stdout);
}

static void
on_signal(int number)
{
	(void)number;
	(void)afwrt_stop(); /* async-signal-safe */
}

static int
fail(const char *what)
{
	(void)fprintf(stderr, "%s: %s\n", what, afwrt_last_error());
	return 1;
}

int
main(int argc, char **argv)
{
	struct sigaction action;
	char *config;
	int status = 0;

	if (argc != 4) {
		(void)fprintf(
		    stderr, "usage: blocking CONFIG ADDRESS LOCATION\n");
		return 2;
	}
	if ((config = read_file(argv[1])) == NULL)
		return 1;
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);

	if (afwrt_init(config, on_event) != 0)
		status = fail("afwrt_init");
	free(config);
	if (status != 0)
		return status;
	/* from here on nothing of the device leaves in the clear */
	if (afwrt_protect_ip_addr(argv[2], argv[3]) != 0)
		status = fail("afwrt_protect_ip_addr");
	else if (afwrt_start() != 0)
		status = fail("afwrt_start");
	if (afwrt_deinit() != 0)
		status = fail("afwrt_deinit");
	return status;
}
