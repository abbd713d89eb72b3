/* SPDX-License-Identifier: ISC */
/* The helpers for payloads: text, names, keys, reasons, error codes. */
#include "lib/wire/msg.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(str)
{
	char s[8];

	memset(s, 'x', sizeof(s));
	ck_assert_int_eq(afw_str_set(s, sizeof(s), "abc"), 0);
	ck_assert_mem_eq(s, "abc\0\0\0\0", 8);
	ck_assert(afw_str_valid(s, sizeof(s)));
	ck_assert_int_eq(afw_str_set(s, sizeof(s), "1234567"), 0);
	ck_assert(afw_str_valid(s, sizeof(s)));
	errno = 0;
	ck_assert_int_eq(afw_str_set(s, sizeof(s), "12345678"), -1);
	ck_assert_int_eq(errno, ENAMETOOLONG);
	ck_assert_mem_eq(s, "\0\0\0\0\0\0\0", 8); /* nothing half done */
	ck_assert_int_eq(afw_str_set(s, sizeof(s), ""), 0);
	ck_assert(afw_str_valid(s, sizeof(s)));
	s[7] = 'x';
	ck_assert(!afw_str_valid(s, sizeof(s)));
	memset(s, 'x', sizeof(s));
	ck_assert(!afw_str_valid(s, sizeof(s)));
	ck_assert(!afw_str_valid(s, 0));
}
END_TEST

static const char sixty_three[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				  "aaaaaaaaaaaaaaaaaaa";

START_TEST(location)
{
	static const char *const good[] = {
	    "us", "US", "us-nyc", "a_b.c-9", "7", "-", ".", sixty_three};
	static const char *const bad[] = {"", " ", "us ", " us", "us\n", "a/b",
	    "us\\x", "\xc3\xa4", "a:b", "us%20", "a\tb", "'", "\""};
	char long_name[65];
	size_t i;

	for (i = 0; i < N(good); i++)
		ck_assert_msg(afw_location_valid(good[i]), "%s", good[i]);
	for (i = 0; i < N(bad); i++)
		ck_assert_msg(!afw_location_valid(bad[i]), "%s", bad[i]);
	memset(long_name, 'a', 64);
	long_name[64] = '\0';
	ck_assert_uint_eq(strlen(sixty_three), 63);
	ck_assert(!afw_location_valid(long_name));
}
END_TEST

START_TEST(ifname)
{
	static const char *const good[] = {"lo", "eth0", "br-lan", "eth0.1",
	    "a", "...", "wan@eth0", "123456789012345", "\xc3\xa4"};
	static const char *const bad[] = {"", ".", "..", "a/b", "a b", "a:1",
	    "eth0\n", "\teth0", "1234567890123456", "a\x7f", "\1"};
	size_t i;

	for (i = 0; i < N(good); i++)
		ck_assert_msg(afw_ifname_valid(good[i]), "%s", good[i]);
	for (i = 0; i < N(bad); i++)
		ck_assert_msg(!afw_ifname_valid(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(key)
{
	struct afw_key ip = {.kind = AFW_KEY_IP}, other;
	struct afw_key mac = {.kind = AFW_KEY_MAC, .mac = {2, 0, 0, 0, 0, 1}};
	struct afw_key iface = {.kind = AFW_KEY_IFACE, .iface = "eth1"};
	char buf[AFW_ADDR_TEXT];

	ck_assert_int_eq(afw_addr_parse(&ip.addr, "192.168.1.5"), 0);
	ck_assert_str_eq(afw_key_print(&ip, buf, sizeof(buf)), "192.168.1.5");
	ck_assert_str_eq(
	    afw_key_print(&mac, buf, sizeof(buf)), "02:00:00:00:00:01");
	ck_assert_str_eq(afw_key_print(&iface, buf, sizeof(buf)), "iface eth1");
	ck_assert(
	    afw_key_valid(&ip) && afw_key_valid(&mac) && afw_key_valid(&iface));
	ck_assert(!afw_key_equal(&ip, &mac) && !afw_key_equal(&mac, &iface));
	other = ip;
	ck_assert(afw_key_equal(&ip, &other));
	other.addr.b[3]++;
	ck_assert(!afw_key_equal(&ip, &other));
	memset(&other, 0, sizeof(other));
	ck_assert(!afw_key_valid(&other));
}
END_TEST

static const struct {
	unsigned int reason;
	const char *detail, *text;
} reasons[] = {
    {AFW_REASON_NONE, "x", ""},
    {AFW_REASON_CONNECT, "", "connection failed"},
    {AFW_REASON_UNREACHABLE, "", "unreachable"},
    {AFW_REASON_TIMEOUT, "after 5 s", "timed out"},
    {AFW_REASON_TLS, "expired", "tls: expired"},
    {AFW_REASON_TLS, "", "tls: failed"},
    {AFW_REASON_TLS, NULL, "tls: failed"},
    {AFW_REASON_AUTH, NULL, "authentication failed"},
    {AFW_REASON_NO_SERVER, NULL, "no server available"},
    {AFW_REASON_LIMIT, NULL, "limit exceeded"},
    {AFW_REASON_PROTOCOL, NULL, "protocol error"},
    {AFW_REASON_LOCATION, NULL, "unknown location"},
    {AFW_REASON_MAX, "x", "protocol error"},
    {UINT32_MAX, NULL, "protocol error"},
};

START_TEST(reason)
{
	char buf[128];

	ck_assert_str_eq(afw_reason_print(reasons[_i].reason,
			     reasons[_i].detail, buf, sizeof(buf)),
	    reasons[_i].text);
	ck_assert_uint_lt(strlen(afw_reason_print(
			      reasons[_i].reason, reasons[_i].detail, buf, 6)),
	    6);
}
END_TEST

/* A helper's log line is one line, whatever it read outside. */
START_TEST(log_is_one_line)
{
	const struct afw_row *row = afw_row(AFW_MSG_LOG);
	struct afw_m_log m = {.level = 6, .text = "net: \xc3\xa4 ~"};
	static const char bad[] = "\n\r\t\1\x1b\x7f";
	size_t i;

	ck_assert(row->check(&m));
	for (i = 0; i < sizeof(bad) - 1; i++) {
		m.text[2] = bad[i];
		ck_assert_msg(!row->check(&m), "0x%02x", (unsigned int)bad[i]);
	}
}
END_TEST

START_TEST(errors)
{
	unsigned int i;

	for (i = 0; i < AFW_EMAX; i++) {
		ck_assert_ptr_nonnull(afw_error_text(i));
		ck_assert_str_ne(afw_error_text(i), "");
		if (i != AFW_ECONFLICT) /* shares EBUSY */
			ck_assert_uint_eq(
			    afw_error_from_errno(afw_error_errno(i)), i);
	}
	ck_assert_uint_eq(afw_error_from_errno(EBUSY), AFW_EBUSY);
	ck_assert_uint_eq(afw_error_from_errno(EXDEV), AFW_EIO);
	ck_assert_int_eq(afw_error_errno(AFW_EMAX), EPROTO);
	ck_assert_str_eq(afw_error_text(AFW_EMAX), "unknown error");
}
END_TEST

START_TEST(roles)
{
	ck_assert_str_eq(afw_role_name(AFW_SUP), "afwrtd");
	ck_assert_str_eq(afw_role_name(AFW_AUTH), "auth");
	ck_assert_str_eq(afw_role_name(AFW_ROLES), "?");
	ck_assert(afw_table_sum() != 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("msg");
	TCase *t = tcase_create("msg");
	SRunner *sr;
	int failed;

	tcase_add_test(t, str);
	tcase_add_test(t, location);
	tcase_add_test(t, ifname);
	tcase_add_test(t, key);
	tcase_add_loop_test(t, reason, 0, N(reasons));
	tcase_add_test(t, log_is_one_line);
	tcase_add_test(t, errors);
	tcase_add_test(t, roles);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
