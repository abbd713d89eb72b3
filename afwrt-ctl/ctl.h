/* SPDX-License-Identifier: ISC */
#ifndef CTL_H
#define CTL_H

#include <jansson.h>

#include <stdbool.h>

#define CTL_CONFIG  "/etc/afwrt/afwrt-ci.conf"
#define CTL_SOCKET  "/var/run/afwrt-ci.sock"
#define CTL_REQUEST (64 * 1024)       /* longest request, bytes */
#define CTL_ANSWER  (2 * 1024 * 1024) /* longest answer */

/* Exit codes. */
enum ctl_exit {
	CTL_DONE,
	CTL_FAILED,
	CTL_USAGE,
	CTL_NOT_RUNNING,
	CTL_NO_PERMISSION,
};

/* "status" of an answer. */
enum ctl_status {
	CTL_ST_INTERNAL = -1,
	CTL_ST_OK,
	CTL_ST_CONFIG,
	CTL_ST_UNKNOWN,
	CTL_ST_PARAMETER,
	CTL_ST_VPN,
};

/* What the command line says before the verb's own words. */
struct ctl {
	const char *socket, *config;
	bool config_given;
	bool json;
	unsigned int wait_s; /* 0: do not */
	const char *token_file, *password_file;
};

/* A verb: its words follow it in argv; an exit code. */
int cmd_run(struct ctl *c, int argc, char **argv);
int cmd_status(struct ctl *c, int argc, char **argv);
int cmd_locations(struct ctl *c, int argc, char **argv);
int cmd_countries(struct ctl *c, int argc, char **argv);
int cmd_protect(struct ctl *c, int argc, char **argv);
int cmd_unprotect(struct ctl *c, int argc, char **argv);
int cmd_rules(struct ctl *c, int argc, char **argv);
int cmd_up(struct ctl *c, int argc, char **argv);
int cmd_down(struct ctl *c, int argc, char **argv);
int cmd_events(struct ctl *c, int argc, char **argv);
int cmd_check_config(struct ctl *c, int argc, char **argv);
int cmd_dump_config(struct ctl *c, int argc, char **argv);
int cmd_guard(struct ctl *c, int argc, char **argv);
int cmd_import(struct ctl *c, int argc, char **argv);
int cmd_unblock(struct ctl *c, int argc, char **argv);
int cmd_login(struct ctl *c, int argc, char **argv);
int cmd_verify_user(struct ctl *c, int argc, char **argv);
int cmd_metrics(struct ctl *c, int argc, char **argv);
int cmd_explain(struct ctl *c, int argc, char **argv);
int cmd_support(struct ctl *c, int argc, char **argv);
int cmd_requests(struct ctl *c, int argc, char **argv);
int cmd_version(struct ctl *c, int argc, char **argv);

#endif
