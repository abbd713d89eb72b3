/* SPDX-License-Identifier: ISC */
/* The token of the REST interface and those who guess it; time is ours. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "afwrt-ctl/rest_token.h"

#define TOKEN "correct-horse-battery"

static time_t now = 1000;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	ts->tv_sec = now;
	ts->tv_nsec = 0;
	return 0;
}

static const struct sockaddr *
from(const char *text)
{
	static union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1) {
		a.sa.sa_family = AF_INET;
	} else {
		ck_assert_int_eq(
		    inet_pton(AF_INET6, text, &a.in6.sin6_addr), 1);
		a.sa.sa_family = AF_INET6;
	}
	return &a.sa;
}

static void
guess(const char *address, unsigned int times)
{
	while (times-- > 0)
		ck_assert(!rest_token_is(from(address), "wrong-wrong-wrong"));
}

static void
setup(void)
{
	rest_token_wipe();
	rest_token_set(TOKEN);
}

START_TEST(only_the_token_is_the_token)
{
	static const char *const wrong[] = {"", "c", "correct-horse-batter",
	    TOKEN "y", "Correct-horse-battery", "correct-horse-batterz",
	    " " TOKEN, TOKEN " "};
	char longest[2 * REST_TOKEN_MAX];
	size_t i;

	ck_assert(rest_token_is(from("127.0.0.1"), TOKEN));
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert(!rest_token_is(from("127.0.0.1"), wrong[i]));
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	ck_assert(!rest_token_is(from("127.0.0.1"), longest));
	rest_token_wipe();
	ck_assert(!rest_token_is(from("127.0.0.1"), ""));
	ck_assert(!rest_token_is(from("127.0.0.1"), TOKEN));
	longest[REST_TOKEN_MAX] = '\0';
	rest_token_set(longest);
	ck_assert(rest_token_is(from("127.0.0.1"), longest));
}
END_TEST

START_TEST(what_can_be_a_token)
{
	char text[REST_TOKEN_MAX + 2];

	memset(text, 'x', sizeof(text));
	text[REST_TOKEN_MAX + 1] = '\0';
	ck_assert_ptr_nonnull(rest_token_refuses(text));
	text[REST_TOKEN_MAX] = '\0';
	ck_assert_ptr_null(rest_token_refuses(text));
	text[REST_TOKEN_MIN] = '\0';
	ck_assert_ptr_null(rest_token_refuses(text));
	text[REST_TOKEN_MIN - 1] = '\0';
	ck_assert_ptr_nonnull(rest_token_refuses(text));
	ck_assert_ptr_nonnull(rest_token_refuses(""));
	ck_assert_ptr_nonnull(rest_token_refuses("white space in it"));
	ck_assert_ptr_nonnull(rest_token_refuses("line\nline\nline\nline"));
	ck_assert_ptr_nonnull(
	    rest_token_refuses("t\xc3\xb6ken-of-sixteen-and"));
}
END_TEST

START_TEST(ten_in_a_minute)
{
	guess("192.0.2.1", 9);
	ck_assert(!rest_token_limited(from("192.0.2.1")));
	guess("192.0.2.1", 1);
	ck_assert(rest_token_limited(from("192.0.2.1")));
	ck_assert(!rest_token_limited(from("192.0.2.2")));
	guess("192.0.2.1", 1000);
	now += 59;
	ck_assert(rest_token_limited(from("192.0.2.1")));
	now += 1;
	ck_assert(!rest_token_limited(from("192.0.2.1")));
	guess("192.0.2.1", 9);
	ck_assert(!rest_token_limited(from("192.0.2.1")));
	guess("192.0.2.1", 1);
	ck_assert(rest_token_limited(from("192.0.2.1")));
}
END_TEST

START_TEST(ipv6_by_the_64)
{
	guess("2001:db8:1:2::1", 5);
	guess("2001:db8:1:2:ffff::2", 5);
	ck_assert(rest_token_limited(from("2001:db8:1:2:3:4:5:6")));
	ck_assert(!rest_token_limited(from("2001:db8:1:3::1")));
	guess("::1", 10);
	ck_assert(rest_token_limited(from("::1")));
	ck_assert(!rest_token_limited(from("::2")));
	/* the same host by both kinds of address */
	guess("::ffff:192.0.2.7", 10);
	ck_assert(rest_token_limited(from("192.0.2.7")));
	ck_assert(!rest_token_limited(from("192.0.2.8")));
}
END_TEST

/* More addresses than there is room for: the oldest are let go. */
START_TEST(the_table_is_bounded)
{
	char text[32];
	int i;

	for (i = 0; i < 1000; i++) {
		(void)snprintf(
		    text, sizeof(text), "10.0.%d.%d", i / 250, i % 250);
		guess(text, 10);
		ck_assert(rest_token_limited(from(text)));
		if (i % 100 == 99)
			now++;
	}
	ck_assert(rest_token_limited(from(text)));
	ck_assert(!rest_token_limited(from("10.0.0.0")));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rest_token");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, only_the_token_is_the_token);
	tcase_add_test(t, what_can_be_a_token);
	tcase_add_test(t, ten_in_a_minute);
	tcase_add_test(t, ipv6_by_the_64);
	tcase_add_test(t, the_table_is_bounded);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
