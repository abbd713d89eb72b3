/* SPDX-License-Identifier: ISC */
/*
 * guard, unblock: what is on the system while no service runs. Both start the
 * suite by the library and end it in order: with a killswitch everything that
 * is protected then stays blocked, without one nothing is left. Nobody is
 * asked for anything in between, and no tunnel is made.
 */
#include <afwrt.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "service.h"

/* What says where a suite has put its things. */
static const char *const numbers[] = {"tun_ifname", "wan_ifname", "tun_addr",
    "tun_mtu", "tun_dev_path", "default_gateway", "no_iptables",
    "no_socket_setup", "lan_bypass", "fwmark", "fwmark_mask", "route_table",
    "rule_priority", "config_dir", "log_level", NULL};
/* What says whom it protects. */
static const char *const rules[] = {"protected_ip_addrs", "protected_mac_addrs",
    "protected_ifaces", "dns", "type", "wireguard_routing", NULL};

static void
keys_take(json_t *to, const json_t *from, const char *const *keys)
{
	json_t *v;

	for (; *keys != NULL; keys++)
		if ((v = json_object_get(from, *keys)) != NULL)
			(void)json_object_set(to, *keys, v);
}

/* A configuration that asks nobody, and has only what is above. */
static json_t *
quiet_config(const json_t *file, bool block)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:b}", "tun_ifname", "wrt0",
	    "wan_ifname", "auto", "backend", "http://127.0.0.1:1", "log_level",
	    "warn", "killswitch", block);

	keys_take(o, file, numbers);
	if (block)
		keys_take(o, file, rules);
	return o;
}

static void
line_print(int level, const char *line, void *user)
{
	(void)user;
	if (level <= 4)
		(void)fprintf(stderr, "afwrt-ctl: %s\n", line);
}

/* From the start to the end in order; takes the configuration. */
static int
start_and_end(json_t *config)
{
	char *text = json_dumps(config, JSON_COMPACT);
	int rc = CTL_FAILED;

	json_decref(config);
	if (text == NULL)
		return CTL_FAILED;
	afwrt_set_log_callback(line_print, NULL);
	if (afwrt_init(text, NULL) == 0 && afwrt_deinit() == 0)
		rc = CTL_DONE;
	else
		(void)fprintf(stderr, "afwrt-ctl: %s\n", afwrt_last_error());
	free(text);
	return rc;
}

/* The socket that a service of this configuration has. */
static bool
service_runs(const struct ctl *c, const json_t *file)
{
	const json_t *un = json_object_get(file, "ci_unix_domain");
	const char *sock = json_string_value(json_object_get(un, "sock"));
	struct ctl named = *c;

	if (sock != NULL)
		named.socket = sock;
	return client_is_running(c) || client_is_running(&named);
}

static int
running(const struct ctl *c, const json_t *file)
{
	if (!service_runs(c, file))
		return CTL_DONE;
	(void)fprintf(
	    stderr, "afwrt-ctl: the service is running: stop it first\n");
	return CTL_FAILED;
}

static int
answer(const struct ctl *c, const char *what, bool value)
{
	if (c->json)
		client_print_json(json_pack("{s:b}", what, value));
	return CTL_DONE;
}

/* ---- guard -------------------------------------------------------------- */

static int
guard(const struct ctl *c, const json_t *file)
{
	bool on = false;
	int rc;

	if (service_flag(file, "(top)", "killswitch", &on) == -1)
		return CTL_FAILED;
	if (!on) {
		(void)fprintf(stderr,
		    "afwrt-ctl: \"killswitch\" is 0: nothing is blocked\n");
		return answer(c, "guarded", false);
	}
	if ((rc = running(c, file)) != CTL_DONE ||
	    (rc = start_and_end(quiet_config(file, true))) != CTL_DONE)
		return rc;
	return answer(c, "guarded", true);
}

int
cmd_guard(struct ctl *c, int argc, char **argv)
{
	json_t *file;
	int rc;

	if (argc > 1)
		return CTL_USAGE;
	if ((rc = client_may_start()) != CTL_DONE)
		return rc;
	file = service_config_load(argc == 1 ? argv[0] : c->config);
	if (file == NULL)
		return CTL_FAILED;
	rc = guard(c, file);
	json_decref(file);
	return rc;
}

/* ---- unblock ------------------------------------------------------------ */

int
cmd_unblock(struct ctl *c, int argc, char **argv)
{
	json_t *file = NULL;
	int rc;

	(void)argv;
	if (argc != 0)
		return CTL_USAGE;
	if ((rc = client_may_start()) != CTL_DONE)
		return rc;
	if ((c->config_given || access(c->config, F_OK) == 0) &&
	    (file = service_config_load(c->config)) == NULL)
		return CTL_FAILED;
	if ((rc = running(c, file)) == CTL_DONE)
		rc = start_and_end(quiet_config(file, false));
	json_decref(file);
	return rc == CTL_DONE ? answer(c, "unblocked", true) : rc;
}
