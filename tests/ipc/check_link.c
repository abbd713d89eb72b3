/* SPDX-License-Identifier: ISC */
/* Links that live: requests and replies, time limits, results of handlers. */
#include "lib/daemon/link.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"
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

START_TEST(request_and_reply)
{
	struct world w;
	uint32_t id;

	world_open(&w, AFW_SUP, AFW_NET, answering);
	id = world_ping(&w, LONG_MS);
	ck_assert_uint_ne(id, 0);
	ck_assert_uint_eq(w.replies, 0); /* never before it returns */
	world_until(&w, &w.replies, 1);
	ck_assert_uint_eq(w.codes[AFW_OK], 1);
	ck_assert_uint_eq(w.type, AFW_MSG_STATUS);
	ck_assert_uint_eq(w.last_id, id);
	ck_assert_str_eq(w.text, "pong 1");
	ck_assert_uint_ne(world_ping(&w, LONG_MS), id);
	world_until(&w, &w.replies, 2);
	ck_assert_ptr_null(w.a.pending);
	world_close(&w);
	ck_assert_uint_eq(w.replies, 2);
}
END_TEST

static int
refuse_busy(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
	return AFW_EBUSY;
}

/* A positive result is the answer; without a handler it is ENOSYS. */
START_TEST(handler_refuses)
{
	static const struct afw_handler h[] = {
	    {AFW_MSG_PING, refuse_busy}, {0, NULL}};
	struct afw_m_shutdown s = {0};
	struct world w;

	world_open(&w, AFW_SUP, AFW_NET, h);
	(void)world_ping(&w, LONG_MS);
	world_until(&w, &w.replies, 1);
	ck_assert_uint_eq(w.codes[AFW_EBUSY], 1);
	ck_assert_str_eq(w.text, afw_error_text(AFW_EBUSY));
	ck_assert_uint_ne(afw_link_request(&w.a, AFW_MSG_NET_CLEAR, &s, -1,
			      LONG_MS, false, world_reply, &w),
	    0);
	world_until(&w, &w.replies, 2);
	ck_assert_uint_eq(w.codes[AFW_ENOSYS], 1);
	ck_assert(afw_link_is_open(&w.a) && afw_link_is_open(&w.b));
	world_close(&w);
}
END_TEST

/* The reply may come long after the handler. */
START_TEST(late_reply)
{
	struct world w;

	world_open(&w, AFW_SUP, AFW_NET, silent);
	(void)world_ping(&w, LONG_MS);
	world_until(&w, &w.handled, 1);
	world_settle(&w);
	ck_assert_uint_eq(w.replies, 0);
	afw_link_status(&w.b, w.last_id, AFW_ENOENT, NULL);
	world_until(&w, &w.replies, 1);
	ck_assert_uint_eq(w.codes[AFW_ENOENT], 1);
	/* a second answer, and one to nobody's request, are dropped */
	afw_link_status(&w.b, w.last_id, AFW_OK, NULL);
	afw_link_status(&w.b, 4711, AFW_OK, NULL);
	world_settle(&w);
	ck_assert_uint_eq(w.replies, 1);
	ck_assert(afw_link_is_open(&w.a));
	world_close(&w);
}
END_TEST

START_TEST(times_out)
{
	struct world w;
	int64_t start = afw_now_ms();

	world_open(&w, AFW_SUP, AFW_NET, silent);
	ck_assert_uint_ne(world_ping(&w, LONG_MS), 0);
	ck_assert_uint_ne(world_ping(&w, 60), 0);
	ck_assert_uint_ne(world_ping(&w, 20), 0);
	world_until(&w, &w.replies, 1);
	ck_assert_int_ge(afw_now_ms() - start, 20);
	ck_assert_uint_eq(w.type, 0);
	world_until(&w, &w.replies, 2);
	ck_assert_int_ge(afw_now_ms() - start, 60);
	ck_assert_uint_eq(w.codes[AFW_ETIMEDOUT], 2);
	afw_link_status(&w.b, w.last_id, AFW_OK, NULL); /* too late */
	world_settle(&w);
	ck_assert_uint_eq(w.replies, 2);
	world_close(&w);
	ck_assert_uint_eq(w.codes[AFW_EPIPE], 1); /* the first one */
}
END_TEST

/* A time limit holds also after another request was answered. */
START_TEST(times_out_after_answer)
{
	struct world w;

	world_open(&w, AFW_SUP, AFW_NET, silent);
	ck_assert_uint_ne(world_ping(&w, 30), 0);
	world_until(&w, &w.handled, 1);
	afw_link_status(&w.b, w.last_id, AFW_OK, NULL);
	ck_assert_uint_ne(world_ping(&w, 60), 0);
	world_until(&w, &w.replies, 2);
	ck_assert_uint_eq(w.codes[AFW_OK], 1);
	ck_assert_uint_eq(w.codes[AFW_ETIMEDOUT], 1);
	world_close(&w);
}
END_TEST

static void
item_send(struct afw_link *l, uint32_t id, uint32_t pid)
{
	struct afw_m_process p = {.role = AFW_NET, .pid = pid};

	ck_assert_int_eq(
	    afw_link_send(l, AFW_MSG_QUERY_PROCESS, id, &p, -1), 0);
}

static int
query_answer(void *arg, struct afw_link *l, struct afw_msg *m)
{
	uint32_t i;

	(void)arg;
	for (i = 0; i < 2000; i++) /* more than the kernel takes at once */
		item_send(l, m->hdr.id, i);
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

static void
item_count(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct world *w = arg;

	if (m != NULL && m->hdr.type == AFW_MSG_QUERY_PROCESS)
		ck_assert_uint_eq(
		    ((const struct afw_m_process *)(const void *)m->payload)
			->pid,
		    w->replies);
	world_reply(arg, code, text, m);
}

START_TEST(many_items)
{
	static const struct afw_handler h[] = {
	    {AFW_MSG_QUERY, query_answer}, {0, NULL}};
	struct world w;

	world_open(&w, AFW_LIB, AFW_SUP, h);
	ck_assert_uint_ne(afw_link_request(&w.a, AFW_MSG_QUERY, NULL, -1,
			      LONG_MS, true, item_count, &w),
	    0);
	world_until(&w, &w.replies, 2001);
	ck_assert_uint_eq(w.type, AFW_MSG_STATUS);
	ck_assert_ptr_null(w.a.pending);
	world_close(&w);
	ck_assert_uint_eq(w.replies, 2001);
}
END_TEST

struct drip {
	struct world *w;
	struct event *ev;
	uint32_t id;
	unsigned int n;
	bool endless;
};

static void
drip_cb(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval tv = {0, 20000};
	struct drip *d = arg;

	(void)fd;
	(void)what;
	item_send(&d->w->b, d->id, d->n++);
	if (d->n < 20 || d->endless)
		(void)evtimer_add(d->ev, &tv);
}

/* Each item gives new time: 20 of them take longer than the limit. */
START_TEST(many_items_slowly)
{
	struct world w;
	struct drip d = {.w = &w};
	int64_t start = afw_now_ms();

	world_open(&w, AFW_LIB, AFW_SUP, NULL);
	d.id = afw_link_request(
	    &w.a, AFW_MSG_QUERY, NULL, -1, 300, true, item_count, &w);
	d.ev = evtimer_new(w.base, drip_cb, &d);
	event_del(w.b.rd); /* nobody handles the QUERY itself */
	drip_cb(-1, 0, &d);
	world_until(&w, &w.replies, 20);
	ck_assert_int_gt(afw_now_ms() - start, 300);
	ck_assert_uint_eq(w.codes[AFW_ETIMEDOUT], 0);
	world_until(&w, &w.replies, 21);
	ck_assert_uint_eq(w.codes[AFW_ETIMEDOUT], 1);
	event_free(d.ev);
	world_close(&w);
	ck_assert_uint_eq(w.replies, 21);
}
END_TEST

/* A peer that never stops sending items cannot hold a request for ever. */
START_TEST(many_items_without_end)
{
	struct world w;
	struct drip d = {.w = &w, .endless = true};
	int64_t start = afw_now_ms();

	world_open(&w, AFW_LIB, AFW_SUP, NULL);
	d.id = afw_link_request(
	    &w.a, AFW_MSG_QUERY, NULL, -1, 300, true, item_count, &w);
	d.ev = evtimer_new(w.base, drip_cb, &d);
	event_del(w.b.rd); /* nobody handles the QUERY itself */
	drip_cb(-1, 0, &d);
	while (w.codes[AFW_ETIMEDOUT] == 0 && afw_now_ms() - start < 5000)
		event_base_loop(w.base, EVLOOP_ONCE);
	ck_assert_uint_eq(w.codes[AFW_ETIMEDOUT], 1);
	ck_assert_ptr_null(w.a.pending);
	event_free(d.ev);
	world_close(&w);
}
END_TEST

START_TEST(cancelled)
{
	struct world w, other = {0};

	world_open(&w, AFW_SUP, AFW_NET, silent);
	(void)world_ping(&w, 20);
	(void)afw_link_request(
	    &w.a, AFW_MSG_PING, NULL, -1, 20, false, world_reply, &other);
	afw_link_cancel(&w.a, &w);
	world_until(&w, &other.replies, 1);
	world_settle(&w);
	ck_assert_uint_eq(other.codes[AFW_ETIMEDOUT], 1);
	ck_assert_uint_eq(w.replies, 0);
	world_close(&w);
	ck_assert_uint_eq(w.replies, 0);
}
END_TEST

static int
event_count(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_token *t = (const void *)m->payload;
	struct world *w = arg;

	(void)l;
	ck_assert_uint_eq((uint32_t)strtoul(t->token, NULL, 10), w->handled);
	w->handled++;
	return 0;
}

/* Events that had to wait arrive too, in order. */
START_TEST(queued_events)
{
	static const struct afw_handler h[] = {
	    {AFW_MSG_EV_TOKEN, event_count}, {0, NULL}};
	struct afw_m_token t = {.token = ""};
	struct world w;
	unsigned int i;

	world_open(&w, AFW_SUP, AFW_LIB, h);
	for (i = 0; i < 500; i++) {
		(void)snprintf(t.token, sizeof(t.token), "%u", i);
		ck_assert_int_eq(
		    afw_link_send(&w.a, AFW_MSG_EV_TOKEN, 0, &t, -1), 0);
	}
	ck_assert_ptr_nonnull(w.a.chan.head);
	world_until(&w, &w.handled, 500);
	world_settle(&w);
	ck_assert_ptr_null(w.a.chan.head);
	world_close(&w);
}
END_TEST

/* As many requests as there may be rules, all waiting at once. */
START_TEST(all_rules_at_once)
{
	struct world w;
	unsigned int i;
	int64_t start = afw_now_ms();

	world_open(&w, AFW_SUP, AFW_NET, answering);
	for (i = 0; i < AFW_RULES_MAX; i++)
		ck_assert_uint_ne(world_ping(&w, LONG_MS), 0);
	world_until(&w, &w.replies, AFW_RULES_MAX);
	ck_assert_uint_eq(w.codes[AFW_OK], AFW_RULES_MAX);
	ck_assert_int_lt(afw_now_ms() - start, 5000);
	world_close(&w);
}
END_TEST

static char traced[4096];

static void
trace_keep(int level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	(void)strncat(traced, line, sizeof(traced) - strlen(traced) - 2);
	(void)strcat(traced, "\n");
}

START_TEST(trace_has_no_payload)
{
	struct afw_m_token t = {.token = "secret-token"};
	struct world w;

	world_open(&w, AFW_SUP, AFW_AUTH, NULL);
	afw_log_sink_set(trace_keep, NULL);
	afw_log_level_set(7);
	(void)afw_link_request(
	    &w.a, AFW_MSG_TOKEN, &t, -1, LONG_MS, false, world_reply, &w);
	world_until(&w, &w.replies, 1);
	world_close(&w);
	ck_assert_ptr_nonnull(
	    strstr(traced, "afwrtd -> auth TOKEN id=1 len=4100\n"));
	ck_assert_ptr_nonnull(strstr(traced, "auth -> afwrtd STATUS id=1"));
	ck_assert_ptr_null(strstr(traced, "secret"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("link");
	TCase *t = tcase_create("alive");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_test(t, request_and_reply);
	tcase_add_test(t, handler_refuses);
	tcase_add_test(t, late_reply);
	tcase_add_test(t, times_out);
	tcase_add_test(t, times_out_after_answer);
	tcase_add_test(t, many_items);
	tcase_add_test(t, many_items_slowly);
	tcase_add_test(t, many_items_without_end);
	tcase_add_test(t, cancelled);
	tcase_add_test(t, queued_events);
	tcase_add_test(t, all_rules_at_once);
	tcase_add_test(t, trace_has_no_payload);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
