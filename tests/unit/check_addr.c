/* SPDX-License-Identifier: ISC */
/* Addresses: text, wire form, socket form, and who may hold one. */
#include "lib/wire/addr.h"

#include <netinet/in.h>

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/msg.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* Text that is understood, and how it is printed. */
static const struct {
	const char *in, *out;
	uint8_t family;
} good[] = {
    {"192.168.1.5", "192.168.1.5", 4},
    {"0.0.0.0", "0.0.0.0", 4},
    {"255.255.255.255", "255.255.255.255", 4},
    {"::", "::", 6},
    {"::1", "::1", 6},
    {"2001:DB8::0001", "2001:db8::1", 6},
    {"2001:db8:0:0:0:0:0:1", "2001:db8::1", 6},
    {"fe80::1", "fe80::1", 6},
    {"64:ff9b::192.0.2.1", "64:ff9b::c000:201", 6},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 6},
    /* what a dual-stack socket calls an IPv4 peer is that IPv4 address */
    {"::ffff:192.168.1.5", "192.168.1.5", 4},
    {"::FFFF:c0a8:105", "192.168.1.5", 4},
    {"0:0:0:0:0:ffff:10.0.0.1", "10.0.0.1", 4},
};

START_TEST(parses)
{
	struct afw_addr a, again;
	char buf[AFW_ADDR_TEXT];

	memset(&a, 0xa5, sizeof(a));
	ck_assert_int_eq(afw_addr_parse(&a, good[_i].in), 0);
	ck_assert_uint_eq(a.family, good[_i].family);
	ck_assert(afw_addr_valid(&a, false));
	ck_assert_str_eq(afw_addr_print(&a, buf, sizeof(buf)), good[_i].out);
	ck_assert_int_eq(afw_addr_parse(&again, buf), 0);
	ck_assert(afw_addr_equal(&a, &again));
}
END_TEST

static const char *const bad[] = {"", " ", ".", ":", ":::", "1", "1.2.3",
    "1.2.3.4.5", "1.2.3.", ".1.2.3.4", "1..2.3", "256.1.1.1", "1.2.3.256",
    "1.2.3.-4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4/24", "1.2.3.4:80", "01.2.3.4",
    "1.2.3.04", "192.168.001.005", "0x7f.0.0.1", "127.1", "2130706433",
    "1.2.3.4\n", "a.b.c.d", "localhost", "2001:db8::1/64", "fe80::1%eth0",
    "[::1]", "1::2::3", "1:2:3:4:5:6:7", "::12345", "::g", "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "::1.2.3", "::ffff:1.2.3.256",
    "::ffff:01.2.3.4", "02:00:00:00:00:01"};

START_TEST(refuses)
{
	struct afw_addr a = {.family = 9};

	errno = 0;
	ck_assert_msg(afw_addr_parse(&a, bad[_i]) == -1, "%s", bad[_i]);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_uint_eq(a.family, 9); /* untouched */
}
END_TEST

/* Whoever forwards packets sees these as sources of one device, or never. */
static const struct {
	const char *text;
	bool host;
} hosts[] = {
    {"192.168.1.5", true},
    {"10.0.0.0", true}, /* its prefix is not known here */
    {"169.254.7.7", true},
    {"100.64.0.1", true},
    {"8.8.8.8", true},
    {"223.255.255.255", true},
    {"240.0.0.1", true},
    {"255.255.255.254", true},
    {"255.255.255.255", false},
    {"0.0.0.0", false},
    {"0.1.2.3", false},
    {"127.0.0.1", false},
    {"127.255.255.255", false},
    {"224.0.0.1", false},
    {"239.255.255.255", false},
    {"::ffff:224.0.0.1", false},
    {"::ffff:0.0.0.0", false},
    {"::ffff:192.168.1.5", true},
    {"2001:db8::1", true},
    {"fd00::1", true},
    {"fe80::1", true},
    {"::2", true},
    {"::", false},
    {"::1", false},
    {"ff02::1", false},
    {"ff0e::1", false},
};

START_TEST(is_host)
{
	struct afw_key k = {.kind = AFW_KEY_IP};

	ck_assert_int_eq(afw_addr_parse(&k.addr, hosts[_i].text), 0);
	ck_assert_msg(
	    afw_addr_is_host(&k.addr) == hosts[_i].host, "%s", hosts[_i].text);
	ck_assert_int_eq(afw_key_valid(&k), hosts[_i].host);
}
END_TEST

/* Not made by parsing, but a message could hold it. */
START_TEST(mapped_is_no_host)
{
	struct afw_addr a = {
	    .family = 6, .b = {[10] = 0xff, 0xff, 192, 168, 1, 5}};
	char buf[AFW_ADDR_TEXT];

	ck_assert(!afw_addr_is_host(&a));
	ck_assert(afw_addr_valid(&a, false));
	ck_assert_str_eq(
	    afw_addr_print(&a, buf, sizeof(buf)), "::ffff:192.168.1.5");
	a.b[9] = 1;
	ck_assert(afw_addr_is_host(&a));
	a.family = 5;
	ck_assert(!afw_addr_is_host(&a));
	a.family = 0;
	ck_assert(!afw_addr_is_host(&a));
}
END_TEST

START_TEST(valid)
{
	struct afw_addr a = {0};

	ck_assert(afw_addr_valid(&a, true));
	ck_assert(!afw_addr_valid(&a, false));
	a.b[15] = 1;
	ck_assert(!afw_addr_valid(&a, true));
	a.family = 4;
	ck_assert(!afw_addr_valid(&a, false));
	a.family = 6;
	ck_assert(afw_addr_valid(&a, false));
	a.pad[2] = 1;
	ck_assert(!afw_addr_valid(&a, false));
}
END_TEST

START_TEST(prints_in_little_room)
{
	struct afw_addr a = {0};
	char buf[4] = "xyz";

	ck_assert_str_eq(afw_addr_print(&a, buf, sizeof(buf)), "-");
	ck_assert_int_eq(afw_addr_parse(&a, "192.168.1.5"), 0);
	ck_assert_str_eq(afw_addr_print(&a, buf, sizeof(buf)), "-");
}
END_TEST

START_TEST(socket_address)
{
	struct sockaddr_storage ss;
	struct afw_addr a, b;
	uint16_t port = 0;

	ck_assert_int_eq(afw_addr_parse(&a, "192.168.1.5"), 0);
	ck_assert_uint_eq(
	    afw_addr_to_sockaddr(&a, 443, &ss), sizeof(struct sockaddr_in));
	ck_assert_int_eq(
	    afw_addr_from_sockaddr(&b, &port, (struct sockaddr *)&ss), 0);
	ck_assert(afw_addr_equal(&a, &b));
	ck_assert_uint_eq(port, 443);
	ck_assert_int_eq(afw_addr_parse(&a, "2001:db8::5"), 0);
	ck_assert_uint_eq(
	    afw_addr_to_sockaddr(&a, 65535, &ss), sizeof(struct sockaddr_in6));
	ck_assert_int_eq(
	    afw_addr_from_sockaddr(&b, &port, (struct sockaddr *)&ss), 0);
	ck_assert(afw_addr_equal(&a, &b));
	ck_assert_uint_eq(port, 65535);
	ck_assert_int_eq(
	    afw_addr_from_sockaddr(&b, NULL, (struct sockaddr *)&ss), 0);
	a.family = 0;
	ck_assert_uint_eq(afw_addr_to_sockaddr(&a, 1, &ss), 0);
	ck_assert_int_eq(
	    afw_addr_from_sockaddr(&b, &port, (struct sockaddr *)&ss), -1);
	ck_assert_int_eq(errno, EAFNOSUPPORT);
	ck_assert_uint_eq(b.family, 0);
}
END_TEST

START_TEST(mac)
{
	static const char *const no[] = {"", "02", "02:", "02:00:00:00:00",
	    "02:00:00:00:00:1",
	    "02:00:00:00:00:", "02:00:00:00:00:01:", "02:00:00:00:00:01:02",
	    "02:00:00:00:00:0g", "2:0:0:0:0:1", "020000000001",
	    "0200.0000.0001", "02 00 00 00 00 01", "02:00:00:00:00:01 ",
	    " 02:00:00:00:00:01", "02:00-00:00-00:01", "+2:00:00:00:00:01",
	    "0x:00:00:00:00:01"};
	uint8_t m[6] = {1, 2, 3, 4, 5, 6};
	char buf[AFW_MAC_TEXT];
	size_t i;

	for (i = 0; i < N(no); i++) {
		errno = 0;
		ck_assert_msg(afw_mac_parse(m, no[i]) == -1, "%s", no[i]);
		ck_assert_int_eq(errno, EINVAL);
	}
	ck_assert_mem_eq(m, "\1\2\3\4\5\6", 6);
	ck_assert_int_eq(afw_mac_parse(m, "aB:cD:Ef:00:09:fF"), 0);
	ck_assert_str_eq(
	    afw_mac_print(m, buf, sizeof(buf)), "ab:cd:ef:00:09:ff");
	ck_assert(!afw_mac_is_host(m)); /* group bit */
	ck_assert_int_eq(afw_mac_parse(m, "02-00-00-00-00-01"), 0);
	ck_assert(afw_mac_is_host(m));
	ck_assert_int_eq(afw_mac_parse(m, "00:00:00:00:00:00"), 0);
	ck_assert(!afw_mac_is_host(m));
	ck_assert_int_eq(afw_mac_parse(m, "ff:ff:ff:ff:ff:ff"), 0);
	ck_assert(!afw_mac_is_host(m));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("addr");
	TCase *t = tcase_create("addr");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, parses, 0, N(good));
	tcase_add_loop_test(t, refuses, 0, N(bad));
	tcase_add_loop_test(t, is_host, 0, N(hosts));
	tcase_add_test(t, mapped_is_no_host);
	tcase_add_test(t, valid);
	tcase_add_test(t, prints_in_little_room);
	tcase_add_test(t, socket_address);
	tcase_add_test(t, mac);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
