/* SPDX-License-Identifier: ISC */
/*
 * Rules by interface: interfaces that come, go and are renamed, bridges and
 * their ports.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "neigh_env.h"

/* A rule for what is not there yet; renamed; removed. */
START_TEST(interface_comes_and_goes)
{
	OK(env_net_config(&e));
	OK(neigh_rule("guest0", 7));
	HAS(out("nft list set inet afwrt iface"), "\"guest0\"");
	ck_assert_int_eq(sh("ip link add guest0 type veth peer name guest1; "
			    "ip link set guest0 up; ip link set guest1 up"),
	    0);
	neigh_set("10.7.0.9", MAC_A, "guest0", "stale");
	FLOW("10.7.0.9", 7);
	ck_assert_int_eq(sh("ip link set guest0 down; "
			    "ip link set guest0 name other0; "
			    "ip link set other0 up"),
	    0);
	neigh_set("10.7.0.9", MAC_A, "other0", "stale");
	FLOW("10.7.0.9", 0);
	ck_assert_int_eq(sh("ip link set other0 down; "
			    "ip link set other0 name guest0"),
	    0);
	FLOW("10.7.0.9", 7);
	ck_assert_int_eq(sh("ip link del guest0"), 0);
	FLOW("10.7.0.9", 0);
	OK(neigh_unrule("guest0"));
}
END_TEST

/* br-lan with the ports port0 and lan0, a host behind lan0. The far end of
 * port0 is this router's, too: it is not to answer for br-lan. */
static void
bridge_make(void)
{
	lan = env_behind("lan1");
	ck_assert_int_eq(
	    sh("ip addr flush dev lan0; ip link add br-lan type bridge; "
	       "ip link set br-lan up; ip link set lan0 master br-lan; "
	       "ip link add port0 type veth peer name port1; "
	       "sysctl -qw net.ipv4.conf.port1.arp_ignore=1; "
	       "ip link set port0 up; ip link set port1 up; "
	       "ip link set port0 master br-lan; "
	       "ip addr add 192.168.50.1/24 dev br-lan; "
	       "nsenter -t %d -n sh -c 'ip addr add 192.168.50.10/24 dev "
	       "lan1; ip route add default via 192.168.50.1'",
		(int)lan),
	    0);
}

static int
marked(void)
{
	const char *t = strstr(out("nft list chain ip w c"), "packets ");

	ck_assert_ptr_nonnull(t);
	return atoi(t + strlen("packets "));
}

START_TEST(rule_on_a_bridge)
{
	bridge_make();
	OK(env_net_config(&e));
	OK(neigh_rule("br-lan", 1));
	(void)sh("ping -c 1 -W 1 192.168.50.10 >/dev/null");
	FLOW("192.168.50.10", 1);
	HAS_NOT(out("nft list tables"), "bridge");
}
END_TEST

static bool
device_pings(struct env *x)
{
	(void)x;
	return sh("nsenter -t %d -n ping -c 1 -W 1 192.168.50.1 >/dev/null",
		   (int)lan) == 0;
}

START_TEST(rule_on_a_port)
{
	bridge_make();
	ck_assert_int_eq(sh("nft add table ip w; nft 'add chain ip w c { type "
			    "filter hook prerouting priority 0; }'; nft add "
			    "rule ip w c meta mark 8 counter"),
	    0);
	OK(env_net_config(&e));
	OK(neigh_rule("br-lan", 2));
	OK(neigh_rule("lan0", 1));
	HAS(out("nft list table bridge afwrt"), "iifname @iface meta mark set");
	HAS(out("nft list table bridge afwrt"), "\"lan0\"");
	HAS(out("nft list table bridge afwrt"), "owner");
	OK(neigh_unrule("br-lan"));
	ck_assert(env_until(&e, device_pings));
	FLOW("192.168.50.10", 1);
	ck_assert_int_ge(marked(), 1);
	/* a device behind the other port is not meant */
	neigh_set("192.168.50.77", MAC_B, "br-lan", "reachable");
	ck_assert_int_eq(
	    sh("bridge fdb add %s dev port0 master dynamic", MAC_B), 0);
	env_serve(&e, 100);
	ck_assert_uint_eq(env_flow(&e, "192.168.50.77"), 0);
	/* it is plugged in elsewhere */
	ck_assert_int_eq(
	    sh("bridge fdb replace %s dev lan0 master dynamic", MAC_B), 0);
	FLOW("192.168.50.77", 1);
	ck_assert_int_eq(
	    sh("bridge fdb replace %s dev port0 master dynamic", MAC_B), 0);
	FLOW("192.168.50.77", 0);
	/* no port any more: its own interface, in the usual set */
	ck_assert_int_eq(sh("ip link set lan0 nomaster"), 0);
	FLOW("192.168.50.10", 0);
	HAS_NOT(out("nft list tables"), "bridge");
	HAS(out("nft list set inet afwrt iface"), "\"lan0\"");
	ck_assert_int_eq(sh("ip link set lan0 master br-lan"), 0);
	ck_assert(env_until(&e, device_pings));
	FLOW("192.168.50.10", 1);
	HAS(out("nft list table bridge afwrt"), "\"lan0\"");
	OK(neigh_unrule("lan0"));
	HAS_NOT(out("nft list tables"), "bridge");
	OK(env_clear(&e, false));
}
END_TEST

START_TEST(port_in_a_sync)
{
	bridge_make();
	OK(env_net_config(&e));
	env_sync_begin(&e);
	OK(neigh_rule("port0", 1));
	OK(neigh_rule(MAC_A, 2));
	OK(neigh_rule("192.168.50.10", 3));
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	HAS(out("nft list table bridge afwrt"), "\"port0\"");
	HAS(out("nft list set inet afwrt mac"), MAC_A);
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 3);
	/* dead and back: the same */
	env_kill(&e);
	HAS(out("nft list table bridge afwrt"), "\"port0\"");
	env_start(&e);
	OK(env_net_config(&e));
	HAS(out("nft list table bridge afwrt"), "\"port0\"");
	env_sync_begin(&e);
	OK(neigh_rule("port0", 1));
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	HAS(out("nft list table bridge afwrt"), "\"port0\"");
	HAS_NOT(out("nft list set inet afwrt mac"), MAC_A);
	OK(env_clear(&e, false));
	ck_assert_str_eq(out("nft list ruleset"), "");
}
END_TEST

/* What has our mark, and what leaves by the uplink. */
static void
counters_make(void)
{
	ck_assert_int_eq(
	    sh("echo 1 > /proc/sys/net/ipv4/ip_forward; nft add table ip w; "
	       "nft 'add chain ip w c { type filter hook prerouting priority "
	       "0; }'; nft add rule ip w c ip daddr 198.51.100.1 counter; nft "
	       "'add chain ip w p { type filter hook postrouting priority 0; "
	       "}'; nft add rule ip w p ip daddr 198.51.100.1 oifname wan0 "
	       "counter"),
	    0);
}

static int
left_by_uplink(void)
{
	const char *t = strstr(out("nft list chain ip w p"), "packets ");

	ck_assert_ptr_nonnull(t);
	return atoi(t + strlen("packets "));
}

/* To the internet; true when enough of it came by. */
static bool
device_sends(struct env *x)
{
	(void)x;
	(void)sh("nsenter -t %d -n ping -n -c 2 -i 0.05 -W 0.1 198.51.100.1 "
		 ">/dev/null 2>&1",
	    (int)lan);
	return marked() >= 5;
}

/* The port is gone and comes back before anybody could look: at once it is
 * one of a bridge, and its host sends. */
START_TEST(port_comes_while_nobody_looks)
{
	bridge_make();
	counters_make();
	if (_i == 1)
		ck_assert_int_eq(sh("ip link del lan0"), 0);
	OK(env_net_config(&e));
	OK(neigh_rule("lan0", 1));
	if (_i == 0) {
		ck_assert(env_until(&e, device_pings));
		ck_assert_int_eq(sh("ip link del lan0"), 0);
	}
	env_serve(&e, 200);
	ck_assert_int_eq(kill(e.pid, SIGSTOP), 0);
	ck_assert_int_eq(
	    sh("ip link add lan0 type veth peer name lan1 netns %d; ip link "
	       "set lan0 master br-lan up; nsenter -t %d -n sh -c 'ip link "
	       "set lan1 up; ip addr add 192.168.50.10/24 dev lan1; ip route "
	       "add default via 192.168.50.1'",
		(int)lan, (int)lan),
	    0);
	ck_assert(env_until(&e, device_sends));
	ck_assert_int_eq(left_by_uplink(), 0);
	ck_assert_int_eq(kill(e.pid, SIGCONT), 0);
	ck_assert(env_until(&e, device_pings));
	FLOW("192.168.50.10", 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net_ports");
	TCase *c = tcase_create("net_ports");
	SRunner *r = srunner_create(s);
	int failed;

	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIP: check_net_ports needs root\n");
		return 77;
	}
	tcase_add_checked_fixture(c, neigh_up, neigh_down);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, interface_comes_and_goes);
	tcase_add_test(c, rule_on_a_bridge);
	tcase_add_test(c, rule_on_a_port);
	tcase_add_test(c, port_in_a_sync);
	tcase_add_loop_test(c, port_comes_while_nobody_looks, 0, 2);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
