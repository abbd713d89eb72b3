/* SPDX-License-Identifier: ISC */
/* What a peer does not believe, and the form of packets. */
#include "tests/unit/wg_lab.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static unsigned int
connected(int side)
{
	return lab[side].events[WG_EV_CONNECTED];
}

static struct wg_stats
stats(int side)
{
	struct wg_stats s;

	wg_get_stats(lab[side].wg, &s);
	return s;
}

/* ---- what is refused --------------------------------------------------- */

START_TEST(wrong_psk)
{
	lab[0].config.psk[0] ^= 1;
	wg_free(lab[0].wg);
	lab_start(0);
	(void)lab_send(0, 1, 100);
	lab_advance(16000);
	ck_assert_uint_ge(lab[1].sent[WG_M_RESPONSE], 3);
	ck_assert_uint_eq(connected(0) + connected(1), 0);
	ck_assert_uint_eq(lab[0].events[WG_EV_FAILED], 1);
	wg_set_psk(lab[0].wg, lab[1].config.psk);
	lab_advance(6000);
	ck_assert_uint_eq(lab[1].got[1], 1);
}
END_TEST

START_TEST(wrong_key)
{
	lab[0].config.private_key[5] ^= 4;
	wg_free(lab[0].wg);
	lab_start(0);
	(void)lab_send(0, 1, 100);
	lab_advance(16000);
	ck_assert_uint_eq(lab[1].sent[WG_M_RESPONSE], 0);
	ck_assert_uint_ge(stats(1).dropped_in, 3);
	ck_assert_uint_eq(lab[0].events[WG_EV_FAILED], 1);
	ck_assert_uint_eq(lab[1].roamed, 0);
}
END_TEST

/* Any bit of a handshake message that is not right makes it nothing. */
START_TEST(every_bit_counts)
{
	struct lab_datagram d, bad;
	size_t i;

	(void)lab_send(0, 1, 100);
	ck_assert(lab_take(&d));
	/* MAC2 is not looked at without load */
	for (i = 0; i < d.len - 16; i++) {
		bad = d;
		bad.b[i] ^= (uint8_t)(1 << i % 8);
		lab_ms += 1000;
		wg_now(lab[1].wg, lab_ms);
		wg_input(lab[1].wg, bad.b, bad.len, &bad.from);
		ck_assert_uint_eq(lab_in_flight(), 0);
	}
	wg_input(lab[1].wg, d.b, d.len, &d.from);
	ck_assert(lab_take(&d));
	for (i = 0; i < d.len - 16; i++) {
		if (i >= 4 && i < 8)
			continue; /* the peer's index: MAC1 covers it */
		bad = d;
		bad.b[i] ^= (uint8_t)(1 << i % 8);
		lab_ms += 100;
		wg_now(lab[0].wg, lab_ms);
		wg_input(lab[0].wg, bad.b, bad.len, &bad.from);
		ck_assert_uint_eq(connected(0), 0);
	}
	wg_input(lab[0].wg, d.b, d.len, &d.from);
	ck_assert_uint_eq(connected(0), 1);
	ck_assert(lab_take(&d));
	for (i = 0; i < d.len; i++) {
		bad = d;
		bad.b[i] ^= (uint8_t)(1 << i % 8);
		wg_input(lab[1].wg, bad.b, bad.len, &bad.from);
		ck_assert_uint_eq(lab[1].delivered, 0);
	}
	wg_input(lab[1].wg, d.b, d.len, &d.from);
	ck_assert_uint_eq(lab[1].delivered, 1);
}
END_TEST

START_TEST(initiation_replayed)
{
	struct lab_datagram d, copy;

	(void)lab_send(0, 1, 100);
	ck_assert(lab_take(&d));
	copy = d;
	wg_input(lab[1].wg, d.b, d.len, &d.from);
	lab_run();
	ck_assert_uint_eq(connected(0), 1);
	lab_advance(30000);
	/* even from elsewhere: no answer, no roaming */
	lab_endpoint(&copy.from, "203.0.113.9", 99);
	wg_input(lab[1].wg, copy.b, copy.len, &copy.from);
	ck_assert_uint_eq(lab_in_flight(), 0);
	ck_assert_uint_eq(lab[1].sent[WG_M_RESPONSE], 1);
	ck_assert_uint_eq(lab[1].roamed, 1);
}
END_TEST

/* New ones, but more of them than an honest peer sends. */
START_TEST(initiations_too_fast)
{
	struct lab_datagram d;
	struct wg_noise n;
	unsigned int i;

	lab_connect();
	lab_ms += 1000;
	memset(&d, 0, sizeof(d));
	d.from = lab[0].me;
	for (i = 0; i < 25; i++, lab_ms += 4) {
		lab[0].stamp[0]++; /* later than the last */
		(void)wg_noise_make_initiation(
		    &n, &lab[0].wg->id, d.b, 77, lab[0].stamp);
		(void)wg_cookie_sign(
		    &lab[0].wg->cookie, d.b, WG_INITIATION_SIZE, lab_ms);
		wg_now(lab[1].wg, lab_ms);
		wg_input(lab[1].wg, d.b, WG_INITIATION_SIZE, &d.from);
	}
	/* in 100 ms, one each 20 ms */
	ck_assert_uint_eq(lab[1].sent[WG_M_RESPONSE], 1 + 5);
}
END_TEST

START_TEST(response_to_another_index)
{
	struct lab_datagram d;

	(void)lab_send(0, 1, 100);
	ck_assert(lab_take(&d));
	wg_input(lab[1].wg, d.b, d.len, &d.from);
	ck_assert(lab_take(&d));
	d.b[8] ^= 1;
	(void)wg_cookie_sign(&lab[1].wg->cookie, d.b, d.len, lab_ms);
	wg_input(lab[0].wg, d.b, d.len, &d.from);
	ck_assert_uint_eq(connected(0), 0);
	d.b[8] ^= 1;
	(void)wg_cookie_sign(&lab[1].wg->cookie, d.b, d.len, lab_ms);
	wg_input(lab[0].wg, d.b, d.len, &d.from);
	ck_assert_uint_eq(connected(0), 1);
}
END_TEST

START_TEST(data_replayed_and_reordered)
{
	static struct lab_datagram d[40];
	struct lab_datagram copy;
	unsigned int i;

	lab_connect();
	for (i = 0; i < 40; i++) {
		(void)lab_send(0, 100 + i, 100);
		ck_assert(lab_take(&d[i]));
	}
	for (i = 0; i < 40; i++) {
		copy = d[(i * 7) % 40];
		wg_input(lab[1].wg, copy.b, copy.len, &copy.from);
	}
	ck_assert_uint_eq(lab[1].delivered, 41);
	for (i = 0; i < 40; i++) {
		copy = d[i];
		wg_input(lab[1].wg, copy.b, copy.len, &copy.from);
	}
	ck_assert_uint_eq(lab[1].delivered, 41);
	ck_assert_uint_eq(stats(1).dropped_in, 40);
}
END_TEST

START_TEST(stamp_goes_on_after_a_clock_jump)
{
	uint8_t first[12];

	lab_connect();
	memcpy(first, lab[0].stamp, 12);
	/* restarted with its clock in 1970, and the stamp that was kept */
	memcpy(lab[0].config.stamp, lab[0].stamp, 12);
	wg_free(lab[0].wg);
	lab_ms += 10000;
	lab[0].wall = 100;
	lab_start(0);
	(void)lab_send(0, 7, 100);
	lab_run();
	ck_assert_uint_eq(lab[1].got[7], 1);
	ck_assert_int_gt(memcmp(lab[0].stamp, first, 12), 0);
	/* without it the peer takes us for a replay */
	memset(lab[0].config.stamp, 0, 12);
	wg_free(lab[0].wg);
	lab_ms += 10000;
	lab_start(0);
	(void)lab_send(0, 8, 100);
	lab_run();
	ck_assert_uint_eq(lab[1].got[8], 0);
}
END_TEST

/* ---- cookies ----------------------------------------------------------- */

/* Initiations of a stranger who knows our public key. */
static void
flood(unsigned int n, const char *ip)
{
	struct wg_identity id = {0};
	struct wg_cookie cookie;
	struct wg_noise noise;
	union wg_endpoint from;
	uint8_t msg[WG_INITIATION_SIZE], stamp[12] = {0};

	memset(id.private_key, 0x99, WG_KEY);
	memcpy(id.peer_key, lab[0].config.peer_key, WG_KEY);
	ck_assert_int_eq(wg_identity_complete(&id), 0);
	ck_assert_int_eq(wg_cookie_init(&cookie, &id), 0);
	lab_endpoint(&from, ip, 7);
	while (n-- > 0) {
		(void)wg_noise_make_initiation(&noise, &id, msg, n, stamp);
		(void)wg_cookie_sign(&cookie, msg, sizeof(msg), lab_ms);
		wg_now(lab[1].wg, lab_ms);
		wg_input(lab[1].wg, msg, sizeof(msg), &from);
	}
}

START_TEST(cookie_under_load)
{
	flood(WG_LOAD_PER_SECOND, "203.0.113.1");
	ck_assert_uint_eq(lab[1].sent[WG_M_COOKIE], 0);
	flood(50, "203.0.113.1");
	ck_assert_uint_eq(lab[1].sent[WG_M_COOKIE], 50);
	(void)lab_send(0, 1, 100);
	lab_run();
	ck_assert_uint_eq(connected(0), 0);
	ck_assert_uint_eq(lab[1].sent[WG_M_COOKIE], 51);
	/* while the flood goes on our repeated one has the cookie */
	lab_advance(4500);
	flood(60, "203.0.113.1");
	lab_advance(900);
	ck_assert_uint_eq(connected(0), 1);
	ck_assert_uint_eq(lab[1].got[1], 1);
	ck_assert_uint_eq(stats(1).cookies, lab[1].sent[WG_M_COOKIE]);
	ck_assert_uint_eq(stats(0).challenged, 1);
}
END_TEST

START_TEST(cookie_is_bound_to_the_address)
{
	struct wg_cookie *c = &lab[1].wg->cookie, ours;
	union wg_endpoint a, b;
	uint8_t m[WG_INITIATION_SIZE] = {1}, reply[WG_COOKIE_SIZE];
	unsigned int i, accepted = 0;

	lab_endpoint(&a, "2001:db8::1", 5);
	lab_endpoint(&b, "2001:db8::2", 5);
	ours = lab[0].wg->cookie;
	(void)wg_cookie_sign(&ours, m, sizeof(m), lab_ms);
	for (i = 0; i < WG_LOAD_PER_SECOND; i++)
		ck_assert_int_eq(
		    wg_cookie_check(c, m, sizeof(m), &a, lab_ms), WG_ACCEPT);
	ck_assert_int_eq(
	    wg_cookie_check(c, m, sizeof(m), &a, lab_ms), WG_CHALLENGE);
	(void)wg_cookie_reply(c, reply, m, sizeof(m), &a, lab_ms);
	ck_assert_int_eq(wg_cookie_take(&ours, reply, lab_ms), 0);
	(void)wg_cookie_sign(&ours, m, sizeof(m), lab_ms);
	ck_assert_int_eq(
	    wg_cookie_check(c, m, sizeof(m), &b, lab_ms), WG_CHALLENGE);
	/* and so many a second only */
	for (i = 0; i < 100; i++)
		accepted +=
		    wg_cookie_check(c, m, sizeof(m), &a, lab_ms) == WG_ACCEPT;
	ck_assert_uint_eq(accepted, WG_SOURCE_BURST);
	for (i = 0; i < 100; i++)
		accepted += wg_cookie_check(
				c, m, sizeof(m), &a, lab_ms + 100) == WG_ACCEPT;
	ck_assert_uint_eq(accepted, WG_SOURCE_BURST + 2);
	/* the secret does not last */
	for (i = 0; i <= WG_LOAD_PER_SECOND; i++)
		(void)wg_cookie_check(c, m, sizeof(m), &a, lab_ms + 121000);
	ck_assert_int_eq(wg_cookie_check(c, m, sizeof(m), &a, lab_ms + 121000),
	    WG_CHALLENGE);
}
END_TEST

/* ---- roaming ----------------------------------------------------------- */

START_TEST(roams_by_authentic_packets_only)
{
	struct lab_datagram d, bad;

	lab_connect();
	lab_endpoint(&lab[0].me, "2001:db8::7", 4444);
	(void)lab_send(0, 5, 100);
	ck_assert(lab_take(&d));
	bad = d;
	bad.b[20] ^= 1;
	wg_input(lab[1].wg, bad.b, bad.len, &bad.from);
	ck_assert_uint_eq(lab[1].roamed, 1);
	bad = d;
	wg_input(lab[1].wg, d.b, d.len, &d.from);
	ck_assert_uint_eq(lab[1].roamed, 2);
	(void)lab_send(1, 6, 100);
	lab_run();
	ck_assert_uint_eq(lab[0].got[6], 1);
	/* a copy from elsewhere is a replay */
	lab_endpoint(&bad.from, "203.0.113.9", 99);
	wg_input(lab[1].wg, bad.b, bad.len, &bad.from);
	ck_assert_uint_eq(lab[1].roamed, 2);
	ck_assert(wg_endpoint_same(wg_get_endpoint(lab[1].wg), &lab[0].me));
}
END_TEST

/* ---- packets ----------------------------------------------------------- */

START_TEST(padding)
{
	size_t len, want, overhead = WG_OVERHEAD;
	struct lab_datagram d;

	lab_connect();
	for (len = 24; len <= LAB_MTU; len++) {
		(void)lab_send(0, (unsigned int)len, len);
		ck_assert(lab_take(&d));
		want = (len + 15) / 16 * 16;
		if (want > LAB_MTU)
			want = LAB_MTU;
		ck_assert_uint_eq(d.len, want + overhead);
		wg_input(lab[1].wg, d.b, d.len, &d.from);
		ck_assert_uint_eq(lab[1].last_len, len);
		ck_assert_uint_eq(lab[1].got[len], 1);
		ck_assert_uint_eq(
		    lab[1].last[len - 1], len == 24 ? 0 : (uint8_t)len);
	}
	ck_assert_uint_eq(wg_session_padding(1421, 1420), 0);
	ck_assert_uint_eq(wg_session_padding(1421, 0), 3);
}
END_TEST

START_TEST(no_ip_packet)
{
	uint8_t junk[64] = {0x45, 0, 0, 65};

	lab_connect();
	ck_assert_int_eq(wg_output(lab[0].wg, junk, sizeof(junk)), 0);
	junk[3] = 19;
	ck_assert_int_eq(wg_output(lab[0].wg, junk, sizeof(junk)), 0);
	junk[0] = 0x60;
	ck_assert_int_eq(wg_output(lab[0].wg, junk, 39), 0);
	junk[5] = 25;
	ck_assert_int_eq(wg_output(lab[0].wg, junk, sizeof(junk)), 0);
	junk[0] = 0x75;
	ck_assert_int_eq(wg_output(lab[0].wg, junk, sizeof(junk)), 0);
	ck_assert_int_eq(wg_output(lab[0].wg, junk, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(wg_output(lab[0].wg, junk, WG_PACKET_MAX + 1), -1);
	ck_assert_int_eq(errno, EMSGSIZE);
	wg_flush(lab[0].wg);
	lab_run();
	ck_assert_uint_eq(lab[1].delivered, 1);
	ck_assert_uint_eq(stats(1).dropped_in, 5);
}
END_TEST

START_TEST(source_not_allowed)
{
	lab_connect();
	lab[1].refuse = true;
	(void)lab_send(0, 9, 100);
	lab_run();
	ck_assert_uint_eq(lab[1].got[9], 0);
	ck_assert_uint_eq(stats(1).dropped_in, 1);
}
END_TEST

START_TEST(batches_lie_back_to_back)
{
	struct wg_batch *b = &lab[0].wg->batch;
	uint8_t p[1000];
	unsigned int i;

	lab_connect();
	lab_packet(p, 3, sizeof(p));
	for (i = 0; i < WG_BATCH_MAX; i++)
		ck_assert_int_eq(wg_output(lab[0].wg, p, sizeof(p)), 0);
	ck_assert_uint_eq(lab_in_flight(), 0);
	for (i = 1; i < b->n; i++) {
		ck_assert_uint_eq(b->v[i].iov_len, b->v[0].iov_len);
		ck_assert_ptr_eq(b->v[i].iov_base,
		    (uint8_t *)b->v[i - 1].iov_base + b->v[i - 1].iov_len);
	}
	ck_assert_int_eq(wg_output(lab[0].wg, p, sizeof(p)), 0);
	ck_assert_uint_eq(lab_in_flight(), WG_BATCH_MAX);
	wg_flush(lab[0].wg);
	lab_run();
	ck_assert_uint_eq(lab[1].got[3], WG_BATCH_MAX + 1);
}
END_TEST

START_TEST(counters_near_the_limit)
{
	lab_connect();
	/* far on: renewed, and nothing is lost */
	lab_advance(6000);
	lab[0].wg->current->counter = WG_REKEY_AFTER_MESSAGES - 1;
	(void)lab_send(0, 5, 100);
	lab_run();
	ck_assert_uint_eq(connected(0), 2);
	(void)lab_send(0, 6, 100);
	lab_run();
	ck_assert_uint_eq(lab[1].got[5], 1);
	ck_assert_uint_eq(lab[1].got[6], 1);
	/* at the end: not one more with these keys */
	lab_advance(6000);
	lab[0].cut = true;
	lab[0].wg->current->counter = WG_REJECT_AFTER_MESSAGES - 1;
	(void)lab_send(0, 7, 100);
	ck_assert_uint_eq(
	    lab[0].wg->current->counter, WG_REJECT_AFTER_MESSAGES);
	(void)lab_send(0, 8, 100);
	ck_assert_uint_eq(
	    lab[0].wg->current->counter, WG_REJECT_AFTER_MESSAGES);
	ck_assert_uint_eq(stats(0).queued, 1);
	lab[0].cut = false;
	lab_advance(6000);
	ck_assert_uint_eq(lab[1].got[8], 1);
	ck_assert_uint_eq(connected(0), 3);
}
END_TEST

START_TEST(counter_beyond_the_limit_is_refused)
{
	struct lab_datagram d;

	lab_connect();
	lab[0].wg->current->counter = WG_REJECT_AFTER_MESSAGES;
	/* sealed all the same, as a bad peer would */
	d.len = 16 + 16;
	d.from = lab[0].me;
	ck_assert_int_eq(
	    wg_session_seal(lab[0].wg->current, d.b, NULL, 0, 0), 0);
	wg_input(lab[1].wg, d.b, d.len, &d.from);
	ck_assert_uint_eq(stats(1).dropped_in, 1);
}
END_TEST

START_TEST(replay_window)
{
	static struct wg_replay r;
	static bool seen[70000];
	uint64_t next = 0, c;
	unsigned int i;
	bool want;

	memset(&r, 0, sizeof(r));
	memset(seen, 0, sizeof(seen));
	srandom(1);
	for (i = 0; i < 400000; i++) {
		/* mostly near the front, at times a leap */
		c = next + (uint64_t)(random() % 20);
		if (random() % 3 == 0)
			c -= (uint64_t)random() % (c < 9000 ? c + 1 : 9000);
		if (random() % 5000 == 0)
			c += (uint64_t)(random() % 20000);
		if (c >= 70000)
			break;
		want = c >= next || (next - c <= WG_WINDOW && !seen[c]);
		ck_assert_int_eq(wg_replay_ok(&r, c), want);
		if (!want)
			continue;
		wg_replay_mark(&r, c);
		ck_assert(!wg_replay_ok(&r, c));
		seen[c] = true;
		if (c >= next)
			next = c + 1;
	}
	ck_assert_uint_gt(i, 1000);
	wg_replay_mark(&r, WG_REJECT_AFTER_MESSAGES - 1);
	ck_assert(!wg_replay_ok(&r, WG_REJECT_AFTER_MESSAGES - 1));
	ck_assert(wg_replay_ok(&r, WG_REJECT_AFTER_MESSAGES - WG_WINDOW));
	ck_assert(!wg_replay_ok(&r, WG_REJECT_AFTER_MESSAGES - 1 - WG_WINDOW));
}
END_TEST

/* A tenth of all datagrams lost and some late: what arrives is right. */
START_TEST(loss_and_reorder)
{
	struct lab_datagram d, held = {0};
	unsigned int i, got = 0;

	srandom(7);
	for (i = 0; i < 3000; i++) {
		(void)lab_send(i % 2, i, 30 + i % 1300);
		while (lab_take(&d)) {
			if (random() % 10 == 0)
				continue;
			if (random() % 10 == 0 && held.len == 0) {
				held = d;
				continue;
			}
			wg_input(lab[d.to].wg, d.b, d.len, &d.from);
			if (held.len == 0)
				continue;
			wg_input(lab[held.to].wg, held.b, held.len, &held.from);
			held.len = 0;
		}
		lab_ms += 200;
		(void)wg_tick(lab[0].wg, lab_ms);
		(void)wg_tick(lab[1].wg, lab_ms);
	}
	for (i = 0; i < 3000; i++) {
		ck_assert_uint_le(lab[!(i % 2)].got[i], 1);
		got += lab[!(i % 2)].got[i];
	}
	ck_assert_uint_gt(got, 2300);
	ck_assert_uint_ge(connected(0), 5);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    wrong_psk,
	    wrong_key,
	    every_bit_counts,
	    initiation_replayed,
	    initiations_too_fast,
	    response_to_another_index,
	    data_replayed_and_reordered,
	    stamp_goes_on_after_a_clock_jump,
	    cookie_under_load,
	    cookie_is_bound_to_the_address,
	    roams_by_authentic_packets_only,
	    padding,
	    no_ip_packet,
	    source_not_allowed,
	    batches_lie_back_to_back,
	    counters_near_the_limit,
	    counter_beyond_the_limit_is_refused,
	    replay_window,
	    loss_and_reorder,
	};
	Suite *s = suite_create("wg_refuse");
	TCase *t = tcase_create("peers");
	SRunner *r;
	size_t i;
	int failed;

	suite_add_tcase(s, t);
	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, lab_open, lab_close);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(t, tests[i]);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
