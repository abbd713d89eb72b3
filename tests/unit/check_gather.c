/* SPDX-License-Identifier: ISC */
/* When a busy stream is told of late, and that nothing is told of too late. */
#include <netinet/in.h>
#include <sys/socket.h>

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "afwrt-tun/gather.h"

static struct event_base *base;
static struct event *late, *rd;
static struct gather g;
static int us, them;
static unsigned int n_late, n_rd;
static int64_t now;

static void
late_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	n_late++;
}

static void
rd_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	n_rd++;
}

static void
setup(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	us = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(l, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(l, 1), 0);
	ck_assert_int_eq(getsockname(l, (struct sockaddr *)&a, &len), 0);
	ck_assert_int_eq(connect(us, (struct sockaddr *)&a, sizeof(a)), 0);
	them = accept(l, NULL, NULL);
	ck_assert_int_ne(them, -1);
	(void)close(l);
	base = event_base_new();
	late = evtimer_new(base, late_cb, NULL);
	rd = event_new(base, us, EV_READ | EV_PERSIST, rd_cb, NULL);
	(void)event_add(rd, NULL);
	g = (struct gather){0};
	n_late = n_rd = 0;
	now = 1000000;
	gather_init(&g, us, late);
}

static void
teardown(void)
{
	event_free(late);
	event_free(rd);
	event_base_free(base);
	(void)close(us);
	(void)close(them);
}

static int
lowat(void)
{
	int v = 0;
	socklen_t len = sizeof(v);

	ck_assert_int_eq(getsockopt(us, SOL_SOCKET, SO_RCVLOWAT, &v, &len), 0);
	return v;
}

/* So many bytes a second for that long, in batches of 0.2 ms. */
static void
stream(int64_t rate, int64_t ms)
{
	int64_t i;

	for (i = 0; i < ms * 5; i++) {
		now += 200;
		gather_read(&g, (size_t)(rate / 5000), now);
	}
}

START_TEST(a_slow_stream_is_told_of_at_once)
{
	stream(5000000, 100);
	ck_assert_int_eq(lowat(), 1);
	ck_assert(!evtimer_pending(late, NULL));
}
END_TEST

START_TEST(a_busy_one_is_gathered)
{
	stream(60000000, 20);
	ck_assert_int_gt(lowat(), 10000);
	ck_assert_int_lt(lowat(), 16000);
	ck_assert(evtimer_pending(late, NULL));
	stream(1000000000, 20);
	ck_assert_int_eq(lowat(), 24 * 1024);
	gather_read(&g, 0, now); /* late came, and there was nothing */
	ck_assert_int_eq(lowat(), 1);
}
END_TEST

START_TEST(old_measurements_do_not_count)
{
	stream(60000000, 20);
	now += 10000000;
	gather_read(&g, 60000, now);
	ck_assert_int_eq(lowat(), 1);
}
END_TEST

/* With the kernel: less than the mark is told of by the timer, the mark and
 * the end of the stream by the socket. */
START_TEST(nothing_is_told_of_too_late)
{
	static const char data[32768];
	char buf[32768];

	stream(60000000, 20);
	ck_assert_int_eq(send(them, data, 100, 0), 100);
	(void)event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(n_rd, 0);
	ck_assert_uint_eq(n_late, 1);
	ck_assert_int_eq(recv(us, buf, sizeof(buf), MSG_DONTWAIT), 100);
	ck_assert_int_eq(send(them, data, 20000, 0), 20000);
	(void)event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(n_rd, 1);
	while (recv(us, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	(void)shutdown(them, SHUT_WR);
	(void)event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(n_rd, 2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("gather");
	TCase *t = tcase_create("gather");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_slow_stream_is_told_of_at_once);
	tcase_add_test(t, a_busy_one_is_gathered);
	tcase_add_test(t, old_measurements_do_not_count);
	tcase_add_test(t, nothing_is_told_of_too_late);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
