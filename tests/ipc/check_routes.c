/* SPDX-License-Identifier: ISC */
/*
 * afwrtd and its routes: the default location, names that the backend chose
 * or does not know, tunnels between runs, and reports that miss nothing.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "player.h"

static void
begin(void)
{
	player_setup();
	player_start();
}

static void
configure(struct afw_m_config c)
{
	ck_assert_uint_eq(player_ask(AFW_MSG_CONFIG, &c), AFW_OK);
}

START_TEST(default_gateway_has_a_default_route)
{
	struct afw_m_config c = player_config();

	c.flags = AFW_C_DEFAULT_GATEWAY;
	configure(c);
	player_logged("tun TUN_CONFIG default=1", NULL);
	player_end();
}
END_TEST

START_TEST(no_iptables_has_one_too)
{
	struct afw_m_config c = player_config();

	c.flags = AFW_C_NO_IPTABLES;
	configure(c);
	player_logged("tun TUN_CONFIG default=1", NULL);
	player_end();
}
END_TEST

START_TEST(given_tun)
{
	struct afw_m_config c = player_config();
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	uint32_t id = 77;

	c.flags = AFW_C_TUN_FD;
	(void)afw_str_set(c.tun_dev_path, sizeof(c.tun_dev_path), "/no/tun");
	ck_assert_int_eq(afw_chan_send(&player, AFW_MSG_CONFIG, id, &c, fd), 0);
	ck_assert_uint_eq(player_reply(id), AFW_OK);
	player_logged("net NET_CONFIG fd", NULL);
	player_logged("tun TUN_CONFIG default=1", NULL);
	/* a stop does not lose it */
	ck_assert_uint_eq(player_ask(AFW_MSG_STOP, NULL), AFW_OK);
	player_mark();
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	player_logged("net NET_CONFIG fd", NULL);
	player_end();
}
END_TEST

/* An afwrt-tun that uses up the numbers of events does so for itself alone:
 * the next one is heard. */
START_TEST(numbers_used_up)
{
	player_tell("tun.seq", "4294967294");
	configure(player_config());
	(void)player_send(AFW_MSG_RUN, NULL);
	player_logged("tun ROUTE_SET us", "tun ROUTE_SET us", NULL);
	player_untell("tun.seq");
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	player_end();
}
END_TEST

/* The default location's choice and a rule's location may be the same: two
 * tunnels, each with a name of its own. */
START_TEST(chosen_name)
{
	struct afw_m_config c = player_config();
	struct afw_msg m;
	const struct afw_m_route_info *ri = (const void *)m.payload;
	uint32_t id;

	memset(c.vl_default, 0, sizeof(c.vl_default));
	player_tell("tun.chosen", "de-berlin");
	configure(c);
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	player_logged("tun ROUTE_SET optimal id=1 flags=5", NULL);
	(void)player_route("optimal", AFW_ROUTE_CONNECTED);
	ck_assert_uint_eq(player_protect("10.0.0.1", "de-berlin"), AFW_OK);
	player_logged("tun ROUTE_SET de-berlin id=2", NULL);
	id = player_send(AFW_MSG_QUERY, NULL);
	do
		player_answer(id, &m);
	while (m.hdr.type == AFW_MSG_QUERY_PROCESS);
	ck_assert_uint_eq(m.hdr.type, AFW_MSG_QUERY_ROUTE);
	ck_assert_str_eq(ri->location, "optimal");
	ck_assert_str_eq(ri->chosen, "de-berlin");
	player_answer(id, &m);
	ck_assert_uint_eq(m.hdr.type, AFW_MSG_QUERY_ROUTE);
	ck_assert_str_eq(ri->location, "de-berlin");
	(void)player_reply(id);
	ck_assert_uint_eq(player_setup_tunnel("de-berlin"), AFW_EEXIST);
	ck_assert_uint_eq(player_setup_tunnel("optimal"), AFW_EEXIST);
	ck_assert_uint_eq(player_ask(AFW_MSG_STOP, NULL), AFW_OK);
	(void)player_route("optimal", AFW_ROUTE_DISCONNECTED);
	player_end();
}
END_TEST

static void
record(const char *ip, const char *location)
{
	ck_assert_uint_eq(player_protect(ip, location), AFW_OK);
}

START_TEST(default_location_of_a_rule)
{
	configure(player_config());
	(void)player_send(AFW_MSG_BATCH_BEGIN, NULL);
	record("10.0.0.1", "us");
	ck_assert_uint_eq(player_ask(AFW_MSG_BATCH_COMMIT, NULL), AFW_OK);
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	player_end();
}
END_TEST

START_TEST(unknown_location_in_a_batch)
{
	struct afw_msg m;
	const struct afw_m_ev_route *e = (const void *)m.payload;

	configure(player_config());
	(void)player_send(AFW_MSG_BATCH_BEGIN, NULL);
	record("10.0.0.1", "nowhere");
	record("10.0.0.2", "de");
	ck_assert_uint_eq(player_ask(AFW_MSG_BATCH_COMMIT, NULL), AFW_OK);
	ck_assert_int_eq(player_count("net NET_RULE_SET"), 2);
	player_no_event(AFW_MSG_EV_ROUTE);
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	player_event(AFW_MSG_EV_ROUTE, &m);
	ck_assert_str_eq(e->location, "nowhere");
	ck_assert_uint_eq(e->state, AFW_ROUTE_FAILED);
	ck_assert_uint_eq(e->reason, AFW_REASON_LOCATION);
	ck_assert_int_eq(player_count("ROUTE_UP"), 1);
	player_end();
}
END_TEST

START_TEST(one_bad_rule_keeps_the_others)
{
	configure(player_config());
	player_tell("net.refuse", "10.0.0.2");
	(void)player_send(AFW_MSG_BATCH_BEGIN, NULL);
	record("10.0.0.1", "de");
	record("10.0.0.2", "fr");
	record("10.0.0.3", "de");
	ck_assert_uint_eq(player_ask(AFW_MSG_BATCH_COMMIT, NULL), AFW_OK);
	player_logged("net NET_SYNC_COMMIT", NULL);
	ck_assert_uint_eq(player_unprotect("10.0.0.2"), AFW_ENOENT);
	ck_assert_uint_eq(player_unprotect("10.0.0.1"), AFW_OK);
	ck_assert_uint_eq(player_unprotect("10.0.0.3"), AFW_OK);
	player_end();
}
END_TEST

START_TEST(tunnels_between_runs)
{
	configure(player_config());
	ck_assert_uint_eq(player_ask(AFW_MSG_STOP, NULL), AFW_OK);
	ck_assert_uint_eq(player_teardown_tunnel("de"), AFW_ENOENT);
	ck_assert_uint_eq(player_setup_tunnel("de"), AFW_OK);
	ck_assert_uint_eq(player_setup_tunnel("de"), AFW_EEXIST);
	ck_assert_uint_eq(player_teardown_tunnel("de"), AFW_OK);
	ck_assert_uint_eq(player_setup_tunnel("fr"), AFW_OK);
	ck_assert_int_eq(player_count("ROUTE_SET"), 0);
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	player_logged("tun ROUTE_SET fr", NULL);
	ck_assert_int_eq(player_count("ROUTE_SET de"), 0);
	ck_assert_uint_eq(player_setup_tunnel("fr"), AFW_EEXIST);
	ck_assert_uint_eq(player_teardown_tunnel("fr"), AFW_OK);
	player_end();
}
END_TEST

START_TEST(refused_login_then_a_good_one)
{
	configure(player_config());
	player_tell("auth.code.AUTH_BEGIN", "8");
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_EACCES);
	ck_assert_int_eq(player_count("ROUTE_SET"), 0);
	player_untell("auth.code.AUTH_BEGIN");
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	player_end();
}
END_TEST

/* Late, the run ends as it does early; what is in force stays. */
START_TEST(login_refused_later)
{
	struct afw_m_credentials c = {.method = "oauth", .token = "x"};
	struct afw_msg m;
	const struct afw_m_status *st = (const void *)m.payload;

	configure(player_config());
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	/* the application's own attempt: only its answer */
	player_tell("auth.refuse.REGISTER", "");
	player_answer(player_send(AFW_MSG_REGISTER, &c), &m);
	player_no_event(AFW_MSG_EV_STOPPED);
	player_tell("auth.refuse.LOCATION_CHECK", "");
	ck_assert_uint_eq(player_protect("10.0.0.1", "de"), AFW_OK);
	player_event(AFW_MSG_EV_INVALID_AUTH, &m);
	ck_assert_str_eq(st->text, "SUSPENDED");
	player_event(AFW_MSG_EV_STOPPED, &m);
	ck_assert_uint_eq(st->code, AFW_EACCES);
	ck_assert_int_eq(player_count("NET_CLEAR"), 0);
	ck_assert_int_eq(player_count("ROUTE_DEL"), 0);
	ck_assert_uint_eq(player_protect("10.0.0.2", "de"), AFW_OK);
	/* with other credentials: the same run again */
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	ck_assert_int_eq(player_count("ROUTE_SET us"), 1);
	ck_assert_uint_eq(player_ask(AFW_MSG_STOP, NULL), AFW_OK);
	player_event(AFW_MSG_EV_STOPPED, &m);
	ck_assert_uint_eq(st->code, AFW_OK);
	player_end();
}
END_TEST

/* The login took longer than RUN waits for it. */
START_TEST(login_refused_while_the_route_is_set)
{
	struct afw_msg m;
	const struct afw_m_status *st = (const void *)m.payload;

	configure(player_config());
	player_tell("auth.code.AUTH_BEGIN", "9");
	player_tell("auth.refuse.AUTH_BEGIN", "");
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	player_event(AFW_MSG_EV_STOPPED, &m);
	ck_assert_uint_eq(st->code, AFW_EACCES);
	player_end();
}
END_TEST

/* ---- reports ------------------------------------------------------------ */

struct sums {
	uint64_t up, down;
};

/* Adds what was reported of the location until a last part. */
static void
report_add(struct sums *s, const char *location)
{
	struct afw_msg m;
	const struct afw_m_bandwidth *b = (const void *)m.payload;

	do {
		player_event(AFW_MSG_EV_BANDWIDTH, &m);
		if (strcmp(b->location, location) != 0)
			continue;
		ck_assert_uint_ge(b->n_points, 1);
		s->up += b->up;
		s->down += b->down;
	} while (b->last == 0);
}

static uint64_t
counter(void)
{
	uint32_t id = player_send(AFW_MSG_QUERY, NULL);
	struct afw_msg m;
	const struct afw_m_route_info *ri = (const void *)m.payload;
	uint64_t up = 0;

	for (;;) {
		player_answer(id, &m);
		if (m.hdr.type == AFW_MSG_STATUS)
			return up;
		if (m.hdr.type == AFW_MSG_QUERY_ROUTE)
			up = ri->stats.up_bytes;
	}
}

START_TEST(sums_over_a_restart)
{
	struct afw_m_config c = player_config();
	struct sums s = {0, 0};
	struct afw_m_process p;
	uint64_t before;

	c.report_interval = 3600000;
	configure(c);
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	ck_assert_uint_eq(counter(), 1000);
	ck_assert_uint_eq(before = counter(), 2000);
	p = player_process(AFW_TUN); /* asks once more */
	ck_assert_int_eq(kill((pid_t)p.pid, SIGKILL), 0);
	(void)player_route("us", AFW_ROUTE_DISCONNECTED);
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	ck_assert_uint_eq(counter(), before + 1000 + 1000);
	ck_assert_uint_eq(player_ask(AFW_MSG_STOP, NULL), AFW_OK);
	report_add(&s, "us"); /* asks the last time */
	ck_assert_uint_eq(s.up, before + 3000);
	ck_assert_uint_eq(s.down, 2 * s.up);
	player_end();
}
END_TEST

START_TEST(a_route_that_went_is_reported)
{
	struct afw_m_config c = player_config();
	struct sums s = {0, 0};

	c.report_interval = 3600000;
	configure(c);
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	ck_assert_uint_eq(player_setup_tunnel("de"), AFW_OK);
	ck_assert_uint_eq(player_teardown_tunnel("de"), AFW_OK);
	player_logged("tun ROUTE_STATS", "tun ROUTE_DEL", NULL);
	ck_assert_uint_eq(player_ask(AFW_MSG_STOP, NULL), AFW_OK);
	report_add(&s, "de");
	ck_assert_uint_eq(s.up, 1000);
	player_end();
}
END_TEST

START_TEST(no_reports)
{
	struct afw_m_config c = player_config();
	struct afw_msg m;

	c.report_interval = 0;
	configure(c);
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	ck_assert_uint_eq(player_ask(AFW_MSG_STOP, NULL), AFW_OK);
	player_event(AFW_MSG_EV_STOPPED, &m);
	player_no_event(AFW_MSG_EV_BANDWIDTH);
	ck_assert_int_eq(player_count("EV_BANDWIDTH"), 0);
	player_end();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("routes");
	TCase *t = tcase_create("routes");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, begin, player_teardown);
	tcase_add_test(t, default_gateway_has_a_default_route);
	tcase_add_test(t, no_iptables_has_one_too);
	tcase_add_test(t, given_tun);
	tcase_add_test(t, numbers_used_up);
	tcase_add_test(t, chosen_name);
	tcase_add_test(t, default_location_of_a_rule);
	tcase_add_test(t, unknown_location_in_a_batch);
	tcase_add_test(t, one_bad_rule_keeps_the_others);
	tcase_add_test(t, tunnels_between_runs);
	tcase_add_test(t, refused_login_then_a_good_one);
	tcase_add_test(t, login_refused_later);
	tcase_add_test(t, login_refused_while_the_route_is_set);
	tcase_add_test(t, sums_over_a_restart);
	tcase_add_test(t, a_route_that_went_is_reported);
	tcase_add_test(t, no_reports);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return player_main(suite());
}
