/* SPDX-License-Identifier: ISC */
/*
 * Rules by MAC and by address: the real afwrt-net, and neighbours that ip(8)
 * makes. afwrt-tun, played here, sees the flows.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "neigh_env.h"

static unsigned int
ask_source(const char *text)
{
	struct afw_m_source s;

	ck_assert_int_eq(afw_addr_parse(&s.addr, text), 0);
	return env_ask_of(&e, &e.tun, AFW_MSG_SOURCE_GET, &s);
}

static const struct afw_m_explained *
explain(const char *text)
{
	struct afw_m_source s;

	ck_assert_int_eq(afw_addr_parse(&s.addr, text), 0);
	memset(&e.explained, 0xff, sizeof(e.explained));
	OK(env_ask(&e, AFW_MSG_EXPLAIN, &s, -1));
	return &e.explained;
}

static const char *want_source;

static bool
source_is_known(struct env *x)
{
	(void)x;
	return ask_source(want_source) == AFW_OK;
}

/* A device that is slow to answer is asked for once more. */
#define SOURCE(addr)                                       \
	do {                                               \
		want_source = (addr);                      \
		ck_assert(env_until(&e, source_is_known)); \
	} while (0)

static const char *const orders[] = {"mni", "nmi", "nim", "inm", "min", "imn"};

/* MAC over IP over interface, in whatever order they come and go. */
START_TEST(priority)
{
	const char *o;

	OK(env_net_config(&e));
	for (o = orders[_i]; *o != '\0'; o++)
		switch (*o) {
		case 'm':
			OK(neigh_rule(MAC_A, 1));
			break;
		case 'n':
			neigh_set("192.168.50.10", MAC_A, "lan0", "reachable");
			break;
		case 'i':
			OK(neigh_rule("192.168.50.10", 2));
			break;
		}
	OK(neigh_rule("lan0", 3));
	FLOW("192.168.50.10", 1);
	HAS(out("nft list set inet afwrt mac"), MAC_A);
	HAS(out("nft list set inet afwrt iface"), "\"lan0\"");
	OK(neigh_unrule(MAC_A));
	FLOW("192.168.50.10", 2);
	HAS_NOT(out("nft list set inet afwrt mac"), MAC_A);
	OK(neigh_unrule("192.168.50.10"));
	FLOW("192.168.50.10", 3);
	OK(neigh_rule(MAC_A, 4));
	FLOW("192.168.50.10", 4);
	OK(neigh_rule(MAC_A, 5));
	FLOW("192.168.50.10", 5);
	OK(neigh_unrule("lan0"));
	FLOW("192.168.50.10", 5);
	OK(neigh_unrule(MAC_A));
	FLOW("192.168.50.10", 0);
}
END_TEST

static const struct {
	const char *state;
	bool counts;
} states[] = {{"reachable", true}, {"stale", true}, {"delay", true},
    {"probe", true}, {"permanent", true}, {"noarp", false}};

START_TEST(states_that_count)
{
	OK(env_net_config(&e));
	OK(neigh_rule(MAC_A, 1));
	/* nobody answers a probe there, but not within this test */
	neigh_set("192.168.50.10", MAC_A, "lan0", states[_i].state);
	neigh_set("fd00::10", MAC_A, "lan0", states[_i].state);
	if (states[_i].counts) {
		FLOW("192.168.50.10", 1);
		FLOW("fd00::10", 1);
	} else {
		env_serve(&e, 200);
		ck_assert_uint_eq(e.flows, 0);
	}
}
END_TEST

START_TEST(device_with_many_addresses)
{
	char addr[48];
	int i;

	OK(env_net_config(&e));
	neigh_set("192.168.50.10", MAC_A, "lan0", "stale");
	OK(neigh_rule(MAC_A, 1));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 1);
	for (i = 0; i < 10; i++) {
		(void)snprintf(addr, sizeof(addr), "2001:db8::%d", i + 1);
		neigh_set(addr, MAC_A, "lan0", "reachable");
	}
	for (i = 0; i < 10; i++) {
		(void)snprintf(addr, sizeof(addr), "2001:db8::%d", i + 1);
		FLOW(addr, 1);
	}
	/* fe80:: is nobody's flow */
	neigh_set("fe80::1", MAC_A, "lan0", "reachable");
	/* the address goes over to another device, which has no rule */
	neigh_set("192.168.50.10", MAC_B, "lan0", "reachable");
	FLOW("192.168.50.10", 0);
	neigh_set("192.168.50.11", MAC_A, "lan0", "reachable");
	FLOW("192.168.50.11", 1);
	ck_assert_uint_eq(e.flows, 11);
	/* nobody is there any more */
	ck_assert_int_eq(sh("ip neigh del 192.168.50.11 dev lan0"), 0);
	FLOW("192.168.50.11", 0);
	OK(neigh_rule(MAC_A, 2)); /* all of them at once, before the answer */
	ck_assert_uint_eq(env_flow(&e, "2001:db8::1"), 2);
	ck_assert_uint_eq(env_flow(&e, "2001:db8::10"), 2);
	OK(neigh_unrule(MAC_A));
	FLOW("2001:db8::5", 0);
	env_serve(&e, 50);
	ck_assert_uint_eq(e.flows, 0);
}
END_TEST

/* From one interface to another, with the old neighbour still there. */
START_TEST(device_moves)
{
	ck_assert_int_eq(sh("ip link add dmz0 type veth peer name dmz1; "
			    "ip link set dmz0 up; ip link set dmz1 up"),
	    0);
	OK(env_net_config(&e));
	OK(neigh_rule("lan0", 1));
	OK(neigh_rule("dmz0", 2));
	neigh_set("192.168.50.10", MAC_A, "lan0", "reachable");
	FLOW("192.168.50.10", 1);
	neigh_set("192.168.50.10", MAC_A, "dmz0", "reachable");
	FLOW("192.168.50.10", 2);
	neigh_set("192.168.50.10", MAC_A, "lan0", "stale"); /* only grows old */
	env_serve(&e, 100);
	FLOW("192.168.50.10", 2);
	ck_assert_int_eq(sh("ip link del dmz0"), 0);
	FLOW("192.168.50.10", 1);
}
END_TEST

/* A broadcast is heard by every interface in its network, in any order; the
 * one that answers it counts, until the device proves to be elsewhere. */
START_TEST(heard_on_two_interfaces)
{
	const char *first = _i == 0 ? "lan0" : "dmz0";
	const char *second = _i == 0 ? "dmz0" : "lan0";

	ck_assert_int_eq(sh("ip link add dmz0 type veth peer name dmz1; "
			    "ip link set dmz0 up; ip link set dmz1 up"),
	    0);
	OK(env_net_config(&e));
	OK(neigh_rule("lan0", 1));
	OK(neigh_rule("dmz0", 2));
	neigh_set("192.168.50.10", MAC_A, first, "stale");
	neigh_set("192.168.50.10", MAC_A, second, "stale");
	FLOW("192.168.50.10", 1);
	env_serve(&e, 100);
	FLOW("192.168.50.10", 1);
	neigh_set("192.168.50.10", MAC_A, "dmz0", "reachable");
	FLOW("192.168.50.10", 2);
}
END_TEST

/* The kernel lets nothing through for a while after a link came up. */
static bool
link_runs(struct env *x)
{
	(void)x;
	return strstr(out("ip link show lan0"), "state UP") != NULL &&
	    strstr(out("ip -6 addr show lan0"), "tentative") == NULL &&
	    strstr(out("nsenter -t %d -n ip link show lan1", (int)lan),
		"state UP") != NULL;
}

START_TEST(sources)
{
	lan = env_behind("lan1");
	ck_assert_int_eq(
	    sh("sysctl -qw net.ipv6.conf.lan0.disable_ipv6=0; ip -6 addr add "
	       "2001:db8:5::1/64 dev lan0 nodad; nsenter -t %d -n sh -c 'ip "
	       "link set lan1 address %s; ip addr add 192.168.50.10/24 dev "
	       "lan1; ip -6 addr add 2001:db8:5::77/64 dev lan1 nodad'",
		(int)lan, MAC_A),
	    0);
	OK(env_net_config(&e));
	ck_assert(env_until(&e, link_runs));
	/* no rule at all: at once */
	ck_assert_uint_eq(ask_source("192.168.50.10"), AFW_ENOENT);
	OK(neigh_rule(MAC_A, 1));
	OK(neigh_rule("192.168.50.99", 4));
	/* never heard of: the kernel is made to ask, the device answers */
	SOURCE("2001:db8:5::77");
	ck_assert_uint_eq(env_flow(&e, "2001:db8:5::77"), 1);
	SOURCE("192.168.50.10");
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 1);
	/* by its address; told again although it was told before */
	e.flow_sets = 0;
	OK(ask_source("192.168.50.99"));
	ck_assert_uint_eq(e.flow_sets, 1);
	/* nobody there, and nobody's network */
	ck_assert_uint_eq(ask_source("192.168.50.123"), AFW_ENOENT);
	ck_assert_uint_eq(ask_source("198.51.100.7"), AFW_ENOENT);
	/* known too late: corrected */
	neigh_set("192.168.50.123", MAC_A, "lan0", "reachable");
	FLOW("192.168.50.123", 1);
	/* behind a router of the LAN: that router's */
	ck_assert_int_eq(sh("ip route add 10.44.0.0/16 via 192.168.50.10"), 0);
	OK(ask_source("10.44.1.2"));
	ck_assert_uint_eq(env_flow(&e, "10.44.1.2"), 1);
	OK(neigh_unrule(MAC_A));
	FLOW("10.44.1.2", 0);
	/* the interface is enough for a rule about it */
	OK(neigh_rule("lan0", 5));
	OK(ask_source("192.168.50.200"));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.200"), 5);
}
END_TEST

/* EXPLAIN: by which rule, and where the address was seen. */
START_TEST(explained)
{
	const struct afw_m_explained *x;
	struct afw_key k = env_key(MAC_A);

	OK(env_net_config(&e));
	x = explain("192.168.50.10");
	ck_assert_uint_eq(x->kind, 0);
	ck_assert_uint_eq(x->route, 0);
	ck_assert_uint_eq(x->mark, 0);
	ck_assert_uint_eq(x->flags, 0);
	OK(neigh_rule("192.168.50.10", 2));
	x = explain("192.168.50.10");
	ck_assert_uint_eq(x->kind, AFW_KEY_IP);
	ck_assert_uint_eq(x->route, 2);
	ck_assert_uint_eq(x->mark, e.cfg.fwmark);
	neigh_set("192.168.50.10", MAC_A, "lan0", "reachable");
	OK(neigh_rule(MAC_A, 1));
	FLOW("192.168.50.10", 1);
	x = explain("192.168.50.10");
	ck_assert_uint_eq(x->kind, AFW_KEY_MAC);
	ck_assert_uint_eq(x->route, 1);
	ck_assert_uint_eq(x->flags, AFW_X_SEEN | AFW_X_MAC);
	ck_assert_str_eq(x->iface, "lan0");
	ck_assert_mem_eq(x->mac, k.mac, 6);
	OK(neigh_unrule(MAC_A));
	OK(neigh_unrule("192.168.50.10"));
	OK(neigh_rule("lan0", 3));
	x = explain("192.168.50.10");
	ck_assert_uint_eq(x->kind, AFW_KEY_IFACE);
	ck_assert_uint_eq(x->route, 3);
	ck_assert_str_eq(x->location, "");
	OK(neigh_unrule("lan0"));
	ck_assert_uint_eq(explain("192.168.50.10")->kind, 0);
}
END_TEST

/* The kernel drops neighbours as it likes; the device goes on sending. */
START_TEST(memory_of_neighbours)
{
	OK(env_net_config(&e));
	OK(neigh_rule(MAC_A, 1));
	neigh_set("192.168.50.10", MAC_A, "lan0", "stale");
	FLOW("192.168.50.10", 1);
	ck_assert_int_eq(sh("ip link set lan0 down"), 0);
	env_serve(&e, 100);
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 1);
}
END_TEST

static bool
synced(struct env *x)
{
	return x->syncs > 0;
}

START_TEST(tun_anew_and_net_anew)
{
	OK(env_net_config(&e));
	OK(neigh_rule(MAC_A, 1));
	neigh_set("192.168.50.10", MAC_A, "lan0", "stale");
	FLOW("192.168.50.10", 1);
	e.syncs = 0;
	env_tun_anew(&e);
	ck_assert(env_until(&e, synced));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 1);
	env_kill(&e);
	e.flows = 0;
	env_start(&e);
	OK(env_net_config(&e));
	env_sync_begin(&e);
	OK(neigh_rule(MAC_A, 2));
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 2);
}
END_TEST

START_TEST(refused_by_tun)
{
	OK(env_net_config(&e));
	neigh_set("192.168.50.10", MAC_A, "lan0", "stale");
	env_serve(&e, 50);
	e.tun_refuses = AFW_ENOSPC;
	ck_assert_uint_eq(neigh_rule(MAC_A, 1), AFW_ENOSPC);
	HAS_NOT(out("nft list set inet afwrt mac"), MAC_A);
	e.tun_refuses = AFW_OK;
	OK(neigh_rule(MAC_A, 1));
	FLOW("192.168.50.10", 1);
}
END_TEST

/* One MAC with more addresses than anybody needs. Permanent ones: of others
 * the kernel takes 1024, in all namespaces together. */
START_TEST(flood_is_bounded)
{
	FILE *f = popen("ip -force -batch - 2>/dev/null", "w");
	int i;

	ck_assert_ptr_nonnull(f);
	OK(env_net_config(&e));
	OK(neigh_rule(MAC_A, 1));
	for (i = 0; i < 900; i++)
		(void)fprintf(f,
		    "neigh replace 2001:db8::%x lladdr %s dev lan0 nud "
		    "permanent\n",
		    i + 1, MAC_A);
	ck_assert_int_eq(pclose(f), 0);
	FLOW("2001:db8::384", 1);
	env_serve(&e, 300);
	ck_assert_uint_le(e.flows, 256);
	ck_assert_uint_ge(e.flows, 200);
}
END_TEST

/* A tun that is slow is not buried under requests. */
START_TEST(pushes_are_bounded)
{
	FILE *f;
	int i;

	OK(env_net_config(&e));
	OK(neigh_rule("lan0", 1));
	e.tun_mute = true;
	e.flow_sets = 0;
	ck_assert_ptr_nonnull(f = popen("ip -force -batch -", "w"));
	for (i = 0; i < 500; i++)
		(void)fprintf(f,
		    "neigh replace 10.0.%d.%d lladdr %s dev lan0 nud "
		    "permanent\n",
		    i / 100, i % 100 + 1, MAC_A);
	ck_assert_int_eq(pclose(f), 0);
	env_serve(&e, 400);
	ck_assert_uint_ge(e.flow_sets, 1);
	ck_assert_uint_le(e.flow_sets, 64);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net_neigh");
	TCase *c = tcase_create("net_neigh");
	SRunner *r = srunner_create(s);
	int failed;

	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIP: check_net_neigh needs root\n");
		return 77;
	}
	tcase_add_checked_fixture(c, neigh_up, neigh_down);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(
	    c, priority, 0, (int)(sizeof(orders) / sizeof(orders[0])));
	tcase_add_loop_test(
	    c, states_that_count, 0, (int)(sizeof(states) / sizeof(states[0])));
	tcase_add_test(c, device_with_many_addresses);
	tcase_add_test(c, device_moves);
	tcase_add_loop_test(c, heard_on_two_interfaces, 0, 2);
	tcase_add_test(c, sources);
	tcase_add_test(c, explained);
	tcase_add_test(c, memory_of_neighbours);
	tcase_add_test(c, tun_anew_and_net_anew);
	tcase_add_test(c, refused_by_tun);
	tcase_add_test(c, flood_is_bounded);
	tcase_add_test(c, pushes_are_bounded);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
