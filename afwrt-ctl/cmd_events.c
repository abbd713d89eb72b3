/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <unistd.h>

#include "client.h"

int
cmd_events(struct ctl *c, int argc, char **argv)
{
	json_t *event;
	int fd, rc;

	(void)argv;
	if (argc != 0)
		return CTL_USAGE;
	if ((rc = client_connect(c, &fd)) != CTL_DONE)
		return rc;
	rc =
	    client_ask_on(fd, json_pack("{s:s}", "request", "subscribe"), NULL);
	while (rc == CTL_DONE && (rc = client_recv(fd, &event)) == CTL_DONE) {
		if (c->json) {
			client_print_json(event);
		} else {
			(void)json_dumpf(event, stdout, JSON_COMPACT);
			(void)putchar('\n');
			json_decref(event);
		}
		if (fflush(stdout) == EOF)
			rc = CTL_FAILED;
	}
	(void)close(fd);
	return rc;
}
