/* SPDX-License-Identifier: ISC */
/* start, stop, the callback, and an application with a loop of its own. */
#include "client_test.h"

#include <afwrt.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONNECTED    "{\"event\":\"route_connected\",\"route_name\":\"us\"}"
#define DISCONNECTED "{\"event\":\"route_disconnected\",\"route_name\":\"us\"}"

static void
setup(void)
{
	fake_install("");
	ck_does(afwrt_init(CONFIG, event_keep));
}

static void
teardown(void)
{
	ck_does(afwrt_deinit());
	fake_remove();
}

START_TEST(start_stop_start)
{
	int i;

	for (i = 0; i < 3; i++) {
		events_clear();
		runner_begin();
		events_await(CONNECTED);
		events_await(
		    "{\"event\":\"bandwidth_info\","
		    "\"bandwidth_info\":[{\"data_interval_ms\":100,"
		    "\"n_points\":5,\"points_downstream\":1000,"
		    "\"points_upstream\":10,\"route_name\":\"us\"},"
		    "{\"data_interval_ms\":100,\"n_points\":5,"
		    "\"points_downstream\":1000,\"points_upstream\":10,"
		    "\"route_name\":\"de\"}]}");
		ck_fails(afwrt_start(), EALREADY);
		ck_fails(afwrt_get_fd(), EALREADY);
		ck_fails(afwrt_dispatch(), EALREADY);
		ck_assert_int_eq(afwrt_stop(), 0);
		ck_assert_int_eq(runner_end(NULL), 0);
		ck_assert(events_have(DISCONNECTED));
		/* nothing runs: forgotten */
		ck_assert_int_eq(afwrt_stop(), 0);
	}
	ck_assert_int_eq(fake_seen("RUN"), 3);
	ck_assert_int_eq(fake_seen("STOP"), 3);
}
END_TEST

START_TEST(stop_before_start)
{
	ck_assert_int_eq(afwrt_stop(), 0);
	ck_does(afwrt_start());
	events_clear();
	runner_begin();
	events_await(CONNECTED);
	ck_assert_int_eq(afwrt_stop(), 0);
	ck_assert_int_eq(runner_end(NULL), 0);
}
END_TEST

static void
on_signal(int s)
{
	(void)s;
	(void)afwrt_stop();
}

START_TEST(stop_from_signal)
{
	struct sigaction sa = {.sa_handler = on_signal};

	(void)sigaction(SIGALRM, &sa, NULL);
	(void)ualarm(50000, 0);
	ck_does(afwrt_start());
}
END_TEST

/* ---- from the callback ------------------------------------------------- */

static int callback_errors;

static void
busy_callback(const char *json)
{
	int i;

	if (strcmp(json, CONNECTED) == 0) {
		for (i = 0; i < 20; i++)
			callback_errors +=
			    afwrt_protect_ip_addr("10.0.0.1", "us") != 0;
		callback_errors +=
		    afwrt_protect_ip_addr("10.0.0.2", "flood") != 0;
		callback_errors += afwrt_deinit() != -1 || errno != EDEADLK;
		callback_errors += afwrt_dispatch() != -1 || errno != EDEADLK;
		callback_errors += afwrt_start() != -1 || errno != EALREADY;
		(void)afwrt_stop();
	}
	event_keep(json);
}

START_TEST(calls_from_callback)
{
	ck_does(afwrt_deinit());
	ck_does(afwrt_init(CONFIG, busy_callback));
	ck_does(afwrt_start());
	ck_assert_int_eq(callback_errors, 0);
	/* of 2000 the last are there, and the one that nothing overtook */
	ck_assert(events_have(
	    "{\"event\":\"route_disconnected\",\"route_name\":\"early\"}"));
	ck_assert(events_have(
	    "{\"event\":\"route_disconnected\",\"route_name\":\"flood\"}"));
	ck_assert(events_have(DISCONNECTED));
}
END_TEST

/* ---- how a run ends ---------------------------------------------------- */

static void
restart_with(const char *location)
{
	char json[256];

	ck_does(afwrt_deinit());
	(void)snprintf(json, sizeof(json),
	    "{\"tun_ifname\":\"wrt0\","
	    "\"wan_ifname\":\"eth1\",\"vl_default\":\"%s\"}",
	    location);
	ck_does(afwrt_init(json, event_keep));
}

START_TEST(run_fails)
{
	restart_with("no-wan");
	ck_fails(afwrt_start(), ENODEV);
	ck_assert_str_eq(
	    afwrt_last_error(), "the VPN has ended: wan0 did not appear");
	restart_with("refused");
	ck_fails(afwrt_start(), EACCES);
	ck_assert(events_have("{\"event\":\"invalid_auth\","
			      "\"reason_details\":\"USER_SUSPENDED\"}"));
}
END_TEST

START_TEST(suite_dies)
{
	int e, pid;

	runner_begin();
	events_await(CONNECTED);
	ck_assert_int_eq(sscanf(fake_file("report"), "pid %d", &pid), 1);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(runner_end(&e), -1);
	ck_assert_int_eq(e, EPIPE);
}
END_TEST

START_TEST(deinit_stops_start)
{
	runner_begin();
	events_await(CONNECTED);
	ck_does(afwrt_deinit());
	ck_assert_int_eq(runner_end(NULL), 0);
	ck_assert(events_have(DISCONNECTED));
	ck_does(afwrt_init(CONFIG, NULL));
}
END_TEST

/* ---- an own loop ------------------------------------------------------- */

static int
own_loop(int fd, const char *until)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int rc = 0;

	while (rc == 0 && (until == NULL || !events_have(until))) {
		ck_assert_int_eq(poll(&p, 1, 5000), 1);
		rc = afwrt_dispatch();
	}
	return rc;
}

START_TEST(own_loops)
{
	int fd = afwrt_get_fd(), i;

	ck_assert_int_ge(fd, 0);
	for (i = 0; i < 2; i++) {
		events_clear();
		ck_assert_int_eq(afwrt_get_fd(), fd);
		ck_assert_int_eq(own_loop(fd, CONNECTED), 0);
		ck_fails(afwrt_start(), EALREADY);
		/* events that a call has read wake the loop too */
		ck_does(afwrt_protect_ip_addr("10.0.0.1", "flood"));
		ck_assert_int_eq(own_loop(fd,
				     "{\"event\":\"route_disconnected\","
				     "\"route_name\":\"flood\"}"),
		    0);
		ck_assert_int_eq(afwrt_stop(), 0);
		ck_assert_int_eq(own_loop(fd, NULL), 1);
		ck_assert(events_have(DISCONNECTED));
	}
}
END_TEST

/* ---- log --------------------------------------------------------------- */

static char logged[2048];

static void
log_keep(int level, const char *line, void *user)
{
	ck_assert_ptr_eq(user, logged);
	ck_assert_int_ge(level, 0);
	(void)strncat(logged, line, sizeof(logged) - strlen(logged) - 2);
	(void)strcat(logged, "\n");
}

START_TEST(log_lines)
{
	ck_does(afwrt_deinit());
	afwrt_set_log_callback(log_keep, logged);
	ck_does(afwrt_init("{\"tun_ifname\":\"wrt0\",\"wan_ifname\":\"eth1\","
			   "\"vl_default\":\"us\",\"colour\":1}",
	    event_keep));
	ck_assert_ptr_nonnull(
	    strstr(logged, "unknown key \"colour\" ignored\n"));
	runner_begin();
	events_await(CONNECTED);
	ck_assert_int_eq(afwrt_stop(), 0);
	ck_assert_int_eq(runner_end(NULL), 0);
	ck_assert_ptr_nonnull(strstr(logged, "fake: running\n"));
	afwrt_set_log_callback(NULL, NULL);
}
END_TEST

/* A log callback that fails at something and asks the library, as one that
 * writes to a file may: afwrt_start's error is still that of the run. */
static void
log_spoil(int level, const char *line, void *user)
{
	(void)level;
	(void)line;
	(*(unsigned int *)user)++;
	ck_assert_int_eq(afwrt_protect_ip_addr("nonsense", "us"), -1);
	errno = ENOSPC;
}

START_TEST(log_callback_spoils_errno)
{
	unsigned int lines = 0;

	restart_with("refused");
	afwrt_set_log_callback(log_spoil, &lines);
	ck_fails(afwrt_start(), EACCES);
	ck_assert_str_eq(
	    afwrt_last_error(), "the VPN has ended: USER_SUSPENDED");
	ck_assert_uint_ge(lines, 1);
	afwrt_set_log_callback(NULL, NULL);
}
END_TEST

TCase *
loop_case(void)
{
	TCase *c = tcase_create("loop");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, start_stop_start);
	tcase_add_test(c, stop_before_start);
	tcase_add_test(c, stop_from_signal);
	tcase_add_test(c, calls_from_callback);
	tcase_add_test(c, run_fails);
	tcase_add_test(c, suite_dies);
	tcase_add_test(c, deinit_stops_start);
	tcase_add_test(c, own_loops);
	tcase_add_test(c, log_lines);
	tcase_add_test(c, log_callback_spoils_errno);
	return c;
}
