/* SPDX-License-Identifier: ISC */
/*
 * The sending side of a channel: what it refuses to send, the queue in front
 * of a slow reader, the end of the conversation, and that no secret outlives
 * its message. free() is wrapped by the linker to look at what is given back.
 */
#include "lib/wire/channel.h"

#include <sys/socket.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"

#define SECRET "do-not-leave-me-in-memory"

void __real_free(void *p);
void __wrap_free(void *p);

static volatile unsigned int secrets_freed; /* free() is known to compilers */

void
__wrap_free(void *p)
{
	if (p != NULL &&
	    memmem(p, malloc_usable_size(p), SECRET, sizeof(SECRET) - 1) !=
		NULL)
		secrets_freed++;
	__real_free(p);
}

/* Two channels, both running. */
struct ends {
	struct afw_chan a, b;
	struct afw_msg m;
};

static void
ends_open(struct ends *e, enum afw_role a, enum afw_role b)
{
	int sv[2];

	ck_assert_int_eq(afw_chan_pair(sv), 0);
	ck_assert_int_eq(afw_chan_init(&e->a, sv[0], a, b), 0);
	ck_assert_int_eq(afw_chan_init(&e->b, sv[1], b, a), 0);
	e->a.phase = e->b.phase = AFW_PH_R;
	e->a.self_gen = e->b.peer_gen = 1;
	e->a.peer_gen = e->b.self_gen = 2;
}

static void
ends_close(struct ends *e)
{
	afw_chan_close(&e->a);
	afw_chan_close(&e->b);
}

/* A descriptor to give away, and whether it was closed. */
static int
fd_new(void)
{
	int fd = dup(STDERR_FILENO);

	ck_assert_int_ne(fd, -1);
	return fd;
}

static bool
fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static void
send_refused(struct ends *e, enum afw_msg_type type, uint32_t id,
    const void *payload, bool with_fd, const char *why)
{
	int fd = with_fd ? fd_new() : -1;

	ck_assert_int_eq(afw_chan_send(&e->a, type, id, payload, fd), -1);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_msg(strstr(e->a.why, why) != NULL, "%s", e->a.why);
	if (with_fd)
		ck_assert(!fd_is_open(fd));
	ck_assert_int_eq(afw_chan_recv(&e->b, &e->m), 0);
}

START_TEST(send_refuses)
{
	struct afw_m_route_id id = {.route = 0};
	struct afw_m_tun_config tc = {.connections = 1, .v4v6 = AFW_V4V6_BOTH};
	struct ends e;

	ends_open(&e, AFW_SUP, AFW_TUN);
	send_refused(&e, 999, 1, NULL, true, "unknown type");
	send_refused(&e, AFW_MSG_NET_CLEAR, 1, NULL, true, "this sender");
	send_refused(&e, AFW_MSG_START, 0, NULL, false, "this phase");
	send_refused(&e, AFW_MSG_PING, 0, NULL, false, "request number");
	send_refused(&e, AFW_MSG_PING, 1, NULL, true, "stray descriptor");
	send_refused(&e, AFW_MSG_TUN_CONFIG, 1, &tc, false, "missing");
	send_refused(&e, AFW_MSG_ROUTE_UP, 1, &id, false, "bad payload");
	tc.fresh = 2;
	send_refused(&e, AFW_MSG_TUN_CONFIG, 1, &tc, true, "bad payload");
	tc.fresh = 1; /* and the right one passes */
	ck_assert_int_eq(
	    afw_chan_send(&e.a, AFW_MSG_TUN_CONFIG, 1, &tc, fd_new()), 0);
	ck_assert_int_eq(afw_chan_recv(&e.b, &e.m), 1);
	ck_assert_uint_eq(e.m.hdr.gen, 1);
	afw_msg_done(&e.m);
	ends_close(&e);
}
END_TEST

/* Numbered messages until the channel holds no more; how many went in. */
static uint32_t
fill(struct ends *e)
{
	struct afw_m_backend b = {.index = 0};
	uint32_t n;

	memset(b.url, 'u', sizeof(b.url) - 1);
	for (n = 1; n < 1000000; n++)
		if (afw_chan_send(&e->a, AFW_MSG_BACKEND, n, &b, -1) == -1)
			break;
	ck_assert_int_eq(errno, ENOBUFS);
	return n - 1;
}

START_TEST(queue_keeps_order)
{
	struct ends e;
	uint32_t n, want = 1;
	int rc;

	ends_open(&e, AFW_SUP, AFW_AUTH);
	n = fill(&e);
	ck_assert_uint_gt(e.a.queued, AFW_QUEUE_MAX - AFW_MSG_MAX);
	ck_assert_uint_le(e.a.queued, AFW_QUEUE_MAX);
	ck_assert_int_eq(afw_chan_flush(&e.a), 0); /* nobody reads yet */
	do {
		while ((rc = afw_chan_recv(&e.b, &e.m)) == 1) {
			ck_assert_uint_eq(e.m.hdr.id, want++);
			afw_msg_done(&e.m);
		}
		ck_assert_int_eq(rc, 0);
	} while (afw_chan_flush(&e.a) == 0 || want <= n);
	ck_assert_uint_eq(want, n + 1);
	ck_assert_uint_eq(e.a.queued, 0);
	ck_assert_ptr_null(e.a.head);
	/* and it is usable as before */
	ck_assert_int_eq(afw_chan_send(&e.a, AFW_MSG_PING, 5, NULL, -1), 0);
	ck_assert_int_eq(afw_chan_recv(&e.b, &e.m), 1);
	ends_close(&e);
}
END_TEST

/* There is room again, but others wait: no overtaking. */
START_TEST(queue_is_not_overtaken)
{
	struct ends e;
	uint32_t n = 0, want;

	ends_open(&e, AFW_SUP, AFW_AUTH);
	while (e.a.head == NULL)
		ck_assert_int_eq(
		    afw_chan_send(&e.a, AFW_MSG_PING, ++n, NULL, -1), 0);
	for (want = 1; want < n; want++) {
		ck_assert_int_eq(afw_chan_recv(&e.b, &e.m), 1);
		ck_assert_uint_eq(e.m.hdr.id, want);
	}
	ck_assert_int_eq(afw_chan_send(&e.a, AFW_MSG_PING, ++n, NULL, -1), 0);
	ck_assert_int_eq(afw_chan_recv(&e.b, &e.m), 0);
	ck_assert_int_eq(afw_chan_flush(&e.a), 1);
	for (; want <= n; want++) {
		ck_assert_int_eq(afw_chan_recv(&e.b, &e.m), 1);
		ck_assert_uint_eq(e.m.hdr.id, want);
	}
	ends_close(&e);
}
END_TEST

/* A restart of afwrt-net with as many rules as there may be. */
START_TEST(queue_holds_replay)
{
	struct afw_m_rule r = {
	    .key = {.kind = AFW_KEY_MAC, .mac = {2, 0, 0, 0, 0, 1}},
	    .route = 1};
	struct ends e;
	uint32_t i;

	ends_open(&e, AFW_SUP, AFW_NET);
	for (i = 1; i <= AFW_RULES_MAX; i++)
		ck_assert_int_eq(
		    afw_chan_send(&e.a, AFW_MSG_NET_RULE_SET, i, &r, -1), 0);
	ends_close(&e);
}
END_TEST

/* A full queue takes the descriptor too; closing frees what waits. */
START_TEST(queue_owns_fds)
{
	struct afw_m_peer p = {.role = AFW_NET, .gen = 1};
	unsigned int fds = fds_open();
	struct ends e;
	int fd, i;

	ends_open(&e, AFW_SUP, AFW_AUTH);
	(void)fill(&e);
	while (afw_chan_send(&e.a, AFW_MSG_PING, 1, NULL, -1) == 0)
		continue;
	fd = fd_new();
	ck_assert_int_eq(afw_chan_send(&e.a, AFW_MSG_PEER, 0, &p, fd), -1);
	ck_assert_int_eq(errno, ENOBUFS);
	ck_assert(!fd_is_open(fd));
	for (i = 0; i < 100; i++) {
		ck_assert_int_eq(afw_chan_recv(&e.b, &e.m), 1);
		afw_msg_done(&e.m);
	}
	ck_assert_int_eq(afw_chan_flush(&e.a), 0);
	fd = fd_new();
	ck_assert_int_eq(afw_chan_send(&e.a, AFW_MSG_PEER, 0, &p, fd), 0);
	ck_assert(fd_is_open(fd)); /* waits in the queue */
	ends_close(&e);
	ck_assert_uint_eq(fds_open(), fds);
}
END_TEST

/* A descriptor that waited arrives with its own message. */
START_TEST(queue_passes_fd)
{
	struct afw_m_peer p = {.role = AFW_NET, .gen = 1};
	unsigned int seen = 0, fds = fds_open();
	struct ends e;
	int rc;

	ends_open(&e, AFW_SUP, AFW_AUTH);
	while (e.a.head == NULL)
		ck_assert_int_eq(
		    afw_chan_send(&e.a, AFW_MSG_PING, 1, NULL, -1), 0);
	ck_assert_int_eq(afw_chan_send(&e.a, AFW_MSG_PEER, 0, &p, fd_new()), 0);
	ck_assert_int_eq(afw_chan_send(&e.a, AFW_MSG_PING, 1, NULL, -1), 0);
	do {
		while (afw_chan_recv(&e.b, &e.m) == 1) {
			ck_assert_int_eq(
			    e.m.fd != -1, e.m.hdr.type == AFW_MSG_PEER);
			seen += e.m.hdr.type == AFW_MSG_PEER;
			afw_msg_done(&e.m);
		}
		rc = afw_chan_flush(&e.a);
		ck_assert_int_ne(rc, -1);
	} while (rc == 0 || seen == 0);
	ck_assert_uint_eq(seen, 1);
	ends_close(&e);
	ck_assert_uint_eq(fds_open(), fds);
}
END_TEST

START_TEST(peer_gone)
{
	struct ends e;
	int fd;

	ends_open(&e, AFW_SUP, AFW_TUN);
	ck_assert_int_eq(afw_chan_recv(&e.a, &e.m), 0);
	afw_chan_close(&e.b);
	ck_assert_int_eq(afw_chan_recv(&e.a, &e.m), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	ck_assert_int_eq(afw_chan_send(&e.a, AFW_MSG_PING, 1, NULL, -1), -1);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert_ptr_null(e.a.head);
	afw_chan_close(&e.a);
	/* a closed channel says the same, and takes the descriptor */
	fd = fd_new();
	ck_assert_int_eq(afw_chan_send(&e.a, AFW_MSG_PEER, 0,
			     &(struct afw_m_peer){AFW_NET, 1}, fd),
	    -1);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert(!fd_is_open(fd));
	ck_assert_int_eq(afw_chan_recv(&e.a, &e.m), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	afw_chan_close(&e.a);
}
END_TEST

START_TEST(flush_to_nobody)
{
	struct ends e;

	ends_open(&e, AFW_SUP, AFW_AUTH);
	(void)fill(&e);
	afw_chan_close(&e.b);
	ck_assert_int_eq(afw_chan_flush(&e.a), -1);
	ck_assert_int_eq(errno, EPIPE);
	ends_close(&e);
}
END_TEST

/* What the peer said before it closed is still delivered, then the end. */
START_TEST(end_comes_last)
{
	struct ends e;

	ends_open(&e, AFW_SUP, AFW_TUN);
	ck_assert_int_eq(afw_chan_send(&e.a, AFW_MSG_PING, 1, NULL, -1), 0);
	ck_assert_int_eq(afw_chan_send(&e.a, AFW_MSG_PING, 2, NULL, -1), 0);
	afw_chan_close(&e.a);
	ck_assert_int_eq(afw_chan_recv(&e.b, &e.m), 1);
	ck_assert_int_eq(afw_chan_recv(&e.b, &e.m), 1);
	ck_assert_uint_eq(e.m.hdr.id, 2);
	ck_assert_int_eq(afw_chan_recv(&e.b, &e.m), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	ends_close(&e);
}
END_TEST

/*
 * Closing with unread messages makes the kernel report a reset before it gives
 * out what was sent: the last words must arrive all the same.
 */
START_TEST(last_words_arrive)
{
	struct ends e;

	ends_open(&e, AFW_SUP, AFW_TUN);
	ck_assert_int_eq(afw_chan_send(&e.b, AFW_MSG_READY, 0, NULL, -1), -1);
	ck_assert_int_eq(afw_chan_send(&e.b, AFW_MSG_LOG, 0,
			     &(struct afw_m_log){.text = "unread"}, -1),
	    0);
	ck_assert_int_eq(afw_chan_send(&e.a, AFW_MSG_PING, 1, NULL, -1), 0);
	afw_chan_close(&e.a);
	ck_assert_int_eq(afw_chan_recv(&e.b, &e.m), 1);
	ck_assert_uint_eq(e.m.hdr.id, 1);
	ck_assert_int_eq(afw_chan_recv(&e.b, &e.m), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	ends_close(&e);
}
END_TEST

static void
secret_make(struct afw_m_token *t)
{
	memset(t, 0, sizeof(*t));
	ck_assert_int_eq(afw_str_set(t->token, sizeof(t->token), SECRET), 0);
}

/* The wrap works, else the next tests would show nothing. */
START_TEST(secret_is_seen)
{
	char *volatile p = strdup(SECRET); /* or compilers drop it */

	secrets_freed = 0;
	free(p);
	ck_assert_uint_eq(secrets_freed, 1);
}
END_TEST

static void
secret_queue(struct ends *e)
{
	struct afw_m_token t;

	ends_open(e, AFW_SUP, AFW_AUTH);
	secret_make(&t);
	while (e->a.head == NULL)
		ck_assert_int_eq(
		    afw_chan_send(&e->a, AFW_MSG_TOKEN, 1, &t, -1), 0);
	secrets_freed = 0;
}

START_TEST(secret_wiped_after_flush)
{
	struct ends e;

	secret_queue(&e);
	while (e.a.head != NULL) {
		ck_assert_int_eq(afw_chan_recv(&e.b, &e.m), 1);
		afw_msg_done(&e.m);
		ck_assert_int_ne(afw_chan_flush(&e.a), -1);
	}
	ck_assert_uint_eq(secrets_freed, 0);
	ends_close(&e);
}
END_TEST

START_TEST(secret_wiped_on_close)
{
	struct ends e;

	secret_queue(&e);
	ends_close(&e);
	ck_assert_uint_eq(secrets_freed, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("queue");
	TCase *t = tcase_create("queue");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_test(t, send_refuses);
	tcase_add_test(t, queue_keeps_order);
	tcase_add_test(t, queue_is_not_overtaken);
	tcase_add_test(t, queue_holds_replay);
	tcase_add_test(t, queue_owns_fds);
	tcase_add_test(t, queue_passes_fd);
	tcase_add_test(t, peer_gone);
	tcase_add_test(t, flush_to_nobody);
	tcase_add_test(t, end_comes_last);
	tcase_add_test(t, last_words_arrive);
	tcase_add_test(t, secret_is_seen);
	tcase_add_test(t, secret_wiped_after_flush);
	tcase_add_test(t, secret_wiped_on_close);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
