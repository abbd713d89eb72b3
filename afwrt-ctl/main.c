/* SPDX-License-Identifier: ISC */
/*
 * afwrt-ctl: the command line and, as `run`, the service.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

static const struct verb {
	const char *name;
	const char *words;
	const char *help;
	int (*fn)(struct ctl *, int, char **);
} verbs[] = {
    {"run", "[FILE]", "be the service (default " CTL_CONFIG ")", cmd_run},
    {"status", "", "processes, routes and rules", cmd_status},
    {"locations", "", "what the backend offers", cmd_locations},
    {"protect", "ip|mac|iface KEY LOCATION", "route a device's traffic",
	cmd_protect},
    {"unprotect", "ip|mac|iface KEY", "no longer", cmd_unprotect},
    {"rules", "", "the rules in force", cmd_rules},
    {"up", "LOCATION [IFACE]", "set up a tunnel", cmd_up},
    {"down", "LOCATION", "tear it down", cmd_down},
    {"countries", "", "the countries of the locations", cmd_countries},
    {"events", "", "one JSON object a line, until interrupted", cmd_events},
    {"check-config", "[FILE]", "every error and unknown key in it",
	cmd_check_config},
    {"dump-config", "[FILE]", "write down rules and account as they are",
	cmd_dump_config},
    {"guard", "[FILE]", "block what a killswitch protects, before the start",
	cmd_guard},
    {"import", "FILE.conf [NAME]",
	"a wg-quick file becomes a location of the file: backend", cmd_import},
    {"unblock", "", "open what a killswitch or a crash left closed",
	cmd_unblock},
    {"requests", "", "what can be asked of the control interface",
	cmd_requests},
    {"version", "", "of library and command", cmd_version},
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void
usage(FILE *f)
{
	char line[64];
	size_t i;

	(void)fprintf(f,
	    "usage: afwrt-ctl [--socket PATH] [--config FILE] [--json] "
	    "VERB ...\n\n");
	for (i = 0; i < VERBS; i++) {
		(void)snprintf(
		    line, sizeof(line), "%s %s", verbs[i].name, verbs[i].words);
		(void)fprintf(f, "  %-38s %s\n", line, verbs[i].help);
	}
	(void)fprintf(f,
	    "\nexit codes: 0 done, 1 refused or failed, 2 wrong usage,\n"
	    "            3 service not running, 4 no permission\n");
}

/* Options may stand anywhere: getopt moves them to the front. */
static int
options(struct ctl *c, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"help", no_argument, NULL, 'h'},
	    {"json", no_argument, NULL, 'j'},
	    {"socket", required_argument, NULL, 's'},
	    {NULL, 0, NULL, 0},
	};
	int o;

	while ((o = getopt_long(argc, argv, "c:hjs:", longs, NULL)) != -1) {
		switch (o) {
		case 'h':
			usage(stdout);
			return CTL_DONE;
		case 'j':
			c->json = true;
			break;
		case 'c':
			c->config = optarg;
			c->config_given = true;
			break;
		case 's':
			c->socket = optarg;
			break;
		default:
			usage(stderr);
			return CTL_USAGE;
		}
	}
	return -1;
}

/* Under its former name without a verb it is the service. */
static bool
former_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return strcmp(slash != NULL ? slash + 1 : name, "afwrt-ci") == 0;
}

int
main(int argc, char **argv)
{
	bool former = former_name(argv[0]);
	struct ctl c = {.socket = CTL_SOCKET, .config = CTL_CONFIG};
	int rc = options(&c, argc, argv);
	size_t i;

	if (rc != -1)
		return rc;
	argc -= optind;
	argv += optind;
	for (i = 0; argc > 0 && i < VERBS; i++)
		if (strcmp(verbs[i].name, argv[0]) == 0) {
			rc = verbs[i].fn(&c, argc - 1, argv + 1);
			break;
		}
	if (former && rc == -1 && argc <= 1)
		return cmd_run(&c, argc, argv);
	if (rc == CTL_USAGE && i < VERBS)
		(void)fprintf(stderr, "usage: afwrt-ctl %s %s\n", verbs[i].name,
		    verbs[i].words);
	if (rc != -1)
		return rc;
	if (argc > 0)
		(void)fprintf(
		    stderr, "afwrt-ctl: unknown verb \"%s\"\n\n", argv[0]);
	usage(stderr);
	return CTL_USAGE;
}
