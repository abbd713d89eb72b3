/* SPDX-License-Identifier: ISC */
/* What afwrtd does for the library when nothing goes wrong but the request. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "player.h"

static void
begin(void)
{
	player_setup();
	player_start();
	player_configure();
}

static void
batch_begin(void)
{
	(void)player_send(AFW_MSG_BATCH_BEGIN, NULL);
}

START_TEST(config_tells_everybody)
{
	struct afw_m_config c = player_config();

	player_logged("net NET_CONFIG", NULL);
	player_logged("tun TUN_CONFIG default=0 fresh=1", NULL);
	player_logged("auth AUTH_FILE which=1", "auth AUTH_FILE which=2", NULL);
	player_logged("net PEER tun", NULL);
	player_logged("net PEER auth", NULL);
	player_logged("tun PEER auth", NULL);
	player_logged("auth PEER tun", NULL);
	ck_assert_int_eq(player_count("NET_SYNC"), 0);
	ck_assert_uint_eq(player_ask(AFW_MSG_CONFIG, &c), AFW_EALREADY);
	player_end();
	player_logged("net NET_CLEAR keep=0", "net SHUTDOWN keep=0", NULL);
}
END_TEST

static void
refused(struct afw_m_config c, unsigned int code, const char *why)
{
	ck_assert_uint_eq(player_ask(AFW_MSG_CONFIG, &c), code);
	ck_assert_msg(strstr(player_text, why) != NULL, "%s", player_text);
}

START_TEST(config_refused)
{
	struct afw_m_config c;

	player_setup();
	player_start();
	c = player_config();
	c.flags = AFW_C_TUN_FD;
	refused(c, AFW_EINVAL, "hydra_tun_fd");
	c = player_config();
	c.config_dir[0] = 'x';
	refused(c, AFW_EINVAL, "config_dir");
	c = player_config();
	(void)afw_str_set(c.tun_dev_path, sizeof(c.tun_dev_path), "/no/tun");
	refused(c, AFW_ENOENT, "/no/tun");
	player_tell("net.code.NET_CONFIG", "18");
	refused(player_config(), AFW_ECONFLICT, "fake refusal");
	player_untell("net.code.NET_CONFIG");
	player_configure(); /* and a better one is taken */
	player_end();
}
END_TEST

START_TEST(protect)
{
	player_mark();
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	player_logged("auth LOCATION_CHECK", "tun ROUTE_SET de id=2 flags=0",
	    "net NET_RULE_SET 192.168.1.5 route=2", NULL);
	player_mark();
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	ck_assert_int_eq(player_count("NET_RULE_SET"), 0);
	ck_assert_uint_eq(player_protect("192.168.1.5", "fr"), AFW_OK);
	player_logged("tun ROUTE_SET fr id=3",
	    "net NET_RULE_SET 192.168.1.5 route=3", NULL);
	ck_assert_int_eq(player_count("ROUTE_DEL"), 0);
	ck_assert_uint_eq(player_protect("fd00::5", "de"), AFW_OK);
	player_logged("NET_RULE_SET fd00::5 route=2", NULL);
	ck_assert_uint_eq(player_protect("192.168.1.6", "nowhere"), AFW_ENOENT);
	ck_assert_uint_eq(player_unprotect("192.168.1.6"), AFW_ENOENT);
	ck_assert_uint_eq(player_unprotect("192.168.1.5"), AFW_OK);
	player_logged("net NET_RULE_DEL 192.168.1.5", NULL);
	ck_assert_uint_eq(player_unprotect("192.168.1.5"), AFW_ENOENT);
	player_end();
}
END_TEST

START_TEST(protect_refused_is_undone)
{
	player_tell("net.code.NET_RULE_SET", "5");
	player_mark();
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_ENOSPC);
	player_logged("tun ROUTE_SET de id=2", "net NET_RULE_SET",
	    "tun ROUTE_DEL id=2", NULL);
	ck_assert_uint_eq(player_unprotect("192.168.1.5"), AFW_ENOENT);
	player_untell("net.code.NET_RULE_SET");
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	player_logged("tun ROUTE_SET de id=3", "route=3", NULL);
	player_end();
}
END_TEST

START_TEST(protect_unanswered_is_undone)
{
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	player_tell("net.hang.NET_RULE_SET", "");
	player_mark();
	ck_assert_uint_eq(player_protect("192.168.1.5", "fr"), AFW_ETIMEDOUT);
	player_logged("NET_RULE_SET 192.168.1.5 route=3",
	    "NET_RULE_SET 192.168.1.5 route=2", NULL);
	player_untell("net.hang.NET_RULE_SET");
	player_mark(); /* de is still what is in force */
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	ck_assert_int_eq(player_count("NET_RULE_SET"), 0);
	player_end();
}
END_TEST

START_TEST(silent_auth_consents)
{
	player_tell("auth.hang.LOCATION_CHECK", "");
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	player_end();
}
END_TEST

START_TEST(one_key_in_order)
{
	struct afw_m_protect p = {.key = player_key("192.168.1.5")};
	struct afw_m_key k = {.key = p.key};
	uint32_t id[4];

	player_mark();
	(void)afw_str_set(p.location, sizeof(p.location), "de");
	id[0] = player_send(AFW_MSG_PROTECT, &p);
	(void)afw_str_set(p.location, sizeof(p.location), "fr");
	id[1] = player_send(AFW_MSG_PROTECT, &p);
	id[2] = player_send(AFW_MSG_UNPROTECT, &k);
	id[3] = player_send(AFW_MSG_PROTECT, &p);
	ck_assert_uint_eq(player_reply(id[0]), AFW_OK);
	ck_assert_uint_eq(player_reply(id[1]), AFW_OK);
	ck_assert_uint_eq(player_reply(id[2]), AFW_OK);
	ck_assert_uint_eq(player_reply(id[3]), AFW_OK);
	player_logged("NET_RULE_SET 192.168.1.5 route=2",
	    "NET_RULE_SET 192.168.1.5 route=3", "NET_RULE_DEL 192.168.1.5",
	    "NET_RULE_SET 192.168.1.5 route=3", NULL);
	player_end();
}
END_TEST

START_TEST(every_kind)
{
	struct afw_m_protect p = {.key.kind = AFW_KEY_MAC,
	    .key.mac = {2, 0, 0, 0, 0, 1},
	    .location = "de"};
	struct afw_m_key k = {.key = p.key};

	ck_assert_uint_eq(player_ask(AFW_MSG_PROTECT, &p), AFW_OK);
	player_logged("NET_RULE_SET 02:00:00:00:00:01 route=2", NULL);
	ck_assert_uint_eq(player_ask(AFW_MSG_UNPROTECT, &k), AFW_OK);
	ck_assert_uint_eq(player_ask(AFW_MSG_UNPROTECT, &k), AFW_ENOENT);
	memset(&p.key, 0, sizeof(p.key));
	p.key.kind = AFW_KEY_IFACE;
	(void)afw_str_set(p.key.iface, sizeof(p.key.iface), "eth1");
	ck_assert_uint_eq(player_ask(AFW_MSG_PROTECT, &p), AFW_OK);
	player_logged("NET_RULE_SET iface eth1 route=2", NULL);
	player_end();
}
END_TEST

START_TEST(tunnels)
{
	ck_assert_uint_eq(player_teardown_tunnel("de"), AFW_ENOENT);
	ck_assert_uint_eq(player_setup_tunnel("nowhere"), AFW_ENOENT);
	ck_assert_uint_eq(player_setup_tunnel("de"), AFW_OK);
	ck_assert_uint_eq(player_setup_tunnel("de"), AFW_EEXIST);
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	ck_assert_uint_eq(player_teardown_tunnel("de"), AFW_EBUSY);
	ck_assert_uint_eq(player_unprotect("192.168.1.5"), AFW_OK);
	ck_assert_uint_eq(player_setup_tunnel("de"), AFW_EEXIST);
	ck_assert_uint_eq(player_teardown_tunnel("de"), AFW_OK);
	ck_assert_uint_eq(player_teardown_tunnel("de"), AFW_ENOENT);
	ck_assert_uint_eq(player_setup_tunnel("de"), AFW_OK);
	player_logged(
	    "ROUTE_SET de id=3", "ROUTE_DEL id=3", "ROUTE_SET de id=4", NULL);
	player_end();
}
END_TEST

static void
ip_of(unsigned int i, char *text, size_t size)
{
	(void)snprintf(
	    text, size, "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
}

/* Pipelined; every answer must be this code. */
static void
record(
    unsigned int from, unsigned int to, const char *location, unsigned int code)
{
	struct afw_m_protect p = {.location = {0}};
	char ip[32];
	unsigned int i, j;
	uint32_t ids[64];

	(void)afw_str_set(p.location, sizeof(p.location), location);
	for (i = from; i < to; i += 64) {
		for (j = i; j < to && j < i + 64; j++) {
			ip_of(j + 1, ip, sizeof(ip));
			p.key = player_key(ip);
			ids[j - i] = player_send(AFW_MSG_PROTECT, &p);
		}
		for (j = i; j < to && j < i + 64; j++)
			ck_assert_uint_eq(player_reply(ids[j - i]), code);
	}
}

START_TEST(batch)
{
	player_mark();
	batch_begin();
	record(0, 1000, "de", AFW_OK);
	record(1000, 1200, "us", AFW_OK);
	ck_assert_int_eq(player_count("ROUTE_SET") + player_count("NET_"), 0);
	ck_assert_uint_eq(player_ask(AFW_MSG_BATCH_COMMIT, NULL), AFW_OK);
	player_logged("ROUTE_SET", "ROUTE_SET", "net NET_SYNC_BEGIN",
	    "NET_RULE_SET", "net NET_SYNC_COMMIT", NULL);
	ck_assert_int_eq(player_count("NET_RULE_SET"), 1200);
	ck_assert_int_eq(player_count("route=2"), 1000);
	ck_assert_uint_eq(player_ask(AFW_MSG_BATCH_COMMIT, NULL), AFW_EINVAL);
	ck_assert_uint_eq(player_unprotect("10.0.0.7"), AFW_OK);
	player_end();
}
END_TEST

START_TEST(batch_fails_as_one)
{
	ck_assert_uint_eq(player_protect("10.0.0.1", "fr"), AFW_OK);
	player_tell("net.code.NET_SYNC_COMMIT", "17");
	batch_begin();
	record(0, 10, "de", AFW_OK);
	ck_assert_uint_eq(player_ask(AFW_MSG_BATCH_COMMIT, NULL), AFW_EIO);
	player_untell("net.code.NET_SYNC_COMMIT");
	ck_assert_uint_eq(player_unprotect("10.0.0.2"), AFW_ENOENT);
	player_mark(); /* as it was: nothing to do */
	ck_assert_uint_eq(player_protect("10.0.0.1", "fr"), AFW_OK);
	ck_assert_int_eq(player_count("NET_RULE_SET 10.0.0.1 route=3"), 0);
	player_end();
}
END_TEST

START_TEST(limits)
{
	char name[16];
	unsigned int i;

	batch_begin();
	record(0, AFW_RULES_MAX, "de", AFW_OK);
	record(AFW_RULES_MAX, AFW_RULES_MAX + 1, "de", AFW_ENOSPC);
	ck_assert_ptr_nonnull(strstr(player_text, "65536"));
	ck_assert_uint_eq(player_ask(AFW_MSG_BATCH_COMMIT, NULL), AFW_OK);
	ck_assert_uint_eq(player_protect("11.0.0.1", "de"), AFW_ENOSPC);
	for (i = 2; i < AFW_ROUTES_MAX; i++) { /* us and de are there */
		(void)snprintf(name, sizeof(name), "l%u", i);
		ck_assert_uint_eq(player_setup_tunnel(name), AFW_OK);
	}
	ck_assert_uint_eq(player_setup_tunnel("l64"), AFW_ENOSPC);
	ck_assert_ptr_nonnull(strstr(player_text, "64"));
	player_end();
}
END_TEST

START_TEST(run_and_stop)
{
	struct afw_msg m;

	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	player_mark();
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	player_logged("tun ROUTE_SET us id=1 flags=5", NULL);
	player_logged("auth AUTH_BEGIN", NULL);
	ck_assert_uint_eq(player_route("us", AFW_ROUTE_CONNECTED), 2);
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_EALREADY);
	ck_assert_uint_eq(player_setup_tunnel("us"), AFW_EEXIST);
	player_mark();
	ck_assert_uint_eq(player_ask(AFW_MSG_STOP, NULL), AFW_OK);
	player_logged(
	    "tun ROUTE_DEL", "tun ROUTE_DEL", "net NET_CLEAR keep=0", NULL);
	ck_assert_uint_eq(player_route("us", AFW_ROUTE_DISCONNECTED), 3);
	player_event(AFW_MSG_EV_STOPPED, &m);
	ck_assert_uint_eq(player_ask(AFW_MSG_STOP, NULL), AFW_OK);
	ck_assert_uint_eq(player_protect("192.168.1.6", "fr"), AFW_OK);
	player_mark();
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	player_logged("net NET_CONFIG", "net NET_SYNC_BEGIN",
	    "net NET_SYNC_COMMIT", NULL);
	ck_assert_int_eq(player_count("NET_RULE_SET 192.168.1.5 route=2"), 1);
	ck_assert_int_eq(player_count("NET_RULE_SET 192.168.1.6 route=3"), 1);
	player_logged("tun ROUTE_SET de id=2", NULL);
	player_logged("tun ROUTE_SET fr id=3", NULL);
	player_end();
}
END_TEST

START_TEST(run_without_uplink)
{
	struct afw_m_config c = player_config();
	uint32_t id;

	player_setup();
	player_tell("net.nowan", "");
	player_start();
	c.wan_wait = 1;
	ck_assert_uint_eq(player_ask(AFW_MSG_CONFIG, &c), AFW_OK);
	id = player_send(AFW_MSG_RUN, NULL);
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	ck_assert_uint_eq(player_reply(id), AFW_ENODEV);
	ck_assert_ptr_nonnull(strstr(player_text, "wan0"));
	player_end();
}
END_TEST

START_TEST(run_with_login_refused)
{
	player_tell("auth.code.AUTH_BEGIN", "8");
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_EACCES);
	player_end();
}
END_TEST

START_TEST(killswitch_stays)
{
	struct afw_m_config c = player_config();

	player_setup();
	player_start();
	c.flags = AFW_C_KILLSWITCH;
	ck_assert_uint_eq(player_ask(AFW_MSG_CONFIG, &c), AFW_OK);
	player_end();
	player_logged("net NET_CLEAR keep=1", "net SHUTDOWN keep=1", NULL);
}
END_TEST

START_TEST(sigterm_is_an_ordered_end)
{
	struct afw_msg m;

	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	ck_assert_int_eq(kill(player_afwrtd, SIGTERM), 0);
	player_event(AFW_MSG_EV_STOPPED, &m);
	player_wait_end();
	player_logged("ROUTE_DEL", "NET_CLEAR", "SHUTDOWN", NULL);
}
END_TEST

START_TEST(query)
{
	uint32_t id;
	struct afw_msg m;
	const struct afw_m_route_info *ri = (const void *)m.payload;
	int processes = 0, routes = 0, rules = 0;

	batch_begin();
	record(0, 30000, "de", AFW_OK);
	ck_assert_uint_eq(player_ask(AFW_MSG_BATCH_COMMIT, NULL), AFW_OK);
	id = player_send(AFW_MSG_QUERY, NULL);
	for (;;) {
		player_answer(id, &m);
		if (m.hdr.type == AFW_MSG_STATUS)
			break;
		processes += m.hdr.type == AFW_MSG_QUERY_PROCESS;
		rules += m.hdr.type == AFW_MSG_QUERY_RULE;
		if (m.hdr.type != AFW_MSG_QUERY_ROUTE)
			continue;
		routes++;
		ck_assert_str_eq(ri->location, "de");
		ck_assert_uint_eq(ri->rules, 30000);
		ck_assert_uint_ge(ri->stats.down_bytes, 2000);
	}
	ck_assert_int_eq(processes, 4);
	ck_assert_int_eq(routes, 1);
	ck_assert_int_eq(rules, 30000);
	player_end();
}
END_TEST

START_TEST(bandwidth)
{
	struct afw_m_config c = player_config();
	struct afw_msg m;
	const struct afw_m_bandwidth *b = (const void *)m.payload;

	player_setup();
	player_start();
	c.report_interval = 100;
	ck_assert_uint_eq(player_ask(AFW_MSG_CONFIG, &c), AFW_OK);
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	player_event(AFW_MSG_EV_BANDWIDTH, &m);
	ck_assert_str_eq(b->location, "us");
	ck_assert_uint_eq(b->down, 2000);
	ck_assert_uint_eq(b->up, 1000);
	ck_assert_uint_eq(b->n_points, 1);
	ck_assert_uint_eq(b->last, 1);
	player_event(AFW_MSG_EV_BANDWIDTH, &m);
	ck_assert_uint_eq(b->down, 2000);
	player_end();
}
END_TEST

START_TEST(bandwidth_at_the_end)
{
	struct afw_m_config c = player_config();
	struct afw_msg m;
	const struct afw_m_bandwidth *b = (const void *)m.payload;

	player_setup();
	player_start();
	c.report_interval = 3600000;
	ck_assert_uint_eq(player_ask(AFW_MSG_CONFIG, &c), AFW_OK);
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	ck_assert_uint_eq(player_ask(AFW_MSG_STOP, NULL), AFW_OK);
	player_event(AFW_MSG_EV_BANDWIDTH, &m);
	ck_assert_uint_eq(b->down, 2000);
	player_event(AFW_MSG_EV_STOPPED, &m);
	player_end();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("afwrtd");
	TCase *t = tcase_create("configured");
	TCase *own = tcase_create("own start");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, begin, player_teardown);
	tcase_add_test(t, config_tells_everybody);
	tcase_add_test(t, protect);
	tcase_add_test(t, protect_refused_is_undone);
	tcase_add_test(t, protect_unanswered_is_undone);
	tcase_add_test(t, silent_auth_consents);
	tcase_add_test(t, one_key_in_order);
	tcase_add_test(t, every_kind);
	tcase_add_test(t, tunnels);
	tcase_add_test(t, batch);
	tcase_add_test(t, batch_fails_as_one);
	tcase_add_test(t, limits);
	tcase_add_test(t, run_and_stop);
	tcase_add_test(t, run_with_login_refused);
	tcase_add_test(t, sigterm_is_an_ordered_end);
	tcase_add_test(t, query);
	suite_add_tcase(s, t);
	tcase_set_timeout(own, 60);
	tcase_add_checked_fixture(own, NULL, player_teardown);
	tcase_add_test(own, config_refused);
	tcase_add_test(own, run_without_uplink);
	tcase_add_test(own, killswitch_stays);
	tcase_add_test(own, bandwidth);
	tcase_add_test(own, bandwidth_at_the_end);
	suite_add_tcase(s, own);
	return s;
}

int
main(void)
{
	return player_main(suite());
}
