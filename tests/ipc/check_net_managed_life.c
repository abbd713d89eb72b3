/* SPDX-License-Identifier: ISC */
/* Managed routing over restarts and changes: managed_env.h. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afwrt-net/route.h"
#include "afwrt-net/rule.h"
#include "lib/daemon/log.h"
#include "managed_env.h"

/* Killed and started again: nothing on the system is touched at all. */
START_TEST(restart_changes_nothing)
{
	char *before, *after;

	if (_i == 1)
		e.cfg.flags |= AFW_C_DEFAULT_GATEWAY;
	OK(env_net_config(&e));
	OK(managed_wg_set(3, AFW_W_DEFAULT));
	OK(managed_wg_session(3, true, NULL));
	managed_wg_up(4);
	OK(managed_rule(DEV, 4));
	OK(managed_rule(MAC_A, 3));
	before = env_snapshot();
	HAS(before, "0x00000009");
	env_kill(&e);
	WHERE(3); /* the kernel goes on */
	ck_assert_int_eq(
	    sh("ip monitor route rule > net-monitor.tmp & "
	       "echo $! > net-monitor.pid; nft monitor > net-nft.tmp & "
	       "echo $! > net-nft.pid; sleep 0.3"),
	    0);
	env_start(&e);
	OK(env_net_config(&e));
	WHERE(3);
	env_sync_begin(&e);
	OK(managed_wg_set(3, AFW_W_DEFAULT));
	OK(managed_wg_set(4, 0));
	OK(managed_rule(DEV, 4));
	OK(managed_rule(MAC_A, 3));
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	(void)sh("sleep 0.2; kill $(cat net-monitor.pid net-nft.pid)");
	ck_assert_int_eq(
	    sh("test ! -s net-monitor.tmp || ! cat net-monitor.tmp >&2"), 0);
	HAS_NOT(out("cat net-nft.tmp"), "delete");
	HAS_NOT(out("cat net-nft.tmp"), "element");
	(void)sh("rm -f net-monitor.* net-nft.*");
	after = env_snapshot();
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
	WHERE(3);
	OK(env_clear(&e, false));
	ck_assert_str_eq(out("nft list ruleset"), "");
	HAS_NOT(out("ip rule; ip -6 rule"), "fwmark");
	HAS_NOT(out("ip route show table all"), "proto 97");
}
END_TEST

/* What somebody changed while nobody looked: the maps' content, too. */
START_TEST(maps_are_compared)
{
	OK(env_net_config(&e));
	managed_wg_up(3);
	managed_wg_up(4);
	OK(managed_rule(DEV, 3));
	OK(managed_rule("192.168.50.11", 4));
	OK(managed_rule("192.168.50.12", 7));
	env_kill(&e);
	ck_assert_int_eq(
	    sh("nft delete element inet afwrt wg_ip4 '{ " DEV " }'; "
	       "nft delete element inet afwrt wg_ip4 '{ 192.168.50.11 }'; "
	       "nft add element inet afwrt wg_ip4 '{ 192.168.50.11 : 9, "
	       "192.168.50.12 : 9, 192.168.50.13 : 9 }'"),
	    0);
	env_start(&e);
	OK(env_net_config(&e));
	env_sync_begin(&e);
	OK(managed_wg_set(3, 0));
	OK(managed_wg_set(4, 0));
	OK(managed_rule(DEV, 3));
	OK(managed_rule("192.168.50.11", 4));
	OK(managed_rule("192.168.50.12", 7));
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	HAS(out("nft list map inet afwrt wg_ip4"), "50.10 : 0x00000009");
	HAS(out("nft list map inet afwrt wg_ip4"), "50.11 : 0x0000000a");
	HAS_NOT(out("nft list map inet afwrt wg_ip4"), "50.12");
	HAS_NOT(out("nft list map inet afwrt wg_ip4"), "50.13");
	HAS(out("nft list set inet afwrt ip4"), "50.12");
	/* and from one to another, and away */
	OK(managed_rule(DEV, 4));
	HAS(out("nft list map inet afwrt wg_ip4"), "50.10 : 0x0000000a");
	OK(managed_unrule(DEV));
	HAS_NOT(out("nft list table inet afwrt"), "50.10");
}
END_TEST

START_TEST(killswitch)
{
	OK(env_net_config(&e));
	managed_wg_up(3);
	OK(managed_rule(DEV, 3));
	WHERE(3);
	OK(env_clear(&e, true));
	WHERE(-1);
	env_kill(&e);
	WHERE(-1);
	HAS(out("nft list set inet afwrt ip4"), DEV);
	env_start(&e);
	OK(env_net_config(&e));
	WHERE(-1);
	OK(env_clear(&e, false));
	ck_assert_str_eq(out("nft list ruleset"), "");
	WHERE(0);
}
END_TEST

START_TEST(default_gateway)
{
	e.cfg.flags |= AFW_C_DEFAULT_GATEWAY;
	ck_assert_int_eq(
	    sh("echo 1 > /proc/sys/net/ipv4/conf/wan0/rp_filter"), 0);
	OK(env_net_config(&e));
	WHERE(-1);
	OK(managed_wg_set(3, AFW_W_DEFAULT));
	OK(managed_wg_session(3, true, NULL));
	managed_wg_up(4);
	HAS(out("ip route"), "0.0.0.0/1 dev tun3 proto 97");
	HAS(out("ip -6 route"), "8000::/1 dev tun3");
	WHERE(3);
	WHERE6(3);
	(void)managed_came_out(3, 9);
	managed_send_one(0, "", FAR);
	env_serve(&e, 50);
	ck_assert_int_eq(managed_came_out(3, 9), 1);
	/* one that goes elsewhere: the halves are no network of the LAN */
	OK(managed_rule(DEV, 4));
	OK(managed_rule(DEV6, 4));
	WHERE(4);
	WHERE6(4);
	ck_assert_int_eq(managed_where("192.168.50.11", FAR), 3);
	OK(managed_rule(DEV, 7));
	WHERE(-1);
	HAS(out("cat /proc/sys/net/ipv4/conf/wan0/rp_filter"), "2");
	HAS(out("ip link show tun3"), "alias afwrt: rp_filter of wan0 was 1");
	OK(managed_unrule(DEV));
	ck_assert_int_eq(sh("ip link del tun3"), 0);
	ck_assert_int_ne(managed_where(DEV, FAR), 0);
	OK(env_clear(&e, false));
	ck_assert_str_eq(out("nft list ruleset"), "");
	HAS(out("cat /proc/sys/net/ipv4/conf/wan0/rp_filter"), "1");
	WHERE(0);
}
END_TEST

/* The kernel's outer packets, as only a guest has them: the plan is played. */
START_TEST(outer_way)
{
	struct plan p = {.selective = true,
	    .managed = true,
	    .halves = true,
	    .mark = 8,
	    .mask = UINT32_MAX,
	    .table = 47,
	    .priority = 10,
	    .outer = 0x10,
	    .outer_way = true,
	    .outer_has4 = true,
	    .outer_has6 = true,
	    .outer_table = 119,
	    .wg_default = -1};
	struct netlink nl;
	struct nerr err;

	ck_assert_int_eq(netlink_open(&nl, NETLINK_ROUTE), 0);
	p.wan_ifindex = (uint32_t)atoi(out("ip -o link show wan0"));
	(void)afw_addr_parse(&p.outer_via4, "203.0.113.1");
	(void)afw_addr_parse(&p.outer_via6, "2001:db8:203::1");
	ck_assert_int_eq(route_sync(&nl, &p, &err), 4);
	ck_assert_int_eq(rule_sync(&nl, &p, &err), 6);
	/* again is nothing: all is recognised */
	ck_assert_int_eq(route_sync(&nl, &p, &err), 0);
	ck_assert_int_eq(rule_sync(&nl, &p, &err), 0);
	HAS(out("ip route show table 119"),
	    "default via 203.0.113.1 dev wan0 proto 97");
	HAS(out("ip route show table 119"), "unreachable default");
	HAS(out("ip -6 route show table 119"),
	    "default via 2001:db8:203::1 dev wan0");
	ck_assert_int_eq(sh("ip route add 0.0.0.0/1 dev lan0; ip route add "
			    "128.0.0.0/1 dev lan0"),
	    0);
	HAS(out("ip route get " FAR " mark 16"), "via 203.0.113.1 dev wan0");
	HAS(out("ip route get 203.0.113.9 mark 16"), "203.0.113.9 dev wan0");
	HAS(out("ip route get " FAR), "dev lan0");
	/* another gateway; none: on the link */
	(void)afw_addr_parse(&p.outer_via4, "203.0.113.7");
	memset(&p.outer_via6, 0, sizeof(p.outer_via6));
	ck_assert_int_eq(route_sync(&nl, &p, &err), 2);
	ck_assert_int_eq(route_sync(&nl, &p, &err), 0);
	HAS(out("ip route get " FAR " mark 16"), "via 203.0.113.7 dev wan0");
	p.outer_has4 = false;
	ck_assert_int_eq(route_sync(&nl, &p, &err), 1);
	HAS(out("ip route get " FAR " mark 16 2>&1"), "No route to host");
	netlink_close(&nl);
}
END_TEST

#define MANY 10000

START_TEST(many_at_once)
{
	char addr[32];
	int64_t t, nft;
	FILE *f;
	int i;

	OK(env_net_config(&e));
	managed_wg_up(3);
	managed_wg_up(4);
	ck_assert_ptr_nonnull(f = fopen("net-many.tmp", "w"));
	(void)fprintf(f,
	    "table inet bench { set s { type ipv4_addr; }\n"
	    "map m { type ipv4_addr : mark; }\n}\nadd element inet bench s {");
	for (i = 0; i < MANY; i++)
		(void)fprintf(f, "10.%d.%d.1,", 1 + i / 256, i % 256);
	(void)fprintf(f, "}\nadd element inet bench m {");
	for (i = 0; i < MANY; i++)
		(void)fprintf(f, "10.%d.%d.1 : 9,", 1 + i / 256, i % 256);
	(void)fprintf(f, "}\n");
	(void)fclose(f);
	nft = afw_now_ms();
	ck_assert_int_eq(sh("nft -f net-many.tmp"), 0);
	nft = afw_now_ms() - nft;
	(void)sh("nft delete table inet bench; rm -f net-many.tmp");
	env_sync_begin(&e);
	for (i = 0; i < MANY; i++) {
		(void)snprintf(
		    addr, sizeof(addr), "10.%d.%d.1", 1 + i / 256, i % 256);
		OK(env_rule(&e, addr, 3 + ((uint32_t)i & 1)));
	}
	t = afw_now_ms();
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	t = afw_now_ms() - t;
	(void)fprintf(stderr, "%d rules in %lld ms, nft -f %lld ms\n", MANY,
	    (long long)t, (long long)nft);
	ck_assert_int_lt(t, 5000);
	ck_assert_int_eq(
	    atoi(out("nft list map inet afwrt wg_ip4 | grep -oE "
		     "'10\\.[0-9.]+ : 0x0000000[9a]' | sort -u | wc -l")),
	    MANY);
	HAS(out("nft list map inet afwrt wg_ip4"), "10.1.1.1 : 0x0000000a");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net_managed_life");
	TCase *c = tcase_create("net_managed_life");
	SRunner *r = srunner_create(s);
	int failed;

	if (geteuid() != 0) {
		(void)fprintf(
		    stderr, "SKIP: check_net_managed_life needs root\n");
		return 77;
	}
	tcase_add_checked_fixture(c, managed_up, managed_down);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, restart_changes_nothing, 0, 2);
	tcase_add_test(c, maps_are_compared);
	tcase_add_test(c, killswitch);
	tcase_add_test(c, default_gateway);
	tcase_add_test(c, outer_way);
	tcase_add_test(c, many_at_once);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
