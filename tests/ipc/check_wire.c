/* SPDX-License-Identifier: ISC */
/*
 * Walks the message table. Each row, between each pair that may use it, in
 * each phase: the right message arrives as it was sent, and each wrong one is
 * refused for the right reason, with every descriptor closed.
 */
#include "lib/wire/channel.h"

#include <sys/resource.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "payload.h"
#include "raw.h"

static const unsigned int phases[] = {AFW_PH_H, AFW_PH_S, AFW_PH_R};

/* One row between one pair, in a phase in which it is allowed. */
struct walk {
	const struct afw_row *row;
	unsigned int from, to, phase, nfds;
	struct payload p;
};

static bool
walk_pair(struct walk *w, unsigned int from, unsigned int to,
    void (*fn)(struct walk *))
{
	size_t i;

	if ((w->row->pairs & AFW_PAIR(from, to)) == 0)
		return false;
	w->from = from;
	w->to = to;
	for (i = 0; i < 3; i++)
		if ((w->row->phases & phases[i]) != 0) {
			w->phase = phases[i];
			fn(w);
		}
	return true;
}

static void
walk(void (*fn)(struct walk *))
{
	struct walk w;
	size_t i, n;
	unsigned int from, to, pairs;
	unsigned int fds = fds_open();
	const struct afw_row *rows = afw_rows(&n);

	ck_assert_uint_gt(n, 60);
	for (i = 0; i < n; i++) {
		w.row = &rows[i];
		w.nfds = w.row->fds == AFW_FD_ONE ? 1 : 0;
		payload_make(w.row, &w.p);
		pairs = 0;
		for (from = 0; from < AFW_ROLES; from++)
			for (to = 0; to < AFW_ROLES; to++)
				pairs += walk_pair(&w, from, to, fn);
		ck_assert_uint_gt(pairs, 0);
	}
	ck_assert_msg(fds_open() == fds, "descriptors leaked");
}

/* Sends one record on a fresh channel; it must be refused. */
static void
refuse(const struct walk *w, const struct afw_hdr *h, const void *payload,
    size_t len, unsigned int nfds, const char *why)
{
	struct raw r;

	raw_open(&r, w->from, w->to, w->phase);
	raw_send(&r, h, payload, len, nfds);
	raw_refused(&r, why, w->row->name);
	raw_close(&r);
}

/* The same with the right payload. */
static void
refuse_header(const struct walk *w, const struct afw_hdr *h, const char *why)
{
	refuse(w, h, w->p.b, w->row->size, w->nfds, why);
}

START_TEST(table)
{
	size_t i, n;
	const struct afw_row *rows = afw_rows(&n);

	for (i = 0; i < n; i++) {
		ck_assert_ptr_eq(afw_row(rows[i].type), &rows[i]);
		ck_assert_uint_le(rows[i].size, AFW_PAYLOAD_MAX);
		ck_assert_uint_gt(rows[i].size, 0);
		ck_assert_uint_ne(rows[i].type, 0);
		if (i > 0) /* found by halving */
			ck_assert_uint_lt(rows[i - 1].type, rows[i].type);
	}
	ck_assert_ptr_null(afw_row(0));
	ck_assert_ptr_null(afw_row(UINT16_MAX));
}
END_TEST

/* A right message arrives whole, and is wiped if it is a secret. */
static void
right(struct walk *w)
{
	static const uint8_t zeros[AFW_PAYLOAD_MAX];
	struct afw_hdr h = raw_header(w->row);
	struct raw r;
	int fd;

	raw_open(&r, w->from, w->to, w->phase);
	raw_send(&r, &h, w->p.b, w->row->size, w->nfds);
	raw_accepted(&r, w->row, "right");
	ck_assert_mem_eq(&r.m.hdr, &h, sizeof(h));
	ck_assert_mem_eq(r.m.payload, w->p.b, w->row->size);
	ck_assert_int_eq(r.m.fd != -1, w->nfds == 1);
	if (w->nfds == 1)
		ck_assert_int_eq(fcntl(r.m.fd, F_GETFD), FD_CLOEXEC);
	fd = r.m.fd;
	afw_msg_done(&r.m);
	ck_assert_int_eq(r.m.fd, -1);
	if (fd != -1)
		ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	if (w->row->secret)
		ck_assert_mem_eq(r.m.payload, zeros, w->row->size);
	raw_close(&r);
}

START_TEST(accepts_right)
{
	walk(right);
}
END_TEST

static void
with_fd(struct walk *w)
{
	struct afw_hdr h = raw_header(w->row);
	struct raw r;
	int fd;

	if (w->row->fds == AFW_FD_NO)
		return;
	raw_open(&r, w->from, w->to, w->phase);
	raw_send(&r, &h, w->p.b, w->row->size, 1);
	raw_accepted(&r, w->row, "with a descriptor");
	fd = afw_msg_take_fd(&r.m);
	afw_msg_done(&r.m);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(close(fd), 0);
	raw_close(&r);
}

START_TEST(gives_fd_away)
{
	walk(with_fd);
}
END_TEST

static void
other_sender(struct walk *w)
{
	struct walk x = *w;
	struct afw_hdr h = raw_header(w->row);

	for (x.from = 0; x.from < AFW_ROLES; x.from++)
		for (x.to = 0; x.to < AFW_ROLES; x.to++)
			if ((w->row->pairs & AFW_PAIR(x.from, x.to)) == 0)
				refuse_header(&x, &h, "not from this sender");
}

START_TEST(refuses_sender)
{
	walk(other_sender);
}
END_TEST

static void
other_phase(struct walk *w)
{
	struct walk x = *w;
	struct afw_hdr h = raw_header(w->row);
	size_t i;

	for (i = 0; i < 3; i++) {
		x.phase = phases[i];
		if ((w->row->phases & phases[i]) == 0)
			refuse_header(&x, &h, "not in this phase");
	}
}

START_TEST(refuses_phase)
{
	walk(other_phase);
}
END_TEST

static void
wrong_size(struct walk *w)
{
	struct afw_hdr h = raw_header(w->row);
	const uint32_t size = w->row->size;
	const uint32_t sizes[] = {
	    0, 1, size - 1, size + 1, size + 8, AFW_PAYLOAD_MAX};
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		h.len = sizes[i];
		refuse(w, &h, w->p.b, h.len, w->nfds, "wrong payload size");
		refuse(w, &h, w->p.b, size, w->nfds, "wrong length");
		h.len = size;
		refuse(w, &h, w->p.b, sizes[i], w->nfds, "wrong length");
	}
	h.len = UINT32_MAX;
	refuse_header(w, &h, "wrong length");
	h.len = AFW_PAYLOAD_MAX + 1;
	refuse(w, &h, w->p.b, h.len, w->nfds, "truncated");
}

START_TEST(refuses_size)
{
	walk(wrong_size);
}
END_TEST

static void
wrong_fds(struct walk *w)
{
	struct afw_hdr h = raw_header(w->row);
	unsigned int n;

	if (w->row->fds == AFW_FD_NO)
		refuse(w, &h, w->p.b, w->row->size, 1, "stray descriptor");
	if (w->row->fds == AFW_FD_ONE)
		refuse(w, &h, w->p.b, w->row->size, 0, "descriptor missing");
	for (n = 2; n <= 4; n++)
		refuse(w, &h, w->p.b, w->row->size, n, "more than one");
	refuse(w, &h, w->p.b, w->row->size, 10, "truncated");
}

START_TEST(refuses_fds)
{
	walk(wrong_fds);
}
END_TEST

static void
wrong_header(struct walk *w)
{
	struct afw_hdr h = raw_header(w->row);
	unsigned int bit;

	h.flags ^= AFW_F_REPLY;
	refuse_header(w, &h, "wrong reply flag");
	for (bit = 1; bit < 16; bit++) {
		h = raw_header(w->row);
		h.flags |= (uint16_t)(1U << bit);
		refuse_header(w, &h, "unknown flag");
	}
	h = raw_header(w->row);
	h.id = h.id == 0 ? 1 : 0;
	refuse_header(w, &h, "wrong request number");
	h = raw_header(w->row);
	h.gen++;
	refuse_header(w, &h, "future generation");
	h.gen = UINT32_MAX;
	refuse_header(w, &h, "future generation");
}

START_TEST(refuses_header)
{
	walk(wrong_header);
}
END_TEST

/* What an earlier process sent is dropped and counted; the next is taken. */
static void
old_generation(struct walk *w)
{
	struct afw_hdr old = raw_header(w->row), h = old;
	struct raw r;

	raw_open(&r, w->from, w->to, w->phase);
	for (old.gen = 0; old.gen < RAW_GEN; old.gen += RAW_GEN - 1) {
		raw_send(&r, &old, w->p.b, w->row->size, w->nfds);
		raw_stale(&r, w->row->name);
	}
	old.gen = 0;
	raw_send(&r, &old, w->p.b, w->row->size, 1);
	raw_send(&r, &h, w->p.b, w->row->size, w->nfds);
	raw_accepted(&r, w->row, "after a stale one");
	ck_assert_uint_eq(r.rx.stale, 3);
	afw_msg_done(&r.m);
	raw_close(&r);
}

START_TEST(drops_old_generation)
{
	walk(old_generation);
}
END_TEST

struct content {
	const struct walk *w;
	struct raw r;
};

static void
content_one(void *arg, const struct payload *p, bool ok, const char *what)
{
	struct content *c = arg;
	struct afw_hdr h = raw_header(c->w->row);

	raw_send(&c->r, &h, p->b, c->w->row->size, c->w->nfds);
	if (ok) {
		raw_accepted(&c->r, c->w->row, what);
		afw_msg_done(&c->r.m);
	} else {
		raw_refused(&c->r, "bad payload", what);
	}
}

static void
wrong_content(struct walk *w)
{
	struct content c = {.w = w};

	raw_open(&c.r, w->from, w->to, w->phase);
	ck_assert_msg(payload_vary(w->row, content_one, &c) > 0,
	    "%s: nothing is known about its content", w->row->name);
	raw_close(&c.r);
}

START_TEST(refuses_content)
{
	walk(wrong_content);
}
END_TEST

/* Types without a row, between everybody, in every phase. */
START_TEST(refuses_unknown_type)
{
	struct afw_hdr h = {.gen = RAW_GEN, .len = 4};
	unsigned int type, fds = fds_open();
	struct raw r;

	raw_open(&r, AFW_TUN, AFW_SUP, AFW_PH_R);
	for (type = 0; type <= UINT16_MAX; type += type < 512 ? 1 : 997) {
		h.type = (uint16_t)type;
		if (afw_row(h.type) != NULL)
			continue;
		raw_send(&r, &h, "\0\0\0", 4, type % 2);
		raw_refused(&r, "unknown type", "unknown type");
	}
	raw_close(&r);
	ck_assert_uint_eq(fds_open(), fds);
}
END_TEST

START_TEST(refuses_short_header)
{
	struct afw_hdr h = {.type = AFW_MSG_PING, .id = 1, .gen = RAW_GEN};
	unsigned int n, fds = fds_open();
	struct raw r;

	raw_open(&r, AFW_SUP, AFW_NET, AFW_PH_R);
	for (n = 1; n < sizeof(h); n++) {
		raw_bytes(&r, &h, n, n % 3);
		raw_refused(&r, n % 3 == 2 ? "more than one" : "wrong length",
		    "short header");
	}
	raw_close(&r);
	ck_assert_uint_eq(fds_open(), fds);
}
END_TEST

/* A flood of stale records does not hold the reader: others get their turn. */
START_TEST(yields_to_others)
{
	struct afw_hdr h = raw_header(afw_row(AFW_MSG_PING));
	unsigned int i, calls = 0;
	struct raw r;

	raw_open(&r, AFW_SUP, AFW_NET, AFW_PH_R);
	for (i = 0; i < 200; i++) {
		h.gen = i < 199 ? RAW_GEN - 1 : RAW_GEN;
		raw_send(&r, &h, "\0\0\0", 4, 0);
	}
	while (afw_chan_recv(&r.rx, &r.m) == 0)
		ck_assert_uint_lt(++calls, 200);
	ck_assert_uint_gt(calls, 1);
	ck_assert_uint_eq(r.m.hdr.gen, RAW_GEN);
	ck_assert_uint_eq(r.rx.stale, 199);
	raw_close(&r);
}
END_TEST

/* An empty record looks like the end, but one with descriptors is no end. */
START_TEST(refuses_empty_record)
{
	unsigned int fds = fds_open();
	struct raw r;

	raw_open(&r, AFW_SUP, AFW_NET, AFW_PH_R);
	raw_bytes(&r, "", 0, 1);
	raw_refused(&r, "wrong length", "empty record with a descriptor");
	raw_bytes(&r, "", 0, 3);
	raw_refused(&r, "more than one", "empty record with descriptors");
	raw_bytes(&r, "", 0, 0);
	ck_assert_int_eq(afw_chan_recv(&r.rx, &r.m), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	raw_close(&r);
	ck_assert_uint_eq(fds_open(), fds);
}
END_TEST

/* The receiver has no number left: its own trouble, not the peer's. A reply
 * has failed then; the channel goes on. */
START_TEST(no_descriptor_left)
{
	const struct afw_row *row = afw_row(AFW_MSG_LOCATIONS_JSON);
	struct afw_m_blob b = {.len = 5};
	struct afw_hdr h = raw_header(row);
	const struct afw_m_status *st;
	struct rlimit old, none;
	unsigned int fds;
	struct raw r;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	raw_open(&r, AFW_SUP, AFW_LIB, AFW_PH_R);
	fds = fds_open();
	raw_send(&r, &h, &b, sizeof(b), 1);
	none = old;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	raw_accepted(&r, afw_row(AFW_MSG_STATUS), "without a number");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	st = (const void *)r.m.payload;
	ck_assert_uint_eq(st->code, AFW_ENOMEM);
	ck_assert_uint_eq(r.m.hdr.id, h.id);
	ck_assert_int_eq(r.m.fd, -1);
	ck_assert_uint_eq(fds_open(), fds);
	raw_send(&r, &h, &b, sizeof(b), 1);
	raw_accepted(&r, row, "with a number again");
	ck_assert_int_ne(r.m.fd, -1);
	afw_msg_done(&r.m);
	raw_close(&r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wire");
	TCase *t = tcase_create("table");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, table);
	tcase_add_test(t, accepts_right);
	tcase_add_test(t, gives_fd_away);
	tcase_add_test(t, refuses_sender);
	tcase_add_test(t, refuses_phase);
	tcase_add_test(t, refuses_size);
	tcase_add_test(t, refuses_fds);
	tcase_add_test(t, refuses_header);
	tcase_add_test(t, drops_old_generation);
	tcase_add_test(t, refuses_content);
	tcase_add_test(t, refuses_unknown_type);
	tcase_add_test(t, refuses_short_header);
	tcase_add_test(t, yields_to_others);
	tcase_add_test(t, refuses_empty_record);
	tcase_add_test(t, no_descriptor_left);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
