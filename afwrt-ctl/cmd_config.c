/* SPDX-License-Identifier: ISC */
/* check-config, dump-config, unblock: what is about a configuration file. */
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

/* ---- unblock ------------------------------------------------------------ */

/* What says where a suite has put its things; all else is left out. */
static const char *const numbers[] = {"tun_ifname", "wan_ifname", "tun_addr",
    "tun_mtu", "tun_dev_path", "default_gateway", "no_iptables",
    "no_socket_setup", "lan_bypass", "fwmark", "fwmark_mask", "route_table",
    "rule_priority", "config_dir", "log_level"};

/* A configuration that blocks nothing and asks nobody. NULL: no file. */
static json_t *
unblock_config(const char *path, bool given)
{
	json_t *o, *file = NULL, *v;
	size_t i;

	if ((given || access(path, F_OK) == 0) &&
	    (file = service_config_load(path)) == NULL)
		return NULL;
	o = json_pack("{s:s, s:s, s:s, s:s, s:i}", "tun_ifname", "wrt0",
	    "wan_ifname", "auto", "backend", "http://127.0.0.1:1", "log_level",
	    "warn", "killswitch", 0);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if ((v = json_object_get(file, numbers[i])) != NULL)
			(void)json_object_set(o, numbers[i], v);
	json_decref(file);
	return o;
}

static void
line_print(int level, const char *line, void *user)
{
	(void)user;
	if (level <= 4)
		(void)fprintf(stderr, "afwrt-ctl: %s\n", line);
}

/* Starting puts "no rules" in force, the end in order takes all away. */
static int
unblock(const char *text)
{
	afwrt_set_log_callback(line_print, NULL);
	if (afwrt_init(text, NULL) == 0 && afwrt_deinit() == 0)
		return CTL_DONE;
	(void)fprintf(stderr, "afwrt-ctl: %s\n", afwrt_last_error());
	return CTL_FAILED;
}

int
cmd_unblock(struct ctl *c, int argc, char **argv)
{
	json_t *config;
	char *text;
	int rc;

	(void)argv;
	if (argc != 0)
		return CTL_USAGE;
	if (geteuid() != 0) {
		(void)fprintf(stderr, "afwrt-ctl: only root can do that\n");
		return CTL_NO_PERMISSION;
	}
	if (client_is_running(c)) {
		(void)fprintf(stderr,
		    "afwrt-ctl: the service is running: stop it first\n");
		return CTL_FAILED;
	}
	config = unblock_config(c->config, c->config_given);
	if (config == NULL)
		return CTL_FAILED;
	text = json_dumps(config, JSON_COMPACT);
	json_decref(config);
	rc = text == NULL ? CTL_FAILED : unblock(text);
	free(text);
	if (rc == CTL_DONE && c->json)
		client_print_json(json_pack("{s:b}", "unblocked", 1));
	return rc;
}
