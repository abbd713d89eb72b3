/* SPDX-License-Identifier: ISC */
/*
 * afwrt-ctl: the command line and, as `run`, the service.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

#define WAIT_MAX 86400

/* Options that not every verb has. */
enum { OPT_WAIT = 1, OPT_TOKEN = 2, OPT_PASSWORD = 4 };

static const struct verb {
	const char *name;
	const char *words;
	const char *help;
	int (*fn)(struct ctl *, int, char **);
	unsigned int options;
} verbs[] = {
    {"run", "[FILE]", "be the service (default " CTL_CONFIG ")", cmd_run, 0},
    {"status", "", "processes, routes and rules", cmd_status, OPT_WAIT},
    {"locations", "", "what the backend offers", cmd_locations, 0},
    {"countries", "", "the countries of the locations", cmd_countries, 0},
    {"protect", "ip|mac|iface KEY LOCATION", "route a device's traffic",
	cmd_protect, OPT_WAIT},
    {"unprotect", "ip|mac|iface KEY", "no longer", cmd_unprotect, 0},
    {"rules", "", "the rules in force", cmd_rules, 0},
    {"up", "LOCATION [IFACE]", "set up a tunnel", cmd_up, OPT_WAIT},
    {"down", "LOCATION", "tear it down", cmd_down, 0},
    {"login", "METHOD", "register, with a token if METHOD needs one", cmd_login,
	OPT_WAIT | OPT_TOKEN},
    {"verify-user", "USER", "is a password valid?", cmd_verify_user,
	OPT_PASSWORD},
    {"events", "", "one JSON object a line, until interrupted", cmd_events, 0},
    {"metrics", "", "numbers, as text for Prometheus", cmd_metrics, 0},
    {"explain", "ADDRESS", "what happens to a packet from there, and why",
	cmd_explain, 0},
    {"check-config", "[FILE]", "every error and unknown key in it",
	cmd_check_config, 0},
    {"dump-config", "[FILE]", "write down rules and account as they are",
	cmd_dump_config, 0},
    {"guard", "[FILE]", "block what a killswitch protects, before the start",
	cmd_guard, 0},
    {"import", "FILE.conf [NAME]",
	"a wg-quick file becomes a location of the file: backend", cmd_import,
	0},
    {"support", "[FILE]", "one file for a bug report, secrets masked",
	cmd_support, 0},
    {"unblock", "", "open what a killswitch or a crash left closed",
	cmd_unblock, 0},
    {"requests", "", "what can be asked of the control interface", cmd_requests,
	0},
    {"version", "", "of library and command", cmd_version, 0},
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
	    "\n--wait SECONDS      status, protect, up, login: until the "
	    "tunnel is up\n"
	    "--token-file FILE   login: instead of standard input\n"
	    "--password-file FILE  verify-user: the same\n"
	    "\nexit codes: 0 done, 1 refused or failed, 2 wrong usage,\n"
	    "            3 service not running, 4 no permission\n");
}

static int
wait_read(struct ctl *c, const char *text)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || n < 1 ||
	    n > WAIT_MAX) {
		(void)fprintf(stderr,
		    "afwrt-ctl: --wait: \"%s\" is not a number of seconds from "
		    "1 to %d\n",
		    text, WAIT_MAX);
		return CTL_USAGE;
	}
	c->wait_s = (unsigned int)n;
	return -1;
}

static int
option(struct ctl *c, int o)
{
	switch (o) {
	case 'h':
		usage(stdout);
		return CTL_DONE;
	case 'j':
		c->json = true;
		return -1;
	case 'c':
		c->config = optarg;
		c->config_given = true;
		return -1;
	case 's':
		c->socket = optarg;
		return -1;
	case 't':
		c->token_file = optarg;
		return -1;
	case 'p':
		c->password_file = optarg;
		return -1;
	case 'w':
		return wait_read(c, optarg);
	default:
		usage(stderr);
		return CTL_USAGE;
	}
}

/* Options may stand anywhere: getopt moves them to the front. */
static int
options(struct ctl *c, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"help", no_argument, NULL, 'h'},
	    {"json", no_argument, NULL, 'j'},
	    {"password-file", required_argument, NULL, 'p'},
	    {"socket", required_argument, NULL, 's'},
	    {"token-file", required_argument, NULL, 't'},
	    {"wait", required_argument, NULL, 'w'},
	    {NULL, 0, NULL, 0},
	};
	int o, rc = -1;

	while (rc == -1 &&
	    (o = getopt_long(argc, argv, "c:hjs:w:", longs, NULL)) != -1)
		rc = option(c, o);
	return rc;
}

/* 0, or an option was given that the verb has not (said). */
static int
options_check(const struct ctl *c, const struct verb *v)
{
	const char *wrong = NULL;

	if (c->wait_s != 0 && (v->options & OPT_WAIT) == 0)
		wrong = "--wait";
	if (c->token_file != NULL && (v->options & OPT_TOKEN) == 0)
		wrong = "--token-file";
	if (c->password_file != NULL && (v->options & OPT_PASSWORD) == 0)
		wrong = "--password-file";
	if (wrong == NULL)
		return 0;
	(void)fprintf(
	    stderr, "afwrt-ctl: %s: there is no %s\n", v->name, wrong);
	return CTL_USAGE;
}

static int
verb_do(struct ctl *c, const struct verb *v, int argc, char **argv)
{
	int rc = options_check(c, v);

	if (rc == 0)
		rc = v->fn(c, argc, argv);
	if (rc == CTL_USAGE)
		(void)fprintf(
		    stderr, "usage: afwrt-ctl %s %s\n", v->name, v->words);
	return rc;
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
		if (strcmp(verbs[i].name, argv[0]) == 0)
			return verb_do(&c, &verbs[i], argc - 1, argv + 1);
	if (former && argc <= 1)
		return cmd_run(&c, argc, argv);
	if (argc > 0)
		(void)fprintf(
		    stderr, "afwrt-ctl: unknown verb \"%s\"\n\n", argv[0]);
	usage(stderr);
	return CTL_USAGE;
}
