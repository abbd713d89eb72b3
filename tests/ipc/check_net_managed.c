/* SPDX-License-Identifier: ISC */
/*
 * wireguard_routing "managed": the real afwrt-net, devices in namespaces of
 * their own, and the interfaces of WireGuard routes, whose other end is the
 * test: what comes out of the descriptor was routed there.
 */
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afwrt-net/route.h"
#include "afwrt-net/rule.h"
#include "lib/daemon/log.h"
#include "net_env.h"

#define MAC_A "02:00:00:00:00:10"
#define VNET  12

static struct env e;
static pid_t lan, world;

static void
up(void)
{
	env_namespace();
	lan = env_behind("lan1");
	world = env_behind("wan1");
	ck_assert_int_eq(sh("echo 1 > /proc/sys/net/ipv4/ip_forward; "
			    "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; "
			    "ip -6 addr add fd00:50::1/64 dev lan0 nodad; "
			    "ip -6 addr add 2001:db8:203::2/64 dev wan0 nodad; "
			    "ip -6 route add default via 2001:db8:203::1"),
	    0);
	ck_assert_int_eq(
	    sh("nsenter -t %d -n sh -c 'ip link set lan1 address " MAC_A
	       "; ip addr add 192.168.50.10/24 dev lan1; ip addr add "
	       "192.168.50.11/24 dev lan1; ip route add default via "
	       "192.168.50.1; ip -6 addr add fd00:50::10/64 dev lan1 nodad; "
	       "ip -6 route add default via fd00:50::1'",
		(int)lan),
	    0);
	ck_assert_int_eq(
	    sh("nsenter -t %d -n sh -c 'ip addr add 203.0.113.1/24 dev wan1; "
	       "ip addr add 198.51.100.1/32 dev lo; ip -6 addr add "
	       "2001:db8:203::1/64 dev wan1 nodad; ip -6 addr add "
	       "2001:db8:51::1/128 dev lo nodad; nft add table inet w; nft "
	       "\"add chain inet w c { type filter hook prerouting priority "
	       "-300; }\"; nft add rule inet w c udp dport 9 counter'",
		(int)world),
	    0);
	env_config(&e);
	e.cfg.type = AFW_TYPE_WIREGUARD;
	e.cfg.flags = AFW_C_LAN_BYPASS | AFW_C_WG_MANAGED;
	env_start(&e);
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
	if (e.pid > 0)
		env_kill(&e);
	end(&lan);
	end(&world);
	free(e.flow);
}

static unsigned int
wg_set(uint32_t route, uint32_t flags)
{
	struct afw_m_net_wg_set m = {
	    .route = route, .impl = AFW_WG_USERSPACE, .flags = flags};
	int kept = e.wg[route].kept;
	int fd = kept != -1 ? fcntl(kept, F_DUPFD_CLOEXEC, 0)
			    : open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	(void)snprintf(m.ifname, sizeof(m.ifname), "tun%u", route);
	return env_ask(&e, AFW_MSG_NET_WG_SET, &m, fd);
}

static uint32_t wanted_device;

static bool
has_wg_device(struct env *x)
{
	return x->wg[wanted_device].fd != -1;
}

/* addr6 NULL: none of that family. */
static unsigned int
wg_session(uint32_t route, bool v6, const char *dns4)
{
	struct afw_m_wg_set m = {.route = route, .addrs = v6 ? 2 : 1};
	char text[32];

	(void)snprintf(text, sizeof(text), "10.9.%u.2", route);
	(void)afw_addr_parse(&m.addr[0].addr, text);
	m.addr[0].prefix = 32;
	if (v6) {
		(void)snprintf(text, sizeof(text), "fd09:%u::2", route);
		(void)afw_addr_parse(&m.addr[1].addr, text);
		m.addr[1].prefix = 128;
	}
	if (dns4 != NULL)
		(void)afw_addr_parse(&m.dns4, dns4);
	wanted_device = route;
	ck_assert(env_until(&e, has_wg_device));
	return env_ask_of(&e, &e.tun, AFW_MSG_WG_SET, &m);
}

static void
wg_up(uint32_t route)
{
	OK(wg_set(route, 0));
	OK(wg_session(route, true, NULL));
}

static unsigned int
rule(const char *what, uint32_t route)
{
	struct afw_m_rule r = {.route = route};

	if (strchr(what, ':') != NULL && strlen(what) == 17) {
		r.key.kind = AFW_KEY_MAC;
		ck_assert_int_eq(
		    sscanf(what, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &r.key.mac[0],
			&r.key.mac[1], &r.key.mac[2], &r.key.mac[3],
			&r.key.mac[4], &r.key.mac[5]),
		    6);
	} else if (afw_addr_parse(&r.key.addr, what) == 0) {
		r.key.kind = AFW_KEY_IP;
	} else {
		r.key.kind = AFW_KEY_IFACE;
		(void)afw_str_set(r.key.iface, sizeof(r.key.iface), what);
	}
	return env_ask(&e, AFW_MSG_NET_RULE_SET, &r, -1);
}

static unsigned int
unrule(const char *what)
{
	struct afw_m_key m;
	struct afw_m_rule r = {.route = 0};

	memset(&m, 0, sizeof(m));
	if (strlen(what) == 17) {
		m.key.kind = AFW_KEY_MAC;
		ck_assert_int_eq(
		    sscanf(what, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &m.key.mac[0],
			&m.key.mac[1], &m.key.mac[2], &m.key.mac[3],
			&m.key.mac[4], &m.key.mac[5]),
		    6);
	} else if (afw_addr_parse(&r.key.addr, what) == 0) {
		m.key.kind = AFW_KEY_IP;
		m.key.addr = r.key.addr;
	} else {
		m.key.kind = AFW_KEY_IFACE;
		(void)afw_str_set(m.key.iface, sizeof(m.key.iface), what);
	}
	return env_ask(&e, AFW_MSG_NET_RULE_DEL, &m, -1);
}

/* A datagram from the device (or pid 0: the router), to port 9. */
static void
send_one(pid_t from, const char *src, const char *to)
{
	bool v6 = strchr(to, ':') != NULL;

	if (from == 0)
		(void)sh("echo x | socat -u - UDP%d-SENDTO:%s%s%s:9 "
			 ">/dev/null 2>&1",
		    v6 ? 6 : 4, v6 ? "[" : "", to, v6 ? "]" : "");
	else
		(void)sh("echo x | nsenter -t %d -n socat -u - "
			 "UDP%d-SENDTO:%s%s%s:9,bind=%s%s%s >/dev/null 2>&1",
		    (int)from, v6 ? 6 : 4, v6 ? "[" : "", to, v6 ? "]" : "",
		    v6 ? "[" : "", src, v6 ? "]" : "");
}

/* UDP to that port that came out of a route's interface; the last is kept. */
static uint8_t last[2048];
static ssize_t last_len;

static int
came_out(uint32_t route, unsigned int port)
{
	uint8_t buf[2048];
	int fd = e.wg[route].fd, n = 0;
	size_t at;
	ssize_t got;

	while ((got = read(fd, buf, sizeof(buf))) > VNET + 28) {
		at = VNET + (buf[VNET] >> 4 == 4 ? 20 : 40);
		if ((size_t)got < at + 8 ||
		    (buf[at + 2] << 8 | buf[at + 3]) != (int)port)
			continue;
		memcpy(last, buf + VNET, sizeof(last) - VNET);
		last_len = got - VNET;
		n++;
	}
	return n;
}

static int
came_to_world(void)
{
	const char *t =
	    strstr(out("nsenter -t %d -n nft list chain inet w c", (int)world),
		"packets ");

	ck_assert_ptr_nonnull(t);
	return atoi(t + strlen("packets "));
}

/* Where a packet of the device goes: the route, 0 the uplink, -1 nowhere. */
static int
where(const char *src, const char *to)
{
	int before = came_to_world(), i;
	uint32_t r;

	for (r = 1; r < 8; r++)
		if (e.wg[r].fd != -1)
			(void)came_out(r, 9);
	send_one(lan, src, to);
	for (i = 0; i < 20; i++) {
		for (r = 1; r < 8; r++)
			if (e.wg[r].fd != -1 && came_out(r, 9) > 0)
				return (int)r;
		if (came_to_world() > before)
			return 0;
		env_serve(&e, 10);
	}
	return -1;
}

#define DEV       "192.168.50.10"
#define FAR       "198.51.100.1"
#define DEV6      "fd00:50::10"
#define FAR6      "2001:db8:51::1"
#define WHERE(r)  ck_assert_int_eq(where(DEV, FAR), (r))
#define WHERE6(r) ck_assert_int_eq(where(DEV6, FAR6), (r))

START_TEST(tables)
{
	OK(env_net_config(&e));
	HAS_NOT(out("ip link"), "wrt0");
	wg_up(3);
	OK(wg_set(4, 0));
	OK(wg_session(4, false, NULL));
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
	OK(rule(DEV, 4));
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
	wg_up(3);
	wg_up(4);
	wg_up(5);
	WHERE(0);
	OK(rule("lan0", 3));
	WHERE(3);
	WHERE6(3);
	OK(rule(DEV, 4));
	OK(rule(DEV6, 5));
	WHERE(4);
	WHERE6(5);
	ck_assert_int_eq(where("192.168.50.11", FAR), 3);
	OK(rule(MAC_A, 5));
	WHERE(5);
	WHERE6(5);
	/* to a route that is no WireGuard one, over one that is */
	OK(rule(MAC_A, 7));
	WHERE(-1);
	WHERE6(-1);
	OK(unrule(MAC_A));
	WHERE(4);
	/* and below one */
	OK(rule("lan0", 7));
	WHERE(4);
	ck_assert_int_eq(where("192.168.50.11", FAR), -1);
	OK(unrule(DEV));
	WHERE(-1);
	OK(rule("lan0", 4));
	WHERE(4);
	OK(unrule("lan0"));
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
	wg_up(3);
	OK(rule(DEV, 3));
	OK(rule(DEV6, 3));
	WHERE(3);
	ck_assert_uint_eq(source_of_last(), 0x0a090302);
	WHERE6(3);
	ck_assert_mem_eq(last + 8, "\xfd\x09\0\3\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	/* nobody else's packets: there the source stays */
	ck_assert_int_eq(where("192.168.50.11", FAR), 0);
	HAS_NOT(out("conntrack -L 2>/dev/null"), "dst=203.0.113.2 ");
}
END_TEST

/* The interface goes, and no packet goes elsewhere. */
START_TEST(interface_goes)
{
	OK(env_net_config(&e));
	wg_up(3);
	OK(rule(DEV, 3));
	WHERE(3);
	ck_assert_int_eq(sh("ip link set tun3 down"), 0);
	ck_assert_int_ne(where(DEV, FAR), 0);
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
	wg_up(3);
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
	wg_up(3);
	wg_up(4);
	OK(rule(DEV, 3));
	WHERE(3);
	ck_assert_int_eq(sh("ip link set tun3 txqueuelen 20000; ip link set "
			    "tun4 txqueuelen 20000"),
	    0);
	before = came_to_world();
	pid = stream(STREAM);
	while (waitpid(pid, &st, WNOHANG) == 0) {
		OK(rule(DEV, (moved++ & 1) == 0 ? 4 : 3));
		total += came_out(3, 9) + came_out(4, 9);
	}
	env_serve(&e, 50);
	total += came_out(3, 9) + came_out(4, 9);
	ck_assert_int_eq(st, 0);
	ck_assert_int_gt(moved, 10);
	ck_assert_int_eq(came_to_world(), before);
	(void)fprintf(
	    stderr, "%d of %d packets in %d moves\n", total, STREAM, moved);
	/* a connection forgotten between NAT and the wire loses its packet */
	ck_assert_int_ge(total, STREAM - moved);
	/* to and from where packets go nowhere */
	pid = stream(STREAM);
	while (waitpid(pid, &st, WNOHANG) == 0)
		OK(rule(DEV, (moved++ & 1) == 0 ? 7 : 3));
	ck_assert_int_eq(came_to_world(), before);
}
END_TEST

/* Only what is the device's own is forgotten. */
START_TEST(connections)
{
	OK(env_net_config(&e));
	wg_up(3);
	wg_up(4);
	OK(rule(DEV, 3));
	OK(rule("192.168.50.11", 3));
	OK(rule(MAC_A, 3));
	ck_assert_int_eq(where(DEV, FAR), 3);
	ck_assert_int_eq(where("192.168.50.11", FAR), 3);
	OK(unrule(MAC_A));
	ck_assert_int_eq(where(DEV, FAR), 3);
	ck_assert_int_eq(where("192.168.50.11", FAR), 3);
	OK(rule(DEV, 4));
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
	OK(wg_set(3, 0));
	/* an address of the LAN's own network: but behind the interface */
	OK(wg_session(3, true, "192.168.50.53"));
	OK(rule(DEV, 3));
	OK(rule(DEV6, 3));
	(void)came_out(3, 53);
	ask_name("198.51.100.1");
	env_serve(&e, 50);
	ck_assert_int_eq(came_out(3, 53), 1);
	ck_assert_mem_eq(last + 16, "\xc0\xa8\x32\x35", 4);
	ask_name("192.168.50.1"); /* the router's own, too */
	env_serve(&e, 50);
	ck_assert_int_eq(came_out(3, 53), 1);
	/* a family without one is refused at once */
	HAS(out("nsenter -t %d -n timeout 2 bash -c 'exec 3<>/dev/tcp/"
		"fd00:50::1/53' 2>&1; nsenter -t %d -n timeout 2 bash -c "
		"'exec 3<>/dev/tcp/2001:db8:51::1/53' 2>&1",
		(int)lan, (int)lan),
	    "refused");
	HAS(out("nft list table inet afwrt"), "reject");
	/* others' go as ever */
	ck_assert_int_eq(where("192.168.50.11", FAR), 0);
}
END_TEST

static char *
snapshot(void)
{
	return strdup(out("ip -j rule; ip -j -6 rule; ip -j route show table "
			  "all; ip -j -6 route show table all; ip -j addr; "
			  "nft -a list ruleset | grep -v flags | sed "
			  "'s/packets [0-9]* bytes [0-9]*//'"));
}

static void
sync_begin(void)
{
	ck_assert_int_eq(
	    afw_chan_send(&e.sup, AFW_MSG_NET_SYNC_BEGIN, 0, NULL, -1), 0);
}

/* Killed and started again: nothing on the system is touched at all. */
START_TEST(restart_changes_nothing)
{
	char *before, *after;

	if (_i == 1)
		e.cfg.flags |= AFW_C_DEFAULT_GATEWAY;
	OK(env_net_config(&e));
	OK(wg_set(3, AFW_W_DEFAULT));
	OK(wg_session(3, true, NULL));
	wg_up(4);
	OK(rule(DEV, 4));
	OK(rule(MAC_A, 3));
	before = snapshot();
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
	sync_begin();
	OK(wg_set(3, AFW_W_DEFAULT));
	OK(wg_set(4, 0));
	OK(rule(DEV, 4));
	OK(rule(MAC_A, 3));
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	(void)sh("sleep 0.2; kill $(cat net-monitor.pid net-nft.pid)");
	ck_assert_int_eq(
	    sh("test ! -s net-monitor.tmp || ! cat net-monitor.tmp >&2"), 0);
	HAS_NOT(out("cat net-nft.tmp"), "delete");
	HAS_NOT(out("cat net-nft.tmp"), "element");
	(void)sh("rm -f net-monitor.* net-nft.*");
	after = snapshot();
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
	wg_up(3);
	wg_up(4);
	OK(rule(DEV, 3));
	OK(rule("192.168.50.11", 4));
	OK(rule("192.168.50.12", 7));
	env_kill(&e);
	ck_assert_int_eq(
	    sh("nft delete element inet afwrt wg_ip4 '{ " DEV " }'; "
	       "nft delete element inet afwrt wg_ip4 '{ 192.168.50.11 }'; "
	       "nft add element inet afwrt wg_ip4 '{ 192.168.50.11 : 9, "
	       "192.168.50.12 : 9, 192.168.50.13 : 9 }'"),
	    0);
	env_start(&e);
	OK(env_net_config(&e));
	sync_begin();
	OK(wg_set(3, 0));
	OK(wg_set(4, 0));
	OK(rule(DEV, 3));
	OK(rule("192.168.50.11", 4));
	OK(rule("192.168.50.12", 7));
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	HAS(out("nft list map inet afwrt wg_ip4"), "50.10 : 0x00000009");
	HAS(out("nft list map inet afwrt wg_ip4"), "50.11 : 0x0000000a");
	HAS_NOT(out("nft list map inet afwrt wg_ip4"), "50.12");
	HAS_NOT(out("nft list map inet afwrt wg_ip4"), "50.13");
	HAS(out("nft list set inet afwrt ip4"), "50.12");
	/* and from one to another, and away */
	OK(rule(DEV, 4));
	HAS(out("nft list map inet afwrt wg_ip4"), "50.10 : 0x0000000a");
	OK(unrule(DEV));
	HAS_NOT(out("nft list table inet afwrt"), "50.10");
}
END_TEST

START_TEST(killswitch)
{
	OK(env_net_config(&e));
	wg_up(3);
	OK(rule(DEV, 3));
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
	OK(wg_set(3, AFW_W_DEFAULT));
	OK(wg_session(3, true, NULL));
	wg_up(4);
	HAS(out("ip route"), "0.0.0.0/1 dev tun3 proto 97");
	HAS(out("ip -6 route"), "8000::/1 dev tun3");
	WHERE(3);
	WHERE6(3);
	(void)came_out(3, 9);
	send_one(0, "", FAR);
	env_serve(&e, 50);
	ck_assert_int_eq(came_out(3, 9), 1);
	/* one that goes elsewhere: the halves are no network of the LAN */
	OK(rule(DEV, 4));
	OK(rule(DEV6, 4));
	WHERE(4);
	WHERE6(4);
	ck_assert_int_eq(where("192.168.50.11", FAR), 3);
	OK(rule(DEV, 7));
	WHERE(-1);
	HAS(out("cat /proc/sys/net/ipv4/conf/wan0/rp_filter"), "2");
	HAS(out("ip link show tun3"), "alias afwrt: rp_filter of wan0 was 1");
	OK(unrule(DEV));
	ck_assert_int_eq(sh("ip link del tun3"), 0);
	ck_assert_int_ne(where(DEV, FAR), 0);
	OK(env_clear(&e, false));
	ck_assert_str_eq(out("nft list ruleset"), "");
	HAS(out("cat /proc/sys/net/ipv4/conf/wan0/rp_filter"), "1");
	WHERE(0);
}
END_TEST

/* A SYN from the device: the size it names is that of the tunnel. */
START_TEST(segment_size)
{
	uint8_t buf[2048];
	ssize_t n = -1;
	int i;

	OK(env_net_config(&e));
	wg_up(3);
	OK(rule(DEV, 3));
	(void)came_out(3, 9);
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
	wg_up(3);
	wg_up(4);
	OK(rule("br0", 3));
	WHERE(3);
	OK(rule("lan0", 4));
	HAS(out("nft list map bridge afwrt wg_iface"), "\"lan0\" : 0x0000000a");
	WHERE(4);
	OK(rule("lan0", 7));
	WHERE(-1);
	OK(rule("br0", 4));
	WHERE(-1);
	OK(rule("lan0", 3));
	WHERE(3);
	OK(rule(DEV, 4));
	WHERE(4);
	OK(unrule(DEV));
	OK(unrule("lan0"));
	WHERE(4);
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
	wg_up(3);
	wg_up(4);
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
	sync_begin();
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
	Suite *s = suite_create("net_managed");
	TCase *c = tcase_create("net_managed");
	SRunner *r = srunner_create(s);
	int failed;

	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIP: check_net_managed needs root\n");
		return 77;
	}
	tcase_add_checked_fixture(c, up, down);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, tables);
	tcase_add_loop_test(c, priorities, 0, 2);
	tcase_add_test(c, masquerade);
	tcase_add_test(c, interface_goes);
	tcase_add_loop_test(c, only_answers_come_in, 0, 2);
	tcase_add_test(c, moves);
	tcase_add_test(c, connections);
	tcase_add_test(c, dns);
	tcase_add_loop_test(c, restart_changes_nothing, 0, 2);
	tcase_add_test(c, maps_are_compared);
	tcase_add_test(c, killswitch);
	tcase_add_test(c, default_gateway);
	tcase_add_test(c, segment_size);
	tcase_add_test(c, bridge_port);
	tcase_add_test(c, outer_way);
	tcase_add_test(c, many_at_once);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
