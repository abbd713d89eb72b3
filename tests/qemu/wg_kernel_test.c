/* SPDX-License-Identifier: ISC */
/*
 * WireGuard in the kernel against a second interface in another namespace,
 * which is made by ip and wg: what those see is what counts. It needs a
 * kernel that has it, so it runs in the guest (test_wg.py).
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "afwrt-net/addrs.h"
#include "afwrt-net/wg_kernel.h"
#include "lib/daemon/log.h"
#include "lib/wire/channel.h"
#include "tests/ipc/net_env.h"

#define MANY 5000

static struct netlink rt;
static struct wg_kernel k;
static struct wg_kernel_conf c;
static struct wg_kernel_state st;
static struct nerr err;
/* beside the keys: what wg_iface.c gives a link */
static struct afw_wg_net addr[AFW_WG_ADDRS_MAX];
static size_t n_addr;
static uint32_t mtu;
static pid_t node;

#define IN_NODE(cmd) sh("nsenter -t %d -n sh -ec '" cmd "'", (int)node)
#define SET()        ck_assert_msg(link_set() == 0, "%u %s", err.code, err.text)
#define GET()                                                               \
	ck_assert_msg(wg_kernel_get(&k, c.ifname, &st, &err) == 0, "%u %s", \
	    err.code, err.text)
#define REFUSED(what, e)                                                     \
	do {                                                                 \
		ck_assert_int_eq((what), -1);                                \
		ck_assert_msg(err.code == (e), "%u %s", err.code, err.text); \
		ck_assert_msg(strlen(err.text) > 8, "%s", err.text);         \
	} while (0)

static int
link_set(void)
{
	const struct addrs want = {addr, n_addr};
	struct link_info info;
	uint32_t is;

	return wg_kernel_set(&k, &c, &err) == -1 ||
		link_get(&rt, c.ifname, 0, &info) == -1 ||
		link_prepare(&rt, info.ifindex, mtu, &is, &err) == -1 ||
		addrs_sync(&rt, info.ifindex, c.ifname, &want, NULL, &err) == -1
	    ? -1
	    : 0;
}

/* A key of 32 bytes, from the output of a command in base64. */
static void
key_read(uint8_t key[WG_KEY_SIZE], const char *command)
{
	const char *raw = out("%s | base64 -d", command);

	memcpy(key, raw, WG_KEY_SIZE);
}

static struct afw_wg_net
net_of(const char *text, unsigned int prefix)
{
	struct afw_wg_net n = {.prefix = (uint8_t)prefix};

	ck_assert_int_eq(afw_addr_parse(&n.addr, text), 0);
	return n;
}

static void
conf_fill(void)
{
	memset(&c, 0, sizeof(c));
	(void)afw_str_set(c.ifname, sizeof(c.ifname), "wgus");
	key_read(c.private_key, "cat client");
	key_read(c.peer_key, "cat node.pub");
	(void)afw_addr_parse(&c.endpoint, "203.0.113.1");
	c.endpoint_port = 51820;
	n_addr = 2;
	addr[0] = net_of("10.9.0.2", 24);
	addr[1] = net_of("fd09::2", 64);
	mtu = 1420;
	c.allowed = 2;
	c.allow[0] = net_of("10.9.0.0", 24);
	c.allow[1] = net_of("fd09::", 64);
}

/* Once for all tests: programs take their time in the guest. */
static bool
keys_make(void)
{
	return sh("umask 077; cd /tmp && wg genkey >client && "
		  "wg genkey >node && wg genpsk >psk && wg genpsk >psk2 && "
		  "wg pubkey <client >client.pub && "
		  "wg pubkey <node >node.pub") == 0;
}

/* A router with an uplink (wan0), and a node behind that with WireGuard. */
static void
up(void)
{
	env_namespace();
	node = env_behind("wan1");
	ck_assert_int_eq(sh("ip addr add 2001:db8::2/64 dev wan0 nodad"), 0);
	ck_assert_int_eq(
	    IN_NODE(
		"cd /tmp; printf \"addr add 203.0.113.1/24 dev wan1\\n"
		"addr add 203.0.113.7/24 dev wan1\\n"
		"addr add 2001:db8::1/64 dev wan1 nodad\\n"
		"link add node0 type wireguard\\n"
		"addr add 10.9.0.1/24 dev node0\\n"
		"addr add fd09::1/64 dev node0\\n"
		"link set node0 up\\n\" | ip -batch -;"
		"wg set node0 private-key node listen-port 51820"
		" peer $(cat client.pub) allowed-ips 10.9.0.2/32,fd09::2/128"),
	    0);
	ck_assert_int_eq(chdir("/tmp"), 0);
	conf_fill();
	ck_assert_int_eq(netlink_open(&rt, NETLINK_ROUTE), 0);
	ck_assert_msg(wg_kernel_open(&k, &rt, &err) == 0, "%s", err.text);
}

static void
down(void)
{
	wg_kernel_close(&k);
	netlink_close(&rt);
}

static int
ping(const char *address)
{
	return sh("ping -c 1 -W 4 %s >/dev/null", address);
}

static bool
shaken(void)
{
	GET();
	return st.handshake_s != 0;
}

/* Until cond() or the time is over. */
static bool
until(bool (*cond)(void), int ms)
{
	const struct timespec step = {.tv_nsec = 20000000};
	int64_t end = afw_now_ms() + ms;

	while (!cond() && afw_now_ms() < end)
		(void)nanosleep(&step, NULL);
	return cond();
}

START_TEST(handshake_and_traffic)
{
	SET();
	GET();
	ck_assert_int_eq(st.handshake_s, 0);
	ck_assert_uint_eq(st.rx_bytes, 0);
	ck_assert_int_eq(ping("10.9.0.1"), 0);
	ck_assert_int_eq(ping("fd09::1"), 0);
	GET();
	ck_assert_int_ne(st.handshake_s, 0);
	ck_assert_int_le(llabs(st.handshake_s - (int64_t)time(NULL)), 10);
	/* an initiation of 148 and its answer of 92, and two pings at least */
	ck_assert_uint_ge(st.tx_bytes, 148 + 2 * 128);
	ck_assert_uint_ge(st.rx_bytes, 92 + 2 * 128);
	ck_assert(st.up);
	ck_assert_uint_eq(st.mtu, 1420);
	ck_assert_uint_eq(st.peers, 1);
	ck_assert_mem_eq(st.peer_key, c.peer_key, WG_KEY_SIZE);
	ck_assert(afw_addr_equal(&st.endpoint, &c.endpoint));
	ck_assert_uint_eq(st.endpoint_port, 51820);
}
END_TEST

START_TEST(counters_as_wg_says)
{
	char mine[64];

	SET();
	ck_assert_int_eq(ping("10.9.0.1"), 0);
	GET();
	(void)snprintf(mine, sizeof(mine), "\t%llu\t%llu\n",
	    (unsigned long long)st.rx_bytes, (unsigned long long)st.tx_bytes);
	HAS(out("wg show wgus transfer"), mine);
	(void)snprintf(
	    mine, sizeof(mine), "\t%lld\n", (long long)st.handshake_s);
	HAS(out("wg show wgus latest-handshakes"), mine);
	(void)snprintf(mine, sizeof(mine), "%u\n", st.listen_port);
	ck_assert_str_eq(out("wg show wgus listen-port"), mine);
	key_read(c.private_key, "wg show wgus public-key");
	ck_assert_mem_eq(st.public_key, c.private_key, WG_KEY_SIZE);
}
END_TEST

START_TEST(preshared_key)
{
	ck_assert_int_eq(
	    IN_NODE("wg set node0 peer $(cat client.pub) preshared-key psk"),
	    0);
	key_read(c.preshared_key, "cat psk");
	SET();
	ck_assert_int_eq(ping("10.9.0.1"), 0);
	ck_assert_int_eq(sh("wg show wgus preshared-keys | grep -qf psk"), 0);
	/* taken away again */
	memset(c.preshared_key, 0, WG_KEY_SIZE);
	SET();
	HAS(out("wg show wgus preshared-keys"), "(none)");
}
END_TEST

START_TEST(wrong_preshared_key)
{
	ck_assert_int_eq(
	    IN_NODE("wg set node0 peer $(cat client.pub) preshared-key psk"),
	    0);
	key_read(c.preshared_key, "cat psk2");
	SET();
	(void)sh("ping -c 1 -W 1 10.9.0.1 >/dev/null");
	ck_assert(!until(shaken, 500));
	ck_assert_uint_ge(st.tx_bytes, 148);
}
END_TEST

START_TEST(wrong_key)
{
	key_read(c.peer_key, "wg genkey | wg pubkey");
	SET();
	(void)sh("ping -c 1 -W 1 10.9.0.1 >/dev/null");
	ck_assert(!until(shaken, 500));
	ck_assert_uint_ge(st.tx_bytes, 148);
	ck_assert_uint_eq(st.rx_bytes, 0);
	/* the right one instead: the other is gone */
	conf_fill();
	SET();
	ck_assert_int_eq(ping("10.9.0.1"), 0);
	GET();
	ck_assert_uint_eq(st.peers, 1);
	HAS_NOT(out("wg show wgus peers | tail -n +2"), "=");
}
END_TEST

START_TEST(endpoint_changes)
{
	struct wg_kernel_state before;

	SET();
	ck_assert_int_eq(ping("10.9.0.1"), 0);
	GET();
	before = st;
	(void)afw_addr_parse(&c.endpoint, "203.0.113.7");
	SET();
	GET();
	ck_assert(afw_addr_equal(&st.endpoint, &c.endpoint));
	ck_assert_int_eq(ping("10.9.0.1"), 0);
	(void)afw_addr_parse(&c.endpoint, "2001:db8::1");
	SET();
	ck_assert_int_eq(ping("10.9.0.1"), 0);
	GET();
	ck_assert(afw_addr_equal(&st.endpoint, &c.endpoint));
	ck_assert_uint_eq(st.endpoint_port, 51820);
	/* the session went along */
	ck_assert_int_eq(st.handshake_s, before.handshake_s);
	ck_assert_uint_eq(st.handshake_ns, before.handshake_ns);
	ck_assert_uint_gt(st.rx_bytes, before.rx_bytes);
	HAS(out("wg show wgus endpoints"), "[2001:db8::1]:51820");
}
END_TEST

START_TEST(keepalive)
{
	c.keepalive = 1;
	SET(); /* nobody sends anything, and yet */
	ck_assert(until(shaken, 8000));
	ck_assert_uint_eq(st.keepalive, 1);
	HAS(out("wg show wgus persistent-keepalive"), "\t1\n");
	c.keepalive = 0;
	SET();
	HAS(out("wg show wgus persistent-keepalive"), "\toff\n");
}
END_TEST

START_TEST(wg_shows_what_was_set)
{
	const char *text;

	c.listen_port = 40404;
	c.fwmark = 0x10;
	mtu = 1400;
	c.keepalive = 25;
	key_read(c.preshared_key, "cat psk");
	SET();
	ck_assert_int_eq(
	    sh("{ echo '[Interface]'; echo ListenPort = 40404; "
	       "echo FwMark = 0x10; "
	       "echo PrivateKey = $(cat client); echo; echo '[Peer]'; "
	       "echo PublicKey = $(cat node.pub); "
	       "echo PresharedKey = $(cat psk); "
	       "echo AllowedIPs = 10.9.0.0/24, fd09::/64; "
	       "echo Endpoint = 203.0.113.1:51820; "
	       "echo PersistentKeepalive = 25; echo; } >want; "
	       "wg showconf wgus >is; diff -B want is >&2"),
	    0);
	text = out("ip addr show dev wgus");
	HAS(text, "mtu 1400");
	HAS(text, ",UP,");
	HAS(text, "inet 10.9.0.2/24 ");
	HAS(text, "inet6 fd09::2/64 ");
	HAS_NOT(text, "tentative");
	HAS(out("ip link show dev wgus"), "alias afwrt");
}
END_TEST

START_TEST(set_again)
{
	struct wg_kernel_state before;

	SET();
	ck_assert_int_eq(ping("10.9.0.1"), 0);
	GET();
	before = st;
	/* another life of this process finds it as it was */
	wg_kernel_close(&k);
	ck_assert_int_eq(wg_kernel_open(&k, &rt, &err), 0);
	SET();
	GET();
	ck_assert_mem_eq(&st, &before, sizeof(st));
	ck_assert_int_eq(ping("10.9.0.1"), 0);
	GET();
	ck_assert_int_eq(st.handshake_ns, before.handshake_ns);
}
END_TEST

START_TEST(addresses_change)
{
	const char *text;

	SET();
	ck_assert_int_eq(sh("ip addr add 10.66.0.1/24 dev wgus"), 0);
	n_addr = 3;
	addr[0] = net_of("10.9.0.2", 32); /* another prefix is another */
	addr[1] = net_of("10.9.0.3", 32);
	addr[2] = net_of("fd09::5", 128);
	mtu = 1300;
	SET();
	text = out("ip addr show dev wgus");
	HAS(text, "mtu 1300");
	HAS(text, "inet 10.9.0.2/32 ");
	HAS(text, "inet 10.9.0.3/32 ");
	HAS(text, "inet6 fd09::5/128 ");
	HAS(text, "10.66.0.1/24"); /* the user's */
	HAS_NOT(text, "10.9.0.2/24");
	HAS_NOT(text, "fd09::2");
}
END_TEST

/* A new private key: another client, and so another session. */
START_TEST(private_key_changes)
{
	SET();
	ck_assert_int_eq(ping("10.9.0.1"), 0);
	ck_assert_int_eq(
	    IN_NODE("wg genkey >other; wg pubkey <other >other.pub; "
		    "wg set node0 peer $(cat other.pub) "
		    "allowed-ips 10.9.0.2/32,fd09::2/128"),
	    0);
	key_read(c.private_key, "cat other");
	SET();
	ck_assert_int_eq(ping("10.9.0.1"), 0);
	ck_assert_int_eq(sh("wg show wgus public-key | grep -qf other.pub"), 0);
}
END_TEST

START_TEST(thousands_of_networks)
{
	static struct afw_wg_net net[MANY];
	char text[AFW_ADDR_TEXT];
	unsigned int i;

	c.allowed = WG_KERNEL_ALLOWED;
	for (i = 0; i < WG_KERNEL_ALLOWED; i++) {
		(void)snprintf(text, sizeof(text), "fd00:%x::", i + 1);
		c.allow[i] = net_of(text, 32);
	}
	for (i = 0; i < MANY; i++) {
		(void)snprintf(text, sizeof(text),
		    i % 2 ? "fd09:%x::" : "10.%u.%u.0", i % 2 ? i : i / 256,
		    i % 256);
		net[i] = net_of(text, i % 2 ? 48 : 24);
	}
	SET();
	GET();
	ck_assert_uint_eq(st.allowed, WG_KERNEL_ALLOWED);
	ck_assert_int_eq(
	    wg_kernel_allow(&k, c.ifname, c.peer_key, net, MANY, &err), 0);
	GET();
	ck_assert_uint_eq(st.allowed, WG_KERNEL_ALLOWED + MANY);
	ck_assert_uint_eq(st.peers, 1);
	ck_assert_int_eq(atoi(out("wg show wgus allowed-ips | wc -w")),
	    1 + WG_KERNEL_ALLOWED + MANY);
	/* the conf is the whole list again */
	SET();
	GET();
	ck_assert_uint_eq(st.allowed, WG_KERNEL_ALLOWED);
	/* a peer that is not there is not made */
	(void)wg_kernel_allow(&k, c.ifname, c.private_key, net, 1, &err);
	GET();
	ck_assert_uint_eq(st.peers, 1);
	ck_assert_uint_eq(st.allowed, WG_KERNEL_ALLOWED);
}
END_TEST

START_TEST(removed)
{
	SET();
	ck_assert_int_eq(wg_kernel_remove(&k, c.ifname, &err), 0);
	ck_assert_int_ne(sh("ip link show wgus >/dev/null 2>&1"), 0);
	REFUSED(wg_kernel_remove(&k, c.ifname, &err), AFW_ENOENT);
	REFUSED(wg_kernel_get(&k, c.ifname, &st, &err), AFW_ENOENT);
	REFUSED(wg_kernel_allow(&k, c.ifname, c.peer_key, c.allow, 1, &err),
	    AFW_ENOENT);
	HAS(err.text, "wgus");
}
END_TEST

START_TEST(of_others)
{
	ck_assert_int_eq(sh("ip link add wgus type wireguard"), 0);
	REFUSED(wg_kernel_set(&k, &c, &err), AFW_EBUSY);
	HAS(err.text, "made by another program");
	REFUSED(wg_kernel_remove(&k, c.ifname, &err), AFW_EBUSY);
	REFUSED(wg_kernel_get(&k, c.ifname, &st, &err), AFW_EBUSY);
	ck_assert_str_eq(out("wg show wgus private-key"), "(none)\n");
	(void)afw_str_set(c.ifname, sizeof(c.ifname), "lan0");
	REFUSED(wg_kernel_set(&k, &c, &err), AFW_EBUSY);
	REFUSED(wg_kernel_remove(&k, c.ifname, &err), AFW_EBUSY);
	HAS(out("ip addr show lan0"), "192.168.50.1/24");
}
END_TEST

START_TEST(bad_input)
{
	const struct wg_kernel_conf good = c;

#define BAD(change, words)                                                    \
	do {                                                                  \
		c = good;                                                     \
		change;                                                       \
		REFUSED(wg_kernel_set(&k, &c, &err), AFW_EINVAL);             \
		HAS(err.text, words);                                         \
		ck_assert_int_ne(sh("ip link show wgus >/dev/null 2>&1"), 0); \
	} while (0)
	BAD(memset(c.private_key, 0, WG_KEY_SIZE), "private key");
	BAD(memset(c.peer_key, 0, WG_KEY_SIZE), "public key");
	BAD(c.ifname[0] = '\0', "name");
	BAD(c.ifname[1] = '/', "w/us");
	BAD(memset(c.ifname, 'x', AFW_IFNAME_SIZE), "name");
	BAD(c.endpoint_port = 0, "endpoint");
	BAD(c.endpoint.family = 5, "endpoint");
	BAD(c.allowed = WG_KERNEL_ALLOWED + 1, "allowed_ips");
	BAD(c.allow[1].prefix = 129, "allowed_ips 2");
	BAD(c.allow[0].prefix = 33, "allowed_ips 1");
	BAD(key_read(c.peer_key, "cat client.pub"), "its own");
}
END_TEST

/*
 * What wg_kernel.h says of routes: with everything led into the tunnel, the
 * rule on the mark keeps the outer packets out of it; without it they loop.
 */
START_TEST(mark_leads_past_the_tunnel)
{
	c.fwmark = 0x10;
	c.allow[0] = net_of("0.0.0.0", 0);
	c.allow[1] = net_of("::", 0);
	(void)afw_addr_parse(&c.endpoint, "198.51.100.1");
	ck_assert_int_eq(IN_NODE("ip addr add 198.51.100.1/32 dev lo; "
				 "ip addr add 192.0.2.1/32 dev lo"),
	    0);
	SET();
	ck_assert_int_eq(sh("echo 2 >/proc/sys/net/ipv4/conf/wan0/rp_filter; "
			    "ip route add 0.0.0.0/1 dev wgus && "
			    "ip route add 128.0.0.0/1 dev wgus"),
	    0);
	ck_assert_int_ne(sh("ping -c 1 -W 1 192.0.2.1 >/dev/null"), 0);
	ck_assert(!shaken());
	ck_assert_int_eq(
	    sh("ip route add default via 203.0.113.1 dev wan0 table 48 && "
	       "ip route add unreachable default metric 4294967295 table 48 && "
	       "ip rule add pref 9 fwmark 0x10 lookup 48"),
	    0);
	/* the packet that begins the handshake is repeated after 5 s */
	ck_assert_int_eq(sh("ping -c 1 -W 12 192.0.2.1 >/dev/null"), 0);
	ck_assert(shaken());
	/* the uplink gone: not into the tunnel, nowhere */
	ck_assert_int_eq(sh("ip route del default dev wan0 table 48"), 0);
	ck_assert_int_ne(sh("ping -c 1 -W 1 192.0.2.1 >/dev/null"), 0);
}
END_TEST

/* Is there a copy of the key in what this process may write to? */
static bool
memory_has(const uint8_t *masked)
{
	unsigned long from, to, at, hits = 0, i;
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], mode[8];

	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 ||
		    strncmp(mode, "rw", 2) != 0)
			continue;
		for (at = from; at + WG_KEY_SIZE <= to; at++) {
			const uint8_t *p = (const uint8_t *)at;

			for (i = 0; i < WG_KEY_SIZE; i++)
				if ((p[i] ^ 0x5a) != masked[i])
					break;
			hits += i == WG_KEY_SIZE;
		}
	}
	(void)fclose(maps);
	return hits != 0;
}

static void
key_masked(uint8_t to[WG_KEY_SIZE], const uint8_t from[WG_KEY_SIZE])
{
	size_t i;

	for (i = 0; i < WG_KEY_SIZE; i++)
		to[i] = from[i] ^ 0x5a;
}

START_TEST(keys_do_not_stay)
{
#ifdef __SANITIZE_ADDRESS__
	return; /* its memory is too much to look through */
#endif
	uint8_t key[WG_KEY_SIZE], psk[WG_KEY_SIZE];

	key_read(c.preshared_key, "cat psk");
	key_masked(key, c.private_key);
	key_masked(psk, c.preshared_key);
	SET();
	GET();
	ck_assert(memory_has(key)); /* in c */
	ck_assert(memory_has(psk));
	afw_wipe(&c.private_key, WG_KEY_SIZE);
	afw_wipe(&c.preshared_key, WG_KEY_SIZE);
	(void)out("head -c 100000 /dev/zero"); /* over what the test read */
	ck_assert(!memory_has(key));
	ck_assert(!memory_has(psk));
}
END_TEST

/* Of its own case: the kernel must not load the module. */
START_TEST(kernel_without_wireguard)
{
	env_namespace();
	(void)afw_str_set(c.ifname, sizeof(c.ifname), "wgus");
	memset(c.private_key, 1, WG_KEY_SIZE);
	memset(c.peer_key, 2, WG_KEY_SIZE);
	ck_assert_int_eq(netlink_open(&rt, NETLINK_ROUTE), 0);
	ck_assert_int_eq(wg_kernel_open(&k, &rt, &err), 0);
	REFUSED(wg_kernel_set(&k, &c, &err), AFW_ENOTSUP);
	HAS(err.text, "the kernel has no WireGuard");
	REFUSED(wg_kernel_get(&k, c.ifname, &st, &err), AFW_ENOENT);
	REFUSED(wg_kernel_remove(&k, c.ifname, &err), AFW_ENOENT);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wg_kernel");
	TCase *tc = tcase_create("with"), *without = tcase_create("without");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, up, down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(without, kernel_without_wireguard);
	tcase_add_test(tc, handshake_and_traffic);
	tcase_add_test(tc, counters_as_wg_says);
	tcase_add_test(tc, preshared_key);
	tcase_add_test(tc, wrong_preshared_key);
	tcase_add_test(tc, wrong_key);
	tcase_add_test(tc, endpoint_changes);
	tcase_add_test(tc, keepalive);
	tcase_add_test(tc, wg_shows_what_was_set);
	tcase_add_test(tc, set_again);
	tcase_add_test(tc, addresses_change);
	tcase_add_test(tc, private_key_changes);
	tcase_add_test(tc, thousands_of_networks);
	tcase_add_test(tc, removed);
	tcase_add_test(tc, of_others);
	tcase_add_test(tc, bad_input);
	tcase_add_test(tc, mark_leads_past_the_tunnel);
	tcase_add_test(tc, keys_do_not_stay);
	if (!keys_make()) {
		(void)fprintf(stderr, "wg_kernel_test: no keys from wg\n");
		return 1;
	}
	/* CK_RUN_CASE says which */
	suite_add_tcase(s, without);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
