/* SPDX-License-Identifier: ISC */
/*
 * Interfaces of WireGuard locations, as afwrt-net makes them in userspace.
 * Those of the kernel: tests/qemu/net_wg_test.c.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <linux/if.h>
#include <linux/if_tun.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "wg_env.h"

static bool
has_device_3_again(struct env *x)
{
	return x->wg[3].devices > 1;
}

/* A packet sent into the interface comes out of the descriptor. */
static void
tun_works(int fd)
{
	uint8_t buf[2048];
	int i;
	ssize_t n = -1;

	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	(void)sh("ping -c 1 -W 1 -I tun3 10.9.0.77 >/dev/null 2>&1");
	for (i = 0; i < 50; i++) {
		n = read(fd, buf, sizeof(buf));
		if (n >= 12 + 20 && buf[12] >> 4 == 4)
			break;
	}
	ck_assert_int_ge(n, 12 + 20);
	ck_assert_mem_eq(buf + 12 + 16, "\x0a\x09\x00\x4d", 4);
}

/* But for what the kernel makes of an address. */
static char *
untouched(void)
{
	return strdup(out("ip rule; ip -6 rule; ip route show table all | grep "
			  "-v 'proto kernel'; nft list ruleset"));
}

START_TEST(userspace)
{
	struct afw_m_wg_set m = wg_env_session(3);
	char *before = untouched(), *after;

	OK(env_net_config(&e));
	ck_assert_int_eq(e.kept, -1); /* no TUN of the suite */
	HAS_NOT(out("ip link"), "wrt0");
	OK(wg_env_set(3, "tun3"));
	ck_assert_uint_eq(e.net_wg.impl, AFW_WG_USERSPACE);
	ck_assert(env_until(&e, wg_env_has_3));
	ck_assert_uint_eq(e.wg[3].dev.impl, AFW_WG_USERSPACE);
	ck_assert_uint_eq(e.wg[3].dev.vnet_hdr, 12);
	ck_assert_uint_eq(e.wg[3].dev.mtu, 1420);
	ck_assert_str_eq(e.wg[3].dev.ifname, "tun3");
	ck_assert_uint_eq(
	    (uint32_t)atoi(out("ip -o link show tun3")), e.wg[3].dev.ifindex);
	ck_assert_int_ne(e.wg[3].kept, -1);
	HAS(out("ip link show tun3"), "mtu 1420");
	HAS(out("ip link show tun3"), "UP");
	HAS(out("cat /proc/sys/net/ipv4/conf/tun3/rp_filter"), "2");
	HAS_NOT(out("ip addr show tun3"), "inet");
	OK(wg_env_say(&m));
	HAS(out("ip addr show tun3"), "inet 10.9.0.2/24");
	HAS(out("ip addr show tun3"), "inet6 fd09::2/64");
	HAS_NOT(out("ip addr show tun3"), "tentative");
	tun_works(e.wg[3].fd);
	/* nothing else is touched */
	after = untouched();
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(removed)
{
	OK(env_net_config(&e));
	OK(wg_env_set(3, "tun3"));
	OK(wg_env_set(4, "tun4"));
	OK(env_wg_del(&e, 3));
	HAS_NOT(out("ip link"), "tun3");
	HAS(out("ip link"), "tun4");
	ck_assert_uint_eq(env_wg_del(&e, 3), AFW_ENOENT);
	OK(wg_env_set(5, "tun3")); /* the name is free again */
	OK(env_clear(&e, false));
	HAS_NOT(out("ip link"), "tun");
}
END_TEST

START_TEST(names)
{
	OK(env_net_config(&e));
	ck_assert_uint_eq(wg_env_set(3, "lan0"), AFW_EBUSY);
	HAS(e.st.text, "lan0 exists already and is not a TUN");
	HAS(out("ip addr show lan0"), "192.168.50.1");
	OK(wg_env_set(3, "tun3"));
	ck_assert_uint_eq(wg_env_set(4, "tun3"), AFW_EBUSY);
	HAS(e.st.text, "tun3 is that of another location");
	OK(wg_env_set(3, "tun3")); /* again is nothing */
	OK(wg_env_set(4, "tun4"));
	ck_assert_uint_eq(env_wg_set(&e, 5, AFW_WG_AUTO, 0, "lan0"), AFW_EBUSY);
	HAS(out("ip addr show lan0"), "192.168.50.1");
}
END_TEST

/* The TUN of the suite has its name, too. */
START_TEST(beside_hydra)
{
	e.cfg.type = AFW_TYPE_HYDRA_TCP;
	OK(env_net_config(&e));
	ck_assert_int_ne(e.kept, -1);
	ck_assert_uint_eq(wg_env_set(3, "wrt0"), AFW_EBUSY);
	HAS(e.st.text, "wrt0 is the TUN of the suite");
	OK(wg_env_set(3, "tun3"));
	HAS(out("ip route show table 47"), "default dev wrt0");
	OK(env_clear(&e, false));
	HAS_NOT(out("ip link"), "tun3");
	HAS_NOT(out("ip link"), "wrt0");
}
END_TEST

/* In use by another program, for a moment. */
START_TEST(waits_for_the_dying)
{
	struct ifreq ifr;
	pid_t pid;
	int p[2];
	char c;

	ck_assert_int_eq(pipe(p), 0);
	OK(env_net_config(&e));
	ck_assert_int_ne(pid = fork(), -1);
	if (pid == 0) {
		int fd = open("/dev/net/tun", O_RDWR);

		memset(&ifr, 0, sizeof(ifr));
		ifr.ifr_flags = IFF_TUN | IFF_NO_PI;
		memcpy(ifr.ifr_name, "tun3", 5);
		if (ioctl(fd, TUNSETIFF, &ifr) == 0 && write(p[1], "", 1) == 1)
			(void)usleep(600000);
		_exit(0);
	}
	ck_assert_int_eq(read(p[0], &c, 1), 1);
	OK(wg_env_set(3, "tun3"));
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	HAS(out("ip -d link show tun3"), "vnet_hdr on");
	HAS(e.log, "waiting: interface tun3 is in use");
}
END_TEST

START_TEST(addresses_change)
{
	struct afw_m_wg_set m = wg_env_session(3);

	OK(env_net_config(&e));
	OK(wg_env_set(3, "tun3"));
	OK(wg_env_say(&m));
	ck_assert_int_eq(sh("ip addr add 10.66.0.1/24 dev tun3"), 0);
	m.mtu = 1300;
	m.addrs = 1;
	memset(&m.addr[1], 0, sizeof(m.addr[1]));
	m.addr[0].prefix = 32;
	OK(wg_env_say(&m));
	HAS(out("ip addr show tun3"), "mtu 1300");
	HAS(out("ip addr show tun3"), "10.9.0.2/32");
	HAS_NOT(out("ip addr show tun3"), "10.9.0.2/24");
	HAS_NOT(out("ip addr show tun3"), "fd09::2");
	HAS(out("ip addr show tun3"), "10.66.0.1/24"); /* the user's */
	m.mtu = 500;
	ck_assert_uint_eq(wg_env_say(&m), AFW_EINVAL);
	HAS(e.st.text, "MTU of 500");
	m.route = 9;
	ck_assert_uint_eq(wg_env_say(&m), AFW_ENOENT);
}
END_TEST

START_TEST(hands_off)
{
	struct afw_m_wg_set m = wg_env_session(3);

	e.cfg.flags |= AFW_C_NO_SOCKET_SETUP;
	e.cfg.tun_mtu = 1380;
	OK(env_net_config(&e));
	OK(wg_env_set(3, "tun3"));
	m.mtu = 1300;
	OK(wg_env_say(&m));
	HAS_NOT(out("ip addr show tun3"), "inet");
	HAS(out("ip addr show tun3"), "mtu 1380"); /* tun_mtu wins */
}
END_TEST

/* Somebody removes it, or what is on it. */
START_TEST(put_back)
{
	struct afw_m_wg_set m = wg_env_session(3);
	int i;

	OK(env_net_config(&e));
	OK(wg_env_set(3, "tun3"));
	OK(wg_env_say(&m));
	ck_assert_int_eq(sh("ip link del tun3"), 0);
	ck_assert(env_until(&e, has_device_3_again));
	HAS(out("ip addr show tun3"), "mtu 1420");
	HAS(out("ip addr show tun3"), "inet 10.9.0.2/24");
	HAS(out("ip addr show tun3"), "inet6 fd09::2/64");
	tun_works(e.wg[3].fd);
	ck_assert_int_eq(sh("ip addr del 10.9.0.2/24 dev tun3"), 0);
	for (i = 0; i < 50 && strstr(out("ip addr show tun3"), "10.9") == NULL;
	     i++)
		env_serve(&e, 20);
	ck_assert_int_lt(i, 50);
	ck_assert_int_eq(sh("ip link set tun3 down"), 0);
	for (i = 0; i < 50 && strstr(out("ip link show tun3"), ",UP") == NULL;
	     i++)
		env_serve(&e, 20);
	ck_assert_int_lt(i, 50);
}
END_TEST

/* Another takes the name: it is left alone, and taken back when it goes. */
START_TEST(name_lost)
{
	struct afw_m_wg_set m = wg_env_session(3);

	OK(env_net_config(&e));
	OK(wg_env_set(3, "tun3"));
	OK(wg_env_set(4, "tun4"));
	(void)kill(e.pid, SIGSTOP);
	ck_assert_int_eq(
	    sh("ip link del tun3 && ip link add tun3 type bridge"), 0);
	(void)kill(e.pid, SIGCONT);
	env_serve(&e, 300);
	m.route = 4;
	OK(wg_env_say(&m));
	HAS(out("ip addr show tun4"), "10.9.0.2");
	OK(wg_env_set(5, "tun5"));
	HAS(out("ip -d link show tun3"), "bridge");
	ck_assert_int_eq(sh("ip link del tun3"), 0);
	e.wg[3].devices = 0;
	ck_assert(env_until(&e, wg_env_has_3));
	HAS(out("ip -d link show tun3"), "tun type tun");
}
END_TEST

static void
restart(void)
{
	env_kill(&e);
	e.wg[3].devices = 0;
	env_start(&e);
	OK(env_net_config(&e));
}

/* afwrtd has the TUN of the earlier life. */
START_TEST(adopted)
{
	struct afw_m_wg_set m = wg_env_session(3);
	char before[64];

	OK(env_net_config(&e));
	OK(wg_env_set(3, "tun3"));
	m.mtu = 1300;
	OK(wg_env_say(&m));
	(void)snprintf(
	    before, sizeof(before), "%s", out("ip -o link show tun3"));
	restart();
	OK(env_wg_set(&e, 3, AFW_WG_AUTO, 0, "tun3"));
	ck_assert_uint_eq(e.net_wg.impl, AFW_WG_USERSPACE);
	ck_assert(env_until(&e, wg_env_has_3));
	ck_assert_int_eq(strncmp(before, out("ip -o link show tun3"), 20), 0);
	ck_assert_uint_eq(e.wg[3].dev.mtu, 1300);
	HAS(out("ip addr show tun3"), "10.9.0.2/24");
	tun_works(e.wg[3].fd);
	/* what the earlier life gave it is known */
	(void)afw_addr_parse(&m.addr[0].addr, "10.9.0.3");
	OK(wg_env_say(&m));
	HAS_NOT(out("ip addr show tun3"), "10.9.0.2");
	HAS(out("ip addr show tun3"), "10.9.0.3/24");
}
END_TEST

START_TEST(new_tun)
{
	OK(env_net_config(&e));
	OK(wg_env_set(3, "tun3"));
	ck_assert(env_until(&e, wg_env_has_3));
	e.wg[3].devices = 0;
	env_tun_anew(&e);
	ck_assert(env_until(&e, wg_env_has_3));
	ck_assert_int_ne(e.wg[3].fd, -1);
}
END_TEST

static int
sockopt(int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	ck_assert_int_eq(getsockopt(e.sock, SOL_SOCKET, name, &v, &len), 0);
	return v;
}

/* For userspace: as those of TCP are, with room for bursts. */
START_TEST(udp_sockets)
{
	char name[16] = {0};
	socklen_t len = sizeof(name);

	OK(env_net_config(&e));
	OK(env_ask_socket(&e, &e.tun, 4, 0, AFW_SCOPE_WAN));
	ck_assert_int_eq(sockopt(SO_TYPE), SOCK_DGRAM);
	ck_assert_int_eq(sockopt(SO_MARK), 0x10);
	ck_assert_int_ge(sockopt(SO_RCVBUF), 4 * 1024 * 1024);
	ck_assert_int_eq(
	    getsockopt(e.sock, SOL_SOCKET, SO_BINDTODEVICE, name, &len), 0);
	ck_assert_str_eq(name, "wan0");
	e.cfg.rcvbuf = 300000;
	OK(env_net_config(&e));
	OK(env_ask_socket(&e, &e.tun, 6, 0, AFW_SCOPE_WAN));
	ck_assert_int_eq(sockopt(SO_RCVBUF), 600000);
}
END_TEST

START_TEST(no_configuration)
{
	ck_assert_uint_eq(wg_env_set(3, "tun3"), AFW_EINVAL);
	HAS(e.st.text, "no configuration");
	ck_assert_uint_eq(env_wg_del(&e, 3), AFW_ENOENT);
}
END_TEST

START_TEST(no_kernel)
{
	OK(env_net_config(&e));
	ck_assert_uint_eq(
	    env_wg_set(&e, 3, AFW_WG_KERNEL, 0, "tun3"), AFW_ENOTSUP);
	HAS(e.st.text, "tun3: the kernel has no WireGuard");
	HAS_NOT(out("ip link"), "tun3");
	OK(env_wg_set(&e, 3, AFW_WG_AUTO, 0, "tun3"));
	ck_assert_uint_eq(e.net_wg.impl, AFW_WG_USERSPACE);
}
END_TEST

static bool
kernel_has_it(void)
{
	return sh("unshare -n ip link add wgprobe type wireguard "
		  "2>/dev/null") == 0;
}

static Suite *
suite(void)
{
	Suite *s = suite_create("net_wg");
	TCase *t = tcase_create("userspace");

	tcase_add_checked_fixture(t, wg_env_up, wg_env_down);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, userspace);
	tcase_add_test(t, removed);
	tcase_add_test(t, names);
	tcase_add_test(t, beside_hydra);
	tcase_add_test(t, waits_for_the_dying);
	tcase_add_test(t, addresses_change);
	tcase_add_test(t, hands_off);
	tcase_add_test(t, put_back);
	tcase_add_test(t, name_lost);
	tcase_add_test(t, adopted);
	tcase_add_test(t, new_tun);
	tcase_add_test(t, udp_sockets);
	tcase_add_test(t, no_configuration);
	if (!kernel_has_it())
		tcase_add_test(t, no_kernel);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *r = srunner_create(suite());
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
