/* SPDX-License-Identifier: ISC */
/*
 * Several connections of one route against a real ocserv; as check_hydra.c,
 * whose packet path it has, too: a packet takes the connection whose address
 * is its source.
 */
#include <stdlib.h>

#include "hydra_case.h"

static unsigned int wanted;

static bool
conns_up(struct suite *x)
{
	suite_stats(x);
	return x->stats.conns == wanted;
}

static void
conns_await(unsigned int n)
{
	wanted = n;
	ck_assert_msg(suite_await(&s, 5000, conns_up), "%u of %u connections",
	    s.stats.conns, n);
}

/* A route with two; the second one's cookie or failure is in answers[1]. */
static void
two_wanted(enum afw_reconnect reconnect)
{
	struct afw_m_tun_config c = {
	    .connections = 2, .v4v6 = AFW_V4V6_LEGACY, .fresh = 1};

	if (s.answers[1].fail == AFW_REASON_NONE) {
		(void)snprintf(
		    cookies[1], sizeof(cookies[1]), "%s", lab_cookie(0));
		s.answers[1].cookie = cookies[1];
	}
	s.n_answers = 2;
	ck_assert_uint_eq(suite_request(&s, AFW_MSG_TUN_CONFIG, &c), AFW_OK);
	suite_peers(&s);
	up(1, reconnect);
	ck_assert_uint_eq(s.conns[0], 0);
}

START_TEST(two_connections)
{
	struct afw_m_route_id id = {.route = 1};
	struct afw_addr first;

	two_wanted(AFW_RECONNECT_MANUAL);
	conns_await(2);
	ck_assert_uint_eq(s.n_whys, 2);
	ck_assert_uint_eq(s.conns[1], 1);
	ck_assert_uint_eq(s.whys[1], AFW_WHY_FIRST);
	ping_ok(1, 0);
	first = s.stats.inner4;
	suite_wan(&s, true, "wan1"); /* each is handed over */
	suite_run(&s, 1500);
	suite_stats(&s);
	ck_assert_uint_eq(s.stats.conns, 2);
	ck_assert_uint_eq(s.stats.connects, 4);
	ck_assert(afw_addr_equal(&first, &s.stats.inner4));
	ping_ok(1, 0);
	ck_assert_uint_eq(s.n_whys, 2);
	ck_assert_uint_eq(s.n_events, 1);
	ck_assert_uint_eq(suite_request(&s, AFW_MSG_ROUTE_DEL, &id), AFW_OK);
	event_is(1, 100, 1, AFW_ROUTE_DISCONNECTED, AFW_REASON_NONE, 2);
	suite_run(&s, 100);
	ck_assert_uint_eq(s.session_ends, 1);
	/* the node was told bye by both: it knows neither cookie */
	s.n_answers = 5;
	s.answers[2] = s.answers[0];
	s.answers[3] = s.answers[1];
	s.answers[4] = (struct answer){.fail = AFW_REASON_AUTH};
	ck_assert_uint_eq(
	    suite_route(&s, 2, AFW_R_EAGER, AFW_RECONNECT_MANUAL, 0), AFW_OK);
	event_is(2, 5000, 2, AFW_ROUTE_FAILED, AFW_REASON_AUTH, 1);
	ck_assert_uint_eq(s.n_whys, 4);
	ck_assert_uint_eq(s.whys[3], AFW_WHY_COOKIE);
}
END_TEST

/* One is lost, whichever: no event; it comes back by its own cookie. */
START_TEST(one_of_two_lost)
{
	struct proxy *p = proxy_open(s.base, 0);

	s.answers[_i].port = proxy_port(p);
	two_wanted(AFW_RECONNECT_MANUAL);
	conns_await(2);
	proxy_cut(p);
	conns_await(1);
	ping_ok(1, 0);
	ck_assert_uint_eq(s.stats.state, AFW_ROUTE_CONNECTED);
	conns_await(2);
	ping_ok(1, 0);
	ck_assert_uint_eq(s.n_whys, 2);
	ck_assert_uint_eq(s.n_events, 1);
	ck_assert_uint_eq(proxy_connections(p), 2);
	proxy_close(p);
}
END_TEST

/* Both: one event; the first leads, the other follows by its own cookie. */
START_TEST(two_of_two_lost)
{
	struct proxy *p = proxy_open(s.base, 0);

	s.answers[0].port = s.answers[1].port = proxy_port(p);
	two_wanted(AFW_RECONNECT_AUTO);
	conns_await(2);
	proxy_cut(p);
	event_is(1, 1000, 1, AFW_ROUTE_DISCONNECTED, AFW_REASON_CONNECT, 2);
	event_is(2, 5000, 1, AFW_ROUTE_CONNECTED, AFW_REASON_NONE, 3);
	conns_await(2);
	ping_ok(1, 0);
	ck_assert_uint_eq(s.n_events, 3);
	ck_assert_uint_eq(s.n_whys, 2);
	proxy_close(p);
}
END_TEST

/* No session for the second: the route has one, and that is no event. */
START_TEST(second_refused)
{
	s.answers[1] =
	    (struct answer){.fail = AFW_REASON_LIMIT, .permanent = _i == 1};
	two_wanted(AFW_RECONNECT_AUTO);
	suite_run(&s, 1500);
	ping_ok(1, 0);
	ck_assert_uint_eq(s.stats.conns, 1);
	ck_assert_uint_eq(s.stats.failures, 1);
	ck_assert_uint_eq(s.n_events, 1);
	ck_assert_uint_eq(s.n_whys, 2); /* and it is not asked at once */
}
END_TEST

/* The first fails: the others do not even try. */
START_TEST(none_of_two)
{
	struct afw_m_tun_config c = {
	    .connections = 2, .v4v6 = AFW_V4V6_LEGACY, .fresh = 1};

	s.answers[0] = (struct answer){.fail = AFW_REASON_NO_SERVER};
	ck_assert_uint_eq(suite_request(&s, AFW_MSG_TUN_CONFIG, &c), AFW_OK);
	suite_peers(&s);
	ck_assert_uint_eq(
	    suite_route(&s, 1, AFW_R_RESUME, AFW_RECONNECT_MANUAL, 0), AFW_OK);
	event_is(0, 5000, 1, AFW_ROUTE_FAILED, AFW_REASON_NO_SERVER, 1);
	suite_run(&s, 300);
	ck_assert_uint_eq(s.n_events, 1);
	ck_assert_uint_eq(s.n_whys, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conns");
	TCase *t = tcase_create("ocserv");
	SRunner *r;
	int failed;

	if (!lab_begin())
		return 77;
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, two_connections);
	tcase_add_loop_test(t, one_of_two_lost, 0, 2);
	tcase_add_test(t, two_of_two_lost);
	tcase_add_loop_test(t, second_refused, 0, 2);
	tcase_add_test(t, none_of_two);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	lab_end();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
