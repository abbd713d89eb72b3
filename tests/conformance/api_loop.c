/* SPDX-License-Identifier: ISC */
/*
 * How an application runs the suite: blocking, with poll, with libevent, from
 * many threads, from the callback, from a signal handler.
 */
#include "conform.h"

#include <sys/time.h>

#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

START_TEST(start_blocks_until_stop)
{
	int i;

	begin("");
	for (i = 0; i < 3; i++) {
		events_clear();
		ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
		run_begin();
		await_exit("phone", YORK);
		(void)event_await("route_connected", YORK, 0, 5);
		ck_fails(afwrt_start(), EALREADY);
		ck_fails(afwrt_get_fd(), EALREADY);
		ck_fails(afwrt_dispatch(), EALREADY);
		run_stop();
		ck_assert_int_eq(afwrt_stop(), 0);
	}
}
END_TEST

/* "0 means: this device's traffic is captured from now on", before start too */
START_TEST(rules_capture_before_start)
{
	begin("");
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	ck_assert_str_ne(lab("seen phone"), "direct");
	ck_assert_str_eq(lab("seen tv"), "direct");
	run_begin();
	await_exit("phone", YORK);
	run_stop();
	await_exit("phone", "direct");
}
END_TEST

START_TEST(start_without_the_uplink)
{
	long long at;

	begin("{\"wan_ifname\":\"wan9\",\"wan_wait\":0}");
	ck_fails(afwrt_start(), ENODEV);
	ck_assert_ptr_nonnull(strstr(afwrt_last_error(), "wan9"));
	ck_does(afwrt_deinit());
	begin("{\"wan_ifname\":\"wan9\",\"wan_wait\":2}");
	at = now_ms();
	ck_fails(afwrt_start(), ENODEV);
	at = now_ms() - at;
	ck_assert_msg(at >= 1500 && at < 8000, "after %lld ms", at);
}
END_TEST

START_TEST(start_waits_for_the_uplink)
{
	begin("{\"wan_wait\":30}");
	(void)lab("wan away");
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	run_begin();
	ck_assert_str_eq(lab("seen phone"), "none");
	(void)lab("wan back");
	await_exit("phone", YORK);
	run_stop();
}
END_TEST

START_TEST(start_after_invalid_auth)
{
	int e;

	(void)lab("fault login code OAUTH_ERROR");
	begin("{\"auth_method\":\"firebase\",\"auth_token\":\"wrong\"}");
	run_begin();
	ck_assert_int_eq(run_end(&e), -1);
	ck_assert_msg(e == EACCES, "%s", strerror(e));
	ck_assert_int_eq(events_count("invalid_auth", NULL), 1);
	(void)lab("clear");
	/* "must stop or restart SDK with new auth_method and auth_token" */
	ck_does(afwrt_deinit());
	begin("{\"auth_method\":\"firebase\",\"auth_token\":\"oauth-alice\"}");
	run_begin();
	(void)event_await("auth_success", NULL, 0, 10);
	run_stop();
}
END_TEST

/* The same when the account ends later; what is protected stays so. */
START_TEST(start_ends_with_a_late_refusal)
{
	int e;

	begin("");
	run_begin();
	(void)event_await("auth_success", NULL, 0, 10);
	(void)lab("fault provide code NOT_AUTHORIZED");
	(void)lab("fault login code USER_SUSPENDED");
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	(void)lab("seen phone");
	ck_assert_int_eq(run_end(&e), -1);
	ck_assert_msg(e == EACCES, "%s", strerror(e));
	ck_assert_int_ge(events_count("invalid_auth", NULL), 1);
	ck_assert_str_eq(lab("seen phone"), "none");
	(void)lab("clear");
	run_begin();
	await_exit("phone", YORK);
	run_stop();
}
END_TEST

START_TEST(deinit_ends_a_start)
{
	int rc;

	begin("");
	run_begin();
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	await_exit("phone", YORK);
	ck_does(afwrt_deinit());
	rc = run_end(NULL);
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(events_count("route_disconnected", YORK), 1);
	ck_assert_int_eq(count_helpers(), 0);
}
END_TEST

static void
on_signal(int number)
{
	(void)number;
	(void)afwrt_stop();
}

START_TEST(stop_from_a_signal_handler)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct itimerval it = {.it_value.tv_usec = 300000};

	begin("");
	(void)sigaction(SIGALRM, &sa, NULL);
	(void)setitimer(ITIMER_REAL, &it, NULL);
	ck_does(afwrt_start());
	(void)setitimer(ITIMER_REAL, &it, NULL);
	ck_does(afwrt_start());
}
END_TEST

/* ---- an own loop -------------------------------------------------------- */

/* Until the event has come, or the run is over; what dispatch said. */
static int
poll_until(int fd, const char *name, const char *route)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int rc = 0;

	while (rc == 0 && (name == NULL || events_count(name, route) == 0)) {
		ck_assert_int_eq(poll(&p, 1, 20000), 1);
		rc = afwrt_dispatch();
	}
	return rc;
}

static void *
knock(void *arg)
{
	(void)arg;
	(void)lab("seen phone");
	return NULL;
}

/* Before a second run is up the phone is direct, and wakes no tunnel. */
static void *
knock_on(void *arg)
{
	(void)arg;
	await_exit("phone", YORK);
	return NULL;
}

START_TEST(with_poll)
{
	pthread_t t;
	int fd, i;

	begin("{\"data_report_interval\":0}");
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	ck_fails(afwrt_dispatch(), EINVAL);
	ck_assert_int_ge(fd = afwrt_get_fd(), 0);
	for (i = 0; i < 2; i++) {
		events_clear();
		ck_assert_int_eq(afwrt_get_fd(), fd);
		ck_fails(afwrt_start(), EALREADY);
		ck_assert_int_eq(pthread_create(&t, NULL, knock_on, NULL), 0);
		ck_assert_int_eq(poll_until(fd, "route_connected", YORK), 0);
		ck_assert_int_eq(pthread_join(t, NULL), 0);
		ck_assert_int_eq(afwrt_stop(), 0);
		ck_assert_int_eq(poll_until(fd, NULL, NULL), 1);
		ck_assert_int_eq(events_count("route_disconnected", YORK), 1);
	}
}
END_TEST

/* An idle suite does not keep the loop busy. */
START_TEST(the_descriptor_rests)
{
	struct pollfd p = {.events = POLLIN};
	long long until;
	int wakes = 0;

	begin("{\"data_report_interval\":0}");
	p.fd = afwrt_get_fd();
	ck_assert_int_eq(poll_until(p.fd, "auth_success", NULL), 0);
	until = now_ms() + 2000;
	while (now_ms() < until)
		if (poll(&p, 1, 200) == 1) {
			wakes++;
			ck_assert_int_eq(afwrt_dispatch(), 0);
		}
	ck_assert_msg(wakes < 40, "%d wakes in 2 s", wakes);
}
END_TEST

static struct event_base *base;
static int ended = -2;

static void
readable_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if ((ended = afwrt_dispatch()) != 0)
		(void)event_base_loopbreak(base);
	else if (events_count("route_connected", YORK) > 0)
		(void)afwrt_stop();
}

START_TEST(with_libevent)
{
	struct timeval limit = {.tv_sec = 30};
	struct event *ev;
	pthread_t t;

	begin("");
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	ck_assert_ptr_nonnull(base = event_base_new());
	ev = event_new(
	    base, afwrt_get_fd(), EV_READ | EV_PERSIST, readable_cb, NULL);
	ck_assert_int_eq(event_add(ev, NULL), 0);
	(void)event_base_loopexit(base, &limit);
	ck_assert_int_eq(pthread_create(&t, NULL, knock, NULL), 0);
	(void)event_base_dispatch(base);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	ck_assert_int_eq(ended, 1);
	ck_assert_int_eq(events_count("route_disconnected", YORK), 1);
	event_free(ev);
	event_base_free(base);
}
END_TEST

/* ---- the callback ------------------------------------------------------- */

static int calls_bad;
static char calls_first[256];

static void
wanted(bool good, const char *what)
{
	if (!good && calls_bad++ == 0)
		(void)snprintf(calls_first, sizeof(calls_first), "%s: %s, %s",
		    what, strerror(errno), afwrt_last_error());
}

static void
busy(const char *json)
{
	char *text;
	int i;

	on_event(json);
	if (strstr(json, "route_connected") == NULL ||
	    events_count("route_connected", NULL) != 1)
		return;
	for (i = 0; i < 50; i++) {
		wanted(afwrt_protect_ip_addr("192.168.50.12", YORK) == 0,
		    "protect");
		wanted(
		    afwrt_unprotect_ip_addr("192.168.50.12") == 0, "unprotect");
	}
	wanted((text = afwrt_get_locations()) != NULL, "locations");
	afwrt_free(text);
	wanted((text = afwrt_get_status()) != NULL, "status");
	afwrt_free(text);
	wanted(afwrt_deinit() == -1 && errno == EDEADLK, "deinit");
	wanted(afwrt_dispatch() == -1 && errno == EDEADLK, "dispatch");
	wanted(afwrt_start() == -1 && errno == EALREADY, "start");
	wanted(afwrt_init("{}", NULL) == -1 && errno == EALREADY, "init");
	wanted(afwrt_register_device("anonymous", NULL) != NULL, "register");
	wanted(afwrt_stop() == 0, "stop");
}

START_TEST(every_call_from_the_callback)
{
	ck_does(afwrt_init(config_with(""), busy));
	ck_does(afwrt_protect_ip_addr("192.168.50.11", BERLIN));
	run_begin();
	(void)lab("seen phone");
	ck_assert_int_eq(run_end(NULL), 0);
	ck_assert_msg(calls_bad == 0, "%d, first: %s", calls_bad, calls_first);
}
END_TEST

/* ---- eight threads at once ---------------------------------------------- */

static void *
caller(void *arg)
{
	char ip[32], mac[32], *text;
	int n = *(int *)arg, i, bad = 0;

	for (i = 0; i < 15; i++) {
		(void)snprintf(ip, sizeof(ip), "10.7.%d.%d", n, i + 1);
		(void)snprintf(mac, sizeof(mac), "02:07:00:00:%02x:%02x", n, i);
		bad += afwrt_protect_ip_addr(ip, YORK) != 0;
		bad += afwrt_protect_ip_addr(ip, BERLIN) != 0;
		bad += afwrt_protect_mac_addr(mac, YORK) != 0;
		if (i % 10 == 0) {
			bad += (text = afwrt_get_status()) == NULL;
			afwrt_free(text);
		}
		bad += afwrt_unprotect_mac_addr(mac) != 0;
		bad += afwrt_unprotect_ip_addr(ip) != 0;
		bad += afwrt_unprotect_ip_addr(ip) != -1 || errno != ENOENT;
		bad += strstr(afwrt_last_error(), ip) == NULL; /* its own */
	}
	*(int *)arg = bad;
	return NULL;
}

START_TEST(eight_threads_at_once)
{
	pthread_t t[8];
	int n[8], i;

	begin("{\"data_report_interval\":50}");
	run_begin();
	for (i = 0; i < 8; i++) {
		n[i] = i + 1;
		ck_assert_int_eq(pthread_create(&t[i], NULL, caller, &n[i]), 0);
	}
	for (i = 0; i < 8; i++) {
		ck_assert_int_eq(pthread_join(t[i], NULL), 0);
		ck_assert_msg(n[i] == 0, "thread %d: %d bad results", i, n[i]);
	}
	run_stop();
}
END_TEST

int
main(void)
{
	conform_begin("api_loop");
	CONFORM(start_blocks_until_stop, 60);
	CONFORM(rules_capture_before_start, 60);
	CONFORM(start_without_the_uplink, 30);
	CONFORM(start_waits_for_the_uplink, 60);
	CONFORM(start_after_invalid_auth, 40);
	CONFORM(start_ends_with_a_late_refusal, 60);
	CONFORM(deinit_ends_a_start, 40);
	CONFORM(stop_from_a_signal_handler, 30);
	CONFORM(with_poll, 60);
	CONFORM(the_descriptor_rests, 30);
	CONFORM(with_libevent, 60);
	CONFORM(every_call_from_the_callback, 60);
	CONFORM(eight_threads_at_once, 80);
	return conform_run();
}
