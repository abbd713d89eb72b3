/* SPDX-License-Identifier: ISC */
/*
 * Frames and heads of the tunnel protocol: what was recorded from a real
 * node, what a hostile one would send, and the sizes at the edges. And the
 * two other pure parts of the tunnel side: held packets, retry times.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "afwrt-tun/cstp.h"
#include "afwrt-tun/cstp_head.h"
#include "afwrt-tun/hold.h"
#include "afwrt-tun/retry.h"

/* ocserv 1.1.6 to openconnect 9.01 */
#define RECORDED                                         \
	"HTTP/1.1 200 CONNECTED\r\n"                     \
	"X-CSTP-Version: 1\r\n"                          \
	"X-CSTP-Server-Name: ocserv 1.1.6\r\n"           \
	"X-CSTP-DPD: 60\r\n"                             \
	"X-CSTP-Address: 10.99.1.50\r\n"                 \
	"X-CSTP-Netmask: 255.255.255.0\r\n"              \
	"X-CSTP-Address-IP6: "                           \
	"fda9:4efe:7e3b:8e4f:9a7c:c09f:b76e:58ef/64\r\n" \
	"X-CSTP-DNS: 10.99.1.1\r\n"                      \
	"X-CSTP-Keepalive: 300\r\n"                      \
	"X-CSTP-Idle-Timeout: none\r\n"                  \
	"X-CSTP-Rekey-Time: 86371\r\n"                   \
	"X-CSTP-Rekey-Method: new-tunnel\r\n"            \
	"X-CSTP-Session-Timeout-Remaining: 0\r\n"        \
	"X-CSTP-Disconnected-Timeout: none\r\n"          \
	"X-CSTP-Keep: true\r\n"                          \
	"X-CSTP-Base-MTU: 1500\r\n"                      \
	"X-CSTP-MTU: 1472\r\n"                           \
	"\r\n"
#define OK_LINE   "HTTP/1.1 200 CONNECTED\r\n"
#define ADDR_LINE "X-CSTP-Address: 10.99.1.50\r\n"

static uint8_t record[CSTP_HEAD + CSTP_PAYLOAD_MAX + 1];

static const char *
head(struct cstp_params *p, const char *text)
{
	static char buf[2 * CSTP_HEAD_MAX];
	size_t len = strlen(text);

	memcpy(buf, text, len);
	return cstp_head_parse(p, buf, len);
}

static void
addr_is(const struct afw_addr *a, const char *text)
{
	char buf[AFW_ADDR_TEXT];

	ck_assert_str_eq(afw_addr_print(a, buf, sizeof(buf)), text);
}

START_TEST(head_recorded)
{
	struct cstp_params p;

	ck_assert_ptr_null(head(&p, RECORDED));
	ck_assert_uint_eq(p.status, 200);
	addr_is(&p.inner4, "10.99.1.50");
	addr_is(&p.inner6, "fda9:4efe:7e3b:8e4f:9a7c:c09f:b76e:58ef");
	addr_is(&p.dns4, "10.99.1.1");
	ck_assert_uint_eq(p.dns6.family, 0);
	ck_assert_uint_eq(p.mtu, 1472);
	ck_assert_uint_eq(p.dpd, 60);
	ck_assert_uint_eq(p.keepalive, 300);
	ck_assert_uint_eq(p.rekey, 86371);
	ck_assert_uint_eq(p.idle, 0);
	ck_assert_str_eq(p.server, "ocserv 1.1.6");
}
END_TEST

START_TEST(head_variants)
{
	struct cstp_params p;

	/* older servers: both families in the same header; any case */
	ck_assert_ptr_null(head(&p,
	    OK_LINE "x-cstp-address: 10.0.0.2\r\n"
		    "X-CSTP-ADDRESS: fd00::2\r\n"
		    "X-CSTP-Rekey-Time: 3\r\n"
		    "X-CSTP-Rekey-Method: ssl\r\n\r\n"));
	addr_is(&p.inner4, "10.0.0.2");
	addr_is(&p.inner6, "fd00::2");
	ck_assert_uint_eq(p.rekey, CSTP_REKEY_MIN);
	ck_assert_uint_eq(p.mtu, 0);
	/* a time without a method is no rekey; blanks around a value */
	ck_assert_ptr_null(head(&p,
	    OK_LINE "X-CSTP-Address:\t10.0.0.2 \r\n"
		    "X-CSTP-Rekey-Time: 300\r\n"
		    "X-CSTP-MTU: 9000\r\n\r\n"));
	ck_assert_uint_eq(p.rekey, 0);
	ck_assert_uint_eq(p.mtu, CSTP_MTU_MAX);
	/* too small for IPv6, good for IPv4 */
	ck_assert_ptr_null(head(&p,
	    OK_LINE ADDR_LINE "X-CSTP-MTU: 1279\r\n"
			      "X-CSTP-Address-IP6: "
			      "fd00::2/128\r\n\r\n"));
	ck_assert_uint_eq(p.inner6.family, 0);
	ck_assert_uint_eq(p.inner4.family, 4);
}
END_TEST

/* The first good one of each family; a bad one is as if it was not said. */
START_TEST(head_dns)
{
	static const char *const bad[] = {"", "127.0.0.1", "0.0.0.0", "::1",
	    "224.0.0.1", "ff02::1", "255.255.255.255", "10.0.0.1/32",
	    "10.0.0.01", "10.0.0.1 10.0.0.2", "fe80::1%wan0", "resolver",
	    "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23"};
	struct cstp_params p;
	char text[512];
	size_t i;

	ck_assert_ptr_null(head(&p,
	    OK_LINE ADDR_LINE "X-CSTP-DNS: fd00::53\r\n"
			      "X-CSTP-DNS: 10.0.0.1\r\n"
			      "x-cstp-dns: 10.0.0.2\r\n"
			      "X-CSTP-DNS-IP6: fd00::54\r\n\r\n"));
	addr_is(&p.dns4, "10.0.0.1");
	addr_is(&p.dns6, "fd00::53");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    OK_LINE ADDR_LINE "X-CSTP-DNS: %s\r\n\r\n", bad[i]);
		ck_assert_ptr_null(head(&p, text));
		ck_assert_msg(p.dns4.family == 0 && p.dns6.family == 0,
		    "accepted: %s", bad[i]);
	}
	(void)snprintf(text, sizeof(text),
	    OK_LINE ADDR_LINE "X-CSTP-DNS: 0.0.0.0\r\n"
			      "X-CSTP-DNS: 10.0.0.3\r\n\r\n");
	ck_assert_ptr_null(head(&p, text));
	addr_is(&p.dns4, "10.0.0.3");
}
END_TEST

START_TEST(head_refusals)
{
	struct cstp_params p;

	ck_assert_ptr_null(head(&p,
	    "HTTP/1.1 401 Unauthorized\r\n"
	    "X-CSTP-MTU: rubbish\r\n"
	    "X-Reason: Cookie is not acceptable"
	    "\r\n\r\n"));
	ck_assert_uint_eq(p.status, 401);
	ck_assert_str_eq(p.reason, "Cookie is not acceptable");
	ck_assert_ptr_null(head(&p, "HTTP/1.0 503\r\n\r\n"));
	ck_assert_uint_eq(p.status, 503);
}
END_TEST

static const char *const hostile[] = {
    "\r\n\r\n",
    "HTTP/1.1 200 CONNECTED",
    "HTTP/1.1 200 CONNECTED\r\n",
    "HTTP/1.1 200 CONNECTED\n\n",
    OK_LINE "\r\n", /* no address */
    "HTTP/2 200 CONNECTED\r\n" ADDR_LINE "\r\n",
    "HTTP/1.1 20 CONNECTED\r\n" ADDR_LINE "\r\n",
    "HTTP/1.1 2000 CONNECTED\r\n" ADDR_LINE "\r\n",
    "HTTP/1.1 -20 CONNECTED\r\n" ADDR_LINE "\r\n",
    "HTTP/1.1 099 X\r\n" ADDR_LINE "\r\n",
    "HTTP/1.\r\n\r\n",
    "SSH-2.0-OpenSSH\r\n\r\n",
    OK_LINE ADDR_LINE "no colon\r\n\r\n",
    OK_LINE ADDR_LINE ": no name\r\n\r\n",
    OK_LINE ADDR_LINE "X-Space : 1\r\n\r\n",
    OK_LINE ADDR_LINE " folded\r\n\r\n",
    OK_LINE ADDR_LINE "X-A: \x01\r\n\r\n",
    OK_LINE ADDR_LINE "X-A: 1\rX-B: 2\r\n\r\n",
    OK_LINE ADDR_LINE "X-A: 1\nX-B: 2\r\n\r\n",
    OK_LINE "X-CSTP-Address: 10.99.1.500\r\n\r\n",
    OK_LINE "X-CSTP-Address: \r\n\r\n",
    OK_LINE "X-CSTP-Address: 0.0.0.0\r\n\r\n",
    OK_LINE "X-CSTP-Address: 127.0.0.1\r\n\r\n",
    OK_LINE "X-CSTP-Address: 224.0.0.1\r\n\r\n",
    OK_LINE "X-CSTP-Address: 255.255.255.255\r\n\r\n",
    OK_LINE "X-CSTP-Address-IP6: ::1/128\r\n\r\n",
    OK_LINE "X-CSTP-Address-IP6: ff02::1/64\r\n\r\n",
    OK_LINE "X-CSTP-Address-IP6: fd00::1/129\r\n\r\n",
    OK_LINE "X-CSTP-Address-IP6: fd00::1/\r\n\r\n",
    OK_LINE "X-CSTP-Address-IP6: fd00::1%eth0\r\n\r\n",
    OK_LINE "X-CSTP-Address-IP6: "
	    "fd00:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001\r\n\r\n",
    OK_LINE "X-CSTP-Address-IP6: fd00::1/64\r\nX-CSTP-MTU: 1000\r\n\r\n",
    OK_LINE ADDR_LINE "X-CSTP-MTU: 575\r\n\r\n",
    OK_LINE ADDR_LINE "X-CSTP-MTU: -1\r\n\r\n",
    OK_LINE ADDR_LINE "X-CSTP-MTU: 99999999999999999999\r\n\r\n",
    OK_LINE ADDR_LINE "X-CSTP-MTU: \r\n\r\n",
    OK_LINE ADDR_LINE "X-CSTP-DPD: 1e3\r\n\r\n",
    OK_LINE ADDR_LINE "X-CSTP-DPD: 60 \t60\r\n\r\n",
    OK_LINE ADDR_LINE "X-CSTP-Keepalive: 4294967297\r\n\r\n",
    OK_LINE ADDR_LINE "X-CSTP-Rekey-Time: 0x10\r\n\r\n",
    OK_LINE ADDR_LINE "X-CSTP-Content-Encoding: lzs\r\n\r\n",
};

START_TEST(head_hostile)
{
	struct cstp_params p;

	ck_assert_msg(
	    head(&p, hostile[_i]) != NULL, "accepted: %s", hostile[_i]);
}
END_TEST

START_TEST(head_nul)
{
	static char text[] = OK_LINE ADDR_LINE "X-A: a\0b\r\n\r\n";
	struct cstp_params p;

	ck_assert_ptr_nonnull(cstp_head_parse(&p, text, sizeof(text) - 1));
}
END_TEST

/* Each prefix of a good head has no end and is not taken for one. */
START_TEST(head_prefixes)
{
	static const char text[] = RECORDED "rest";
	size_t whole = sizeof(RECORDED) - 1, n;
	struct cstp_params p;
	char *copy;

	for (n = 0; n < whole; n++) {
		ck_assert_uint_eq(cstp_head_end(text, n), 0);
		copy = malloc(n + 1); /* exact, for the sanitizer */
		memcpy(copy, text, n);
		ck_assert_ptr_nonnull(cstp_head_parse(&p, copy, n));
		free(copy);
	}
	ck_assert_uint_eq(cstp_head_end(text, sizeof(text) - 1), whole);
}
END_TEST

START_TEST(head_size)
{
	static const char start[] = OK_LINE ADDR_LINE "X-A: ";
	static char text[CSTP_HEAD_MAX + 1];
	struct cstp_params p;
	size_t n;

	for (n = CSTP_HEAD_MAX; n <= CSTP_HEAD_MAX + 1; n++) {
		memset(text, 'a', n);
		memcpy(text, start, sizeof(start) - 1);
		memcpy(text + n - 4, "\r\n\r\n", 4);
		ck_assert_int_eq(
		    cstp_head_parse(&p, text, n) == NULL, n == CSTP_HEAD_MAX);
	}
}
END_TEST

START_TEST(request_text)
{
	char out[1024], small[64];
	size_t n;

	n = cstp_head_request(out, sizeof(out), "node.example", "Ab+/=", 1500);
	ck_assert_uint_eq(n, strlen(out));
	ck_assert_int_eq(
	    strncmp(out,
		"CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: node.example\r\n"
		"User-Agent: Open AnyConnect VPN Agent ",
		90),
	    0);
	ck_assert_ptr_nonnull(strstr(out, "\r\nCookie: webvpn=Ab+/=\r\n"));
	ck_assert_ptr_nonnull(strstr(out, "\r\nX-CSTP-Base-MTU: 1500\r\n"));
	ck_assert_ptr_null(strstr(out, "Encoding"));
	ck_assert_str_eq(out + n - 4, "\r\n\r\n");
	n = cstp_head_request(out, sizeof(out), "fd00::1", "c", 0);
	ck_assert_ptr_nonnull(strstr(out, "\r\nHost: [fd00::1]\r\n"));
	ck_assert_uint_eq(
	    cstp_head_request(small, sizeof(small), "h", "c", 1500), 0);
}
END_TEST

START_TEST(request_injection)
{
	static const char *const bad[] = {"", "a b", "a\r\nX: y", "a;b=c",
	    "a\"", "a,b", "a\\", "\xc3\xa4", "a\x7f"};
	static const char *const hosts[] = {
	    "", "a b", "a\r\nX: y", "a/b", "u@h", "h?x", "[::1]"};
	char out[1024];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_uint_eq(
		    cstp_head_request(out, sizeof(out), "h", bad[i], 1500), 0);
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		ck_assert_uint_eq(
		    cstp_head_request(out, sizeof(out), hosts[i], "c", 1500),
		    0);
}
END_TEST

START_TEST(request_mtu)
{
	ck_assert_uint_eq(cstp_head_mtu(1500), 1391);
	ck_assert_uint_eq(cstp_head_mtu(0), 1391);
	ck_assert_uint_eq(cstp_head_mtu(9000), 1391);
	ck_assert_uint_eq(cstp_head_mtu(1492), 1383);
	ck_assert_uint_eq(cstp_head_mtu(68), CSTP_MTU_MIN6);
}
END_TEST

/* ---- frames ------------------------------------------------------------ */

START_TEST(frame_bytes)
{
	uint8_t out[CSTP_HEAD + 2];

	ck_assert_uint_eq(cstp_build(out, CSTP_DPD_REQUEST, "\x12\x34", 2), 10);
	ck_assert_mem_eq(out, "STF\1\0\2\3\0\x12\x34", 10);
	ck_assert_uint_eq(cstp_build(out, CSTP_KEEPALIVE, NULL, 0), 8);
	ck_assert_mem_eq(out, "STF\1\0\0\7\0", 8);
}
END_TEST

START_TEST(frame_round_trip)
{
	static const uint8_t types[] = {CSTP_DPD_REQUEST, CSTP_DPD_ANSWER,
	    CSTP_DISCONNECT, CSTP_KEEPALIVE, CSTP_TERMINATE};
	static const size_t sizes[] = {0, 1, 255, 256, CSTP_PAYLOAD_MAX};
	static uint8_t payload[CSTP_PAYLOAD_MAX + 1];
	struct cstp_frame f;
	size_t i, j, n;

	memset(payload, 0x5a, sizeof(payload));
	for (i = 0; i < sizeof(types); i++)
		for (j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			n = cstp_build(record, types[i], payload, sizes[j]);
			ck_assert_uint_eq(n, CSTP_HEAD + sizes[j]);
			ck_assert_ptr_null(cstp_parse(&f, record, n));
			ck_assert_uint_eq(f.type, types[i]);
			ck_assert_uint_eq(f.len, sizes[j]);
			ck_assert_mem_eq(f.payload, payload, f.len);
		}
	ck_assert_uint_eq(cstp_build(record, 0, payload, sizeof(payload)), 0);
}
END_TEST

START_TEST(frame_types)
{
	struct cstp_frame f;
	int type;
	bool good;

	for (type = 0; type < 256; type++) {
		memset(record, 0, 64);
		(void)cstp_build(record, (uint8_t)type, "\x45", 1);
		record[5] = 20;
		good = type == 0 || type == 3 || type == 4 || type == 5 ||
		    type == 7 || type == 9;
		ck_assert_int_eq(
		    cstp_parse(&f, record, CSTP_HEAD + 20) == NULL, good);
	}
}
END_TEST

/* Two frames in a record, half a frame, each byte of the head wrong. */
START_TEST(frame_hostile)
{
	struct cstp_frame f;
	size_t n = cstp_build(record, CSTP_DPD_ANSWER, "abcd", 4), i;
	uint8_t *copy;

	for (i = 0; i < n; i++) {
		copy = malloc(i + 1);
		memcpy(copy, record, i);
		ck_assert_ptr_nonnull(cstp_parse(&f, copy, i));
		free(copy);
	}
	(void)cstp_build(record + n, CSTP_DPD_ANSWER, "abcd", 4);
	ck_assert_ptr_nonnull(cstp_parse(&f, record, 2 * n));
	for (i = 0; i < CSTP_HEAD; i++) {
		record[i] ^= 0x80;
		ck_assert_ptr_nonnull(cstp_parse(&f, record, n));
		record[i] ^= 0x80;
	}
	ck_assert_ptr_null(cstp_parse(&f, record, n));
}
END_TEST

START_TEST(frame_ip)
{
	uint8_t packet[40] = {0};

	packet[0] = 0x45;
	ck_assert_int_eq(cstp_ip_version(packet, 20), 4);
	ck_assert_int_eq(cstp_ip_version(packet, 19), 0);
	packet[0] = 0x60;
	ck_assert_int_eq(cstp_ip_version(packet, 40), 6);
	ck_assert_int_eq(cstp_ip_version(packet, 39), 0);
	packet[0] = 0x50;
	ck_assert_int_eq(cstp_ip_version(packet, 40), 0);
	ck_assert_int_eq(cstp_ip_version(packet, 0), 0);
}
END_TEST

/* ---- held packets, retry times ----------------------------------------- */

START_TEST(hold_order)
{
	struct hold h = {0};
	const uint8_t *p;
	uint8_t packet[1000] = {0};
	size_t len, n, i;

	ck_assert_ptr_null(hold_front(&h, &len));
	for (n = 0; n < 1000; n++) {
		packet[0] = (uint8_t)n;
		if (!hold_push(&h, packet, sizeof(packet)))
			break;
	}
	ck_assert_uint_gt(n, HOLD_MAX / 1100);
	ck_assert_uint_le(h.bytes, HOLD_MAX);
	for (i = 0; i < n / 2; i++) {
		ck_assert_ptr_nonnull(p = hold_front(&h, &len));
		ck_assert_uint_eq(len, sizeof(packet));
		ck_assert_uint_eq(p[0], (uint8_t)i);
		hold_pop(&h);
	}
	ck_assert_uint_eq(hold_clear(&h), n - n / 2);
	ck_assert_uint_eq(h.bytes, 0);
	ck_assert(hold_push(&h, packet, 1));
	ck_assert_uint_eq(hold_clear(&h), 1);
}
END_TEST

START_TEST(retry_times)
{
	struct afw_m_route c = {.reconnect = AFW_RECONNECT_MANUAL};
	unsigned int n;
	int64_t ms, most = RETRY_FIRST_MS;

	ck_assert_int_eq(retry_delay(&c, true, 0, 7), -1);
	ck_assert_int_eq(retry_delay(&c, false, 0, 7), -1);
	c.reconnect = AFW_RECONNECT_AUTO;
	ck_assert_int_eq(retry_delay(&c, true, 5, 7), 0);
	for (n = 0; n < 100; n++) {
		ms = retry_delay(&c, false, n, UINT32_MAX - n * 12345);
		ck_assert_int_ge(ms, most - most / 5);
		ck_assert_int_le(ms, most);
		most = most * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : most * 2;
	}
	c.reconnect_interval = 10;
	ck_assert_int_eq(retry_delay(&c, false, 3, 7), 10000);
	ck_assert_int_eq(retry_delay(&c, true, 0, 7), 0);
	c.reconnect = AFW_RECONNECT_MANUAL; /* the default location's own */
	ck_assert_int_eq(retry_delay(&c, false, 0, 7), 10000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cstp");
	TCase *t = tcase_create("head");
	SRunner *r;
	int failed;

	tcase_add_test(t, head_recorded);
	tcase_add_test(t, head_variants);
	tcase_add_test(t, head_dns);
	tcase_add_test(t, head_refusals);
	tcase_add_loop_test(
	    t, head_hostile, 0, sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_test(t, head_nul);
	tcase_add_test(t, head_prefixes);
	tcase_add_test(t, head_size);
	tcase_add_test(t, request_text);
	tcase_add_test(t, request_injection);
	tcase_add_test(t, request_mtu);
	suite_add_tcase(s, t);
	t = tcase_create("frame");
	tcase_add_test(t, frame_bytes);
	tcase_add_test(t, frame_round_trip);
	tcase_add_test(t, frame_types);
	tcase_add_test(t, frame_hostile);
	tcase_add_test(t, frame_ip);
	suite_add_tcase(s, t);
	t = tcase_create("route");
	tcase_add_test(t, hold_order);
	tcase_add_test(t, retry_times);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
