/* SPDX-License-Identifier: ISC */
/*
 * The text of the events against the examples of the interface's document,
 * which stand here as they stand there; what differs is only its spaces.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "lib/events.h"

static struct events q;

static void
setup(void)
{
	events_init(&q);
}

static void
teardown(void)
{
	events_free(&q);
}

/* The example without the spaces between its tokens. */
static const char *
compact(const char *example)
{
	static char text[2048];
	bool quoted = false;
	char *p = text;

	for (; *example != '\0'; example++) {
		if (*example == '"')
			quoted = !quoted;
		if (quoted || *example != ' ')
			*p++ = *example;
	}
	*p = '\0';
	return text;
}

static void
next_is(const char *example)
{
	char *text = events_pop(&q);

	ck_assert_ptr_nonnull(text);
	ck_assert_str_eq(text, compact(example));
	events_text_free(text);
}

static void
route(const char *location, unsigned int state, unsigned int reason,
    const char *detail)
{
	struct afw_m_ev_route m = {.state = state, .reason = reason};

	(void)afw_str_set(m.location, sizeof(m.location), location);
	(void)afw_str_set(m.detail, sizeof(m.detail), detail);
	ck_assert(events_route(&q, &m));
}

START_TEST(examples)
{
	ck_assert(events_ready(&q));
	next_is("{\"event\":\"ready\"}");
	route("us", AFW_ROUTE_CONNECTED, 0, "");
	next_is("{ \"event\": \"route_connected\", \"route_name\": \"us\" }");
	route("us", AFW_ROUTE_DISCONNECTED, 0, "");
	next_is(
	    "{ \"event\": \"route_disconnected\", \"route_name\": \"us\" }");
	route("fr", AFW_ROUTE_FAILED, AFW_REASON_CONNECT, "");
	next_is("{ \"event\": \"route_failed\", \"route_name\": \"fr\", "
		"\"reason_details\": \"connection failed\" }");
	ck_assert(events_credentials_expire(&q));
	next_is("{\"event\": \"credentials_expire\"}");
	ck_assert(events_auth_success(
	    &q, "keeMeroohohfiefai8AhXaesh9eetheeX8neilu5ichaichuzu"));
	next_is("{\"event\":\"auth_success\", \"access_token\":"
		"\"keeMeroohohfiefai8AhXaesh9eetheeX8neilu5ichaichuzu\"}");
	ck_assert_ptr_null(events_pop(&q));
}
END_TEST

START_TEST(reasons)
{
	route("fr", AFW_ROUTE_FAILED, AFW_REASON_TLS, "certificate expired");
	next_is("{\"event\":\"route_failed\",\"route_name\":\"fr\","
		"\"reason_details\":\"tls: certificate expired\"}");
	route("fr", AFW_ROUTE_FAILED, 0, "");
	next_is("{\"event\":\"route_failed\",\"route_name\":\"fr\","
		"\"reason_details\":\"connection failed\"}");
	route("fr", AFW_ROUTE_DISCONNECTED, AFW_REASON_TIMEOUT, "");
	next_is("{\"event\":\"route_disconnected\",\"route_name\":\"fr\","
		"\"reason_details\":\"timed out\"}");
	ck_assert(events_invalid_auth(&q, ""));
	next_is("{\"event\":\"invalid_auth\"}");
	ck_assert(events_invalid_auth(&q, "OAUTH_ERROR"));
	next_is("{\"event\":\"invalid_auth\","
		"\"reason_details\":\"OAUTH_ERROR\"}");
}
END_TEST

static bool
bandwidth(const char *location, unsigned int points, uint64_t down, uint64_t up,
    unsigned int last)
{
	struct afw_m_bandwidth m = {.interval_ms = 100,
	    .n_points = points,
	    .down = down,
	    .up = up,
	    .last = last};

	(void)afw_str_set(m.location, sizeof(m.location), location);
	return events_bandwidth(&q, &m);
}

START_TEST(report)
{
	ck_assert(!bandwidth("us", 100, 0, 0, 0));
	ck_assert_ptr_null(events_pop(&q));
	ck_assert(bandwidth("de", 100, 0, 0, 1));
	next_is("{ \"event\": \"bandwidth_info\", \"bandwidth_info\": [ "
		"{ \"data_interval_ms\": 100, \"n_points\": 100, "
		"\"points_downstream\": 0, \"points_upstream\": 0, "
		"\"route_name\": \"us\" }, { \"data_interval_ms\": 100, "
		"\"n_points\": 100, \"points_downstream\": 0, "
		"\"points_upstream\": 0, \"route_name\": \"de\" } ] }");
}
END_TEST

/* A report that waits takes up the next: the sums stay right. */
START_TEST(reports_merge)
{
	int i;

	for (i = 0; i < 5000; i++) {
		(void)bandwidth("us", 5, 1000000000, 7, 0);
		ck_assert(bandwidth("de", 5, 2, 3, 1));
	}
	ck_assert_uint_eq(q.count, 1);
	next_is("{\"event\":\"bandwidth_info\",\"bandwidth_info\":["
		"{\"data_interval_ms\":100,\"n_points\":25000,"
		"\"points_downstream\":5000000000000,"
		"\"points_upstream\":35000,\"route_name\":\"us\"},"
		"{\"data_interval_ms\":100,\"n_points\":25000,"
		"\"points_downstream\":10000,\"points_upstream\":15000,"
		"\"route_name\":\"de\"}]}");
	/* one about other routes stands by itself */
	(void)bandwidth("us", 5, 1, 1, 1);
	(void)bandwidth("fr", 5, 1, 1, 1);
	ck_assert_uint_eq(q.count, 2);
}
END_TEST

START_TEST(order_and_limit)
{
	char name[16];
	int i;

	route("first", AFW_ROUTE_CONNECTED, 0, "");
	ck_assert(events_ready(&q));
	for (i = 0; i < 3 * EVENTS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "r%d", i % 60);
		route(name,
		    i / 60 % 2 == 0 ? AFW_ROUTE_CONNECTED
				    : AFW_ROUTE_DISCONNECTED,
		    0, "");
	}
	ck_assert_uint_eq(q.count, EVENTS_MAX);
	/* nothing has overtaken these */
	next_is("{\"event\":\"route_connected\",\"route_name\":\"first\"}");
	next_is("{\"event\":\"ready\"}");
	for (i = 0; i < EVENTS_MAX - 3; i++)
		events_text_free(events_pop(&q));
	next_is("{\"event\":\"route_disconnected\",\"route_name\":\"r11\"}");
	ck_assert_ptr_null(events_pop(&q));
	/* the queue works on */
	route("us", AFW_ROUTE_CONNECTED, 0, "");
	next_is("{\"event\":\"route_connected\",\"route_name\":\"us\"}");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("events");
	TCase *c = tcase_create("events");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, examples);
	tcase_add_test(c, reasons);
	tcase_add_test(c, report);
	tcase_add_test(c, reports_merge);
	tcase_add_test(c, order_and_limit);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
