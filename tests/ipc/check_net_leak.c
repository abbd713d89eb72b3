/* SPDX-License-Identifier: ISC */
/*
 * Traffic of a protected device while others tear at what is ours: not one
 * packet may come out of the uplink. Device and internet are namespaces of
 * their own, the router is the test's.
 */
#include <sys/wait.h>

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afwrt-net/net.h"
#include "afwrt-net/state.h"
#include "net_env.h"

static struct env e;
static pid_t lan, world, pinger;

static void
up(void)
{
	env_namespace();
	lan = env_behind("lan1");
	world = env_behind("wan1");
	ck_assert_int_eq(sh("echo 1 > /proc/sys/net/ipv4/ip_forward; "
			    "ip link add dmz0 type veth peer name dmz1; "
			    "ip link set dmz0 up; ip link set dmz1 up; "
			    "ip addr add 10.77.0.1/24 dev dmz0"),
	    0);
	ck_assert_int_eq(
	    sh("nsenter -t %d -n sh -c 'ip addr add "
	       "192.168.50.10/24 dev lan1; ip route add default via "
	       "192.168.50.1'",
		(int)lan),
	    0);
	ck_assert_int_eq(
	    sh("nsenter -t %d -n sh -c 'ip addr add "
	       "203.0.113.1/24 dev wan1; nft add table ip w; nft \"add chain "
	       "ip "
	       "w c { type filter hook prerouting priority -300; }\"; nft add "
	       "rule ip w c ip saddr 192.168.50.10 counter'",
		(int)world),
	    0);
	env_config(&e);
}

static void
end(pid_t *pid)
{
	if (*pid > 0) {
		(void)kill(*pid, SIGKILL);
		(void)waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

static void
down(void)
{
	end(&pinger);
	if (e.pid > 0)
		env_kill(&e);
	end(&lan);
	end(&world);
	free(e.flow);
}

/* Packets of the device that reached the internet. */
static int
leaked(void)
{
	const char *t =
	    out("nsenter -t %d -n nft list chain ip w c", (int)world);

	ck_assert_ptr_nonnull(t = strstr(t, "packets "));
	return atoi(t + strlen("packets "));
}

/* The device sends all the time: 100 packets a second, to the internet. */
static void
ping_start(void)
{
	char ns[16];

	(void)snprintf(ns, sizeof(ns), "%d", (int)lan);
	ck_assert_int_ne(pinger = fork(), -1);
	if (pinger == 0) {
		(void)!freopen("/dev/null", "w", stdout);
		(void)execlp("nsenter", "nsenter", "-t", ns, "-n", "ping", "-n",
		    "-i", "0.01", "198.51.100.1", (char *)NULL);
		_exit(127);
	}
}

static bool
some_leaked(struct env *x)
{
	(void)x;
	return leaked() > 5;
}

static bool
repaired(struct env *x)
{
	return strstr(x->log, "put back") != NULL;
}

static void
protect(void)
{
	env_start(&e);
	ck_assert_uint_eq(env_net_config(&e), AFW_OK);
	ck_assert_uint_eq(env_rule(&e, "192.168.50.10", 1), AFW_OK);
	ping_start();
}

/* Without protection it does come out, or the tests below say nothing. */
START_TEST(the_tests_can_fail)
{
	ping_start();
	ck_assert(env_until(&e, some_leaked));
}
END_TEST

static const char *const attacks[] = {
    "nft flush ruleset", "nft delete table inet afwrt",
    "nft flush chain inet afwrt afwrt_chain", "ip rule del priority 10",
    "ip rule del priority 9; ip rule del priority 10",
    "ip route flush table 47", "ip link set wrt0 down", "ip link del wrt0",
    "ip route add 198.51.100.0/24 via 203.0.113.1", /* before the rule */
};

START_TEST(nothing_leaks)
{
	protect();
	env_serve(&e, 200);
	(void)sh("%s 2>/dev/null", attacks[_i]);
	env_serve(&e, 300);
	(void)sh("%s 2>/dev/null", attacks[_i]);
	env_serve(&e, 300);
	ck_assert_int_eq(leaked(), 0);
	/* dead: what it left behind goes on blocking, TUN or not */
	env_kill(&e);
	env_serve(&e, 200);
	(void)close(e.kept);
	(void)close(e.device);
	env_serve(&e, 300);
	ck_assert_int_eq(leaked(), 0);
	ck_assert_int_eq(kill(pinger, 0), 0);
}
END_TEST

START_TEST(lan_is_reached)
{
	protect();
	ck_assert_int_eq(sh("nsenter -t %d -n ping -n -c 1 -W 1 "
			    "192.168.50.1 >/dev/null",
			     (int)lan),
	    0);
	ck_assert_int_eq(sh("nsenter -t %d -n ping -n -c 1 -W 1 "
			    "10.77.0.1 >/dev/null",
			     (int)lan),
	    0);
	/* the uplink's own network is not the LAN */
	ck_assert_int_ne(sh("nsenter -t %d -n ping -n -c 1 -W 1 "
			    "203.0.113.1 >/dev/null",
			     (int)lan),
	    0);
	ck_assert_int_eq(leaked(), 0);
	ck_assert_uint_eq(env_unrule(&e, "192.168.50.10"), AFW_OK);
	ck_assert(env_until(&e, some_leaked));
}
END_TEST

/* Packets of the device come out of the TUN, for afwrt-tun to read. */
START_TEST(packets_reach_the_tun)
{
	uint8_t p[2048];
	ssize_t n = -1;
	int i;

	protect();
	for (i = 0; i < 50 && n < 12 + 20; i++) {
		env_serve(&e, 50);
		if (e.device != -1)
			n = read(e.device, p, sizeof(p));
	}
	ck_assert_int_ge(n, 12 + 20);
	ck_assert_int_eq(memcmp(p + 12 + 12, "\xc0\xa8\x32\x0a", 4), 0);
}
END_TEST

static int
plain_run(void)
{
	net.nft.plain = true;
	return net_run();
}

/* A kernel without owned tables: the monitor puts back what was deleted. */
START_TEST(plain_table_is_watched)
{
	static const char *const cmds[] = {"nft flush ruleset",
	    "nft flush chain inet afwrt afwrt_chain",
	    "nft delete element inet afwrt ip4 '{ 192.168.50.10 }'",
	    "nft flush table inet afwrt"};

	e.run = plain_run;
	protect();
	ck_assert_ptr_null(strstr(out("nft list table inet afwrt"), "owner"));
	e.log[0] = '\0';
	ck_assert_int_eq(sh("%s", cmds[_i]), 0);
	ck_assert(env_until(&e, repaired));
	ck_assert_ptr_nonnull(strstr(
	    out("nft list table inet afwrt"), "elements = { 192.168.50.10 }"));
	ck_assert_ptr_nonnull(strstr(out("nft list table inet afwrt"),
	    "ip saddr @ip4 meta mark set 0x00000008"));
}
END_TEST

/* In table 47 others may put what goes before ours; it is put back. */
static const char *const takeovers[] = {
    "ip route replace default via 203.0.113.1 table 47",
    "ip route replace default dev dmz0 table 47",
    "ip route replace blackhole default table 47",
    "ip -6 route replace default dev dmz0 metric 1024 table 47",
};

static bool
tables_are_ours(struct env *x)
{
	(void)x;
	return strstr(out("ip route show table 47"), "default dev wrt0") !=
	    NULL &&
	    strstr(out("ip -6 route show table 47"), "default dev wrt0") !=
	    NULL;
}

START_TEST(table_is_taken_back)
{
	protect();
	ck_assert(env_until(&e, tables_are_ours));
	ck_assert_int_eq(sh("%s", takeovers[_i]), 0);
	ck_assert(env_until(&e, tables_are_ours));
	ck_assert_int_eq(leaked(), 0);
}
END_TEST

static bool
device_is_marked(struct env *x)
{
	(void)x;
	return strstr(out("nft list table inet afwrt 2>/dev/null"),
		   "elements = { 192.168.50.10 }") != NULL;
}

/* One route that cannot be had is no reason to leave the table away. */
START_TEST(a_conflict_does_not_open)
{
	e.run = plain_run;
	e.cfg.flags |= AFW_C_DNS_TUNNEL;
	protect();
	ck_assert_int_eq(sh("ip route replace 100.73.0.53 dev dmz0; "
			    "nft flush ruleset"),
	    0);
	ck_assert(env_until(&e, device_is_marked));
}
END_TEST

/* Stopped with a killswitch, and the process lives on. */
START_TEST(blocked_table_is_watched)
{
	e.run = plain_run;
	protect();
	ck_assert_uint_eq(env_clear(&e, true), AFW_OK);
	ck_assert(device_is_marked(&e));
	ck_assert_int_eq(sh("nft flush ruleset"), 0);
	ck_assert(env_until(&e, device_is_marked));
	/* and what was opened is not closed again */
	ck_assert_uint_eq(env_clear(&e, false), AFW_OK);
	ck_assert_uint_eq(env_net_config(&e), AFW_OK);
	ck_assert_int_eq(sh("nft flush ruleset"), 0);
	env_serve(&e, 300);
	ck_assert(!device_is_marked(&e));
}
END_TEST

/* Another suite that was never configured, as for afwrt_verify_user. */
START_TEST(the_end_of_another)
{
	const struct afw_m_shutdown s = {.keep_blocked = 0};
	struct env other;

	e.run = plain_run;
	protect();
	env_config(&other);
	env_start(&other);
	ck_assert_uint_eq(env_ask(&other, AFW_MSG_SHUTDOWN, &s, -1), AFW_OK);
	env_kill(&other);
	free(other.flow);
	env_serve(&e, 200);
	HAS_NOT(e.log, "put back");
	ck_assert_int_eq(leaked(), 0);
}
END_TEST

/* Dead and started anew, which knows of nothing yet: closed stays closed. */
START_TEST(unconfigured_end_keeps_blocked)
{
	const struct afw_m_shutdown s = {.keep_blocked = 1};

	protect();
	env_kill(&e);
	env_start(&e);
	ck_assert_uint_eq(env_clear(&e, true), AFW_OK);
	ck_assert(device_is_marked(&e));
	ck_assert_uint_eq(env_ask(&e, AFW_MSG_SHUTDOWN, &s, -1), AFW_OK);
	ck_assert(device_is_marked(&e));
	ck_assert_str_ne(out("ip rule | grep 0x8"), "");
	ck_assert_int_eq(leaked(), 0);
}
END_TEST

/* More rules of others than anybody has; ours are found among them. */
START_TEST(many_rules_of_others)
{
	protect();
	env_kill(&e);
	ck_assert_int_eq(sh("for f in 4 6; do i=0; while [ $i -lt 800 ]; do "
			    "echo rule add from all iif lan0 priority $i "
			    "lookup 200 tos 0x10; i=$((i + 1)); done | grep "
			    "-v 'priority \\(9\\|10\\) ' | "
			    "ip -$f -batch -; done"),
	    0);
	env_start(&e);
	ck_assert_msg(env_net_config(&e) == AFW_OK, "%s", e.st.text);
	ck_assert_uint_eq(env_clear(&e, false), AFW_OK);
	ck_assert_str_eq(out("ip rule | grep 0x8; ip -6 rule | grep 0x8"), "");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net_leak");
	TCase *c = tcase_create("net_leak");
	SRunner *r = srunner_create(s);
	int failed;

	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIP: check_net_leak needs root\n");
		return 77;
	}
	tcase_add_checked_fixture(c, up, down);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, the_tests_can_fail);
	tcase_add_loop_test(
	    c, nothing_leaks, 0, (int)(sizeof(attacks) / sizeof(attacks[0])));
	tcase_add_test(c, lan_is_reached);
	tcase_add_test(c, packets_reach_the_tun);
	tcase_add_loop_test(c, plain_table_is_watched, 0, 4);
	tcase_add_loop_test(c, table_is_taken_back, 0,
	    (int)(sizeof(takeovers) / sizeof(takeovers[0])));
	tcase_add_test(c, a_conflict_does_not_open);
	tcase_add_test(c, blocked_table_is_watched);
	tcase_add_test(c, the_end_of_another);
	tcase_add_test(c, unconfigured_end_keeps_blocked);
	tcase_add_test(c, many_rules_of_others);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
