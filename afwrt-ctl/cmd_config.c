/* SPDX-License-Identifier: ISC */
/* check-config, dump-config: what is about a configuration file. */
#include <afwrt.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "control_unix.h"
#include "lib/conf.h"
#include "lib/notice.h"
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
found_notice(int level, const char *line, void *user)
{
	(void)user;
	found(level, line);
}

static void
sections_check(const json_t *config)
{
	const json_t *un = json_object_get(config, "ci_unix_domain");
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)config, name, v)
		if (strncmp(name, "ci_", 3) == 0 &&
		    strcmp(name, "ci_unix_domain") != 0 &&
		    strcmp(name, "ci_rest") != 0)
			service_log(4,
			    "configuration: unknown key \"%.64s\" ignored",
			    name);
	if (un != NULL && !json_is_object(un))
		service_log(
		    3, "configuration: \"ci_unix_domain\" must be an object");
	else if (un != NULL)
		(void)control_unix_check(un);
}

static void
config_check(const char *path)
{
	json_t *config = service_config_load(path);
	char *text;

	if (config == NULL)
		return;
	if ((text = service_config_text(config)) != NULL) {
		conf_check(text);
		explicit_bzero(text, strlen(text));
	}
	free(text);
	sections_check(config);
	json_decref(config);
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
	int rc;

	if (argc > 1)
		return CTL_USAGE;
	errors = json_array();
	warnings = json_array();
	service_log_to(found);
	notice_set(found_notice, NULL);
	config_check(argc == 1 ? argv[0] : c->config);
	notice_set(NULL, NULL);
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
		(void)puts("the configuration is good");
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
