/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TESTS_HYDRA_CASE_H
#define AFWRT_TESTS_HYDRA_CASE_H

/* What the programs that test against hydra_lab.h begin each case with. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "hydra_lab.h"

static struct suite s;
static char cookies[NODES][2048];

static void
setup(void)
{
	memset(&s, 0, sizeof(s));
	s.device = -1;
	suite_start(&s);
	(void)snprintf(cookies[0], sizeof(cookies[0]), "%s", lab_cookie(0));
	s.answers[0].cookie = cookies[0];
	s.n_answers = 1;
}

static void
teardown(void)
{
	suite_free(&s);
}

static void
event_is(unsigned int n, int ms, uint32_t route, enum afw_route_state state,
    enum afw_reason reason, uint32_t seq)
{
	const struct afw_m_route_event *e = suite_event(&s, n, ms);

	ck_assert_uint_eq(e->route, route);
	ck_assert_uint_eq(e->state, state);
	ck_assert_uint_eq(e->reason, reason);
	ck_assert_uint_eq(e->seq, seq);
}

static int got;

static bool
pinged(struct suite *x)
{
	int n = ping_recv(x);

	if (n >= 0)
		got = n;
	return n >= 0;
}

/* A packet there and back on a route that is up. */
static void
ping_ok(uint32_t route, unsigned int node)
{
	static uint16_t number = 1000;

	suite_stats(&s);
	ping_send(&s, route, node, ++number);
	got = -1;
	ck_assert_msg(suite_await(&s, 3000, pinged), "no answer");
	ck_assert_int_eq(got, number);
}

static void
up(uint32_t id, enum afw_reconnect reconnect)
{
	unsigned int n = s.n_events;

	ck_assert_uint_eq(
	    suite_route(&s, id, AFW_R_EAGER, reconnect, 0), AFW_OK);
	event_is(n, 5000, id, AFW_ROUTE_CONNECTED, AFW_REASON_NONE, 1);
}

#endif
