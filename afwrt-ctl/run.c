/* SPDX-License-Identifier: ISC */
/*
 * `afwrt-ctl run`: the service. An application of libafwrt-client like any
 * other: it reads a configuration file, starts the suite, and offers one
 * control interface. Everything happens in one libevent loop.
 */
#include <afwrt.h>

#include <event2/event.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "async.h"
#include "control_unix.h"
#include "dump.h"
#include "keeper.h"
#include "service.h"

#define CONFIG_MAX (1024 * 1024)
#define USER       "_afwrt"

static struct event_base *base;
static struct event *suite_event;
static bool running, stopping;
static int exit_code;
static void (*log_to)(int, const char *);

void
service_log_to(void (*fn)(int, const char *))
{
	log_to = fn;
}

void
service_log(int level, const char *fmt, ...)
{
	static const char *const names[] = {"emerg", "alert", "crit", "error",
	    "warn", "notice", "info", "debug"};
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (log_to != NULL) {
		log_to(level, line);
		return;
	}
	(void)fprintf(stderr, "%-6s %s\n", names[level & 7], line);
}

static void
library_log(int level, const char *line, void *user)
{
	(void)user;
	service_log(level, "%s", line);
}

/* ---- configuration ----------------------------------------------------- */

int
service_config_error(const char *section, const char *key, const char *what)
{
	service_log(3, "configuration: \"%s\": \"%s\" %s", section, key, what);
	return -1;
}

int
service_flag(
    const json_t *section, const char *name, const char *key, bool *value)
{
	const json_t *v = json_object_get(section, key);
	json_int_t n = json_integer_value(v);

	if (v == NULL)
		return 0;
	if (!json_is_boolean(v) && (!json_is_integer(v) || n < 0 || n > 1))
		return service_config_error(name, key, "must be 0 or 1");
	*value = json_is_true(v) || n == 1;
	return 0;
}

json_t *
service_config_load(const char *path)
{
	json_error_t e;
	json_t *o = json_load_file(path, JSON_REJECT_DUPLICATES, &e);

	if (o == NULL)
		service_log(3, "%s: line %d, column %d: %s", path, e.line,
		    e.column, e.text);
	else if (!json_is_object(o))
		service_log(3, "%s: not a JSON object", path);
	else
		return o;
	json_decref(o);
	return NULL;
}

/* The library's part of it as text: without our sections. */
char *
service_config_text(const json_t *config)
{
	json_t *o = json_copy((json_t *)(uintptr_t)config), *v;
	const char *key;
	char *text;
	void *next;

	json_object_foreach_safe(o, next, key,
	    v) if (strncmp(key, "ci_", 3) == 0)(void) json_object_del(o, key);
	if (json_object_get(o, "reconnect") == NULL)
		(void)json_object_set_new(o, "reconnect", json_string("auto"));
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

/* 1 the socket listens, 0 there is no interface, -1 an error. */
static int
control_open(const json_t *config)
{
	const json_t *un = json_object_get(config, "ci_unix_domain");
	bool disabled = false;

	if (json_object_get(config, "ci_rest") != NULL)
		service_log(4,
		    "configuration: \"ci_rest\" is not available "
		    "in this version, ignored");
	if (un == NULL)
		return 0;
	if (!json_is_object(un)) {
		service_log(
		    3, "configuration: \"ci_unix_domain\" must be an object");
		return -1;
	}
	if (service_flag(un, "ci_unix_domain", "disabled", &disabled) == -1)
		return -1;
	if (disabled)
		return 0;
	return control_unix_open(un) == -1 ? -1 : 1;
}

/* ---- the suite --------------------------------------------------------- */

static void
library_event(const char *json)
{
	dump_event(json);
	control_unix_event(json);
}

/* The run has ended by itself; rc and errno of afwrt_dispatch. */
static void
run_ended(int rc)
{
	running = false;
	if (rc == -1 && errno == EACCES && !stopping) {
		service_log(3, "service: %s; waiting for a registration",
		    afwrt_last_error());
		return;
	}
	if (rc == -1) {
		service_log(3, "service: %s", afwrt_last_error());
		exit_code = CTL_FAILED;
	}
	(void)event_base_loopbreak(base);
}

static void
suite_cb(evutil_socket_t fd, short what, void *arg)
{
	int rc;

	(void)fd;
	(void)what;
	(void)arg;
	if ((rc = afwrt_dispatch()) != 0)
		run_ended(rc);
	if (!running)
		(void)event_del(suite_event);
}

static int
suite_start(void)
{
	int fd = afwrt_get_fd();

	if (fd == -1) {
		service_log(3, "service: %s", afwrt_last_error());
		return -1;
	}
	if (suite_event == NULL)
		suite_event =
		    event_new(base, fd, EV_READ | EV_PERSIST, suite_cb, NULL);
	if (suite_event == NULL || event_add(suite_event, NULL) == -1)
		return -1;
	running = true;
	return 0;
}

void
service_registered(void)
{
	if (!running && !stopping)
		(void)suite_start();
}

static void
signal_cb(evutil_socket_t number, short what, void *arg)
{
	(void)what;
	(void)arg;
	service_log(6, "service: signal %d, stopping", (int)number);
	if (running && !stopping)
		(void)afwrt_stop();
	else
		(void)event_base_loopbreak(base);
	stopping = true;
}

/* ---- life -------------------------------------------------------------- */

/* What is left to do needs no privilege, or is the keeper's. */
static int
privilege_drop(void)
{
	const struct passwd *pw;

	if ((pw = getpwnam(USER)) == NULL) {
		service_log(
		    4, "service: there is no user " USER ", staying root");
		return 0;
	}
	if (setgroups(0, NULL) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1 ||
	    setuid(0) == 0) {
		service_log(
		    3, "service: cannot become " USER ": %s", strerror(errno));
		return -1;
	}
	return 0;
}

static int
suite_init(const json_t *config)
{
	char *text = service_config_text(config);
	int rc = -1;

	afwrt_set_log_callback(library_log, NULL);
	if (text != NULL && (rc = afwrt_init(text, library_event)) == -1)
		service_log(3, "service: %s", afwrt_last_error());
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
	return rc;
}

/* With the control socket open: the suite, until a signal. */
static void
serve(const json_t *config, bool control)
{
	exit_code = CTL_FAILED;
	if (keeper_start(dump_path(), control_unix_path(), async_path()) ==
	    -1) {
		service_log(3, "service: keeper: %s", strerror(errno));
		return;
	}
	if (suite_init(config) == -1)
		return;
	if (privilege_drop() == 0 &&
	    (!control || control_unix_start(base) == 0) && suite_start() == 0) {
		exit_code = CTL_DONE;
		(void)event_base_dispatch(base);
	}
	if (afwrt_deinit() == -1) {
		service_log(3, "service: %s", afwrt_last_error());
		exit_code = CTL_FAILED;
	}
}

static struct event *
signal_add(int number)
{
	struct event *e = evsignal_new(base, number, signal_cb, NULL);

	if (e != NULL)
		(void)event_add(e, NULL);
	return e;
}

int
cmd_run(struct ctl *c, int argc, char **argv)
{
	const char *path = argc > 0 ? argv[0] : c->config;
	struct event *term, *intr;
	json_t *config;
	int control;

	if (argc > 1)
		return CTL_USAGE;
	if (geteuid() != 0) {
		service_log(3, "service: only root can run it");
		return CTL_NO_PERMISSION;
	}
	if ((config = service_config_load(path)) == NULL)
		return CTL_FAILED;
	(void)signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	dump_begin(path, config); /* it has the reference */
	if (base == NULL || (control = control_open(config)) == -1) {
		dump_forget();
		return CTL_FAILED;
	}
	term = signal_add(SIGTERM);
	intr = signal_add(SIGINT);
	serve(config, control == 1);
	control_unix_close();
	keeper_stop();
	dump_forget();
	if (suite_event != NULL)
		event_free(suite_event);
	event_free(term);
	event_free(intr);
	event_base_free(base);
	return exit_code;
}
