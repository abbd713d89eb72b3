/* SPDX-License-Identifier: ISC */
/*
 * The real afwrt-net in a network namespace, asked by a supervisor and an
 * afwrt-tun played here; what it did is read with ip(8) and nft(8).
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "net_env.h"

static struct env e;

static void
up(void)
{
	env_namespace();
	env_config(&e);
	env_start(&e);
}

static void
down(void)
{
	env_end(&e);
}

static bool
has_device_and_wan(struct env *x)
{
	return x->device != -1 && x->wans_tun > 0 && x->wans > 0 &&
	    x->wans_auth > 0;
}

START_TEST(rules)
{
	OK(env_net_config(&e));
	OK(env_rule(&e, "192.168.50.10", 3));
	OK(env_rule(&e, "fd00::10", 3));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 3);
	HAS(out("nft list set inet afwrt ip4"), "{ 192.168.50.10 }");
	HAS(out("nft list table inet afwrt"), "{ fd00::10 }");
	OK(env_rule(&e, "192.168.50.10", 4));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 4);
	OK(env_unrule(&e, "192.168.50.10"));
	HAS_NOT(out("nft list set inet afwrt ip4"), "elements");
	ck_assert_uint_eq(env_unrule(&e, "192.168.50.10"), AFW_ENOENT);
	env_serve(&e, 50);
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 0);
}
END_TEST

/* An error means "not applied". */
START_TEST(tun_refuses)
{
	OK(env_net_config(&e));
	OK(env_rule(&e, "192.168.50.9", 1));
	e.tun_refuses = AFW_ENOSPC;
	ck_assert_uint_eq(env_rule(&e, "192.168.50.10", 3), AFW_ENOSPC);
	ck_assert_uint_eq(env_rule(&e, "192.168.50.9", 2), AFW_ENOSPC);
	e.tun_refuses = AFW_OK;
	env_serve(&e, 50);
	HAS_NOT(out("nft list set inet afwrt ip4"), "192.168.50.10");
	HAS(out("nft list set inet afwrt ip4"), "192.168.50.9");
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 0);
	ck_assert_uint_eq(env_flow(&e, "192.168.50.9"), 1);
	e.tun_mute = true;
	ck_assert_uint_eq(env_rule(&e, "192.168.50.11", 3), AFW_ETIMEDOUT);
	HAS_NOT(out("nft list set inet afwrt ip4"), "192.168.50.11");
}
END_TEST

static bool
synced(struct env *x)
{
	return x->syncs > 0;
}

START_TEST(tun_anew)
{
	OK(env_net_config(&e));
	afw_chan_close(&e.tun);
	OK(env_rule(&e, "192.168.50.10", 3)); /* without any tun */
	OK(env_rule(&e, "192.168.50.11", 4));
	e.syncs = 0;
	env_tun_anew(&e);
	ck_assert(env_until(&e, synced));
	ck_assert_int_ne(e.device, -1);
	ck_assert_uint_eq(e.flows, 2);
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 3);
	ck_assert_uint_eq(env_flow(&e, "192.168.50.11"), 4);
}
END_TEST

/* As ck_assert_str_eq, for texts too long for its message. */
static void
same(char *before, char *after)
{
	FILE *f;

	if (strcmp(before, after) != 0) {
		ck_assert_ptr_nonnull(f = fopen("net-before.tmp", "w"));
		(void)fputs(before, f);
		(void)fclose(f);
		ck_assert_ptr_nonnull(f = fopen("net-after.tmp", "w"));
		(void)fputs(after, f);
		(void)fclose(f);
		(void)sh("diff net-before.tmp net-after.tmp >&2");
		ck_abort_msg("the system is not as it was before");
	}
	free(before);
	free(after);
}

START_TEST(sync_is_exact)
{
	OK(env_net_config(&e));
	OK(env_rule(&e, "192.168.50.10", 3));
	OK(env_rule(&e, "192.168.50.11", 4));
	env_sync_begin(&e);
	OK(env_rule(&e, "192.168.50.11", 5));
	OK(env_rule(&e, "192.168.50.12", 6));
	HAS(out("nft list set inet afwrt ip4"), "192.168.50.10");
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	HAS_NOT(out("nft list set inet afwrt ip4"), "192.168.50.10");
	HAS(out("nft list set inet afwrt ip4"), "192.168.50.11");
	HAS(out("nft list set inet afwrt ip4"), "192.168.50.12");
	ck_assert_uint_eq(e.flows, 2);
	ck_assert_uint_eq(env_flow(&e, "192.168.50.11"), 5);
	ck_assert_uint_eq(
	    env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1), AFW_EINVAL);
}
END_TEST

/* Killed and started again: nothing on the system is touched at all. */
START_TEST(restart_changes_nothing)
{
	char *before, *after;

	OK(env_net_config(&e));
	OK(env_rule(&e, "192.168.50.10", 3));
	OK(env_rule(&e, "fd00::10", 3));
	env_kill(&e);
	before = env_snapshot();
	HAS(before, "wrt0");

	HAS(before, "192.168.50.10");
	ck_assert_int_eq(
	    sh("ip monitor all > net-monitor.tmp & "
	       "echo $! > net-monitor.pid; nft monitor > net-nft.tmp & "
	       "echo $! > net-nft.pid; sleep 0.3"),
	    0);
	env_start(&e);
	OK(env_net_config(&e));
	env_sync_begin(&e);
	OK(env_rule(&e, "192.168.50.10", 3));
	OK(env_rule(&e, "fd00::10", 3));
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	(void)sh("sleep 0.2; kill $(cat net-monitor.pid net-nft.pid)");
	/* the new owner of the table shows while it is alive: look after */
	ck_assert_int_eq(
	    sh("test ! -s net-monitor.tmp || ! cat net-monitor.tmp >&2"), 0);
	HAS_NOT(out("cat net-nft.tmp"), "delete");
	HAS_NOT(out("cat net-nft.tmp"), "element");
	(void)sh("rm -f net-monitor.* net-nft.*");
	ck_assert_uint_eq(e.flows, 2);
	env_kill(&e);
	after = env_snapshot();
	same(before, after);
}
END_TEST

/* A device of ours whose holder is only the (played) afwrt-tun or afwrtd. */
START_TEST(restart_needs_the_kept_tun)
{
	OK(env_net_config(&e));
	ck_assert(env_until(&e, has_device_and_wan));
	env_kill(&e);
	env_start(&e);
	(void)close(e.kept);
	e.kept = -1;
	/* afwrt-tun holds it, afwrtd lost it: a clear word */
	ck_assert_int_ne(e.device, -1);
	ck_assert_uint_eq(env_net_config(&e), AFW_EBUSY);
	HAS(e.st.text, "wrt0 is in use");
}
END_TEST

static bool
repaired(struct env *x)
{
	return strstr(x->log, "put back") != NULL;
}

START_TEST(survives_flushes)
{
	char *before, *after;

	OK(env_net_config(&e));
	OK(env_rule(&e, "192.168.50.10", 3));
	before = env_snapshot();
	ck_assert_int_eq(sh("nft flush ruleset"), 0);
	env_serve(&e, 200);
	after = env_snapshot();
	same(strdup(before), after);
	/* flush takes main and default too: those are not ours to restore */
	ck_assert_int_eq(sh("ip rule flush && ip -6 rule flush && "
			    "ip rule add priority 32766 lookup main && "
			    "ip rule add priority 32767 lookup default && "
			    "ip -6 rule add priority 32766 lookup main"),
	    0);
	ck_assert(env_until(&e, repaired));
	env_serve(&e, 300);
	HAS(out("ip rule"), "10:\tfrom all fwmark 0x8 lookup 47");
	HAS(out("ip rule"), "9:\tfrom all fwmark 0x8 lookup main");
	HAS(out("ip -6 rule"), "10:\tfrom all fwmark 0x8 lookup 47");
	e.log[0] = '\0';
	ck_assert_int_eq(sh("ip route flush table 47"), 0);
	ck_assert(env_until(&e, repaired));
	env_serve(&e, 200);
	HAS(out("ip route show table 47"), "default dev wrt0");
	HAS(out("ip route show table 47"), "unreachable default");
	e.log[0] = '\0';
	ck_assert_int_eq(sh("ip link set wrt0 down"), 0);
	ck_assert(env_until(&e, repaired));
	env_serve(&e, 200);
	HAS(out("ip route show table 47"), "default dev wrt0");
	HAS(out("ip addr show wrt0"), "100.73.0.73");
	free(before);
}
END_TEST

/* Our own changes are no reason to look at everything again. */
START_TEST(own_changes_are_quiet)
{
	e.cfg.log_level = 7;
	OK(env_net_config(&e));
	OK(env_rule(&e, "192.168.50.10", 3));
	env_serve(&e, 300);
	e.log[0] = '\0';
	OK(env_rule(&e, "192.168.50.11", 3));
	OK(env_unrule(&e, "192.168.50.10"));
	env_serve(&e, 300);
	HAS_NOT(e.log, "reconcile:");
}
END_TEST

/* Deleted under us: made anew on the same open file. */
START_TEST(survives_link_del)
{
	OK(env_net_config(&e));
	ck_assert(env_until(&e, has_device_and_wan));
	(void)close(e.device);
	e.device = -1;
	ck_assert_int_eq(sh("ip link del wrt0"), 0);
	ck_assert(env_until(&e, has_device_and_wan));
	env_serve(&e, 100);
	HAS(out("ip route show table 47"), "default dev wrt0");
	HAS(out("ip addr show wrt0"), "100.73.0.73");
	ck_assert_int_eq(
	    read(e.device, &(char[64]){0}, 64) == -1 ? errno : 0, EAGAIN);
}
END_TEST

START_TEST(clear_leaves_nothing)
{
	char *before = env_snapshot(), *after;

	OK(env_net_config(&e));
	OK(env_rule(&e, "192.168.50.10", 3));
	OK(env_clear(&e, false));
	after = env_snapshot();
	same(strdup(before), after);
	/* and again, from the start, with the unusable kept descriptor */
	OK(env_net_config(&e));
	HAS(out("ip route show table 47"), "default dev wrt0");
	HAS(out("nft list table inet afwrt"), "oifname \"wan0\"");
	OK(env_clear(&e, false));
	after = env_snapshot();
	same(before, after);
}
END_TEST

START_TEST(clear_keeps_blocking)
{
	OK(env_net_config(&e));
	OK(env_rule(&e, "192.168.50.10", 3));
	OK(env_clear(&e, true));
	HAS_NOT(out("ip link"), "wrt0");
	HAS(out("ip route show table 47"), "unreachable default");
	HAS(out("ip rule"), "fwmark 0x8 lookup 47");
	HAS(out("nft list set inet afwrt ip4"), "192.168.50.10");
	env_kill(&e);
	HAS(out("nft list set inet afwrt ip4"), "192.168.50.10");
	HAS(out("ip route get 198.51.100.1 mark 8 2>&1"), "No route to host");
	/* the next life takes it over, and can open it */
	(void)close(e.kept);
	e.kept = -1;
	env_start(&e);
	OK(env_net_config(&e));
	HAS(out("nft list set inet afwrt ip4"), "192.168.50.10");
	OK(env_clear(&e, false));
	ck_assert_str_eq(out("nft list ruleset"), "");
	HAS_NOT(out("ip rule"), "fwmark");
}
END_TEST

START_TEST(shutdown_in_order)
{
	struct afw_m_shutdown s = {.keep_blocked = 0};
	char *before = env_snapshot(), *after;
	int st;

	OK(env_net_config(&e));
	OK(env_ask(&e, AFW_MSG_SHUTDOWN, &s, -1));
	ck_assert_int_eq(waitpid(e.pid, &st, 0), e.pid);
	ck_assert_int_eq(st, 0);
	e.pid = 0;
	after = env_snapshot();
	same(before, after);
}
END_TEST

#define MANY 10000

START_TEST(many_at_once)
{
	char addr[32], *before;
	int64_t t;
	int i;

	OK(env_net_config(&e));
	env_sync_begin(&e);
	for (i = 0; i < MANY; i++) {
		(void)snprintf(
		    addr, sizeof(addr), "10.%d.%d.1", 1 + i / 256, i % 256);
		OK(env_rule(&e, addr, 1));
	}
	t = afw_now_ms();
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	t = afw_now_ms() - t;
	(void)fprintf(stderr, "%d rules in %lld ms\n", MANY, (long long)t);
	ck_assert_uint_eq(e.flow_sets, MANY);
	ck_assert_int_eq(
	    atoi(out("nft list set inet afwrt ip4 | "
		     "grep -oE '10\\.[0-9]+\\.[0-9]+\\.1' | sort -u | wc -l")),
	    MANY);
	/* the same again touches nothing, one more touches one */
	before = strdup(out("nft -j list set inet afwrt ip4 | md5sum"));
	t = afw_now_ms();
	OK(env_rule(&e, "192.168.50.10", 3));
	t = afw_now_ms() - t;
	ck_assert_int_lt(t, 500);
	OK(env_unrule(&e, "192.168.50.10"));
	ck_assert_str_eq(
	    before, out("nft -j list set inet afwrt ip4 | md5sum"));
	free(before);
}
END_TEST

#define FEW_IFACES 100
#define VERY_MANY  50000

static unsigned int
mac_rule(int i, uint32_t route)
{
	struct afw_m_rule r = {.key = {.kind = AFW_KEY_MAC}, .route = route};

	r.key.mac[0] = 2;
	r.key.mac[3] = (uint8_t)(i >> 16);
	r.key.mac[4] = (uint8_t)(i >> 8);
	r.key.mac[5] = (uint8_t)i;
	return env_ask(&e, AFW_MSG_NET_RULE_SET, &r, -1);
}

static unsigned int
iface_rule(int i, uint32_t route)
{
	struct afw_m_rule r = {.key = {.kind = AFW_KEY_IFACE}, .route = route};

	(void)snprintf(r.key.iface, sizeof(r.key.iface), "eth%d", i);
	return env_ask(&e, AFW_MSG_NET_RULE_SET, &r, -1);
}

/* Milliseconds for a hundred rules more, beside those that are there. */
static int64_t
hundred_more(int from)
{
	int64_t t = afw_now_ms();
	int i;

	for (i = 0; i < 100; i++)
		OK(mac_rule(from + i, 1));
	return afw_now_ms() - t;
}

static int
generations(void)
{
	return atoi(out("grep -c 'new generation' net-scale.tmp"));
}

static void
collect_all(int macs, int addrs, int ifaces)
{
	char addr[32];
	int i;

	env_sync_begin(&e);
	for (i = 0; i < macs; i++)
		OK(mac_rule(i, 1));
	for (i = 0; i < addrs; i++) {
		(void)snprintf(
		    addr, sizeof(addr), "10.%d.%d.1", 1 + i / 256, i % 256);
		OK(env_rule(&e, addr, 2));
	}
	for (i = 0; i < ifaces; i++)
		OK(iface_rule(i, 3));
}

/* All kinds at once are one transaction; nft(8) cannot follow a great one. */
START_TEST(one_transaction)
{
	OK(env_net_config(&e));
	/* one that is not there: the bridge's table is made for it, before */
	OK(iface_rule(0, 3));
	collect_all(20, 20, 20);
	ck_assert_int_eq(sh("nft monitor > net-scale.tmp & "
			    "echo $! > net-scale.pid; sleep 0.3"),
	    0);
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	(void)sh("sleep 0.3; kill $(cat net-scale.pid)");
	ck_assert_int_eq(generations(), 1);
	(void)sh("rm -f net-scale.*");
}
END_TEST

START_TEST(many_of_all_kinds)
{
	int64_t t;

	OK(env_net_config(&e));
	collect_all(MANY, MANY, FEW_IFACES);
	t = afw_now_ms();
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	t = afw_now_ms() - t;
	(void)fprintf(stderr, "%d + %d + %d rules in %lld ms\n", MANY, MANY,
	    FEW_IFACES, (long long)t);
	ck_assert_int_lt(t, 5000);
	ck_assert_uint_eq(e.flow_sets, MANY);
	ck_assert_int_eq(atoi(out("nft list set inet afwrt mac | "
				  "grep -oE '02:[0-9a-f:]+' | wc -l")),
	    MANY);
	ck_assert_int_eq(atoi(out("nft list set inet afwrt iface | "
				  "grep -oE 'eth[0-9]+' | wc -l")),
	    FEW_IFACES);
}
END_TEST

START_TEST(cost_of_one_more)
{
	int64_t first, last;
	int i;

	OK(env_net_config(&e));
	(void)hundred_more(100000); /* warm */
	first = hundred_more(200000);
	env_sync_begin(&e);
	for (i = 0; i < VERY_MANY; i++)
		OK(mac_rule(i, 1));
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	last = hundred_more(300000);
	(void)fprintf(stderr, "100 rules more: %lld ms, beside %d: %lld ms\n",
	    (long long)first, VERY_MANY, (long long)last);
	ck_assert_int_lt(last, 3 * first + 100);
}
END_TEST

static int
ct_count(const char *addr)
{
	return atoi(out("conntrack -L 2>/dev/null | grep -cw %s", addr));
}

/* Among few others, and among so many that the kernel filters. */
START_TEST(connections_forgotten)
{
	if (sh("nft add table ip t; nft 'add chain ip t c { type filter hook "
	       "output priority 0; }'; nft add rule ip t c ct state new "
	       "counter;"
	       "conntrack -L >/dev/null 2>&1") != 0) {
		(void)fprintf(stderr, "SKIP: no conntrack here\n");
		return;
	}
	OK(env_net_config(&e));
	ck_assert_int_eq(
	    sh("for a in 10 11; do conntrack -I -p tcp "
	       "-s 192.168.50.$a -d 198.51.100.1 --sport 1000 --dport 80 "
	       "--state ESTABLISHED -u SEEN_REPLY -t 100 >/dev/null 2>&1; "
	       "conntrack -I -p udp -s 198.51.100.2 -d 192.168.50.$a "
	       "--sport 1000 --dport 53 -t 100 >/dev/null 2>&1; done"),
	    0);
	if (_i == 1)
		(void)sh("bash -c 'for ((i = 1; i <= 1100; i++)); do "
			 "echo >/dev/udp/203.0.113.1/$i; done'");
	ck_assert_int_ge(ct_count("203.0.113.1"), _i * 1050);
	ck_assert_int_eq(ct_count("192.168.50.10"), 2);
	OK(env_rule(&e, "192.168.50.10", 3));
	ck_assert_int_eq(ct_count("192.168.50.10"), 0);
	ck_assert_int_eq(ct_count("192.168.50.11"), 2);
	env_sync_begin(&e);
	OK(env_rule(&e, "192.168.50.11", 3));
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	HAS_NOT(e.log, "conntrack: no filter"); /* this kernel has it */
	ck_assert_int_eq(ct_count("192.168.50.11"), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net_rules");
	TCase *c = tcase_create("net_rules");
	SRunner *r = srunner_create(s);
	int failed;

	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIP: check_net_rules needs root\n");
		return 77;
	}
	tcase_add_checked_fixture(c, up, down);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, rules);
	tcase_add_test(c, tun_refuses);
	tcase_add_test(c, tun_anew);
	tcase_add_test(c, sync_is_exact);
	tcase_add_test(c, restart_changes_nothing);
	tcase_add_test(c, restart_needs_the_kept_tun);
	tcase_add_test(c, survives_flushes);
	tcase_add_test(c, own_changes_are_quiet);
	tcase_add_test(c, survives_link_del);
	tcase_add_test(c, clear_leaves_nothing);
	tcase_add_test(c, clear_keeps_blocking);
	tcase_add_test(c, shutdown_in_order);
	tcase_add_test(c, many_at_once);
	tcase_add_test(c, one_transaction);
	tcase_add_test(c, many_of_all_kinds);
	tcase_add_test(c, cost_of_one_more);
	tcase_add_loop_test(c, connections_forgotten, 0, 2);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
