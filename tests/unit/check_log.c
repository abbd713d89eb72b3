/* SPDX-License-Identifier: ISC */
/* Log lines on their way to the sink, and the rate limit. */
#include "lib/daemon/log.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static char last[512];
static unsigned int lines;

static void
sink(int level, const char *line, void *arg)
{
	(void)level;
	ck_assert_ptr_eq(arg, &lines);
	lines++;
	(void)snprintf(last, sizeof(last), "%s", line);
}

START_TEST(levels)
{
	afw_log_sink_set(sink, &lines);
	log_debug("no");
	ck_assert_uint_eq(lines, 0);
	log_info("yes");
	ck_assert_uint_eq(lines, 1);
	afw_log_level_set(LOG_DEBUG);
	log_debug("yes");
	ck_assert_uint_eq(lines, 2);
	afw_log_level_set(LOG_ERR);
	log_warn("no");
	log_err("rule %d", 5);
	ck_assert_uint_eq(lines, 3);
	ck_assert_str_eq(last, "rule 5");
}
END_TEST

START_TEST(one_line)
{
	char big[1000];

	afw_log_sink_set(sink, &lines);
	log_info("a%sb", "\n\r\x1b[1m\x7f");
	ck_assert_str_eq(last, "a???[1m?b");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info("%s", big);
	ck_assert_uint_lt(strlen(last), 244 - sizeof("auth: "));
}
END_TEST

/* A sink that has something to say itself does not call itself for ever. */
static void
talking_sink(int level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	ck_assert_uint_lt(++lines, 10);
	(void)snprintf(last, sizeof(last), "%s", line);
	log_err("cannot send: %s", line);
}

START_TEST(sink_may_log)
{
	int p[2];
	char buf[200] = "";

	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_ne(dup2(p[1], STDERR_FILENO), -1);
	afw_log_init("test");
	afw_log_sink_set(talking_sink, NULL);
	log_info("one");
	log_info("two");
	ck_assert_uint_eq(lines, 2);
	ck_assert_str_eq(last, "two");
	ck_assert_int_gt(read(p[0], buf, sizeof(buf) - 1), 0);
	ck_assert_str_eq(buf,
	    "test: cannot send: one\n"
	    "test: cannot send: two\n");
}
END_TEST

START_TEST(rate_limit)
{
	struct afw_ratelimit r = {0};
	unsigned int i, ok = 0;

	for (i = 0; i < 100; i++)
		ok += afw_ratelimit_ok(&r, 5);
	ck_assert_uint_eq(ok, 5);
	ck_assert_uint_eq(r.suppressed, 95);
	r.window_ms -= 10000;
	ck_assert(afw_ratelimit_ok(&r, 5));
	ck_assert(!afw_ratelimit_ok(&r, 0));
}
END_TEST

START_TEST(fatal_exits)
{
	fatal("over");
}
END_TEST

START_TEST(fatal_config_exits)
{
	fatal_config("over");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");
	SRunner *sr;
	int failed;

	tcase_add_test(t, levels);
	tcase_add_test(t, one_line);
	tcase_add_test(t, sink_may_log);
	tcase_add_test(t, rate_limit);
	tcase_add_exit_test(t, fatal_exits, 1);
	tcase_add_exit_test(t, fatal_config_exits, 2);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, CK_FORK); /* state is per process */
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
