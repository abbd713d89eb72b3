/* SPDX-License-Identifier: ISC */
/*
 * `afwrt-ctl run`: the service. An application of libafwrt-client like any
 * other: it reads a configuration file, starts the suite, and offers one
 * control interface. Everything happens in one libevent loop.
 */
#include <afwrt.h>

#include <event2/event.h>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

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
#include "control_change.h"
#include "control_unix.h"
#include "dump.h"
#include "history.h"
#include "keeper.h"
#include "lib/spawn.h"
#include "metrics.h"
#include "notify.h"
#include "passed.h"
#include "reload.h"
#include "service.h"
#include "worker.h"

#define USER "_afwrt"

static struct event_base *base;
static struct event *suite_event;
static bool running, stopping;
static int exit_code;
static void (*log_to)(int, const char *);

static uid_t starter;
static bool in_syslog;

uid_t
service_starter(void)
{
	return starter;
}

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

/* As systemd.exec(5) has it: "device:inode" of the journal's end. */
static bool
is_journal(int fd)
{
	const char *s = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return s != NULL && sscanf(s, "%llu:%llu", &dev, &ino) == 2 &&
	    fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* Whether standard error ends where syslog does; procd's pipe, which has
 * nothing to know it by, is named by the init script. */
static bool
is_syslog(int fd)
{
	const char *s = getenv("AFWRT_STDERR");

	return (s != NULL && strcmp(s, "syslog") == 0) || is_journal(fd);
}

/* There the suite's lines are from afwrtd, by syslog; those of the library
 * itself are not. */
static void
library_log(int level, const char *line, void *user)
{
	(void)user;
	if (!in_syslog || strncmp(line, "lib: ", 5) == 0)
		service_log(level, "%s", line);
}

/* ---- the suite --------------------------------------------------------- */

/* The manager's line about us: the last thing that happened to a route. */
static void
status_tell(const char *json)
{
	const char *event, *why;
	json_t *o;

	if (strstr(json, "\"route_") == NULL ||
	    (o = json_loads(json, 0, NULL)) == NULL)
		return;
	event = json_string_value(json_object_get(o, "event"));
	why = json_string_value(json_object_get(o, "reason_details"));
	if (event != NULL && strncmp(event, "route_", 6) == 0)
		notify_status("%s: %s%s%s",
		    json_string_value(json_object_get(o, "route_name")),
		    event + 6, why != NULL ? ": " : "", why != NULL ? why : "");
	json_decref(o);
}

static void
library_event(const char *json)
{
	dump_event(json);
	history_event(json);
	control_unix_event(json);
	status_tell(json);
}

/* The run has ended by itself; rc and errno of afwrt_dispatch. */
static void
run_ended(int rc)
{
	running = false;
	if (rc == -1 && errno == EACCES && !stopping) {
		service_log(3, "service: %s; waiting for a registration",
		    afwrt_last_error());
		notify_status("waiting for a registration");
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
	notify_stopping();
	if (running && !stopping)
		(void)afwrt_stop();
	else
		(void)event_base_loopbreak(base);
	stopping = true;
}

static void
hangup_cb(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	(void)arg;
	if (stopping)
		return;
	notify_reloading();
	reload_now();
	notify_reloaded();
}

/* ---- life -------------------------------------------------------------- */

/* The kernel does that only for who was root. */
static int
capabilities_drop(void)
{
	struct __user_cap_header_struct h = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

	return (int)syscall(SYS_capset, &h, none);
}

/* What is left to do needs no privilege, or is the keeper's. */
static int
privilege_drop(void)
{
	const struct passwd *pw;

	if ((pw = getpwnam(USER)) == NULL) {
		service_log(4, "service: there is no user " USER ", staying %s",
		    geteuid() == 0 ? "root" : "who it is");
		return geteuid() == 0 ? 0 : capabilities_drop();
	}
	if (setgroups(0, NULL) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    capabilities_drop() == -1 || setuid(0) == 0) {
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

/* With the control interface open: the suite, until a signal. */
static void
serve(const json_t *config)
{
	exit_code = CTL_FAILED;
	if (keeper_start(dump_path(), control_unix_path(),
		control_unix_passed(), async_path()) == -1) {
		service_log(3, "service: keeper: %s", strerror(errno));
		return;
	}
	if (suite_init(config) == -1)
		return;
	if (privilege_drop() == 0 && worker_start(base) == 0 &&
	    control_start(base) == 0 && suite_start() == 0) {
		exit_code = CTL_DONE;
		notify_ready(base);
		(void)event_base_dispatch(base);
	}
	notify_stopping();
	worker_close();
	if (afwrt_deinit() == -1) {
		service_log(3, "service: %s", afwrt_last_error());
		exit_code = CTL_FAILED;
	}
	worker_stop();
}

static struct event *
signal_add(int number, void (*fn)(evutil_socket_t, short, void *))
{
	struct event *e = evsignal_new(base, number, fn, NULL);

	if (e != NULL)
		(void)event_add(e, NULL);
	return e;
}

static void
serve_with_signals(const json_t *config)
{
	struct event *events[] = {signal_add(SIGTERM, signal_cb),
	    signal_add(SIGINT, signal_cb), signal_add(SIGHUP, hangup_cb)};
	size_t i;

	notify_open();
	serve(config);
	control_close();
	keeper_stop();
	notify_close();
	if (suite_event != NULL)
		event_free(suite_event);
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i] != NULL)
			event_free(events[i]);
}

int
cmd_run(struct ctl *c, int argc, char **argv)
{
	const char *path = argc > 0 ? argv[0] : c->config;
	const char *lacks;
	json_t *config;

	if (argc > 1)
		return CTL_USAGE;
	starter = geteuid();
	in_syslog = is_syslog(STDERR_FILENO);
	if ((lacks = spawn_lacks()) != NULL) {
		service_log(3,
		    "service: only root can run it, or who has the ambient "
		    "capability %s",
		    lacks);
		return CTL_NO_PERMISSION;
	}
	if ((config = service_config_load(path)) == NULL)
		return CTL_FAILED;
	(void)signal(SIGPIPE, SIG_IGN);
	metrics_begin();
	passed_take();
	base = event_base_new();
	dump_begin(path, config); /* it has the reference */
	reload_begin(config);
	exit_code = CTL_FAILED;
	if (base != NULL && control_open(config) == 0)
		serve_with_signals(config);
	reload_forget();
	dump_forget();
	history_forget();
	if (base != NULL)
		event_base_free(base);
	return exit_code;
}
