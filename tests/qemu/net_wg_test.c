/* SPDX-License-Identifier: ISC */
/*
 * afwrt-net with interfaces of the kernel's WireGuard, against a second one in
 * another namespace that is made by ip and wg. It needs a kernel that has it,
 * so it runs in the guest (test_net_wg.py).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "tests/ipc/net_env.h"

#define WAIT_MS 8000 /* a lost initiation is repeated after 5 s */

static struct env e;
static pid_t node;

#define IN_NODE(cmd)   sh("nsenter -t %d -n sh -ec '" cmd "'", (int)node)
#define NODE_SAYS(cmd) out("nsenter -t %d -n " cmd, (int)node)

static void
key_read(uint8_t *key, const char *command)
{
	memcpy(key, out("%s | base64 -d", command), AFW_WG_KEY_SIZE);
}

static struct afw_wg_net
net_of(const char *text, unsigned int prefix)
{
	struct afw_wg_net n = {.prefix = (uint8_t)prefix};

	ck_assert_int_eq(afw_addr_parse(&n.addr, text), 0);
	return n;
}

static bool
keys_make(void)
{
	return sh("umask 077; cd /tmp && wg genkey >client && "
		  "wg genkey >node && wg pubkey <client >client.pub && "
		  "wg pubkey <node >node.pub") == 0;
}

/* The router's uplink is wan0; behind it a node with WireGuard. */
static void
up(void)
{
	env_namespace();
	node = env_behind("wan1");
	ck_assert_int_eq(chdir("/tmp"), 0);
	ck_assert_int_eq(
	    IN_NODE("ip addr add 203.0.113.1/24 dev wan1; "
		    "ip link add node0 type wireguard; "
		    "ip addr add 10.9.0.1/24 dev node0; ip link set node0 up; "
		    "wg set node0 private-key node listen-port 51820"
		    " peer $(cat client.pub) allowed-ips 10.9.0.0/24"),
	    0);
	env_config(&e);
	e.cfg.type = AFW_TYPE_WIREGUARD;
	env_start(&e);
	OK(env_net_config(&e));
}

static void
down(void)
{
	if (e.pid > 0)
		env_kill(&e);
	free(e.flow);
}

static struct afw_m_wg_set
session(void)
{
	struct afw_m_wg_set m = {.route = 3, .addrs = 1, .allowed = 1};

	key_read(m.private_key, "cat client");
	key_read(m.peer_key, "cat node.pub");
	(void)afw_addr_parse(&m.endpoint, "203.0.113.1");
	m.port = 51820;
	m.addr[0] = net_of("10.9.0.2", 24);
	m.allow[0] = net_of("10.9.0.0", 24);
	return m;
}

static void
wg_say(void)
{
	struct afw_m_wg_set m = session();

	OK(env_ask_of(&e, &e.tun, AFW_MSG_WG_SET, &m));
}

static void
wg_ask(void)
{
	struct afw_m_route_id m = {.route = 3};

	OK(env_ask_of(&e, &e.tun, AFW_MSG_WG_GET, &m));
}

static bool
has_device(struct env *x)
{
	return x->wg[3].devices > 0;
}

static bool
shaken(struct env *x)
{
	(void)x;
	wg_ask();
	return e.wg_state.handshake_s != 0;
}

/* As env_until, with time for a lost packet to be repeated. */
static bool
until(bool (*cond)(struct env *))
{
	int64_t end = afw_now_ms() + WAIT_MS;

	while (!cond(&e) && afw_now_ms() < end)
		env_serve(&e, 50);
	return cond(&e);
}

static unsigned int
wg_set(uint32_t impl)
{
	e.wg[3].devices = 0;
	return env_wg_set(&e, 3, impl, 0, "wg3");
}

static int
ping(void)
{
	return sh("ping -c 1 -W 4 10.9.0.1 >/dev/null");
}

START_TEST(kernel_link)
{
	OK(wg_set(AFW_WG_AUTO));
	ck_assert_uint_eq(e.net_wg.impl, AFW_WG_KERNEL);
	ck_assert(until(has_device));
	ck_assert_uint_eq(e.wg[3].dev.impl, AFW_WG_KERNEL);
	ck_assert_int_eq(e.wg[3].fd, -1);
	ck_assert_int_eq(e.wg[3].kept, -1);
	ck_assert_uint_eq(e.wg[3].dev.mtu, 1420);
	HAS(out("ip -d link show wg3"), "wireguard");
	HAS(out("ip link show wg3"), "alias afwrt");
	HAS(out("ip link show wg3"), ",UP");
	HAS(out("cat /proc/sys/net/ipv4/conf/wg3/rp_filter"), "2");
	HAS_NOT(out("wg show wg3"), "peer");
	/* nobody sends anything, there is no keepalive, and yet */
	wg_say();
	ck_assert(until(shaken));
	HAS(out("wg show wg3 persistent-keepalive"), "\toff\n");
	ck_assert_str_eq(out("wg show wg3 fwmark"), "0x10\n");
	HAS(out("ip addr show wg3"), "10.9.0.2/24");
	ck_assert_int_eq(ping(), 0);
	wg_ask();
	ck_assert_uint_eq(e.wg_state.route, 3);
	ck_assert_uint_gt(e.wg_state.rx_packets, 1);
	ck_assert_uint_gt(e.wg_state.tx_packets, 1);
	ck_assert_uint_ge(e.wg_state.rx_bytes, 92 + 128);
	ck_assert_uint_ge(e.wg_state.tx_bytes, 148 + 128);
	ck_assert_uint_eq(e.wg_state.port, 51820);
	OK(env_wg_del(&e, 3));
	HAS_NOT(out("ip link"), "wg3");
}
END_TEST

/* Another life of afwrt-net finds the session as it was. */
START_TEST(adopted)
{
	struct afw_m_wg_state before;

	OK(wg_set(AFW_WG_KERNEL));
	wg_say();
	ck_assert(until(shaken));
	ck_assert_int_eq(ping(), 0);
	wg_ask();
	before = e.wg_state;
	env_kill(&e);
	env_start(&e);
	OK(env_net_config(&e));
	OK(wg_set(AFW_WG_AUTO));
	ck_assert_uint_eq(e.net_wg.impl, AFW_WG_KERNEL);
	ck_assert_int_eq(ping(), 0);
	wg_say();
	wg_ask();
	ck_assert_uint_eq(e.wg_state.handshake_ns, before.handshake_ns);
	ck_assert_uint_gt(e.wg_state.rx_packets, before.rx_packets);
	ck_assert_int_eq(ping(), 0);
}
END_TEST

START_TEST(put_back)
{
	OK(wg_set(AFW_WG_KERNEL));
	wg_say();
	ck_assert(until(shaken));
	e.wg[3].devices = 0;
	ck_assert_int_eq(sh("ip link del wg3"), 0);
	ck_assert(until(has_device));
	HAS(out("ip addr show wg3"), "10.9.0.2/24");
	ck_assert(until(shaken));
	ck_assert_int_eq(ping(), 0);
}
END_TEST

static bool
roamed(struct env *x)
{
	(void)x;
	return strstr(NODE_SAYS("wg show node0 endpoints"), "203.0.113.9:") !=
	    NULL;
}

/* The uplink's address is another, and nobody sends anything. */
START_TEST(roams)
{
	OK(wg_set(AFW_WG_KERNEL));
	wg_say();
	ck_assert(until(shaken));
	HAS(NODE_SAYS("wg show node0 endpoints"), "203.0.113.2:");
	ck_assert_int_eq(sh("ip addr del 203.0.113.2/24 dev wan0 && "
			    "ip addr add 203.0.113.9/24 dev wan0 && "
			    "ip route replace default via 203.0.113.1"),
	    0);
	ck_assert(env_until(&e, roamed));
	ck_assert_int_eq(ping(), 0);
}
END_TEST

START_TEST(names)
{
	ck_assert_int_eq(sh("ip link add wg3 type wireguard"), 0);
	ck_assert_uint_eq(wg_set(AFW_WG_KERNEL), AFW_EBUSY);
	HAS(e.st.text, "wg3 exists already and was made by another");
	ck_assert_uint_eq(wg_set(AFW_WG_AUTO), AFW_EBUSY);
	ck_assert_uint_eq(wg_set(AFW_WG_USERSPACE), AFW_EBUSY);
	HAS(e.st.text, "wg3 exists already and is not a TUN");
	HAS(out("ip -d link show wg3"), "wireguard");
	HAS_NOT(out("ip link show wg3"), "alias");
}
END_TEST

/* Ours, but of the other kind. */
START_TEST(other_kind)
{
	OK(wg_set(AFW_WG_KERNEL));
	OK(wg_set(AFW_WG_USERSPACE));
	ck_assert_uint_eq(e.net_wg.impl, AFW_WG_USERSPACE);
	ck_assert(until(has_device));
	HAS(out("ip -d link show wg3"), "tun type tun");
	env_kill(&e);
	env_start(&e);
	OK(env_net_config(&e));
	OK(wg_set(AFW_WG_KERNEL)); /* with the fd of the TUN that is there */
	HAS(out("ip -d link show wg3"), "wireguard");
	env_kill(&e);
	(void)close(e.wg[3].kept);
	e.wg[3].kept = -1;
	env_start(&e);
	OK(env_net_config(&e));
	OK(wg_set(AFW_WG_USERSPACE)); /* a link of an earlier life */
	HAS(out("ip -d link show wg3"), "tun type tun");
}
END_TEST

START_TEST(nobody_asks_for_it_again)
{
	OK(wg_set(AFW_WG_KERNEL));
	OK(env_wg_set(&e, 4, AFW_WG_KERNEL, 0, "wg4"));
	env_kill(&e);
	ck_assert_int_eq(sh("ip link add wg5 type wireguard"), 0);
	env_start(&e);
	OK(env_net_config(&e));
	OK(env_wg_set(&e, 4, AFW_WG_KERNEL, 0, "wg4"));
	HAS(out("ip link"), "wg3");
	ck_assert_int_eq(
	    afw_chan_send(&e.sup, AFW_MSG_NET_SYNC_BEGIN, 0, NULL, -1), 0);
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	HAS_NOT(out("ip link"), "wg3");
	HAS(out("ip link"), "wg4");
	HAS(out("ip link"), "wg5"); /* the user's */
	OK(env_clear(&e, false));
	HAS_NOT(out("ip link"), "wg4");
	HAS(out("ip link"), "wg5");
}
END_TEST

/* With default_gateway the link stays and drops what comes. */
START_TEST(stays_to_block)
{
	e.cfg.flags |= AFW_C_WG_MANAGED | AFW_C_DEFAULT_GATEWAY;
	OK(env_net_config(&e));
	OK(env_wg_set(&e, 3, AFW_WG_KERNEL, AFW_W_DEFAULT, "wg3"));
	OK(env_wg_set(&e, 4, AFW_WG_KERNEL, 0, "wg4"));
	wg_say();
	HAS(out("wg show wg3"), "peer");
	OK(env_clear(&e, true));
	HAS_NOT(out("ip link"), "wg4");
	HAS(out("ip link"), "wg3");
	HAS_NOT(out("wg show wg3"), "peer");
	OK(env_clear(&e, false));
	HAS_NOT(out("ip link"), "wg3");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net_wg_kernel");
	TCase *t = tcase_create("kernel");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, up, down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, kernel_link);
	tcase_add_test(t, adopted);
	tcase_add_test(t, put_back);
	tcase_add_test(t, roams);
	tcase_add_test(t, names);
	tcase_add_test(t, other_kind);
	tcase_add_test(t, nobody_asks_for_it_again);
	tcase_add_test(t, stays_to_block);
	suite_add_tcase(s, t);
	if (!keys_make()) {
		(void)fprintf(stderr, "net_wg_test: no keys from wg\n");
		return 1;
	}
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
