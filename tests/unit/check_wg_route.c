/* SPDX-License-Identifier: ISC */
/* Parts of a WireGuard route: allowed_ips, timestamps, configuration text. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "afwrt-tun/wg_allowed.h"
#include "afwrt-tun/wg_stamp.h"
#include "afwrt-tun/wg_uapi.h"

/* ---- allowed_ips ------------------------------------------------------- */

static struct wg_allowed allowed;

static struct afw_wg_net
net(const char *text, uint8_t prefix)
{
	struct afw_wg_net n = {.prefix = prefix};

	ck_assert_int_eq(afw_addr_parse(&n.addr, text), 0);
	return n;
}

static bool
has(const char *text)
{
	struct afw_addr a;

	ck_assert_int_eq(afw_addr_parse(&a, text), 0);
	return wg_allowed_has(&allowed, a.family, a.b);
}

START_TEST(allowed_edges)
{
	const struct afw_wg_net n[] = {
	    net("10.1.2.77", 24), /* bits of the host do not matter */
	    net("10.1.3.128", 25), net("192.0.2.9", 32),
	    net("2001:db8:7::", 47), net("fd77::1", 128)};

	wg_allowed_set(&allowed, n, 5);
	ck_assert(has("10.1.2.0") && has("10.1.2.255"));
	ck_assert(!has("10.1.1.255") && !has("10.1.3.0"));
	ck_assert(!has("10.1.3.127") && has("10.1.3.128"));
	ck_assert(has("10.1.3.255") && !has("10.1.4.0"));
	ck_assert(has("192.0.2.9") && !has("192.0.2.8") && !has("192.0.2.10"));
	ck_assert(has("2001:db8:6::") && has("2001:db8:7:ffff::1"));
	ck_assert(!has("2001:db8:8::") && !has("2001:db8:5:ffff::"));
	ck_assert(has("fd77::1") && !has("fd77::2") && !has("fd77::"));
}
END_TEST

START_TEST(allowed_none_and_all)
{
	const struct afw_wg_net n[] = {net("0.0.0.0", 0), net("10.0.0.0", 8)};

	wg_allowed_set(&allowed, n, 0);
	ck_assert(!has("10.1.2.3") && !has("::1"));
	wg_allowed_set(&allowed, n, 2);
	ck_assert(has("0.0.0.0") && has("255.255.255.255") && has("10.0.0.1"));
	ck_assert(!has("2001:db8::1"));
}
END_TEST

/* Against the definition: many nets, some inside of others. */
START_TEST(allowed_is_what_it_says)
{
	struct afw_wg_net n[AFW_WG_ALLOWED_MAX] = {0};
	uint32_t i, k, a, mask, is;
	uint8_t b[4];
	bool want;

	srandom(7);
	for (i = 0; i < AFW_WG_ALLOWED_MAX; i++) {
		n[i].addr.family = 4;
		n[i].addr.b[0] = (uint8_t)(random() % 4);
		n[i].addr.b[1] = (uint8_t)random();
		n[i].addr.b[2] = (uint8_t)random();
		n[i].prefix = (uint8_t)(8 + random() % 17);
	}
	n[0].prefix = 24;
	wg_allowed_set(&allowed, n, AFW_WG_ALLOWED_MAX);
	for (k = 0; k < 20000; k++) {
		a = ((uint32_t)random() % 6) << 24 |
		    ((uint32_t)random() & 0xffffff);
		for (want = false, i = 0; i < AFW_WG_ALLOWED_MAX; i++) {
			mask = ~UINT32_C(0) << (32 - n[i].prefix);
			is = (uint32_t)n[i].addr.b[0] << 24 |
			    (uint32_t)n[i].addr.b[1] << 16 |
			    (uint32_t)n[i].addr.b[2] << 8;
			want |= ((a ^ is) & mask) == 0;
		}
		b[0] = (uint8_t)(a >> 24);
		b[1] = (uint8_t)(a >> 16);
		b[2] = (uint8_t)(a >> 8);
		b[3] = (uint8_t)a;
		ck_assert_int_eq(wg_allowed_has(&allowed, 4, b), want);
	}
}
END_TEST

START_TEST(allowed_of_packets)
{
	const struct afw_wg_net n[] = {net("10.1.0.0", 16), net("fd77::", 64)};
	uint8_t p[60] = {0x45, [12] = 10, 1, 0, 5, 10, 2, 0, 5};

	wg_allowed_set(&allowed, n, 2);
	ck_assert(wg_allowed_source(&allowed, p, 20));
	ck_assert(!wg_allowed_target(&allowed, p, 20));
	ck_assert(!wg_allowed_source(&allowed, p, 19));
	memset(p, 0, sizeof(p));
	p[0] = 0x60;
	p[24] = 0xfd;
	p[25] = 0x77;
	ck_assert(wg_allowed_target(&allowed, p, 40));
	ck_assert(!wg_allowed_source(&allowed, p, 40));
	ck_assert(!wg_allowed_target(&allowed, p, 39));
	p[0] = 0x50;
	ck_assert(!wg_allowed_target(&allowed, p, 40));
}
END_TEST

/* ---- timestamps -------------------------------------------------------- */

START_TEST(stamp_goes_forward)
{
	uint8_t s[WG_STAMP] = {0x40, [6] = 0xff, [7] = 0xf0, [11] = 7}, was[12];
	uint8_t end[WG_STAMP];

	memcpy(was, s, sizeof(was));
	wg_stamp_forward(s, 60);
	ck_assert(wg_stamp_after(s, was));
	ck_assert_uint_eq(s[5], 1); /* 0xfff0 + 60 is 0x1002c */
	ck_assert_uint_eq(s[7], 0x2c);
	ck_assert_uint_eq(s[11], 7);
	memset(end, 0xff, sizeof(end));
	memcpy(was, end, sizeof(was));
	wg_stamp_forward(end, 60); /* it does not turn over */
	ck_assert(!wg_stamp_after(was, end));
}
END_TEST

/* ---- configuration text ------------------------------------------------ */

#define KEY_A "0102030405060708090a0b0c0d0e0f10111213141516171819aAbBcCdDeEfF20"
#define KEY_B "ff02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"

static struct wg_uapi_set set;
static const char *key;

static int
parse(const char *text)
{
	char *copy = strdup(text);
	int rc = wg_uapi_parse(copy, &set, &key);

	free(copy);
	return rc;
}

START_TEST(set_whole)
{
	char text[WG_UAPI_ENDPOINT];

	ck_assert_int_eq(
	    parse("private_key=" KEY_A "\nlisten_port=51820\nfwmark=4096\n"
		  "replace_peers=true\npublic_key=" KEY_B "\n"
		  "preshared_key=" KEY_A "\nendpoint=[2001:db8::5]:17\n"
		  "persistent_keepalive_interval=65535\n"
		  "replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\n"
		  "allowed_ip=fd00::/128\nprotocol_version=1\n"
		  "public_key=" KEY_A "\nremove=true\nupdate_only=true\n"),
	    0);
	ck_assert(set.has_private && set.has_port && set.has_fwmark);
	ck_assert(set.replace_peers);
	ck_assert_uint_eq(set.private_key[25], 0xaa);
	ck_assert_uint_eq(set.port, 51820);
	ck_assert_uint_eq(set.fwmark, 4096);
	ck_assert_uint_eq(set.n_peers, 2);
	ck_assert_uint_eq(set.peer[0].key[0], 0xff);
	ck_assert(set.peer[0].has_psk && set.peer[0].has_keepalive);
	ck_assert_uint_eq(set.peer[0].keepalive, 65535);
	ck_assert(set.peer[0].replace_allowed && !set.peer[0].remove);
	ck_assert_uint_eq(set.peer[0].allowed, 2);
	ck_assert_uint_eq(set.peer[0].allow[1].prefix, 128);
	ck_assert_str_eq(
	    wg_uapi_endpoint_print(&set.peer[0].endpoint, text, sizeof(text)),
	    "[2001:db8::5]:17");
	ck_assert(set.peer[1].remove && set.peer[1].update_only);
	ck_assert_int_eq(parse(""), 0);
	ck_assert_uint_eq(set.n_peers, 0);
}
END_TEST

static const struct {
	const char *text;
	int error;
	const char *key;
} bad[] = {
    {"private_key=12\n", EINVAL, "private_key"},
    {"private_key=" KEY_A "0\n", EINVAL, "private_key"},
    {"private_key=g" KEY_A "\n", EINVAL, "private_key"},
    {"private_key\n", EINVAL, ""},
    {"=1\n", EINVAL, ""},
    {"\nfwmark=1\n", EINVAL, ""},
    {"Private_key=" KEY_A "\n", EINVAL, ""},
    {"listen_port=65536\n", ERANGE, "listen_port"},
    {"listen_port=-1\n", EINVAL, "listen_port"},
    {"listen_port= 1\n", EINVAL, "listen_port"},
    {"listen_port=\n", EINVAL, "listen_port"},
    {"fwmark=0x10\n", EINVAL, "fwmark"},
    {"fwmark=4294967296\n", ERANGE, "fwmark"},
    {"fwmark=99999999999999999999999\n", ERANGE, "fwmark"},
    {"replace_peers=false\n", EINVAL, "replace_peers"},
    /* of a peer, before there is one; of the device, behind one */
    {"endpoint=1.2.3.4:5\n", EINVAL, "endpoint"},
    {"public_key=" KEY_A "\nfwmark=1\n", EINVAL, "fwmark"},
    {"public_key=" KEY_A "\nendpoint=1.2.3.4\n", EINVAL, "endpoint"},
    {"public_key=" KEY_A "\nendpoint=1.2.3.4:0\n", EINVAL, "endpoint"},
    {"public_key=" KEY_A "\nendpoint=:5\n", EINVAL, "endpoint"},
    {"public_key=" KEY_A "\nendpoint=fd00::1:5\n", EINVAL, "endpoint"},
    {"public_key=" KEY_A "\nendpoint=[fd00::1:5\n", EINVAL, "endpoint"},
    {"public_key=" KEY_A "\nendpoint=]:5\n", EINVAL, "endpoint"},
    {"public_key=" KEY_A "\nendpoint=[fe80::1%2]:5\n", EINVAL, "endpoint"},
    {"public_key=" KEY_A "\nendpoint=node.test:5\n", EINVAL, "endpoint"},
    {"public_key=" KEY_A "\nallowed_ip=10.0.0.0\n", EINVAL, "allowed_ip"},
    {"public_key=" KEY_A "\nallowed_ip=10.0.0.0/33\n", ERANGE, "allowed_ip"},
    {"public_key=" KEY_A "\nallowed_ip=fd00::/129\n", ERANGE, "allowed_ip"},
    {"public_key=" KEY_A "\nallowed_ip=-10.0.0.0/8\n", EINVAL, "allowed_ip"},
    {"public_key=" KEY_A "\nallowed_ip=/8\n", EINVAL, "allowed_ip"},
    {"public_key=" KEY_A "\nprotocol_version=2\n", EPROTONOSUPPORT,
	"protocol_version"},
};

START_TEST(set_bad)
{
	ck_assert_int_eq(parse(bad[_i].text), bad[_i].error);
	ck_assert_str_eq(key, bad[_i].key);
}
END_TEST

START_TEST(set_is_bounded)
{
	char *text = calloc(1, 65536), *p = text;
	int i;

	p += sprintf(p, "public_key=" KEY_A "\n");
	for (i = 0; i < AFW_WG_ALLOWED_MAX; i++)
		p += sprintf(p, "allowed_ip=10.0.0.%d/32\n", i);
	ck_assert_int_eq(parse(text), 0);
	(void)sprintf(p, "allowed_ip=10.1.0.0/32\n");
	ck_assert_int_eq(parse(text), ENOSPC);
	for (p = text, i = 0; i <= WG_UAPI_PEERS; i++)
		p += sprintf(p, "public_key=" KEY_A "\n");
	ck_assert_int_eq(parse(text), ENOSPC);
	free(text);
}
END_TEST

/* What is printed can be read; nothing is written behind the room. */
START_TEST(get_whole)
{
	struct wg_uapi_device d = {.port = 7, .has_peer = true};
	char text[16384], small[64];
	size_t n, i;

	memset(d.private_key, 1, sizeof(d.private_key));
	memset(d.peer_key, 2, sizeof(d.peer_key));
	d.endpoint.in.sin_family = AF_INET;
	d.endpoint.in.sin_port = htons(9);
	d.keepalive = 25;
	d.handshake.tv_sec = 1700000000;
	d.rx_bytes = UINT64_MAX;
	d.allowed = AFW_WG_ALLOWED_MAX;
	for (i = 0; i < d.allowed; i++)
		d.allow[i] = net("2001:db8:1111:2222:3333:4444:5555:6666", 128);
	n = wg_uapi_print(&d, text, sizeof(text));
	ck_assert_uint_eq(n, strlen(text));
	ck_assert_ptr_nonnull(strstr(text, "\nlisten_port=7\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nendpoint=0.0.0.0:9\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\nlast_handshake_time_sec=1700000000\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\nrx_bytes=18446744073709551615\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\npersistent_keepalive_interval=25\n"));
	for (i = 1; i < n; i += 37)
		ck_assert_uint_eq(wg_uapi_print(&d, text, i), 0);
	memset(small, 'x', sizeof(small));
	ck_assert_uint_eq(wg_uapi_print(&d, small, 10), 0);
	ck_assert_int_eq(small[10], 'x');
	memset(&d, 0, sizeof(d));
	ck_assert_uint_eq(wg_uapi_print(&d, text, sizeof(text)), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wg_route");
	TCase *tc = tcase_create("parts");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, allowed_edges);
	tcase_add_test(tc, allowed_none_and_all);
	tcase_add_test(tc, allowed_is_what_it_says);
	tcase_add_test(tc, allowed_of_packets);
	tcase_add_test(tc, stamp_goes_forward);
	tcase_add_test(tc, set_whole);
	tcase_add_loop_test(
	    tc, set_bad, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(tc, set_is_bounded);
	tcase_add_test(tc, get_whole);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
