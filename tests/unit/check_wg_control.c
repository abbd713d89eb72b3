/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "afwrt-tun/wg_control.h"

#define TURNS_MAX 50

static int
address(struct sockaddr_un *a)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	return 1 +
	    snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1,
		"afwrt-check-control-%ld", (long)getpid());
}

static void
limit(rlim_t n)
{
	struct rlimit r;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = n == 0 ? r.rlim_max : n;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
}

static void
over_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

/* How often the loop turned in so many milliseconds. */
static int
turns(struct event_base *base, int ms)
{
	struct timeval tv = {0, ms * 1000};
	bool over = false;
	struct event *e = evtimer_new(base, over_cb, &over);
	int n = 0;

	ck_assert_int_eq(evtimer_add(e, &tv), 0);
	do {
		(void)event_base_loop(base, EVLOOP_ONCE);
		n++;
	} while (!over);
	event_free(e);
	return n;
}

START_TEST(waits_for_a_descriptor)
{
	struct event_base *base = event_base_new();
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int peer = socket(AF_UNIX, SOCK_STREAM, 0), next;
	struct sockaddr_un a;
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    (size_t)address(&a));
	struct wg_control *c;
	char answer;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	c = wg_control_open(base, fd, 1);
	ck_assert_int_eq(connect(peer, (struct sockaddr *)&a, len), 0);
	next = dup(peer);
	(void)close(next);
	limit((rlim_t)next);
	ck_assert_int_lt(turns(base, 500), TURNS_MAX);
	limit(0);
	/* nothing but a whole, unknown request: it is answered or closed */
	ck_assert_int_eq(send(peer, "x=1\n\n", 5, 0), 5);
	(void)turns(base, 500);
	ck_assert_int_ne(recv(peer, &answer, 1, MSG_DONTWAIT), -1);
	wg_control_close(c);
	(void)close(peer);
	event_base_free(base);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wg_control");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_test(t, waits_for_a_descriptor);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
