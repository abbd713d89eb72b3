/* SPDX-License-Identifier: ISC */
/*
 * default_gateway, hydra_tun_fd, and a start right after a violent end: the
 * real afwrt-net between a LAN device and an internet of the test's own.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>

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
static pid_t lan, world;

static void
up(void)
{
	env_namespace();
	lan = env_behind("lan1");
	world = env_behind("wan1");
	ck_assert_int_eq(sh("echo 1 > /proc/sys/net/ipv4/ip_forward; "
			    "echo 1 > /proc/sys/net/ipv4/conf/wan0/rp_filter; "
			    "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; "
			    "ip -6 addr add fd00:50::1/64 dev lan0 nodad; "
			    "ip -6 addr add 2001:db8:203::2/64 dev wan0 nodad; "
			    "ip -6 route add default via 2001:db8:203::1"),
	    0);
	ck_assert_int_eq(
	    sh("nsenter -t %d -n sh -c 'ip addr add 192.168.50.10/24 dev "
	       "lan1; ip route add default via 192.168.50.1; ip -6 addr add "
	       "fd00:50::10/64 dev lan1 nodad; ip -6 route add default via "
	       "fd00:50::1'",
		(int)lan),
	    0);
	ck_assert_int_eq(
	    sh("nsenter -t %d -n sh -c 'ip addr add 203.0.113.1/24 dev wan1; "
	       "ip addr add 198.51.100.1/32 dev lo; ip -6 addr add "
	       "2001:db8:203::1/64 dev wan1 nodad; ip route add "
	       "192.168.50.0/24 via 203.0.113.2; ip -6 addr add "
	       "2001:db8:51::1/128 dev lo nodad; ip -6 route add "
	       "fd00:50::/64 via 2001:db8:203::2'",
		(int)world),
	    0);
	env_config(&e);
	e.cfg.flags = AFW_C_DEFAULT_GATEWAY | AFW_C_LAN_BYPASS;
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

/* 0: answered. From the LAN's device, or (pid 0) from the router. */
static int
ping(pid_t from, const char *to)
{
	if (from == 0)
		return sh("ping -c 1 -W 1 %s >/dev/null 2>&1", to);
	return sh("nsenter -t %d -n ping -c 1 -W 1 %s >/dev/null 2>&1",
	    (int)from, to);
}

static bool
all_open(struct env *x)
{
	(void)x;
	return ping(lan, "198.51.100.1") == 0 &&
	    ping(lan, "2001:db8:51::1") == 0 && ping(0, "198.51.100.1") == 0 &&
	    ping(0, "2001:db8:51::1") == 0;
}

static void
all_closed(void)
{
	ck_assert_int_ne(ping(lan, "198.51.100.1"), 0);
	ck_assert_int_ne(ping(lan, "2001:db8:51::1"), 0);
	ck_assert_int_ne(ping(0, "198.51.100.1"), 0);
	ck_assert_int_ne(ping(0, "2001:db8:51::1"), 0);
}

START_TEST(redirects_everything)
{
	char *before;

	ck_assert(env_until(&e, all_open));
	before = strdup(out("ip route; ip -6 route; ip rule"));
	env_start(&e);
	OK(env_net_config(&e));
	HAS(out("ip route show table main"),
	    "0.0.0.0/1 dev wrt0 proto 97 scope link metric 1000");
	HAS(out("ip route show table main"),
	    "128.0.0.0/1 dev wrt0 proto 97 scope link metric 1000");
	HAS(out("ip -6 route show table main"), "::/1 dev wrt0");
	HAS(out("ip -6 route show table main"), "8000::/1 dev wrt0");
	HAS(out("ip -6 route show table main"), "metric 1000");
	HAS(out("ip route show table main"), "default via 203.0.113.1");
	HAS_NOT(out("ip rule"), "fwmark");
	HAS_NOT(out("ip route show table all"), "table 47");
	/* rules by device: no mark, no element, but the flow */
	OK(env_rule(&e, "192.168.50.10", 3));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 3);
	HAS_NOT(out("nft list ruleset"), "mark set");
	HAS_NOT(out("nft list ruleset"), "elements");
	all_closed();
	ck_assert_int_eq(ping(lan, "192.168.50.1"), 0);
	ck_assert_int_eq(ping(0, "192.168.50.10"), 0);
	/* the uplink's own network: the router's (lan_bypass), nobody else's */
	ck_assert_int_eq(ping(0, "203.0.113.1"), 0);
	ck_assert_int_eq(ping(0, "2001:db8:203::1"), 0);
	ck_assert_int_ne(ping(lan, "203.0.113.1"), 0);
	HAS(out("cat /proc/sys/net/ipv4/conf/wan0/rp_filter"), "2");
	OK(env_clear(&e, false));
	ck_assert_str_eq(before, out("ip route; ip -6 route; ip rule"));
	HAS(out("cat /proc/sys/net/ipv4/conf/wan0/rp_filter"), "1");
	HAS_NOT(out("ip link"), "wrt0");
	ck_assert_str_eq(out("nft list ruleset"), "");
	ck_assert(env_until(&e, all_open));
	free(before);
}
END_TEST

/* What a hostile DHCP server may push. */
START_TEST(more_specific_routes)
{
	env_start(&e);
	OK(env_net_config(&e));
	ck_assert_int_eq(sh("ip route add 198.51.100.0/24 via 203.0.113.1; "
			    "ip -6 route add 2001:db8:51::/48 via "
			    "2001:db8:203::1"),
	    0);
	all_closed();
	/* a lease of half the internet is no network of the uplink's */
	ck_assert_int_eq(sh("ip addr add 198.51.100.9/2 dev wan0"), 0);
	env_serve(&e, 200);
	HAS_NOT(out("nft list table inet afwrt"), "near: 192.0.0.0");
	ck_assert_int_ne(ping(0, "198.51.100.1"), 0);
	/* a small one is, when it comes and until it goes */
	ck_assert_int_eq(sh("ip addr add 10.9.9.2/24 dev wan0"), 0);
	env_serve(&e, 200);
	HAS(out("nft list table inet afwrt"), "near: 10.9.9.0/24");
	ck_assert_int_eq(sh("ip addr del 10.9.9.2/24 dev wan0"), 0);
	env_serve(&e, 200);
	HAS_NOT(out("nft list table inet afwrt"), "10.9.9.0");
	/* without lan_bypass the uplink's network is closed, too */
	e.cfg.flags &= ~(uint32_t)AFW_C_LAN_BYPASS;
	OK(env_net_config(&e));
	ck_assert_int_ne(ping(0, "203.0.113.1"), 0);
}
END_TEST

static int
connect_out(int fd)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};

	to.sin_addr.s_addr = htonl(0xc6336401); /* 198.51.100.1 */
	if (connect(fd, (const void *)&to, sizeof(to)) == -1)
		return -1;
	return (int)send(fd, "x", 1, 0);
}

static int
seen(void)
{
	const char *t =
	    strstr(out("nsenter -t %d -n nft list chain ip w c", (int)world),
		"packets ");

	ck_assert_ptr_nonnull(t);
	return atoi(t + strlen("packets "));
}

static bool
one_seen(struct env *x)
{
	(void)x;
	return seen() == 1;
}

/* The suite's own sockets, and nobody else's, though bound to the uplink. */
START_TEST(own_sockets_pass)
{
	int fd;

	ck_assert_int_eq(
	    sh("nsenter -t %d -n sh -c 'nft add table ip w; nft \"add chain "
	       "ip w c { type filter hook prerouting priority -300; }\"; nft "
	       "add rule ip w c udp dport 9 counter'",
		(int)world),
	    0);
	ck_assert(env_until(&e, all_open));
	env_start(&e);
	OK(env_net_config(&e));
	OK(env_ask_socket(&e, &e.tun, 4, 0, AFW_SCOPE_WAN));
	ck_assert_int_eq(connect_out(e.sock), 1);
	ck_assert(env_until(&e, one_seen));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "wan0", 5), 0);
	ck_assert_int_eq(connect_out(fd), -1);
	ck_assert_int_eq(errno, EPERM);
	(void)close(fd);
	env_serve(&e, 100);
	ck_assert_int_eq(seen(), 1);
}
END_TEST

/* There and back: nobody listens there, and says so. */
static int
refused(int fd, const char *to)
{
	struct sockaddr_storage ss;
	struct afw_addr a;
	socklen_t len;
	fd_set w;
	struct timeval tv = {.tv_sec = 3};
	int err = 0;

	ck_assert_int_eq(afw_addr_parse(&a, to), 0);
	len = afw_addr_to_sockaddr(&a, 99, &ss);
	if (connect(fd, (const void *)&ss, len) == -1 && errno != EINPROGRESS)
		return errno;
	FD_ZERO(&w);
	FD_SET(fd, &w);
	if (select(fd + 1, NULL, &w, NULL, &tv) != 1)
		return ETIMEDOUT;
	len = sizeof(err);
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return err;
}

/* The way back, too, although the uplink's reverse-path filter was strict. */
START_TEST(own_connections)
{
	ck_assert(env_until(&e, all_open));
	env_start(&e);
	OK(env_net_config(&e));
	OK(env_ask_socket(&e, &e.tun, 4, 1, AFW_SCOPE_WAN));
	ck_assert_int_eq(refused(e.sock, "198.51.100.1"), ECONNREFUSED);
	OK(env_ask_socket(&e, &e.tun, 6, 1, AFW_SCOPE_WAN));
	ck_assert_int_eq(refused(e.sock, "2001:db8:51::1"), ECONNREFUSED);
}
END_TEST

static void
drop_fds(void)
{
	(void)close(e.kept);
	(void)close(e.device);
	e.kept = e.device = -1;
}

static bool
has_device(struct env *x)
{
	return x->device != -1;
}

/* Everybody is killed: nothing opens; the next start adopts the TUN. */
START_TEST(stays_closed_when_killed)
{
	int ifindex;

	ck_assert(env_until(&e, all_open));
	env_start(&e);
	OK(env_net_config(&e));
	ck_assert(env_until(&e, has_device));
	ifindex = (int)e.dev.ifindex;
	env_kill(&e);
	drop_fds();
	HAS(out("ip -d link show wrt0"), "persist on user");
	HAS(out("ip route show table main"), "0.0.0.0/1 dev wrt0");
	all_closed();
	env_start(&e);
	OK(env_net_config(&e));
	ck_assert(env_until(&e, has_device));
	ck_assert_int_eq((int)e.dev.ifindex, ifindex);
	all_closed();
	if (_i == 0) {
		/* the other mode: it is no device that stays any more */
		e.cfg.flags = AFW_C_LAN_BYPASS;
		OK(env_net_config(&e));
		HAS_NOT(out("ip -d link show wrt0"), "persist on");
		HAS_NOT(out("ip route show table main"), "wrt0");
		HAS_NOT(out("nft list ruleset"), "hook output");
		ck_assert(env_until(&e, all_open));
	}
	OK(env_clear(&e, false));
	HAS_NOT(out("ip link"), "wrt0");
	ck_assert(env_until(&e, all_open));
}
END_TEST

/* keep_blocked: closed until the next life opens it, configured or not. */
START_TEST(killswitch)
{
	ck_assert(env_until(&e, all_open));
	env_start(&e);
	OK(env_net_config(&e));
	OK(env_clear(&e, true));
	drop_fds();
	all_closed();
	env_kill(&e);
	all_closed();
	env_start(&e);
	if (_i == 0)
		OK(env_net_config(&e));
	OK(env_clear(&e, false));
	HAS_NOT(out("ip link"), "wrt0");
	HAS_NOT(out("ip route show table main"), "proto 97");
	ck_assert_str_eq(out("nft list ruleset"), "");
	ck_assert(env_until(&e, all_open));
}
END_TEST

/* The device deleted under us: made again, and it stays again. */
START_TEST(link_deleted)
{
	env_start(&e);
	OK(env_net_config(&e));
	ck_assert(env_until(&e, has_device));
	(void)close(e.device);
	e.device = -1;
	ck_assert_int_eq(sh("ip link del wrt0"), 0);
	ck_assert(env_until(&e, has_device));
	env_serve(&e, 100);
	HAS(out("ip -d link show wrt0"), "persist on user");
	HAS(out("ip route show table main"), "0.0.0.0/1 dev wrt0");
	all_closed();
}
END_TEST

START_TEST(hands_off)
{
	e.cfg.flags |= AFW_C_NO_IPTABLES;
	env_start(&e);
	OK(env_net_config(&e));
	ck_assert_str_eq(out("nft list ruleset"), "");
	HAS(out("ip route show table main"), "0.0.0.0/1 dev wrt0");
	OK(env_rule(&e, "192.168.50.10", 3));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 3);
}
END_TEST

/* ---- the next start ------------------------------------------------------ */

static pid_t
holder_fork(int ms)
{
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) { /* has all our descriptors, the kept TUN too */
		(void)usleep((useconds_t)ms * 1000);
		_exit(0);
	}
	return pid;
}

/* afwrt-tun of the killed suite holds the TUN for a moment more. */
START_TEST(start_after_a_violent_end)
{
	int64_t t;
	pid_t pid;

	e.cfg.flags = AFW_C_LAN_BYPASS;
	env_start(&e);
	OK(env_net_config(&e));
	OK(env_rule(&e, "192.168.50.10", 3));
	ck_assert(env_until(&e, has_device));
	env_kill(&e);
	pid = holder_fork(700);
	drop_fds();
	env_start(&e);
	t = afw_now_ms();
	OK(env_net_config(&e));
	t = afw_now_ms() - t;
	ck_assert_int_ge(t, 200);
	ck_assert_int_lt(t, 2500);
	HAS(e.log, "waiting: interface wrt0 is in use");
	HAS(out("nft list set inet afwrt ip4"), "192.168.50.10");
	(void)waitpid(pid, NULL, 0);
}
END_TEST

/* Two at once: the second waits for the table, and then gives up. */
START_TEST(start_beside_another)
{
	static struct env first;

	e.cfg.flags = AFW_C_LAN_BYPASS;
	env_start(&e);
	OK(env_net_config(&e));
	first = e;
	env_config(&e);
	(void)afw_str_set(e.cfg.tun_ifname, sizeof(e.cfg.tun_ifname), "wrt9");
	env_start(&e);
	ck_assert_uint_eq(env_net_config(&e), AFW_EBUSY);
	HAS(e.st.text, "owned by another running program");
	HAS_NOT(out("ip link"), "wrt9");
	HAS(out("ip route show table 47"), "default dev wrt0");
	env_kill(&first);
	free(first.flow);
}
END_TEST

/* ---- hydra_tun_fd -------------------------------------------------------- */

static int
tun_of_the_application(const char *name, short flags)
{
	struct ifreq ifr = {.ifr_flags = flags};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	memcpy(ifr.ifr_name, name, strlen(name));
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(ioctl(fd, TUNSETIFF, &ifr), 0);
	return fd;
}

static unsigned int
config_with(int fd)
{
	return env_ask(
	    &e, AFW_MSG_NET_CONFIG, &e.cfg, fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

START_TEST(fd_of_the_application)
{
	int fd = tun_of_the_application("app0", IFF_TUN | IFF_NO_PI);

	e.cfg.flags = AFW_C_LAN_BYPASS | AFW_C_TUN_FD;
	env_start(&e);
	OK(config_with(fd));
	ck_assert(env_until(&e, has_device));
	ck_assert_uint_eq(e.dev.vnet_hdr, 0);
	HAS(out("ip addr show app0"), "100.73.0.73");
	HAS(out("ip link show app0"), "UP");
	HAS(out("ip route show table 47"), "default dev app0");
	HAS_NOT(out("ip link"), "wrt0");
	OK(env_rule(&e, "192.168.50.10", 3));
	OK(config_with(fd)); /* again, as after a change */
	OK(env_clear(&e, false));
	HAS(out("ip link"), "app0");
	HAS_NOT(out("ip addr show app0"), "100.73.0.73");
	(void)close(fd);
}
END_TEST

START_TEST(fd_and_hands_off)
{
	int fd =
	    tun_of_the_application("app0", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);

	ck_assert_int_eq(sh("ip link set app0 mtu 1300 up"), 0);
	e.cfg.flags = AFW_C_LAN_BYPASS | AFW_C_TUN_FD | AFW_C_NO_SOCKET_SETUP;
	e.cfg.tun_mtu = 1400;
	env_start(&e);
	OK(config_with(fd));
	ck_assert(env_until(&e, has_device));
	ck_assert_uint_eq(e.dev.vnet_hdr, 12);
	HAS(out("ip link show app0"), "mtu 1300");
	HAS_NOT(out("ip addr show app0"), "100.73.0.73");
	HAS(out("ip route show table 47"), "default dev app0");
	/* down and up again is the application's business, the routes ours */
	ck_assert_int_eq(sh("ip link set app0 down"), 0);
	env_serve(&e, 200);
	HAS_NOT(out("ip route show table 47"), "app0");
	HAS(out("ip route show table 47"), "unreachable default");
	HAS_NOT(out("ip link show app0"), "UP");
	ck_assert_int_eq(sh("ip link set app0 up"), 0);
	env_serve(&e, 200);
	HAS(out("ip route show table 47"), "default dev app0");
	OK(env_clear(&e, false));
	HAS(out("ip link show app0"), "UP");
	(void)close(fd);
}
END_TEST

START_TEST(fd_that_is_a_socket)
{
	int sv[2], st[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, st), 0);
	e.cfg.flags = AFW_C_LAN_BYPASS | AFW_C_TUN_FD;
	env_start(&e);
	ck_assert_uint_eq(config_with(st[0]), AFW_EINVAL);
	HAS(e.st.text, "hydra_tun_fd");
	OK(config_with(sv[0]));
	ck_assert(env_until(&e, has_device));
	ck_assert_uint_eq(e.dev.vnet_hdr, 0);
	ck_assert_uint_eq(e.dev.ifindex, 0);
	ck_assert_int_eq(send(sv[1], "hello", 5, 0), 5);
	ck_assert_int_eq(read(e.device, &(char[8]){0}, 8), 5);
	/* nothing goes out, but nothing falls through either */
	HAS(out("ip route show table 47"), "unreachable default");
	OK(env_rule(&e, "192.168.50.10", 3));
	ck_assert_uint_eq(env_flow(&e, "192.168.50.10"), 3);
	OK(env_clear(&e, false));
	(void)close(sv[0]);
	(void)close(sv[1]);
	(void)close(st[0]);
	(void)close(st[1]);
}
END_TEST

START_TEST(fd_of_a_tap)
{
	int fd = tun_of_the_application("tap0", IFF_TAP | IFF_NO_PI);

	e.cfg.flags = AFW_C_TUN_FD;
	env_start(&e);
	ck_assert_uint_eq(config_with(fd), AFW_EBUSY);
	HAS(e.st.text, "tap0 is a TAP device");
	(void)close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net_gateway");
	TCase *c = tcase_create("net_gateway");
	SRunner *r = srunner_create(s);
	int failed;

	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIP: check_net_gateway needs root\n");
		return 77;
	}
	tcase_add_checked_fixture(c, up, down);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, redirects_everything);
	tcase_add_test(c, more_specific_routes);
	tcase_add_test(c, own_sockets_pass);
	tcase_add_test(c, own_connections);
	tcase_add_loop_test(c, stays_closed_when_killed, 0, 2);
	tcase_add_loop_test(c, killswitch, 0, 2);
	tcase_add_test(c, link_deleted);
	tcase_add_test(c, hands_off);
	tcase_add_test(c, start_after_a_violent_end);
	tcase_add_test(c, start_beside_another);
	tcase_add_test(c, fd_of_the_application);
	tcase_add_test(c, fd_and_hands_off);
	tcase_add_test(c, fd_that_is_a_socket);
	tcase_add_test(c, fd_of_a_tap);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
