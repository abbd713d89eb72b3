/* SPDX-License-Identifier: ISC */
/*
 * WireGuard routes of afwrtd: of which type a location is, what its interface
 * is called, in which order the helpers hear of it, and which errors there are.
 */
#include "config.h"

#include <string.h>

#include "wg_player.h"

#define HYDRA AFW_TYPE_HYDRA_TCP
#define WG    AFW_TYPE_WIREGUARD

START_TEST(default_location)
{
	struct afw_m_route_info ri;
	struct afw_msg m;

	wg_begin(WG, true);
	player_logged("net NET_CONFIG\n", NULL); /* no TUN of the suite */
	player_logged("tun TUN_CONFIG default=0", NULL);
	player_mark();
	wg_run();
	player_logged("auth AUTH_BEGIN", "auth LOCATION_CHECK",
	    "net NET_WG_SET wrt0 route=1 impl=1 flags=1 new",
	    "tun WG_LISTEN id=1",
	    "tun ROUTE_SET us id=1 flags=5 seq=0 wireguard", NULL);
	player_event(AFW_MSG_EV_READY, &m);
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	ri = wg_query("us");
	ck_assert_uint_eq(ri.type, WG);
	ck_assert_uint_eq(ri.wg_impl, AFW_WG_USERSPACE);
	ck_assert_str_eq(ri.ifname, "wrt0");
	ck_assert(wg_socket_is_there("wrt0"));
	player_end();
}
END_TEST

START_TEST(no_default_location)
{
	struct afw_msg m;

	wg_begin_with(WG, false, "");
	wg_run();
	player_event(AFW_MSG_EV_READY, &m);
	ck_assert_int_eq(player_count("ROUTE_SET"), 0);
	ck_assert_int_eq(player_count("NET_WG_SET"), 0);
	/* the name that it would have is free then */
	ck_assert_uint_eq(player_setup_iface("de", "wrt0"), AFW_OK);
	(void)player_route("de", AFW_ROUTE_CONNECTED);
	player_end();
}
END_TEST

START_TEST(hydra_is_never_ready)
{
	wg_begin(HYDRA, true);
	wg_run();
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	player_no_event(AFW_MSG_EV_READY);
	player_end();
}
END_TEST

START_TEST(default_name_is_taken)
{
	wg_begin(WG, false);
	player_tell("net.taken", "wrt0");
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_EBUSY);
	player_untell("net.taken");
	wg_run();
	player_logged("NET_WG_SET wrt0", "NET_WG_SET wrt0", NULL);
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	player_end();
}
END_TEST

START_TEST(setup_errors)
{
	wg_begin(WG, false);
	player_tell("net.taken", "eth7");
	ck_assert_uint_eq(player_setup_tunnel("de"), AFW_EINVAL);
	ck_assert_uint_eq(player_setup_iface("nowhere", "wg1"), AFW_ENOENT);
	ck_assert_uint_eq(player_setup_iface("de", "eth7"), AFW_EBUSY);
	ck_assert_uint_eq(player_setup_iface("de", "wan0"), AFW_EBUSY);
	ck_assert_uint_eq(player_setup_iface("de", "wrt0"), AFW_EBUSY);
	ck_assert_int_eq(player_count("ROUTE_SET"), 0);
	ck_assert_uint_eq(player_setup_iface("hydra", "wg1"), AFW_ENOTSUP);
	ck_assert_ptr_nonnull(strstr(player_text, "\"type\": \"hydra-tcp\""));
	ck_assert_uint_eq(player_setup_iface("de", "wg1"), AFW_OK);
	ck_assert_uint_eq(player_setup_iface("fr", "wg1"), AFW_EBUSY);
	ck_assert_uint_eq(player_setup_iface("de", "wg1"), AFW_EEXIST);
	ck_assert_uint_eq(player_setup_iface("de", "wg2"), AFW_EEXIST);
	ck_assert_uint_eq(player_protect("10.0.0.1", "de"), AFW_ENOTSUP);
	ck_assert_uint_eq(player_teardown_tunnel("fr"), AFW_ENOENT);
	player_end();
}
END_TEST

START_TEST(setup_and_teardown)
{
	wg_begin(WG, false);
	wg_run();
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	player_mark();
	ck_assert_uint_eq(player_setup_iface("de", "wg1"), AFW_OK);
	player_logged("auth LOCATION_CHECK",
	    "net NET_WG_SET wg1 route=2 impl=1 flags=0 new",
	    "tun WG_LISTEN id=2", "tun ROUTE_SET de id=2 flags=4", NULL);
	(void)player_route("de", AFW_ROUTE_CONNECTED);
	ck_assert(wg_socket_is_there("wg1"));
	ck_assert_uint_eq(player_teardown_tunnel("de"), AFW_OK);
	player_logged("tun ROUTE_DEL id=2", "net NET_WG_DEL id=2", NULL);
	(void)player_route("de", AFW_ROUTE_DISCONNECTED);
	ck_assert(!wg_socket_is_there("wg1"));
	ck_assert_uint_eq(player_teardown_tunnel("de"), AFW_ENOENT);
	ck_assert_uint_eq(player_setup_iface("de", "wg1"), AFW_OK);
	player_logged("NET_WG_SET wg1 route=3 impl=1 flags=0 new", NULL);
	player_end();
}
END_TEST

START_TEST(set_up_again_after_a_failure)
{
	wg_begin_with(WG, false, "nowhere");
	wg_run();
	(void)player_route("nowhere", AFW_ROUTE_FAILED);
	ck_assert_uint_eq(player_setup_iface("nowhere", "wg1"), AFW_EEXIST);
	ck_assert_uint_eq(player_setup_iface("nowhere", "wrt0"), AFW_OK);
	(void)player_route("nowhere", AFW_ROUTE_FAILED);
	player_end();
}
END_TEST

START_TEST(tun_refuses)
{
	wg_begin(WG, true);
	player_tell("tun.code.ROUTE_SET", "16");
	ck_assert_uint_eq(player_setup_iface("de", "wg1"), AFW_ENOMEM);
	player_logged("NET_WG_SET wg1", "ROUTE_SET de", "NET_WG_DEL", NULL);
	ck_assert_uint_eq(player_protect("10.0.0.1", "de"), AFW_ENOMEM);
	ck_assert(!wg_socket_is_there("wg1"));
	player_untell("tun.code.ROUTE_SET");
	ck_assert_uint_eq(player_setup_iface("de", "wg1"), AFW_OK);
	player_end();
}
END_TEST

START_TEST(net_refuses_the_rule)
{
	wg_begin(WG, true);
	player_tell("net.refuse", "10.0.0.1");
	player_mark();
	ck_assert_uint_eq(player_protect("10.0.0.1", "de"), AFW_EINVAL);
	player_logged("NET_WG_SET wrt0-1", "ROUTE_SET de", "NET_RULE_SET",
	    "ROUTE_DEL", "NET_WG_DEL", NULL);
	player_end();
}
END_TEST

START_TEST(names_of_rules)
{
	wg_begin(WG, true);
	player_tell("net.taken", "wrt0-2 wrt0-3");
	ck_assert_uint_eq(player_protect("10.0.0.1", "de"), AFW_OK);
	player_logged("net NET_WG_SET wrt0-1 route=2", "tun ROUTE_SET de id=2",
	    "net NET_RULE_SET 10.0.0.1 route=2", NULL);
	player_mark();
	ck_assert_uint_eq(player_protect("10.0.0.2", "fr"), AFW_OK);
	player_logged("NET_WG_SET wrt0-2 route=3", "NET_WG_SET wrt0-3 route=3",
	    "NET_WG_SET wrt0-4 route=3", "ROUTE_SET fr id=3", NULL);
	ck_assert_str_eq(wg_query("fr").ifname, "wrt0-4");
	ck_assert_uint_eq(player_teardown_tunnel("fr"), AFW_EBUSY);
	ck_assert_uint_eq(player_protect("10.0.0.1", "fr"), AFW_OK);
	ck_assert_uint_eq(player_teardown_tunnel("de"), AFW_OK);
	ck_assert_uint_eq(player_protect("10.0.0.1", "jp"), AFW_OK);
	player_logged("NET_WG_SET wrt0-1 route=4", NULL);
	ck_assert_uint_eq(player_protect("10.0.0.3", "hydra"), AFW_ENOTSUP);
	player_end();
}
END_TEST

START_TEST(mixed_and_managed)
{
	wg_begin(HYDRA, true);
	player_logged("net NET_CONFIG fd", NULL);
	ck_assert_uint_eq(player_protect("10.0.0.1", "wg-de"), AFW_OK);
	player_logged("NET_WG_SET wrt0-1 route=2",
	    "ROUTE_SET wg-de id=2 flags=0 seq=0 wireguard", NULL);
	ck_assert_uint_eq(player_protect("10.0.0.1", "fr"), AFW_OK);
	player_logged("ROUTE_SET fr id=3 flags=0 seq=0\n", NULL);
	ck_assert_uint_eq(player_setup_tunnel("wg-us"), AFW_EINVAL);
	ck_assert_uint_eq(player_setup_iface("wg-us", "wrt0"), AFW_EBUSY);
	ck_assert_uint_eq(player_setup_iface("wg-us", "wg1"), AFW_OK);
	ck_assert_uint_eq(player_setup_iface("hy-us", "wg1"), AFW_OK);
	ck_assert_uint_eq(wg_query("wg-us").type, WG);
	ck_assert_uint_eq(wg_query("hy-us").type, HYDRA);
	ck_assert_str_eq(wg_query("hy-us").ifname, "");
	ck_assert_uint_eq(player_unprotect("10.0.0.1"), AFW_OK);
	player_end();
}
END_TEST

START_TEST(mixed_and_manual)
{
	wg_begin(HYDRA, false);
	ck_assert_uint_eq(player_protect("10.0.0.1", "wg-de"), AFW_ENOTSUP);
	ck_assert_ptr_nonnull(strstr(player_text, "wireguard_routing"));
	ck_assert_uint_eq(player_protect("10.0.0.1", "fr"), AFW_OK);
	ck_assert_uint_eq(player_setup_iface("wg-de", "wg1"), AFW_OK);
	ck_assert_uint_eq(player_protect("10.0.0.1", "wg-de"), AFW_ENOTSUP);
	/* a rule of the configuration: blocked by the suite's own TUN */
	wg_batch(2, "wg-jp");
	player_logged("ROUTE_SET wg-jp id=5 flags=0 seq=0\n",
	    "NET_RULE_SET 10.0.0.2 route=5", NULL);
	ck_assert_uint_eq(player_unprotect("10.0.0.2"), AFW_OK);
	player_end();
}
END_TEST

START_TEST(a_rule_connects_after_the_login)
{
	wg_begin(WG, true);
	wg_batch(1, "de");
	player_logged("NET_WG_SET wrt0-1 route=2", "ROUTE_SET de id=2 flags=0",
	    "NET_SYNC_BEGIN", "NET_RULE_SET 10.0.0.1 route=2",
	    "NET_SYNC_COMMIT", NULL);
	player_no_event(AFW_MSG_EV_ROUTE);
	player_mark();
	wg_run();
	player_logged("auth AUTH_BEGIN", NULL);
	player_logged("tun ROUTE_SET de id=2 flags=4", NULL);
	(void)player_route("de", AFW_ROUTE_CONNECTED);
	player_end();
}
END_TEST

START_TEST(a_rule_of_the_default_location)
{
	wg_begin(WG, true);
	wg_batch(1, "us");
	player_logged("NET_WG_SET wrt0 route=1 impl=1 flags=1",
	    "ROUTE_SET us id=1 flags=1", NULL);
	wg_run();
	player_logged("tun ROUTE_SET us id=1 flags=5", NULL);
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	player_end();
}
END_TEST

/* It cannot be had, so its devices are blocked. */
START_TEST(hydra_rule_in_a_batch)
{
	wg_begin(WG, true);
	wg_batch(1, "hydra");
	player_logged("NET_WG_SET wrt0-1 route=2",
	    "ROUTE_SET hydra id=2 flags=0 seq=0 wireguard",
	    "NET_RULE_SET 10.0.0.1 route=2", NULL);
	player_end();
}
END_TEST

START_TEST(of_the_kernel)
{
	wg_begin(WG, true);
	player_tell("net.kernel", "");
	ck_assert_uint_eq(player_setup_iface("de", "wg1"), AFW_OK);
	ck_assert_int_eq(player_count("WG_LISTEN"), 0);
	ck_assert(!wg_socket_is_there("wg1"));
	ck_assert_uint_eq(wg_query("de").wg_impl, AFW_WG_KERNEL);
	player_end();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("wg_routes");
	TCase *t = tcase_create("wg_routes");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, player_setup, player_teardown);
	tcase_add_test(t, default_location);
	tcase_add_test(t, no_default_location);
	tcase_add_test(t, hydra_is_never_ready);
	tcase_add_test(t, default_name_is_taken);
	tcase_add_test(t, setup_errors);
	tcase_add_test(t, setup_and_teardown);
	tcase_add_test(t, set_up_again_after_a_failure);
	tcase_add_test(t, tun_refuses);
	tcase_add_test(t, net_refuses_the_rule);
	tcase_add_test(t, names_of_rules);
	tcase_add_test(t, mixed_and_managed);
	tcase_add_test(t, mixed_and_manual);
	tcase_add_test(t, a_rule_connects_after_the_login);
	tcase_add_test(t, a_rule_of_the_default_location);
	tcase_add_test(t, hydra_rule_in_a_batch);
	tcase_add_test(t, of_the_kernel);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return player_main(suite());
}
