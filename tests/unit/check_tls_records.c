/* SPDX-License-Identifier: ISC */
/*
 * What fast.c makes of the records of a peer that is not well-behaved. The
 * protection of records is replaced by one that anybody can make: the plain
 * text and 16 zeros.
 */
#include <sys/socket.h>

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/tls/tls_priv.h"

#define COST 16

static int far_end;
static struct afw_tls *t;

/* ---- in the place of record_openssl.c ----------------------------------- */

struct record {
	int nothing;
};
static struct record the_record;

struct record *
record_new(const struct record_keys *k, const char *suite)
{
	(void)k;
	(void)suite;
	return &the_record;
}

void
record_free(struct record *r)
{
	(void)r;
}

size_t
record_seal(struct record *r, enum record_type type, const void *data,
    size_t len, uint8_t *out)
{
	(void)r;
	out[0] = (uint8_t)type;
	out[1] = out[2] = 3;
	out[3] = (uint8_t)((len + COST) >> 8);
	out[4] = (uint8_t)(len + COST);
	if (len > 0)
		memcpy(out + RECORD_HEAD, data, len);
	memset(out + RECORD_HEAD + len, 0, COST);
	return RECORD_HEAD + len + COST;
}

ssize_t
record_plain_len(const struct record *r, size_t len)
{
	(void)r;
	return len < COST ? -1 : (ssize_t)(len - COST);
}

int
record_open(struct record *r, const uint8_t *rec, size_t len, uint8_t *out)
{
	(void)r;
	memmove(out, rec + RECORD_HEAD, len - COST);
	return 0;
}

/* ---- the peer ------------------------------------------------------------ */

static void
say(enum record_type type, const void *data, size_t len)
{
	uint8_t rec[256];
	size_t n = record_seal(NULL, type, data, len, rec);

	ck_assert_int_eq(send(far_end, rec, n, 0), (ssize_t)n);
}

static void
setup(void)
{
	int fd[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	t = calloc(1, sizeof(*t));
	ck_assert_ptr_nonnull(t);
	t->fd = fd[0];
	far_end = fd[1];
	t->up = true;
	t->record = &the_record;
	mbedtls_ssl_init(&t->ssl);
}

static void
teardown(void)
{
	afw_tls_free(t);
	(void)close(far_end);
}

/* ---- tests --------------------------------------------------------------- */

START_TEST(some_without_data)
{
	static const uint8_t warning[2] = {1, 90};
	char buf[16];
	int i;

	for (i = 0; i < 100; i++) {
		say(RECORD_DATA, NULL, 0);
		say(RECORD_ALERT, warning, sizeof(warning));
		say(RECORD_DATA, "abc", 3);
		ck_assert_int_eq(afw_tls_read(t, buf, sizeof(buf)), 3);
	}
	ck_assert_int_eq(afw_tls_read(t, buf, sizeof(buf)), -1);
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

/* A read comes back only with data, so one could be kept busy for ever. */
START_TEST(endless_without_data)
{
	static const uint8_t what[3][4] = {{0}, {1, 90}, {0}};
	static const size_t len[3] = {0, 2, 4};
	static const enum record_type type[3] = {
	    RECORD_DATA, RECORD_ALERT, RECORD_HANDSHAKE};
	char buf[16];
	int i;

	for (i = 0; i < 200; i++)
		say(type[_i], what[_i], len[_i]);
	ck_assert_int_eq(afw_tls_read(t, buf, sizeof(buf)), -1);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_int_eq(afw_tls_read(t, buf, sizeof(buf)), -1);
	ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tls_records");
	TCase *c = tcase_create("tls_records");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, some_without_data);
	tcase_add_loop_test(c, endless_without_data, 0, 3);
	suite_add_tcase(s, c);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
