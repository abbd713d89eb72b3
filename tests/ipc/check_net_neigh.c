/* SPDX-License-Identifier: ISC */
/*
 * Rules by MAC and by interface: the real afwrt-net, and neighbours, links and
 * bridges that ip(8) makes. afwrt-tun, played here, sees the flows.
 */
#include <sys/wait.h>

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "net_env.h"

#define MAC_A "02:00:00:00:00:0a"
#define MAC_B "02:00:00:00:00:0b"

static struct env e;
static pid_t lan;
static const char *want_addr;
static uint32_t want_route;

static void
up(void)
{
	env_namespace();
	env_config(&e);
	env_start(&e);
	lan = 0;
}

static void
down(void)
{
	if (e.pid > 0)
		env_kill(&e);
	if (lan > 0) {
		(void)kill(lan, SIGKILL);
		(void)waitpid(lan, NULL, 0);
	}
	free(e.flow);
}

static struct afw_key
key(const char *text)
{
	struct afw_key k = {.kind = AFW_KEY_MAC};

	if (afw_mac_parse(k.mac, text) == 0)
		return k;
	k.kind = AFW_KEY_IP;
	if (afw_addr_parse(&k.addr, text) == 0)
		return k;
	k.kind = AFW_KEY_IFACE;
	ck_assert_int_eq(afw_str_set(k.iface, sizeof(k.iface), text), 0);
	return k;
}

static unsigned int
rule(const char *text, uint32_t route)
{
	struct afw_m_rule r = {.key = key(text), .route = route};

	return env_ask(&e, AFW_MSG_NET_RULE_SET, &r, -1);
}

static unsigned int
unrule(const char *text)
{
	struct afw_m_key k = {.key = key(text)};

	return env_ask(&e, AFW_MSG_NET_RULE_DEL, &k, -1);
}

static bool
flow_is(struct env *x)
{
	return env_flow(x, want_addr) == want_route;
}

/* Waits for the flow; 0: for none. */
#define FLOW(addr, route)                                                   \
	do {                                                                \
		want_addr = (addr);                                         \
		want_route = (route);                                       \
		ck_assert_msg(env_until(&e, flow_is),                       \
		    "flow of %s is %u, not %u", (addr), env_flow(&e, addr), \
		    (unsigned int)(route));                                 \
	} while (0)

static void
neigh(const char *addr, const char *mac, const char *dev, const char *state)
{
	ck_assert_int_eq(sh("ip neigh replace %s lladdr %s dev %s nud %s", addr,
			     mac, dev, state),
	    0);
}

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
			OK(rule(MAC_A, 1));
			break;
		case 'n':
			neigh("192.168.50.10", MAC_A, "lan0", "reachable");
			break;
		case 'i':
			OK(rule("192.168.50.10", 2));
			break;
		}
	OK(rule("lan0", 3));
	FLOW("192.168.50.10", 1);
	HAS(out("nft list set inet afwrt mac"), MAC_A);
	HAS(out("nft list set inet afwrt iface"), "\"lan0\"");
	OK(unrule(MAC_A));
	FLOW("192.168.50.10", 2);
	HAS_NOT(out("nft list set inet afwrt mac"), MAC_A);
	OK(unrule("192.168.50.10"));
	FLOW("192.168.50.10", 3);
	OK(rule(MAC_A, 4));
	FLOW("192.168.50.10", 4);
	OK(rule(MAC_A, 5));
	FLOW("192.168.50.10", 5);
	OK(unrule("lan0"));
	FLOW("192.168.50.10", 5);
	OK(unrule(MAC_A));
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
	OK(rule(MAC_A, 1));
	/* nobody answers a probe there, but not within this test */
	neigh("192.168.50.10", MAC_A, "lan0", states[_i].state);
	neigh("fd00::10", MAC_A, "lan0", states[_i].state);
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
	neigh("192.168.50.10", MAC_A, "lan0", "stale");
	OK(rule(MAC_A, 1));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 1);
	for (i = 0; i < 10; i++) {
		(void)snprintf(addr, sizeof(addr), "2001:db8::%d", i + 1);
		neigh(addr, MAC_A, "lan0", "reachable");
	}
	for (i = 0; i < 10; i++) {
		(void)snprintf(addr, sizeof(addr), "2001:db8::%d", i + 1);
		FLOW(addr, 1);
	}
	/* fe80:: is nobody's flow */
	neigh("fe80::1", MAC_A, "lan0", "reachable");
	/* the address goes over to another device, which has no rule */
	neigh("192.168.50.10", MAC_B, "lan0", "reachable");
	FLOW("192.168.50.10", 0);
	neigh("192.168.50.11", MAC_A, "lan0", "reachable");
	FLOW("192.168.50.11", 1);
	ck_assert_uint_eq(e.flows, 11);
	/* nobody is there any more */
	ck_assert_int_eq(sh("ip neigh del 192.168.50.11 dev lan0"), 0);
	FLOW("192.168.50.11", 0);
	OK(rule(MAC_A, 2)); /* all of them at once, before the answer */
	ck_assert_uint_eq(env_flow(&e, "2001:db8::1"), 2);
	ck_assert_uint_eq(env_flow(&e, "2001:db8::10"), 2);
	OK(unrule(MAC_A));
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
	OK(rule("lan0", 1));
	OK(rule("dmz0", 2));
	neigh("192.168.50.10", MAC_A, "lan0", "reachable");
	FLOW("192.168.50.10", 1);
	neigh("192.168.50.10", MAC_A, "dmz0", "reachable");
	FLOW("192.168.50.10", 2);
	neigh("192.168.50.10", MAC_A, "lan0", "stale"); /* only grows old */
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
	OK(rule("lan0", 1));
	OK(rule("dmz0", 2));
	neigh("192.168.50.10", MAC_A, first, "stale");
	neigh("192.168.50.10", MAC_A, second, "stale");
	FLOW("192.168.50.10", 1);
	env_serve(&e, 100);
	FLOW("192.168.50.10", 1);
	neigh("192.168.50.10", MAC_A, "dmz0", "reachable");
	FLOW("192.168.50.10", 2);
}
END_TEST

/* A rule for what is not there yet; renamed; removed. */
START_TEST(interface_comes_and_goes)
{
	OK(env_net_config(&e));
	OK(rule("guest0", 7));
	HAS(out("nft list set inet afwrt iface"), "\"guest0\"");
	ck_assert_int_eq(sh("ip link add guest0 type veth peer name guest1; "
			    "ip link set guest0 up; ip link set guest1 up"),
	    0);
	neigh("10.7.0.9", MAC_A, "guest0", "stale");
	FLOW("10.7.0.9", 7);
	ck_assert_int_eq(sh("ip link set guest0 down; "
			    "ip link set guest0 name other0; "
			    "ip link set other0 up"),
	    0);
	neigh("10.7.0.9", MAC_A, "other0", "stale");
	FLOW("10.7.0.9", 0);
	ck_assert_int_eq(sh("ip link set other0 down; "
			    "ip link set other0 name guest0"),
	    0);
	FLOW("10.7.0.9", 7);
	ck_assert_int_eq(sh("ip link del guest0"), 0);
	FLOW("10.7.0.9", 0);
	OK(unrule("guest0"));
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
	OK(rule("br-lan", 1));
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
	OK(rule("br-lan", 2));
	OK(rule("lan0", 1));
	HAS(out("nft list table bridge afwrt"), "iifname @iface meta mark set");
	HAS(out("nft list table bridge afwrt"), "\"lan0\"");
	HAS(out("nft list table bridge afwrt"), "owner");
	OK(unrule("br-lan"));
	ck_assert(env_until(&e, device_pings));
	FLOW("192.168.50.10", 1);
	ck_assert_int_ge(marked(), 1);
	/* a device behind the other port is not meant */
	neigh("192.168.50.77", MAC_B, "br-lan", "reachable");
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
	OK(unrule("lan0"));
	HAS_NOT(out("nft list tables"), "bridge");
	OK(env_clear(&e, false));
}
END_TEST

START_TEST(port_in_a_sync)
{
	bridge_make();
	OK(env_net_config(&e));
	ck_assert_int_eq(
	    afw_chan_send(&e.sup, AFW_MSG_NET_SYNC_BEGIN, 0, NULL, -1), 0);
	OK(rule("port0", 1));
	OK(rule(MAC_A, 2));
	OK(rule("192.168.50.10", 3));
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
	ck_assert_int_eq(
	    afw_chan_send(&e.sup, AFW_MSG_NET_SYNC_BEGIN, 0, NULL, -1), 0);
	OK(rule("port0", 1));
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	HAS(out("nft list table bridge afwrt"), "\"port0\"");
	HAS_NOT(out("nft list set inet afwrt mac"), MAC_A);
	OK(env_clear(&e, false));
	ck_assert_str_eq(out("nft list ruleset"), "");
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
	OK(rule(MAC_A, 1));
	OK(rule("192.168.50.99", 4));
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
	neigh("192.168.50.123", MAC_A, "lan0", "reachable");
	FLOW("192.168.50.123", 1);
	/* behind a router of the LAN: that router's */
	ck_assert_int_eq(sh("ip route add 10.44.0.0/16 via 192.168.50.10"), 0);
	OK(ask_source("10.44.1.2"));
	ck_assert_uint_eq(env_flow(&e, "10.44.1.2"), 1);
	OK(unrule(MAC_A));
	FLOW("10.44.1.2", 0);
	/* the interface is enough for a rule about it */
	OK(rule("lan0", 5));
	OK(ask_source("192.168.50.200"));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.200"), 5);
}
END_TEST

/* EXPLAIN: by which rule, and where the address was seen. */
START_TEST(explained)
{
	const struct afw_m_explained *x;
	struct afw_key k = key(MAC_A);

	OK(env_net_config(&e));
	x = explain("192.168.50.10");
	ck_assert_uint_eq(x->kind, 0);
	ck_assert_uint_eq(x->route, 0);
	ck_assert_uint_eq(x->mark, 0);
	ck_assert_uint_eq(x->flags, 0);
	OK(rule("192.168.50.10", 2));
	x = explain("192.168.50.10");
	ck_assert_uint_eq(x->kind, AFW_KEY_IP);
	ck_assert_uint_eq(x->route, 2);
	ck_assert_uint_eq(x->mark, e.cfg.fwmark);
	neigh("192.168.50.10", MAC_A, "lan0", "reachable");
	OK(rule(MAC_A, 1));
	FLOW("192.168.50.10", 1);
	x = explain("192.168.50.10");
	ck_assert_uint_eq(x->kind, AFW_KEY_MAC);
	ck_assert_uint_eq(x->route, 1);
	ck_assert_uint_eq(x->flags, AFW_X_SEEN | AFW_X_MAC);
	ck_assert_str_eq(x->iface, "lan0");
	ck_assert_mem_eq(x->mac, k.mac, 6);
	OK(unrule(MAC_A));
	OK(unrule("192.168.50.10"));
	OK(rule("lan0", 3));
	x = explain("192.168.50.10");
	ck_assert_uint_eq(x->kind, AFW_KEY_IFACE);
	ck_assert_uint_eq(x->route, 3);
	ck_assert_str_eq(x->location, "");
	OK(unrule("lan0"));
	ck_assert_uint_eq(explain("192.168.50.10")->kind, 0);
}
END_TEST

/* The kernel drops neighbours as it likes; the device goes on sending. */
START_TEST(memory_of_neighbours)
{
	OK(env_net_config(&e));
	OK(rule(MAC_A, 1));
	neigh("192.168.50.10", MAC_A, "lan0", "stale");
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
	OK(rule(MAC_A, 1));
	neigh("192.168.50.10", MAC_A, "lan0", "stale");
	FLOW("192.168.50.10", 1);
	e.syncs = 0;
	env_tun_anew(&e);
	ck_assert(env_until(&e, synced));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 1);
	env_kill(&e);
	e.flows = 0;
	env_start(&e);
	OK(env_net_config(&e));
	ck_assert_int_eq(
	    afw_chan_send(&e.sup, AFW_MSG_NET_SYNC_BEGIN, 0, NULL, -1), 0);
	OK(rule(MAC_A, 2));
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 2);
}
END_TEST

START_TEST(refused_by_tun)
{
	OK(env_net_config(&e));
	neigh("192.168.50.10", MAC_A, "lan0", "stale");
	env_serve(&e, 50);
	e.tun_refuses = AFW_ENOSPC;
	ck_assert_uint_eq(rule(MAC_A, 1), AFW_ENOSPC);
	HAS_NOT(out("nft list set inet afwrt mac"), MAC_A);
	e.tun_refuses = AFW_OK;
	OK(rule(MAC_A, 1));
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
	OK(rule(MAC_A, 1));
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
	OK(rule("lan0", 1));
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
	tcase_add_checked_fixture(c, up, down);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(
	    c, priority, 0, (int)(sizeof(orders) / sizeof(orders[0])));
	tcase_add_loop_test(
	    c, states_that_count, 0, (int)(sizeof(states) / sizeof(states[0])));
	tcase_add_test(c, device_with_many_addresses);
	tcase_add_test(c, device_moves);
	tcase_add_loop_test(c, heard_on_two_interfaces, 0, 2);
	tcase_add_test(c, interface_comes_and_goes);
	tcase_add_test(c, rule_on_a_bridge);
	tcase_add_test(c, rule_on_a_port);
	tcase_add_test(c, port_in_a_sync);
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
