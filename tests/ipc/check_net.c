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

START_TEST(config_makes_all)
{
	OK(env_net_config(&e));
	HAS(out("ip rule"), "10:\tfrom all fwmark 0x8 lookup 47");
	HAS(out("ip rule"),
	    "9:\tfrom all fwmark 0x8 lookup main suppress_prefixlength 0");
	HAS(out("ip -6 rule"), "10:\tfrom all fwmark 0x8 lookup 47");
	HAS(out("ip -6 rule"), "9:\tfrom all fwmark 0x8 lookup main");
	HAS(out("ip route show table 47"), "default dev wrt0");
	HAS(out("ip route show table 47"),
	    "unreachable default proto 97 metric 4294967295");
	HAS(out("ip -6 route show table 47"), "default dev wrt0");
	HAS(out("ip -6 route show table 47"), "unreachable default dev lo");
	HAS(out("ip addr show wrt0"), "inet 100.73.0.73/32");
	HAS_NOT(out("ip -6 addr show wrt0"), "inet6");
	HAS(out("ip link show wrt0"), "UP");
	HAS(out("cat /proc/sys/net/ipv4/conf/wrt0/rp_filter"), "2");
	HAS(out("ip -d link show wrt0"), "tun type tun pi off vnet_hdr on");
	HAS(out("nft list table inet afwrt"), "chain afwrt_chain");
	HAS(out("nft list table inet afwrt"),
	    "type filter hook prerouting priority mangle");
	HAS(out("nft list table inet afwrt"),
	    "ip saddr @ip4 meta mark set 0x00000008");
	HAS(out("nft list table inet afwrt"),
	    "ip6 saddr @ip6 meta mark set 0x00000008");
	HAS(out("nft list table inet afwrt"),
	    "ether saddr @mac meta mark set 0x00000008");
	HAS(out("nft list table inet afwrt"),
	    "iifname @iface meta mark set 0x00000008");
	HAS(out("nft list table inet afwrt"),
	    "oifname \"wan0\" meta mark "
	    "0x00000008 counter packets 0 bytes 0 drop");
	ck_assert_int_ne(e.kept, -1);
}
END_TEST

static bool
has_device_and_wan(struct env *x)
{
	return x->device != -1 && x->wans_tun > 0 && x->wans > 0 &&
	    x->wans_auth > 0;
}

START_TEST(device_and_wan_are_told)
{
	OK(env_net_config(&e));
	ck_assert(env_until(&e, has_device_and_wan));
	ck_assert_uint_eq(e.dev.vnet_hdr, 12);
	ck_assert_uint_eq(e.dev.mtu, 1500);
	HAS(out("ip -o link show wrt0"), "wrt0");
	ck_assert_uint_eq(
	    (uint32_t)atoi(out("ip -o link show wrt0")), e.dev.ifindex);
	ck_assert_uint_eq(e.wan.up, 1);
	ck_assert_uint_eq(e.wan.has4, 1);
	ck_assert_uint_eq(e.wan.has6, 0);
	ck_assert_str_eq(e.wan_auth.ifname, "wan0");
}
END_TEST

/* A second NET_CONFIG: other numbers, and another name. */
START_TEST(config_changes)
{
	OK(env_net_config(&e));
	OK(env_rule(&e, "192.168.50.10", 3));
	(void)close(e.kept);
	e.kept = -1;
	e.cfg.rule_priority = 20;
	e.cfg.flags = 0;
	OK(env_net_config(&e)); /* an unused descriptor: ours is as good */
	HAS(out("ip rule"), "20:\tfrom all fwmark 0x8 lookup 47");
	HAS_NOT(out("ip rule"), "10:\t");
	HAS_NOT(out("ip rule"), "suppress");
	HAS(out("nft list table inet afwrt"), "192.168.50.10");
	(void)close(e.kept);
	e.kept = -1;
	(void)afw_str_set(e.cfg.tun_ifname, sizeof(e.cfg.tun_ifname), "wrt1");
	OK(env_net_config(&e));
	HAS_NOT(out("ip link"), "wrt0");
	HAS(out("ip route show table 47"), "default dev wrt1");
	HAS(out("nft list table inet afwrt"), "iifname \"wrt1\" return");
}
END_TEST

START_TEST(numbers_of_the_config)
{
	e.cfg.fwmark = 0x100;
	e.cfg.fwmark_mask = 0xff00;
	e.cfg.route_table = 1047;
	e.cfg.rule_priority = 500;
	e.cfg.tun_mtu = 1400;
	e.cfg.flags = 0;
	OK(env_net_config(&e));
	HAS(out("ip rule"), "500:\tfrom all fwmark 0x100/0xff00 lookup 1047");
	HAS_NOT(out("ip rule"), "suppress");
	HAS(out("ip route show table 1047"), "default dev wrt0");
	HAS(out("ip link show wrt0"), "mtu 1400");
	HAS(out("nft list table inet afwrt"),
	    "meta mark set meta mark & 0xffff01ff | 0x00000100");
	HAS(out("nft list table inet afwrt"),
	    "meta mark & 0x0000ff00 == 0x00000100");
}
END_TEST

START_TEST(hands_off)
{
	e.cfg.flags = AFW_C_NO_IPTABLES | AFW_C_NO_SOCKET_SETUP;
	OK(env_net_config(&e));
	OK(env_rule(&e, "192.168.50.10", 3));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 3);
	HAS_NOT(out("ip rule"), "fwmark");
	HAS_NOT(out("ip route show table all"), "table 47");
	ck_assert_str_eq(out("nft list ruleset"), "");
	HAS_NOT(out("ip addr show wrt0"), "100.73.0.73");
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

static const struct {
	const char *cmd, *word;
} conflicts[] = {
    {"ip rule add priority 10 lookup 100", "rule_priority"},
    {"ip rule add priority 9 fwmark 0x40 lookup 100", "rule_priority"},
    {"ip rule add priority 77 lookup 47 protocol bird", "\"bird\""},
    {"ip -6 rule add priority 78 fwmark 0x8/0xf lookup 100", "fwmark"},
    {"ip route add 10.9.0.0/16 dev lan0 table 47", "route_table"},
};

START_TEST(collision)
{
	char *before, *after;

	ck_assert_int_eq(sh("%s", conflicts[_i].cmd), 0);
	before = env_snapshot();
	ck_assert_uint_eq(env_net_config(&e), AFW_ECONFLICT);
	HAS(e.st.text, conflicts[_i].word);
	after = env_snapshot();
	same(before, after);
}
END_TEST

START_TEST(no_collision)
{
	/* other marks of other people, and "not our mark" */
	ck_assert_int_eq(
	    sh("ip rule add priority 50 fwmark 0x80000/0xff0000 "
	       "lookup 52 && ip rule add priority 60 not fwmark 0xca6c lookup "
	       "51820"),
	    0);
	OK(env_net_config(&e));
}
END_TEST

START_TEST(names_taken)
{
	ck_assert_int_eq(sh("ip link add wrt0 type bridge"), 0);
	ck_assert_uint_eq(env_net_config(&e), AFW_EBUSY);
	HAS(e.st.text, "wrt0 exists already and is not a TUN");
	HAS_NOT(out("ip rule"), "fwmark");
	ck_assert_int_eq(sh("ip link del wrt0 && "
			    "ip tuntap add mode tun name wrt0"),
	    0);
	OK(env_net_config(&e)); /* waiting for somebody to take it */
	OK(env_clear(&e, false));
	HAS(out("ip -d link show wrt0"), "persist on"); /* not ours to delete */
}
END_TEST

/* A table of our name and of another shape: made anew. */
START_TEST(table_of_another_shape)
{
	ck_assert_int_eq(
	    sh("nft add table inet afwrt; nft 'add chain inet "
	       "afwrt afwrt_chain { type filter hook output priority 0; }'; "
	       "nft 'add set inet afwrt ip4 { type ipv6_addr; }'"),
	    0);
	OK(env_net_config(&e));
	HAS(out("nft list table inet afwrt"), "owner");
	HAS(out("nft list table inet afwrt"), "hook prerouting");
	HAS_NOT(out("nft list table inet afwrt"), "hook output");
}
END_TEST

static int
sockopt(int level, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	ck_assert_int_eq(getsockopt(e.sock, level, name, &v, &len), 0);
	return v;
}

static const char *
sockdev(void)
{
	static char name[16];
	socklen_t len = sizeof(name);

	memset(name, 0, sizeof(name));
	ck_assert_int_eq(
	    getsockopt(e.sock, SOL_SOCKET, SO_BINDTODEVICE, name, &len), 0);
	return name;
}

START_TEST(sockets)
{
	/* before any configuration: verify_user */
	OK(env_ask_socket(&e, &e.auth, 4, 1, AFW_SCOPE_WAN));
	ck_assert_str_eq(sockdev(), "");
	ck_assert_int_eq(sockopt(SOL_SOCKET, SO_MARK), 0);
	e.cfg.rcvbuf = 3000000;
	OK(env_net_config(&e));
	OK(env_ask_socket(&e, &e.tun, 6, 1, AFW_SCOPE_WAN));
	ck_assert_str_eq(sockdev(), "wan0");
	ck_assert_int_eq(sockopt(SOL_SOCKET, SO_MARK), 0x10);
	ck_assert_int_eq(sockopt(SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	ck_assert_int_eq(sockopt(IPPROTO_TCP, TCP_NODELAY), 1);
	ck_assert_int_eq(sockopt(IPPROTO_IPV6, IPV6_V6ONLY), 1);
	ck_assert_int_eq(sockopt(SOL_SOCKET, SO_RCVBUF), 6000000);
	ck_assert_int_ne(fcntl(e.sock, F_GETFL) & O_NONBLOCK, 0);
	OK(env_ask_socket(&e, &e.auth, 4, 0, AFW_SCOPE_WAN));
	ck_assert_int_eq(sockopt(SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
	OK(env_ask_socket(&e, &e.auth, 4, 0, AFW_SCOPE_LOOPBACK));
	ck_assert_str_eq(sockdev(), "lo");
	ck_assert_uint_eq(
	    env_ask_socket(&e, &e.tun, 4, 1, AFW_SCOPE_LOOPBACK), AFW_EPERM);
	ck_assert_int_eq(sh("ip link del wan0"), 0);
	ck_assert_uint_eq(
	    env_ask_socket(&e, &e.tun, 4, 1, AFW_SCOPE_WAN), AFW_ENETUNREACH);
}
END_TEST

static bool
wan_up(struct env *x)
{
	return x->wans > 0 && x->wan.up;
}

static bool
wan_down(struct env *x)
{
	return x->wans > 0 && !x->wan.up;
}

static bool
wan_six(struct env *x)
{
	return x->wan.has6;
}

static bool
wan_other(struct env *x)
{
	return strcmp(x->wan.ifname, "lan0") == 0;
}

static bool
wan_more(struct env *x)
{
	return x->wans >= 2;
}

START_TEST(wan_is_watched)
{
	OK(env_net_config(&e));
	ck_assert(env_until(&e, wan_up));
	ck_assert_int_eq(sh("ip link set wan0 down"), 0);
	ck_assert(env_until(&e, wan_down));
	ck_assert_int_eq(sh("ip link set wan0 up; "
			    "ip -6 addr add 2001:db8::2/64 dev wan0 nodad; "
			    "ip -6 route add default via 2001:db8::1 dev wan0"),
	    0);
	ck_assert(env_until(&e, wan_six));
	ck_assert(env_until(&e, wan_up));
	env_serve(&e, 100);
	/* the same words, another address: it is told again */
	e.wans = 1;
	ck_assert_int_eq(sh("ip addr add 203.0.113.3/24 dev wan0"), 0);
	ck_assert(env_until(&e, wan_more));
	/* what changes nothing is not told */
	e.wans = 0;
	ck_assert_int_eq(sh("ip addr add 192.168.51.1/24 dev lan0"), 0);
	env_serve(&e, 200);
	ck_assert_uint_eq(e.wans, 0);
}
END_TEST

START_TEST(wan_auto)
{
	(void)afw_str_set(e.cfg.wan_ifname, sizeof(e.cfg.wan_ifname), "auto");
	OK(env_net_config(&e));
	ck_assert(env_until(&e, wan_up));
	ck_assert_str_eq(e.wan.ifname, "wan0");
	HAS(out("nft list table inet afwrt"), "oifname \"wan0\"");
	ck_assert_int_eq(sh("ip route replace default via 192.168.50.254"), 0);
	ck_assert(env_until(&e, wan_other));
	HAS(out("nft list table inet afwrt"), "oifname \"lan0\"");
	HAS_NOT(out("nft list table inet afwrt"), "oifname \"wan0\"");
}
END_TEST

START_TEST(needs_a_descriptor)
{
	ck_assert_uint_eq(
	    env_ask(&e, AFW_MSG_NET_CONFIG, &e.cfg, -1), AFW_EINVAL);
	ck_assert_uint_eq(
	    env_ask(&e, AFW_MSG_NET_CONFIG, &e.cfg, open("/dev/null", O_RDWR)),
	    AFW_EINVAL);
	HAS(e.st.text, "/dev/net/tun");
	ck_assert_uint_eq(env_rule(&e, "192.168.50.10", 3), AFW_EINVAL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net");
	TCase *c = tcase_create("net");
	SRunner *r = srunner_create(s);
	int failed;

	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIP: check_net needs root\n");
		return 77;
	}
	tcase_add_checked_fixture(c, up, down);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, config_makes_all);
	tcase_add_test(c, device_and_wan_are_told);
	tcase_add_test(c, numbers_of_the_config);
	tcase_add_test(c, config_changes);
	tcase_add_test(c, hands_off);
	tcase_add_loop_test(
	    c, collision, 0, (int)(sizeof(conflicts) / sizeof(conflicts[0])));
	tcase_add_test(c, no_collision);
	tcase_add_test(c, names_taken);
	tcase_add_test(c, table_of_another_shape);
	tcase_add_test(c, sockets);
	tcase_add_test(c, wan_is_watched);
	tcase_add_test(c, wan_auto);
	tcase_add_test(c, needs_a_descriptor);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
