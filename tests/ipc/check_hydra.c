/* SPDX-License-Identifier: ISC */
/*
 * The tunnel side of afwrt-tun against a real ocserv: the process as it is,
 * only its packet path is the test's. Set HYDRA_DEBUG to see all messages.
 */
#include <sys/wait.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hydra_case.h"

START_TEST(lazy_connect_and_logout)
{
	struct afw_m_route_id id = {.route = 3};

	suite_peers(&s);
	ck_assert_uint_eq(
	    suite_route(&s, 3, 0, AFW_RECONNECT_MANUAL, 40), AFW_OK);
	suite_run(&s, 200);
	ck_assert_uint_eq(s.n_whys, 0); /* nobody wanted it yet */
	ping_send(&s, 3, 0, 1);
	event_is(0, 5000, 3, AFW_ROUTE_CONNECTED, AFW_REASON_NONE, 41);
	ck_assert_uint_eq(s.n_whys, 1);
	ck_assert_uint_eq(s.whys[0], AFW_WHY_FIRST);
	ping_ok(3, 0);
	suite_stats(&s);
	ck_assert_uint_eq(s.stats.route, 3);
	ck_assert_uint_eq(s.stats.state, AFW_ROUTE_CONNECTED);
	ck_assert_uint_eq(s.stats.connects, 1);
	ck_assert_uint_eq(s.stats.inner4.b[2], 1);
	ck_assert_uint_eq(s.stats.inner6.family, 6);
	ck_assert_uint_gt(s.stats.rtt_us, 0);
	ck_assert_uint_gt(s.stats.up_since_ms, 0);
	ck_assert_uint_ge(s.stats.mtu, 1280);
	ck_assert_uint_le(s.stats.mtu, 1500);
	ck_assert_uint_eq(suite_request(&s, AFW_MSG_ROUTE_DEL, &id), AFW_OK);
	event_is(1, 100, 3, AFW_ROUTE_DISCONNECTED, AFW_REASON_NONE, 42);
	suite_run(&s, 100);
	ck_assert_uint_eq(s.session_ends, 1);
	ck_assert_uint_eq(
	    suite_request(&s, AFW_MSG_ROUTE_DEL, &id), AFW_ENOENT);
	/* the node has forgotten the cookie: it was told bye */
	s.answers[1] = (struct answer){.fail = AFW_REASON_AUTH};
	s.n_answers = s.n_whys + 2;
	s.answers[2] = s.answers[1];
	s.answers[1] = s.answers[0];
	ck_assert_uint_eq(
	    suite_route(&s, 4, AFW_R_EAGER, AFW_RECONNECT_MANUAL, 0), AFW_OK);
	event_is(2, 5000, 4, AFW_ROUTE_FAILED, AFW_REASON_AUTH, 1);
	ck_assert_uint_eq(s.whys[2], AFW_WHY_COOKIE);
}
END_TEST

/* Flow table, NAT and tunnel together; the device is a socket. */
START_TEST(whole_process)
{
	suite_kill(&s);
	s.whole = true;
	suite_start(&s);
	suite_peers(&s);
	ck_assert_uint_eq(
	    suite_route(&s, 1, 0, AFW_RECONNECT_MANUAL, 0), AFW_OK);
	ck_assert_uint_eq(suite_flow(&s, 1), AFW_OK);
	ping_send(&s, 1, 0, 5);
	event_is(0, 5000, 1, AFW_ROUTE_CONNECTED, AFW_REASON_NONE, 1);
	got = -1;
	ck_assert_msg(
	    suite_await(&s, 3000, pinged), "the first packet is lost");
	ck_assert_int_eq(got, 5); /* it was held */
	ping_ok(1, 0);
	suite_stats(&s);
	ck_assert_uint_eq(s.stats.up_packets, 2);
	ck_assert_uint_eq(s.stats.down_packets, 2);
	ck_assert_uint_eq(s.stats.up_bytes, 56);
	ck_assert_uint_eq(s.stats.nat_entries, 1);
}
END_TEST

static bool
asked(struct suite *x)
{
	return x->sources != 0;
}

/* A new afwrt-net, whose word is the next one. */
static void
sources_forgotten(unsigned int answer)
{
	s.sources = 0;
	s.source_answer = answer;
	(void)afw_link_send(&s.net, AFW_MSG_FLOW_SYNC_BEGIN, 0, NULL, -1);
	(void)afw_link_send(&s.net, AFW_MSG_FLOW_SYNC_END, 0, NULL, -1);
}

START_TEST(whole_process_asks_about_sources)
{
	static const unsigned int useless[] = {AFW_ENOSYS, AFW_EIO, NO_WORD};
	unsigned int i;

	suite_free(&s);
	memset(&s, 0, sizeof(s));
	s.whole = true;
	s.default_route = 1;
	s.source_answer = AFW_ENOENT;
	s.answers[0].cookie = cookies[0];
	s.n_answers = 1;
	suite_start(&s);
	suite_peers(&s);
	up(1, AFW_RECONNECT_MANUAL);
	ping_ok(1, 0);
	ck_assert_uint_eq(s.sources, 1);
	ping_ok(1, 0);
	ck_assert_uint_eq(s.sources, 1); /* it is known */
	for (i = 0; i < 3; i++) {
		sources_forgotten(useless[i]);
		ping_send(&s, 1, 0, 7);
		ck_assert(suite_await(&s, 3000, asked));
		ck_assert(!suite_await(&s, 400, pinged));
	}
	sources_forgotten(AFW_OK); /* a flow of a route that is not there */
	ck_assert_uint_eq(suite_flow(&s, 9), AFW_OK);
	ping_send(&s, 1, 0, 8);
	ck_assert(!suite_await(&s, 200, pinged));
	ck_assert_uint_eq(s.sources, 0);
	ck_assert_uint_eq(suite_flow(&s, 1), AFW_OK);
	ping_ok(1, 0);
	/* nobody there to be asked */
	sources_forgotten(AFW_ENOENT);
	suite_run(&s, 50);
	afw_link_close(&s.net);
	suite_run(&s, 50);
	ping_send(&s, 1, 0, 9);
	ck_assert(!suite_await(&s, 400, pinged));
}
END_TEST

START_TEST(cut_resumes_by_cookie)
{
	struct proxy *p = proxy_open(s.base, 0);
	struct afw_addr before;

	s.answers[0].port = proxy_port(p);
	suite_peers(&s);
	up(1, AFW_RECONNECT_AUTO);
	ping_ok(1, 0);
	before = s.stats.inner4;
	proxy_cut(p);
	event_is(1, 1000, 1, AFW_ROUTE_DISCONNECTED, AFW_REASON_CONNECT, 2);
	event_is(2, 5000, 1, AFW_ROUTE_CONNECTED, AFW_REASON_NONE, 3);
	ping_ok(1, 0);
	ck_assert(afw_addr_equal(&before, &s.stats.inner4));
	ck_assert_uint_eq(s.n_whys, 1); /* on its own */
	ck_assert_uint_eq(s.stats.connects, 2);
	proxy_close(p);
}
END_TEST

START_TEST(manual_stays_down)
{
	struct proxy *p = proxy_open(s.base, 0);
	struct afw_m_route_id id = {.route = 1};

	s.answers[0].port = proxy_port(p);
	suite_peers(&s);
	up(1, AFW_RECONNECT_MANUAL);
	proxy_cut(p);
	event_is(1, 1000, 1, AFW_ROUTE_DISCONNECTED, AFW_REASON_CONNECT, 2);
	ping_send(&s, 1, 0, 1);
	suite_wan(&s, false, "wan0");
	suite_wan(&s, true, "wan0");
	suite_run(&s, 2000);
	ck_assert_uint_eq(s.n_events, 2);
	ck_assert_uint_eq(suite_request(&s, AFW_MSG_ROUTE_UP, &id), AFW_OK);
	event_is(2, 5000, 1, AFW_ROUTE_CONNECTED, AFW_REASON_NONE, 3);
	proxy_close(p);
}
END_TEST

START_TEST(wrong_cookie)
{
	char bad[2048];

	(void)snprintf(bad, sizeof(bad), "%s", cookies[0]);
	bad[5] = bad[5] == 'A' ? 'B' : 'A';
	s.answers[1] = s.answers[0];
	s.answers[0].cookie = bad;
	s.n_answers = 2;
	suite_peers(&s);
	up(1, AFW_RECONNECT_MANUAL);
	ck_assert_uint_eq(s.n_whys, 2);
	ck_assert_uint_eq(s.whys[1], AFW_WHY_COOKIE);
	ping_ok(1, 0);
}
END_TEST

static void
tls_refused(const char *text)
{
	s.answers[1] = (struct answer){.fail = AFW_REASON_NO_SERVER};
	s.n_answers = 2;
	suite_peers(&s);
	ck_assert_uint_eq(
	    suite_route(&s, 1, AFW_R_EAGER, AFW_RECONNECT_MANUAL, 0), AFW_OK);
	event_is(0, 5000, 1, AFW_ROUTE_FAILED, AFW_REASON_TLS, 1);
	ck_assert_str_eq(s.events[0].detail, text);
	ck_assert_uint_eq(s.n_whys, 2);
	ck_assert_uint_eq(s.whys[1], AFW_WHY_TLS);
}

START_TEST(wrong_ca)
{
	s.answers[0].ca = "other.pem";
	tls_refused("unknown authority");
}
END_TEST

START_TEST(wrong_name)
{
	s.answers[0].host = "other.test";
	tls_refused("wrong name");
}
END_TEST

START_TEST(no_anchor)
{
	s.answers[0].ca = "ext"; /* no certificate in there */
	tls_refused("no usable trust anchor");
}
END_TEST

START_TEST(nobody_listens)
{
	s.answers[0].port = 9;
	s.answers[1] = s.answers[0];
	s.answers[2] = (struct answer){.node = 0, .cookie = cookies[0]};
	s.n_answers = 3;
	suite_peers(&s);
	up(1, AFW_RECONNECT_MANUAL);
	ck_assert_uint_eq(s.n_whys, 3);
	ck_assert_uint_eq(s.whys[1], AFW_WHY_CONNECT);
	ck_assert_uint_eq(s.whys[2], AFW_WHY_CONNECT);
}
END_TEST

/* A node list that never ends is given up. */
START_TEST(servers_bounded)
{
	s.answers[0].port = 9;
	suite_peers(&s);
	ck_assert_uint_eq(
	    suite_route(&s, 1, AFW_R_EAGER, AFW_RECONNECT_MANUAL, 0), AFW_OK);
	event_is(0, 5000, 1, AFW_ROUTE_FAILED, AFW_REASON_CONNECT, 1);
	ck_assert_uint_le(s.n_whys, 20);
}
END_TEST

START_TEST(permanent_is_not_retried)
{
	s.answers[0] =
	    (struct answer){.fail = AFW_REASON_LIMIT, .permanent = true};
	suite_peers(&s);
	ck_assert_uint_eq(
	    suite_route(&s, 1, AFW_R_EAGER, AFW_RECONNECT_AUTO, 0), AFW_OK);
	event_is(0, 5000, 1, AFW_ROUTE_FAILED, AFW_REASON_LIMIT, 1);
	suite_wan(&s, false, "wan0");
	suite_wan(&s, true, "wan0");
	suite_run(&s, 2500);
	ck_assert_uint_eq(s.n_whys, 1);
}
END_TEST

START_TEST(failure_is_retried)
{
	s.answers[0] = (struct answer){.fail = AFW_REASON_NO_SERVER};
	s.answers[1] = (struct answer){.cookie = cookies[0]};
	s.n_answers = 2;
	suite_peers(&s);
	ck_assert_uint_eq(
	    suite_route(&s, 1, AFW_R_EAGER, AFW_RECONNECT_AUTO, 0), AFW_OK);
	event_is(0, 5000, 1, AFW_ROUTE_FAILED, AFW_REASON_NO_SERVER, 1);
	suite_run(&s, 500);
	ck_assert_uint_eq(s.n_events, 1); /* not before its time ... */
	suite_wan(&s, false, "wan0");
	suite_wan(&s, true, "wan0"); /* ... but when the uplink comes */
	event_is(1, 200, 1, AFW_ROUTE_CONNECTED, AFW_REASON_NONE, 2);
}
END_TEST

/* Routes may come before the peers, as after a restart. */
START_TEST(peers_come_late)
{
	ck_assert_uint_eq(
	    suite_route(&s, 1, AFW_R_RESUME, AFW_RECONNECT_MANUAL, 8), AFW_OK);
	suite_run(&s, 300);
	suite_peers(&s);
	event_is(0, 5000, 1, AFW_ROUTE_CONNECTED, AFW_REASON_NONE, 9);
}
END_TEST

START_TEST(waits_for_the_uplink)
{
	suite_peers(&s);
	suite_wan(&s, false, "wan0");
	ck_assert_uint_eq(suite_flow(&s, 1), AFW_OK);
	ck_assert_uint_eq(
	    suite_route(&s, 1, AFW_R_EAGER, AFW_RECONNECT_MANUAL, 0), AFW_OK);
	suite_run(&s, 300);
	ck_assert_uint_eq(s.n_whys, 0);
	suite_wan(&s, true, "wan0");
	event_is(0, 3000, 1, AFW_ROUTE_CONNECTED, AFW_REASON_NONE, 1);
}
END_TEST

/* Killed, and not a word to the node: the next one resumes. */
START_TEST(survives_a_kill)
{
	struct afw_addr before;

	suite_peers(&s);
	up(1, AFW_RECONNECT_MANUAL);
	ping_ok(1, 0);
	before = s.stats.inner4;
	suite_kill(&s);
	s.n_events = 0;
	suite_start(&s);
	ck_assert_uint_eq(
	    suite_route(&s, 1, AFW_R_RESUME, AFW_RECONNECT_MANUAL, 2), AFW_OK);
	suite_peers(&s);
	event_is(0, 5000, 1, AFW_ROUTE_CONNECTED, AFW_REASON_NONE, 3);
	ping_ok(1, 0);
	ck_assert(afw_addr_equal(&before, &s.stats.inner4));
	ck_assert_uint_eq(s.whys[s.n_whys - 1], AFW_WHY_FIRST);
}
END_TEST

START_TEST(dead_peer)
{
	struct proxy *p = proxy_open(s.base, 0);

	s.answers[0].port = proxy_port(p);
	suite_peers(&s);
	up(1, AFW_RECONNECT_MANUAL);
	ping_ok(1, 0);
	proxy_stall(p);
	suite_run(&s, 3500);
	ck_assert_uint_eq(s.n_events, 1); /* dpd is 4 s, and half of it */
	event_is(1, 4000, 1, AFW_ROUTE_DISCONNECTED, AFW_REASON_TIMEOUT, 2);
	proxy_close(p);
}
END_TEST

/* Idle for longer than the dead-peer time, and still there. */
START_TEST(idle_stays_up)
{
	suite_peers(&s);
	up(1, AFW_RECONNECT_MANUAL);
	suite_run(&s, 7000);
	ck_assert_uint_eq(s.n_events, 1);
	ping_ok(1, 0);
}
END_TEST

/*
 * The uplink is another interface now: a second connection takes over. Pings
 * go out all the time; each is answered once.
 */
START_TEST(handover_loses_nothing)
{
	struct proxy *p = proxy_open(s.base, 0);
	bool seen[300] = {false};
	unsigned int i, missing = 0;
	int n;

	s.answers[0].port = proxy_port(p);
	suite_peers(&s);
	up(1, AFW_RECONNECT_MANUAL);
	ping_ok(1, 0);
	for (i = 0; i < 300; i++) {
		if (i == 50)
			suite_wan(&s, true, "wan1");
		ping_send(&s, 1, 0, (uint16_t)i);
		suite_run(&s, 4);
		while ((n = ping_recv(&s)) >= 0 && n < 300)
			seen[n] = true;
	}
	for (i = 0; i < 50; i++) {
		suite_run(&s, 10);
		while ((n = ping_recv(&s)) >= 0 && n < 300)
			seen[n] = true;
	}
	for (i = 0; i < 300; i++)
		if (!seen[i]) {
			missing++;
			(void)fprintf(stderr, "lost: %u\n", i);
		}
	suite_stats(&s);
	ck_assert_uint_eq(s.stats.connects, 2);
	ck_assert_uint_eq(s.n_events, 1); /* nobody noticed */
	ck_assert_uint_eq(s.n_whys, 1);
	ck_assert_uint_eq(s.stats.dropped, 0);
	ck_assert_uint_eq(missing, 0);
	ck_assert_uint_eq(proxy_connections(p), 2);
	proxy_close(p);
}
END_TEST

/* The node wants a new tunnel every 30 s. */
START_TEST(rekey_by_the_node)
{
	unsigned int i;

	suite_peers(&s);
	up(1, AFW_RECONNECT_MANUAL);
	for (i = 0; i < 40; i++) {
		suite_run(&s, 1000);
		suite_stats(&s);
		if (s.stats.connects == 2)
			break;
	}
	ck_assert_uint_eq(s.stats.connects, 2);
	ck_assert_uint_eq(s.n_events, 1);
	ping_ok(1, 0);
	suite_run(&s, 6000); /* the old one was closed, nothing else */
	ck_assert_uint_eq(s.n_events, 1);
	ping_ok(1, 0);
}
END_TEST

START_TEST(two_routes)
{
	struct afw_m_route_id id = {.route = 1};

	(void)snprintf(cookies[1], sizeof(cookies[1]), "%s", lab_cookie(1));
	s.answers[1] = (struct answer){.node = 1, .cookie = cookies[1]};
	s.n_answers = 2;
	suite_peers(&s);
	up(1, AFW_RECONNECT_MANUAL);
	ping_ok(1, 0);
	ck_assert_uint_eq(
	    suite_route(&s, 2, AFW_R_EAGER, AFW_RECONNECT_MANUAL, 0), AFW_OK);
	event_is(1, 5000, 2, AFW_ROUTE_CONNECTED, AFW_REASON_NONE, 1);
	ck_assert_uint_eq(suite_request(&s, AFW_MSG_ROUTE_DEL, &id), AFW_OK);
	event_is(2, 1000, 1, AFW_ROUTE_DISCONNECTED, AFW_REASON_NONE, 2);
	ping_ok(2, 1);
}
END_TEST

START_TEST(ordered_shutdown)
{
	struct afw_m_shutdown down = {0};
	int status;

	suite_peers(&s);
	up(1, AFW_RECONNECT_AUTO);
	ck_assert_uint_eq(suite_request(&s, AFW_MSG_SHUTDOWN, &down), AFW_OK);
	event_is(1, 100, 1, AFW_ROUTE_DISCONNECTED, AFW_REASON_NONE, 2);
	ck_assert_int_eq(waitpid(s.pid, &status, 0), s.pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	s.pid = 0;
	ck_assert_uint_eq(s.session_ends, 1);
}
END_TEST

START_TEST(requests_refused)
{
	struct afw_m_route r = {.route = 1,
	    .type = AFW_TYPE_WIREGUARD,
	    .reconnect = AFW_RECONNECT_MANUAL,
	    .location = "loc1"};
	struct afw_m_route_id id = {.route = 77};
	uint32_t i;

	suite_peers(&s);
	ck_assert_uint_eq(suite_flow(&s, 1), AFW_OK);
	ck_assert_uint_eq(suite_flow(&s, 99), AFW_ENOSPC); /* the stub's */
	ck_assert_uint_eq(suite_request(&s, AFW_MSG_ROUTE_UP, &id), AFW_ENOENT);
	ck_assert_uint_eq(
	    suite_request(&s, AFW_MSG_ROUTE_DEL, &id), AFW_ENOENT);
	for (i = 1; i <= AFW_ROUTES_MAX; i++)
		ck_assert_uint_eq(
		    suite_route(&s, i, 0, AFW_RECONNECT_MANUAL, 0), AFW_OK);
	ck_assert_uint_eq(
	    suite_route(&s, i, 0, AFW_RECONNECT_MANUAL, 0), AFW_ENOSPC);
	ck_assert_uint_eq(suite_route(&s, 1, 0, AFW_RECONNECT_AUTO, 0), AFW_OK);
	/* another type, another place */
	ck_assert_uint_eq(suite_request(&s, AFW_MSG_ROUTE_SET, &r), AFW_EEXIST);
	r.type = AFW_TYPE_HYDRA_TCP;
	(void)afw_str_set(r.location, sizeof(r.location), "elsewhere");
	ck_assert_uint_eq(suite_request(&s, AFW_MSG_ROUTE_SET, &r), AFW_EEXIST);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("hydra");
	TCase *t = tcase_create("ocserv");
	SRunner *r;
	int failed;

	if (!lab_begin())
		return 77;
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, lazy_connect_and_logout);
	tcase_add_test(t, whole_process);
	tcase_add_test(t, whole_process_asks_about_sources);
	tcase_add_test(t, cut_resumes_by_cookie);
	tcase_add_test(t, manual_stays_down);
	tcase_add_test(t, wrong_cookie);
	tcase_add_test(t, wrong_ca);
	tcase_add_test(t, wrong_name);
	tcase_add_test(t, no_anchor);
	tcase_add_test(t, nobody_listens);
	tcase_add_test(t, servers_bounded);
	tcase_add_test(t, permanent_is_not_retried);
	tcase_add_test(t, failure_is_retried);
	tcase_add_test(t, peers_come_late);
	tcase_add_test(t, waits_for_the_uplink);
	tcase_add_test(t, survives_a_kill);
	suite_add_tcase(suite, t);
	t = tcase_create("long");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, dead_peer);
	tcase_add_test(t, idle_stays_up);
	tcase_add_test(t, rekey_by_the_node);
	suite_add_tcase(suite, t);
	t = tcase_create("handover");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, handover_loses_nothing);
	suite_add_tcase(suite, t);
	t = tcase_create("routes");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, two_routes);
	tcase_add_test(t, ordered_shutdown);
	tcase_add_test(t, requests_refused);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	lab_end();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
