/* SPDX-License-Identifier: ISC */
/*
 * Links that end: closed by us, by the peer, by a violation, from within a
 * callback; and what is left of the requests that were waiting.
 */
#include "lib/daemon/link.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "raw.h"
#include "world.h"

#define LONG_MS 60000 /* never reached */

static const struct afw_handler answering[] = {
    {AFW_MSG_PING, ping_answer},
    {0, NULL},
};
static const struct afw_handler silent[] = {
    {AFW_MSG_PING, ping_ignore},
    {0, NULL},
};

START_TEST(close_answers_all)
{
	unsigned int i, fds = fds_open();
	struct world w;

	world_open(&w, AFW_SUP, AFW_NET, silent);
	for (i = 0; i < 100; i++)
		ck_assert_uint_ne(world_ping(&w, LONG_MS), 0);
	afw_link_close(&w.a);
	ck_assert_uint_eq(w.codes[AFW_EPIPE], 100);
	ck_assert(!afw_link_is_open(&w.a));
	afw_link_close(&w.a); /* again: nothing */
	world_until(&w, &w.closed_b, 1);
	ck_assert_str_eq(w.why_b, "");
	ck_assert_uint_eq(w.closed_a, 0); /* we knew */
	world_close(&w);
	ck_assert_uint_eq(w.replies, 100);
	ck_assert_uint_eq(fds_open(), fds);
}
END_TEST

static int
violate(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
	return -1;
}

START_TEST(handler_finds_violation)
{
	static const struct afw_handler h[] = {
	    {AFW_MSG_PING, violate}, {0, NULL}};
	struct world w;

	world_open(&w, AFW_SUP, AFW_NET, h);
	(void)world_ping(&w, LONG_MS);
	world_until(&w, &w.closed_a, 1);
	ck_assert_uint_eq(w.closed_b, 1);
	ck_assert_ptr_nonnull(strstr(w.why_b, "PING from afwrtd"));
	ck_assert_str_eq(w.why_a, "");
	ck_assert_uint_eq(w.codes[AFW_EPIPE], 1);
	world_close(&w);
}
END_TEST

START_TEST(channel_finds_violation)
{
	struct world w;

	world_open(&w, AFW_SUP, AFW_NET, NULL);
	w.a.chan.self_gen = 9;
	(void)world_ping(&w, LONG_MS);
	world_until(&w, &w.closed_a, 1);
	ck_assert_ptr_nonnull(strstr(w.why_b, "future generation"));
	world_close(&w);
}
END_TEST

/* closed() comes once, from the loop and never from within send. */
START_TEST(send_finds_end)
{
	struct world w;

	world_open(&w, AFW_SUP, AFW_NET, silent);
	ck_assert_uint_ne(world_ping(&w, LONG_MS), 0);
	afw_link_close(&w.b);
	ck_assert_uint_eq(world_ping(&w, LONG_MS), 0);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert_uint_eq(world_ping(&w, LONG_MS), 0);
	ck_assert_uint_eq(w.closed_a, 0);
	ck_assert_uint_eq(w.replies, 0);
	ck_assert(!afw_link_is_open(&w.a));
	world_until(&w, &w.closed_a, 1);
	world_settle(&w);
	ck_assert_uint_eq(w.closed_a, 1);
	ck_assert_str_eq(w.why_a, "");
	ck_assert_uint_eq(w.replies, 1); /* the one that was accepted */
	world_close(&w);
}
END_TEST

/* Also when only our sending fails and there is no end to read. */
START_TEST(send_fails_alone)
{
	struct world w;

	world_open(&w, AFW_SUP, AFW_NET, silent);
	event_del(w.b.rd); /* it would see its own end */
	ck_assert_int_eq(shutdown(w.b.chan.fd, SHUT_RD), 0);
	ck_assert_uint_eq(world_ping(&w, LONG_MS), 0);
	ck_assert_uint_eq(w.closed_a, 0);
	world_settle(&w);
	ck_assert_uint_eq(w.closed_a, 1);
	world_close(&w);
}
END_TEST

/* Without a close in closed() it still comes once only. */
static void
leave_it(struct world *w, struct afw_link *l)
{
	(void)w;
	ck_assert(!afw_link_is_open(l));
}

START_TEST(closed_once)
{
	struct world w;

	world_open(&w, AFW_SUP, AFW_NET, silent);
	w.on_closed = leave_it;
	afw_link_close(&w.b);
	world_until(&w, &w.closed_a, 1);
	ck_assert_uint_eq(world_ping(&w, LONG_MS), 0);
	world_settle(&w);
	ck_assert_uint_eq(w.closed_a, 1);
	world_close(&w);
	ck_assert_uint_eq(w.closed_a, 1);
}
END_TEST

/* What the peer said last is handled before its end. */
START_TEST(last_words)
{
	struct world w;

	world_open(&w, AFW_SUP, AFW_NET, answering);
	(void)world_ping(&w, LONG_MS);
	(void)world_ping(&w, LONG_MS);
	afw_link_close(&w.a);
	world_until(&w, &w.closed_b, 1);
	ck_assert_uint_eq(w.handled, 2);
	ck_assert_uint_eq(w.closed_b, 1);
	world_close(&w);
}
END_TEST

static void
reply_closes(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct world *w = arg;

	world_reply(arg, code, text, m);
	afw_link_close(&w->a);
}

/* By a reply, by a time limit, by the answers of a close. */
START_TEST(callback_closes)
{
	struct world w;
	unsigned int i;
	static const struct afw_handler *const h[] = {answering, silent};

	for (i = 0; i < 2; i++) {
		world_open(&w, AFW_SUP, AFW_NET, h[i]);
		ck_assert_uint_ne(
		    afw_link_request(&w.a, AFW_MSG_PING, NULL, -1,
			i == 0 ? LONG_MS : 20, false, reply_closes, &w),
		    0);
		ck_assert_uint_ne(world_ping(&w, LONG_MS), 0);
		world_until(&w, &w.replies, 2);
		ck_assert_uint_eq(w.codes[i == 0 ? AFW_OK : AFW_ETIMEDOUT], 1);
		ck_assert_uint_eq(w.codes[AFW_EPIPE], 1);
		world_until(&w, &w.closed_b, 1);
		world_close(&w);
		ck_assert_uint_eq(w.closed_a, 0);
	}
}
END_TEST

static int
handler_closes(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct world *w = arg;

	(void)m;
	w->handled++;
	afw_link_close(l);
	return w->extra != NULL ? -1 : AFW_EBUSY;
}

START_TEST(handler_closes_link)
{
	static const struct afw_handler h[] = {
	    {AFW_MSG_PING, handler_closes}, {0, NULL}};
	struct world w;
	int i;

	for (i = 0; i < 2; i++) {
		world_open(&w, AFW_SUP, AFW_NET, h);
		w.extra = i == 0 ? NULL : &w;
		(void)world_ping(&w, LONG_MS);
		(void)world_ping(&w, LONG_MS);
		world_until(&w, &w.closed_a, 1);
		ck_assert_uint_eq(w.handled, 1);
		ck_assert_uint_eq(w.closed_b, 0);
		ck_assert_uint_eq(w.codes[AFW_EPIPE], 2);
		world_close(&w);
	}
}
END_TEST

/* Asks again from inside, until the link is gone. */
static void
ask_again(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct world *w = arg;
	uint32_t id;

	world_reply(arg, code, text, m);
	id = afw_link_request(&w->a, AFW_MSG_PING, NULL, -1,
	    w->extra != NULL ? 1 : LONG_MS, false, ask_again, w);
	ck_assert_int_eq(id == 0, code == AFW_EPIPE);
}

START_TEST(callback_asks_again)
{
	struct world w;

	world_open(&w, AFW_SUP, AFW_NET, answering);
	w.extra = NULL;
	ck_assert_uint_ne(afw_link_request(&w.a, AFW_MSG_PING, NULL, -1,
			      LONG_MS, false, ask_again, &w),
	    0);
	world_until(&w, &w.replies, 50);
	world_close(&w);
	ck_assert_uint_eq(w.codes[AFW_EPIPE], 1);
}
END_TEST

START_TEST(timeout_asks_again)
{
	struct world w;

	world_open(&w, AFW_SUP, AFW_NET, silent);
	w.extra = &w;
	ck_assert_uint_ne(afw_link_request(&w.a, AFW_MSG_PING, NULL, -1, 1,
			      false, ask_again, &w),
	    0);
	world_until(&w, &w.codes[AFW_ETIMEDOUT], 10);
	world_close(&w);
	ck_assert_uint_eq(w.codes[AFW_EPIPE], 1);
}
END_TEST

static void
cancel_rest(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct world *w = arg;

	world_reply(arg, code, text, m);
	afw_link_cancel(&w->a, w);
}

START_TEST(cancel_while_closing)
{
	struct world w;

	world_open(&w, AFW_SUP, AFW_NET, silent);
	ck_assert_uint_ne(afw_link_request(&w.a, AFW_MSG_PING, NULL, -1,
			      LONG_MS, false, cancel_rest, &w),
	    0);
	ck_assert_uint_ne(world_ping(&w, LONG_MS), 0);
	afw_link_close(&w.a);
	ck_assert_uint_eq(w.replies, 1);
	world_close(&w);
}
END_TEST

static unsigned int lines_logged;

static void
count_line(int level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
	lines_logged++;
}

/* A link that was never opened is a closed one, and no bug is logged. */
START_TEST(never_opened)
{
	struct afw_m_peer p = {.role = AFW_NET, .gen = 1};
	struct afw_link l;
	struct world w = {0};
	int fd = dup(STDERR_FILENO);

	memset(&l, 0, sizeof(l));
	afw_log_sink_set(count_line, NULL);
	ck_assert(!afw_link_is_open(&l));
	ck_assert_int_eq(afw_link_send(&l, AFW_MSG_PEER, 0, &p, fd), -1);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert_uint_eq(afw_link_request(&l, AFW_MSG_PING, NULL, -1, 1, false,
			      world_reply, &w),
	    0);
	afw_link_status(&l, 1, AFW_OK, NULL);
	afw_link_cancel(&l, &w);
	afw_link_drain(&l, 1000);
	afw_link_close(&l);
	ck_assert_uint_eq(w.replies, 0);
	ck_assert_uint_eq(lines_logged, 0);
}
END_TEST

START_TEST(open_fails)
{
	struct event_base *base = event_base_new();
	struct afw_link l;
	int fd = open("/", O_PATH); /* refuses O_NONBLOCK */

	ck_assert_int_eq(
	    afw_link_open(&l, base, fd, AFW_SUP, AFW_NET, silent, NULL, NULL),
	    -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1); /* taken all the same */
	ck_assert(!afw_link_is_open(&l));
	afw_link_close(&l);
	event_base_free(base);
}
END_TEST

static void
fill(struct world *w)
{
	while (w->a.chan.queued < AFW_QUEUE_MAX / 8)
		(void)world_ping(w, LONG_MS);
}

START_TEST(drain_waits)
{
	struct world w;
	pid_t pid;
	int status;

	world_open(&w, AFW_SUP, AFW_NET, silent);
	fill(&w);
	if ((pid = fork()) == 0) {
		struct afw_msg m;

		afw_chan_close(&w.a.chan);
		while (afw_chan_recv(&w.b.chan, &m) != -1)
			(void)usleep(1);
		_exit(0);
	}
	afw_chan_close(&w.b.chan);
	afw_link_drain(&w.a, 20000);
	ck_assert_ptr_null(w.a.chan.head);
	world_close(&w);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* A reader that only trickles does not hold us longer than was said. */
START_TEST(drain_gives_up)
{
	struct world w;
	int64_t start;
	pid_t pid;

	world_open(&w, AFW_SUP, AFW_NET, silent);
	fill(&w);
	if ((pid = fork()) == 0) {
		struct afw_msg m;

		while (afw_chan_recv(&w.b.chan, &m) != -1)
			(void)usleep(1000);
		_exit(0);
	}
	start = afw_now_ms();
	afw_link_drain(&w.a, 400);
	ck_assert_int_lt(afw_now_ms() - start, 2000);
	ck_assert_ptr_nonnull(w.a.chan.head);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	world_close(&w);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("link");
	TCase *t = tcase_create("end");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_test(t, close_answers_all);
	tcase_add_test(t, handler_finds_violation);
	tcase_add_test(t, channel_finds_violation);
	tcase_add_test(t, send_finds_end);
	tcase_add_test(t, send_fails_alone);
	tcase_add_test(t, closed_once);
	tcase_add_test(t, last_words);
	tcase_add_test(t, callback_closes);
	tcase_add_test(t, handler_closes_link);
	tcase_add_test(t, callback_asks_again);
	tcase_add_test(t, timeout_asks_again);
	tcase_add_test(t, cancel_while_closing);
	tcase_add_test(t, never_opened);
	tcase_add_test(t, open_fails);
	tcase_add_test(t, drain_waits);
	tcase_add_test(t, drain_gives_up);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
