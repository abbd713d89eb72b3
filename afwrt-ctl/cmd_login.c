/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "control.h"
#include "secret.h"
#include "wait.h"

static int
ask_register(struct ctl *c, const char *method, const char *token)
{
	json_t *o = json_pack(
	    "{s:s, s:s}", "request", "register", "auth_method", method);
	json_t *answer = NULL;
	int rc;

	if (*token != '\0' && o != NULL &&
	    json_object_set_new(o, "auth_token", json_string(token)) == -1) {
		(void)fprintf(stderr, "afwrt-ctl: the token is not UTF-8\n");
		json_decref(o);
		return CTL_FAILED;
	}
	if (o == NULL) {
		(void)fprintf(stderr, "afwrt-ctl: the method is not UTF-8\n");
		return CTL_USAGE;
	}
	rc = client_ask(c, o, &answer);
	if (rc == CTL_DONE)
		control_wipe(answer); /* it has the access token */
	return rc;
}

int
cmd_login(struct ctl *c, int argc, char **argv)
{
	char token[SECRET_SIZE] = "";
	struct wait w;
	int rc;

	if (argc != 1)
		return CTL_USAGE;
	if (c->token_file != NULL || strcmp(argv[0], "anonymous") != 0)
		if ((rc = secret_read(c->token_file, "token", token)) !=
		    CTL_DONE)
			return rc;
	if ((rc = wait_begin(&w, c, false)) == CTL_DONE &&
	    (rc = ask_register(c, argv[0], token)) == CTL_DONE &&
	    (rc = wait_route(&w, NULL)) == CTL_DONE && c->json)
		client_print_json(
		    json_pack("{s:i, s:s}", "status", 0, "message", "done"));
	wait_end(&w);
	explicit_bzero(token, sizeof(token));
	return rc;
}
