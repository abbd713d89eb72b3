/* SPDX-License-Identifier: ISC */
/* Which way the packets of devices take: managed_env.h. */
#include <sys/wait.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "managed_env.h"

START_TEST(tables)
{
	OK(env_net_config(&e));
	HAS_NOT(out("ip link"), "wrt0");
	managed_wg_up(3);
	OK(managed_wg_set(4, 0));
	OK(managed_wg_session(4, false, NULL));
	HAS(out("ip rule"), "10:\tfrom all fwmark 0x9 lookup 48");
	HAS(out("ip -6 rule"), "10:\tfrom all fwmark 0x9 lookup 48");
	HAS(out("ip rule"), "9:\tfrom all fwmark 0x9 lookup main suppress");
	/* whose route is not known goes nowhere, and not by a table */
	HAS(out("ip rule"), "10:\tfrom all fwmark 0x8 unreachable");
	HAS_NOT(out("ip route show table all"), "table 47");
	HAS(out("ip route show table 48"), "default dev tun3");
	HAS(out("ip route show table 48"),
	    "unreachable default proto 97 metric 4294967295");
	HAS(out("ip -6 route show table 48"), "default dev tun3");
	HAS(out("ip route show table 49"), "default dev tun4");
	HAS_NOT(out("ip -6 route show table 49"), "tun4");
	HAS(out("ip -6 route show table 49"), "unreachable default");
	HAS(out("nft list table inet afwrt"), "oifname \"tun3\" masquerade");
	HAS(out("nft list table inet afwrt"),
	    "type nat hook postrouting priority srcnat");
	HAS(out("nft list table inet afwrt"),
	    "tcp option maxseg size set rt mtu");
	HAS(out("nft list table inet afwrt"), "maxseg size set 1380");
	HAS(out("nft list table inet afwrt"), "maxseg size set 1360");
	HAS(out("nft list table inet afwrt"),
	    "meta mark set ether saddr map @wg_mac");
	OK(managed_rule(DEV, 4));
	HAS(out("nft list map inet afwrt wg_ip4"),
	    "{ 192.168.50.10 : 0x0000000a }");
	HAS(out("nft list set inet afwrt ip4"), "{ 192.168.50.10 }");
	ck_assert_uint_eq(env_flow(&e, DEV), 4);
}
END_TEST

START_TEST(priorities)
{
	int i;

	if (_i == 1)
		e.cfg.fwmark_mask = 0xff; /* one rule a route behind the maps */
	OK(env_net_config(&e));
	managed_wg_up(3);
	managed_wg_up(4);
	managed_wg_up(5);
	WHERE(0);
	OK(managed_rule("lan0", 3));
	WHERE(3);
	WHERE6(3);
	OK(managed_rule(DEV, 4));
	OK(managed_rule(DEV6, 5));
	WHERE(4);
	WHERE6(5);
	ck_assert_int_eq(managed_where("192.168.50.11", FAR), 3);
	OK(managed_rule(MAC_A, 5));
	WHERE(5);
	WHERE6(5);
	/* to a route that is no WireGuard one, over one that is */
	OK(managed_rule(MAC_A, 7));
	WHERE(-1);
	WHERE6(-1);
	OK(managed_unrule(MAC_A));
	WHERE(4);
	/* and below one */
	OK(managed_rule("lan0", 7));
	WHERE(4);
	ck_assert_int_eq(managed_where("192.168.50.11", FAR), -1);
	OK(managed_unrule(DEV));
	WHERE(-1);
	OK(managed_rule("lan0", 4));
	WHERE(4);
	OK(managed_unrule("lan0"));
	WHERE(0);
	WHERE6(5);
	for (i = 3; i < 6; i++)
		HAS_NOT(out("nft list map inet afwrt wg_ip4"), "192.168");
}
END_TEST

static uint32_t
source_of_last(void)
{
	return (uint32_t)last[12] << 24 | (uint32_t)last[13] << 16 |
	    (uint32_t)last[14] << 8 | last[15];
}

START_TEST(masquerade)
{
	OK(env_net_config(&e));
	managed_wg_up(3);
	OK(managed_rule(DEV, 3));
	OK(managed_rule(DEV6, 3));
	WHERE(3);
	ck_assert_uint_eq(source_of_last(), 0x0a090302);
	WHERE6(3);
	ck_assert_mem_eq(last + 8, "\xfd\x09\0\3\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	/* nobody else's packets: there the source stays */
	ck_assert_int_eq(managed_where("192.168.50.11", FAR), 0);
	HAS_NOT(out("conntrack -L 2>/dev/null"), "dst=203.0.113.2 ");
}
END_TEST

/* The interface goes, and no packet goes elsewhere. */
START_TEST(interface_goes)
{
	OK(env_net_config(&e));
	managed_wg_up(3);
	OK(managed_rule(DEV, 3));
	WHERE(3);
	ck_assert_int_eq(sh("ip link set tun3 down"), 0);
	ck_assert_int_ne(managed_where(DEV, FAR), 0);
	env_serve(&e, 400);
	WHERE(3);
	ck_assert_int_eq(
	    sh("ip route flush table 48; ip rule del priority 10 fwmark 0x9"),
	    0);
	env_serve(&e, 500);
	WHERE(3);
}
END_TEST

static uint16_t
ip_sum(const uint8_t *b, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* An echo request of the node: 198.51.100.1 */
static bool
node_is_answered(uint32_t route, const uint8_t to[4])
{
	static const uint8_t head[16] = {
	    0x45, 0, 0, 28, 0, 1, 0, 0, 64, 1, 0, 0, 198, 51, 100, 1};
	uint8_t p[VNET + 28] = {0}, buf[2048], *ip = p + VNET;
	uint16_t sum;
	ssize_t n;

	memcpy(ip, head, sizeof(head));
	memcpy(ip + 16, to, 4);
	sum = ip_sum(ip, 20);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	ip[20] = 8;
	ip[25] = 7;
	sum = ip_sum(ip + 20, 8);
	ip[22] = (uint8_t)(sum >> 8);
	ip[23] = (uint8_t)sum;
	ck_assert_int_eq(
	    write(e.wg[route].fd, p, sizeof(p)), (ssize_t)sizeof(p));
	env_serve(&e, 200);
	while ((n = read(e.wg[route].fd, buf, sizeof(buf))) > 0)
		if (n >= VNET + 28 && buf[VNET + 9] == 1 && buf[VNET + 20] == 0)
			return true;
	return false;
}

/* What nobody here began does not come in by a tunnel. */
START_TEST(only_answers_come_in)
{
	static const uint8_t inner[4] = {10, 9, 3, 2};
	static const uint8_t device[4] = {192, 168, 50, 10};

	if (_i == 1) /* the test itself: without the rule it is answered */
		e.cfg.flags &= ~(uint32_t)AFW_C_WG_MANAGED;
	OK(env_net_config(&e));
	managed_wg_up(3);
	/* so that an answer would come by the tunnel */
	ck_assert_int_eq(sh("ip route add " FAR " dev tun3"), 0);
	ck_assert(node_is_answered(3, inner) == (_i == 1));
	ck_assert(node_is_answered(3, device) == (_i == 1));
}
END_TEST

static pid_t
stream(int n)
{
	pid_t pid = fork();
	char cmd[256];

	if (pid != 0)
		return pid;
	(void)snprintf(cmd, sizeof(cmd),
	    "exec 3>/dev/udp/" FAR "/9; i=0; while [ $i -lt %d ]; do echo x "
	    ">&3; i=$((i+1)); done",
	    n);
	(void)snprintf(cmd + 200, 16, "%d", (int)lan);
	(void)execlp("nsenter", "nsenter", "-t", cmd + 200, "-n", "bash", "-c",
	    cmd, (char *)NULL);
	_exit(127);
}

#define STREAM 20000

/* While it is moved to and fro each packet has one of the two ways. */
START_TEST(moves)
{
	int total = 0, moved = 0, st, before;
	pid_t pid;

	OK(env_net_config(&e));
	managed_wg_up(3);
	managed_wg_up(4);
	OK(managed_rule(DEV, 3));
	WHERE(3);
	ck_assert_int_eq(sh("ip link set tun3 txqueuelen 20000; ip link set "
			    "tun4 txqueuelen 20000"),
	    0);
	before = managed_came_to_world();
	pid = stream(STREAM);
	while (waitpid(pid, &st, WNOHANG) == 0) {
		OK(managed_rule(DEV, (moved++ & 1) == 0 ? 4 : 3));
		total += managed_came_out(3, 9) + managed_came_out(4, 9);
	}
	env_serve(&e, 50);
	total += managed_came_out(3, 9) + managed_came_out(4, 9);
	ck_assert_int_eq(st, 0);
	ck_assert_int_gt(moved, 10);
	ck_assert_int_eq(managed_came_to_world(), before);
	(void)fprintf(
	    stderr, "%d of %d packets in %d moves\n", total, STREAM, moved);
	/* a connection forgotten between NAT and the wire loses its packet */
	ck_assert_int_ge(total, STREAM - moved);
	/* to and from where packets go nowhere */
	pid = stream(STREAM);
	while (waitpid(pid, &st, WNOHANG) == 0)
		OK(managed_rule(DEV, (moved++ & 1) == 0 ? 7 : 3));
	ck_assert_int_eq(managed_came_to_world(), before);
}
END_TEST

/* Only what is the device's own is forgotten. */
START_TEST(connections)
{
	OK(env_net_config(&e));
	managed_wg_up(3);
	managed_wg_up(4);
	OK(managed_rule(DEV, 3));
	OK(managed_rule("192.168.50.11", 3));
	OK(managed_rule(MAC_A, 3));
	ck_assert_int_eq(managed_where(DEV, FAR), 3);
	ck_assert_int_eq(managed_where("192.168.50.11", FAR), 3);
	OK(managed_unrule(MAC_A));
	ck_assert_int_eq(managed_where(DEV, FAR), 3);
	ck_assert_int_eq(managed_where("192.168.50.11", FAR), 3);
	OK(managed_rule(DEV, 4));
	HAS_NOT(out("conntrack -L 2>/dev/null"), "src=192.168.50.10 ");
	HAS(out("conntrack -L 2>/dev/null"), "src=192.168.50.11 ");
	WHERE(4);
	ck_assert_uint_eq(source_of_last(), 0x0a090402);
}
END_TEST

static void
ask_name(const char *server)
{
	(void)sh(
	    "echo x | nsenter -t %d -n socat -u - UDP4-SENDTO:%s:53,bind=" DEV
	    " >/dev/null 2>&1",
	    (int)lan, server);
}

START_TEST(dns)
{
	e.cfg.flags |= AFW_C_DNS_TUNNEL;
	OK(env_net_config(&e));
	OK(managed_wg_set(3, 0));
	/* an address of the LAN's own network: but behind the interface */
	OK(managed_wg_session(3, true, "192.168.50.53"));
	OK(managed_rule(DEV, 3));
	OK(managed_rule(DEV6, 3));
	(void)managed_came_out(3, 53);
	ask_name("198.51.100.1");
	env_serve(&e, 50);
	ck_assert_int_eq(managed_came_out(3, 53), 1);
	ck_assert_mem_eq(last + 16, "\xc0\xa8\x32\x35", 4);
	ask_name("192.168.50.1"); /* the router's own, too */
	env_serve(&e, 50);
	ck_assert_int_eq(managed_came_out(3, 53), 1);
	/* a family without one is refused at once */
	HAS(out("nsenter -t %d -n timeout 2 bash -c 'exec 3<>/dev/tcp/"
		"fd00:50::1/53' 2>&1; nsenter -t %d -n timeout 2 bash -c "
		"'exec 3<>/dev/tcp/2001:db8:51::1/53' 2>&1",
		(int)lan, (int)lan),
	    "refused");
	HAS(out("nft list table inet afwrt"), "reject");
	/* others' go as ever */
	ck_assert_int_eq(managed_where("192.168.50.11", FAR), 0);
}
END_TEST

/* A SYN from the device: the size it names is that of the tunnel. */
START_TEST(segment_size)
{
	uint8_t buf[2048];
	ssize_t n = -1;
	int i;

	OK(env_net_config(&e));
	managed_wg_up(3);
	OK(managed_rule(DEV, 3));
	(void)managed_came_out(3, 9);
	(void)sh("nsenter -t %d -n timeout 0.3 socat -u /dev/null TCP4:" FAR
		 ":9,bind=" DEV " >/dev/null 2>&1",
	    (int)lan);
	for (i = 0; i < 50; i++) {
		n = read(e.wg[3].fd, buf, sizeof(buf));
		if (n >= VNET + 44 && buf[VNET + 9] == 6)
			break;
	}
	ck_assert_int_ge(n, VNET + 44);
	ck_assert_mem_eq(buf + VNET + 40, "\2\4\x05\x64", 4); /* 1380 */
}
END_TEST

/* The port of a bridge goes before the bridge, whatever their routes are. */
START_TEST(bridge_port)
{
	ck_assert_int_eq(
	    sh("ip link add br0 type bridge && ip addr flush dev lan0 && ip "
	       "link set lan0 master br0 && ip addr add 192.168.50.1/24 dev "
	       "br0 && ip link set br0 up"),
	    0);
	OK(env_net_config(&e));
	managed_wg_up(3);
	managed_wg_up(4);
	OK(managed_rule("br0", 3));
	WHERE(3);
	OK(managed_rule("lan0", 4));
	HAS(out("nft list map bridge afwrt wg_iface"), "\"lan0\" : 0x0000000a");
	WHERE(4);
	OK(managed_rule("lan0", 7));
	WHERE(-1);
	OK(managed_rule("br0", 4));
	WHERE(-1);
	OK(managed_rule("lan0", 3));
	WHERE(3);
	OK(managed_rule(DEV, 4));
	WHERE(4);
	OK(managed_unrule(DEV));
	OK(managed_unrule("lan0"));
	WHERE(4);
}
END_TEST

/* Does the router's own packet with that source leave by the uplink? */
static bool
leaves(const char *src, const char *to)
{
	bool v6 = strchr(to, ':') != NULL;
	int before = managed_came_to_world();

	(void)sh("echo x | socat -u - UDP%d-SENDTO:%s%s%s:9,bind=%s%s%s "
		 ">/dev/null 2>&1",
	    v6 ? 6 : 4, v6 ? "[" : "", to, v6 ? "]" : "", v6 ? "[" : "", src,
	    v6 ? "]" : "");
	env_serve(&e, 100);
	return managed_came_to_world() > before;
}

/* An address of the tunnel's is nothing that the uplink's side may see. */
START_TEST(inner_address)
{
	OK(env_net_config(&e));
	OK(managed_wg_set(3, 0));
	OK(managed_wg_session(3, true, NULL));
	ck_assert(!leaves("10.9.3.2", FAR));
	ck_assert(!leaves("fd09:3::2", FAR6));
	ck_assert(leaves("203.0.113.2", FAR));
	ck_assert(leaves("2001:db8:203::2", FAR6));
	/* another net has it from the interface */
	env_kill(&e);
	ck_assert(!leaves("10.9.3.2", FAR));
	env_start(&e);
	OK(env_net_config(&e));
	OK(managed_wg_set(3, 0));
	ck_assert(!leaves("10.9.3.2", FAR));
	ck_assert(!leaves("fd09:3::2", FAR6));
	env_sync_begin(&e);
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	ck_assert(!leaves("10.9.3.2", FAR));
	/* the uplink's own is the uplink's */
	ck_assert_int_eq(sh("ip addr add 10.9.3.2/32 dev wan0"), 0);
	env_serve(&e, 200);
	ck_assert(leaves("10.9.3.2", FAR));
	ck_assert(!leaves("fd09:3::2", FAR6));
	OK(env_clear(&e, false));
	ck_assert_str_eq(out("nft list ruleset"), "");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net_managed");
	TCase *c = tcase_create("net_managed");
	SRunner *r = srunner_create(s);
	int failed;

	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIP: check_net_managed needs root\n");
		return 77;
	}
	tcase_add_checked_fixture(c, managed_up, managed_down);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, tables);
	tcase_add_loop_test(c, priorities, 0, 2);
	tcase_add_test(c, masquerade);
	tcase_add_test(c, interface_goes);
	tcase_add_test(c, inner_address);
	tcase_add_loop_test(c, only_answers_come_in, 0, 2);
	tcase_add_test(c, moves);
	tcase_add_test(c, connections);
	tcase_add_test(c, dns);
	tcase_add_test(c, segment_size);
	tcase_add_test(c, bridge_port);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
