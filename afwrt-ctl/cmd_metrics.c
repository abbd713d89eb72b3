/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "client.h"

int
cmd_metrics(struct ctl *c, int argc, char **argv)
{
	const char *text;
	json_t *answer;
	int rc;

	(void)argv;
	if (argc != 0)
		return CTL_USAGE;
	rc = client_ask(c, json_pack("{s:s}", "request", "metrics"), &answer);
	if (rc != CTL_DONE)
		return rc;
	text = json_string_value(json_object_get(answer, "metrics"));
	if (c->json) {
		client_print_json(answer);
		return CTL_DONE;
	}
	if (text == NULL || fputs(text, stdout) == EOF)
		rc = CTL_FAILED;
	json_decref(answer);
	return rc;
}
