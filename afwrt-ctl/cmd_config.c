/* SPDX-License-Identifier: ISC */
/* check-config, dump-config: what is about a configuration file. */
#include <afwrt.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "service.h"

/* ---- check-config ------------------------------------------------------- */

static json_t *errors, *warnings;

static void
found(int level, const char *line)
{
	static const char prefix[] = "lib: ";
	json_t *list = level <= 3 ? errors : warnings;

	if (strncmp(line, prefix, strlen(prefix)) == 0)
		line += strlen(prefix);
	(void)json_array_append_new(list, json_string(line));
}

static void
list_print(const char *what, const json_t *list)
{
	json_t *line;
	size_t i;

	json_array_foreach (list, i, line)
		(void)printf("%s: %s\n", what, json_string_value(line));
}

int
cmd_check_config(struct ctl *c, int argc, char **argv)
{
	json_t *config;
	int rc;

	if (argc > 1)
		return CTL_USAGE;
	errors = json_array();
	warnings = json_array();
	service_log_to(found);
	config = service_config_load(argc == 1 ? argv[0] : c->config);
	if (config != NULL)
		(void)service_config_check(config);
	json_decref(config);
	service_log_to(NULL);
	rc = json_array_size(errors) == 0 ? CTL_DONE : CTL_FAILED;
	if (c->json) {
		client_print_json(json_pack(
		    "{s:o, s:o}", "errors", errors, "warnings", warnings));
		return rc;
	}
	list_print("error", errors);
	list_print("warning", warnings);
	if (rc == CTL_DONE)
		(void)puts(json_array_size(warnings) == 0
			? "the configuration is good"
			: "the configuration is good, but for the warnings");
	json_decref(errors);
	json_decref(warnings);
	return rc;
}

/* ---- dump-config -------------------------------------------------------- */

int
cmd_dump_config(struct ctl *c, int argc, char **argv)
{
	json_t *o = json_pack("{s:s}", "request", "dump_config"), *answer;
	int rc;

	if (argc > 1) {
		json_decref(o);
		return CTL_USAGE;
	}
	if (argc == 1)
		(void)json_object_set_new(
		    o, "config_path", json_string(argv[0]));
	if ((rc = client_ask(c, o, &answer)) != CTL_DONE)
		return rc;
	if (c->json)
		client_print_json(answer);
	else
		json_decref(answer);
	return CTL_DONE;
}
