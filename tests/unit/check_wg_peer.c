/* SPDX-License-Identifier: ISC */
/* Two peers over virtual time: handshakes, renewal, loss. */
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

/* ---- handshakes -------------------------------------------------------- */

START_TEST(both_ways)
{
	lab_connect();
	ck_assert_uint_eq(lab[1].got[1], 1);
	ck_assert_uint_eq(lab[0].got[2], 1);
	ck_assert_uint_eq(connected(0), 1);
	ck_assert_uint_eq(connected(1), 1);
	ck_assert_uint_eq(lab[1].roamed, 1);
	ck_assert_uint_eq(lab[0].roamed, 0);
	ck_assert(wg_is_up(lab[0].wg));
	ck_assert(wg_is_up(lab[1].wg));
	ck_assert_uint_eq(stats(0).out_packets, 1);
	ck_assert_uint_eq(stats(1).in_bytes, 100);
	ck_assert_uint_eq(stats(0).handshake_ms, lab_ms);
	ck_assert_uint_eq(stats(0).tx_bytes, stats(1).rx_bytes);
}
END_TEST

/* With nothing to send the initiator confirms by a keepalive. */
START_TEST(connect_without_packets)
{
	wg_connect(lab[0].wg);
	wg_connect(lab[0].wg);
	lab_run();
	ck_assert_uint_eq(lab[0].sent[WG_M_INITIATION], 1);
	ck_assert_uint_eq(lab[0].sent[WG_M_DATA], 1);
	ck_assert_uint_eq(connected(1), 1);
	ck_assert_int_eq(lab_send(1, 7, 100), 0);
	lab_run();
	ck_assert_uint_eq(lab[0].got[7], 1);
}
END_TEST

START_TEST(begun_by_the_other)
{
	wg_set_endpoint(lab[1].wg, &lab[0].me);
	(void)lab_send(1, 3, 100);
	lab_run();
	ck_assert_uint_eq(lab[0].got[3], 1);
	ck_assert_uint_eq(lab[0].sent[WG_M_INITIATION], 0);
	ck_assert_uint_eq(lab[0].sent[WG_M_RESPONSE], 1);
	(void)lab_send(0, 4, 100);
	lab_run();
	ck_assert_uint_eq(lab[1].got[4], 1);
}
END_TEST

/* Both initiations cross; both handshakes complete, nothing is lost. */
START_TEST(begun_by_both)
{
	unsigned int i;

	wg_set_endpoint(lab[1].wg, &lab[0].me);
	(void)lab_send(0, 1, 100);
	(void)lab_send(1, 2, 100);
	lab_run();
	ck_assert_uint_eq(lab[1].got[1], 1);
	ck_assert_uint_eq(lab[0].got[2], 1);
	for (i = 10; i < 50; i++) {
		(void)lab_send(i % 2, i, 100);
		lab_run();
		ck_assert_uint_eq(lab[!(i % 2)].got[i], 1);
		lab_advance(10000);
	}
	ck_assert_uint_eq(stats(0).dropped_in + stats(1).dropped_in, 0);
}
END_TEST

START_TEST(packets_wait_in_order)
{
	struct lab_datagram d;
	unsigned int i;

	for (i = 0; i < WG_QUEUE_PACKETS; i++)
		ck_assert_int_eq(lab_send(0, i, 100), 0);
	ck_assert_int_eq(lab_send(0, i, 100), -1);
	ck_assert_int_eq(errno, ENOBUFS);
	ck_assert_uint_eq(stats(0).queued, WG_QUEUE_PACKETS);
	ck_assert_uint_eq(stats(0).dropped_out, 1);
	ck_assert_uint_eq(lab_in_flight(), 1);
	ck_assert(lab_take(&d));
	wg_input(lab[1].wg, d.b, d.len, &d.from);
	ck_assert(lab_take(&d));
	wg_input(lab[0].wg, d.b, d.len, &d.from);
	ck_assert_uint_eq(lab_in_flight(), WG_QUEUE_PACKETS);
	for (i = 0; lab_take(&d); i++) {
		wg_input(lab[1].wg, d.b, d.len, &d.from);
		ck_assert_uint_eq(wg_get32(lab[1].last + 20), i);
	}
	ck_assert_uint_eq(lab[1].delivered, WG_QUEUE_PACKETS);
}
END_TEST

START_TEST(queue_is_bounded_in_bytes)
{
	unsigned int i;

	lab_close();
	lab_open();
	for (i = 0; i < WG_QUEUE_BYTES / 60000; i++) {
		uint8_t *p = calloc(1, 60000);

		lab_packet(p, i, 60000);
		ck_assert_int_eq(wg_output(lab[0].wg, p, 60000), 0);
		free(p);
	}
	for (i = 0; lab_send(0, i, 2000) == 0; i++)
		ck_assert_uint_lt(i, 60);
	ck_assert_int_eq(errno, ENOBUFS);
}
END_TEST

/* A lost initiation or response is repeated, 5 s later, until 90 s. */
START_TEST(initiation_is_repeated)
{
	lab[1].cut = true;
	(void)lab_send(0, 1, 100);
	lab_run();
	lab_advance(4900);
	ck_assert_uint_eq(lab[0].sent[WG_M_INITIATION], 1);
	lab_advance(500);
	ck_assert_uint_eq(lab[0].sent[WG_M_INITIATION], 2);
	ck_assert_uint_eq(lab[1].sent[WG_M_RESPONSE], 2);
	lab[1].cut = false;
	lab_advance(5400);
	ck_assert_uint_eq(lab[1].got[1], 1);
	ck_assert_uint_eq(connected(0), 1);
	ck_assert_uint_eq(lab[0].events[WG_EV_FAILED], 0);
}
END_TEST

START_TEST(gives_up)
{
	unsigned int n;

	lab[0].cut = true;
	(void)lab_send(0, 1, 100);
	lab_advance(14900);
	ck_assert_uint_eq(lab[0].events[WG_EV_FAILED], 0);
	lab_advance(200);
	ck_assert_uint_eq(lab[0].events[WG_EV_FAILED], 1);
	lab_advance(85000);
	n = lab[0].sent[WG_M_INITIATION];
	ck_assert_uint_ge(n, 16);
	ck_assert_uint_le(n, 19);
	ck_assert_uint_eq(stats(0).queued, 0);
	ck_assert_uint_eq(stats(0).dropped_out, 1);
	lab_advance(1000000);
	ck_assert_uint_eq(lab[0].sent[WG_M_INITIATION], n);
	ck_assert_uint_eq(wg_deadline(lab[0].wg), 0);
	/* a packet begins anew */
	lab[0].cut = false;
	(void)lab_send(0, 2, 100);
	lab_run();
	ck_assert_uint_eq(lab[1].got[2], 1);
	ck_assert_uint_eq(lab[1].got[1], 0);
}
END_TEST

/* A flood of packets is no flood of initiations. */
START_TEST(one_initiation_in_5_s)
{
	unsigned int i;

	lab[0].cut = true;
	for (i = 0; i < 1000; i++) {
		(void)lab_send(0, i, 30);
		lab_advance(10);
	}
	ck_assert_uint_eq(lab[0].sent[WG_M_INITIATION], 2);
}
END_TEST

START_TEST(bad_configuration)
{
	struct wg_config c = lab[0].config;
	struct wg_calls calls = {0};

	memset(c.private_key, 0, 32);
	ck_assert_ptr_null(wg_new(&c, &calls, NULL, 1));
	ck_assert_int_eq(errno, EINVAL);
	c = lab[0].config;
	memset(c.peer_key, 0, 32);
	ck_assert_ptr_null(wg_new(&c, &calls, NULL, 1));
	c.peer_key[0] = 1; /* of small order */
	ck_assert_ptr_null(wg_new(&c, &calls, NULL, 1));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* ---- renewal and end --------------------------------------------------- */

/* Packets every 100 ms, both ways, for ten minutes: none is lost. */
START_TEST(renewal_loses_nothing)
{
	unsigned int i;

	lab_connect();
	for (i = 10; i < LAB_PACKETS; i++) {
		(void)lab_send(0, i, 100);
		(void)lab_send(1, i, 100);
		lab_run();
		ck_assert_uint_eq(lab[0].got[i], 1);
		ck_assert_uint_eq(lab[1].got[i], 1);
		lab_advance(150);
	}
	/* 613 s: renewed each 120 s by the one who began */
	ck_assert_uint_eq(connected(0), 6);
	ck_assert_uint_eq(connected(1), 6);
	ck_assert_uint_eq(lab[1].sent[WG_M_INITIATION], 0);
	ck_assert_uint_eq(lab[0].events[WG_EV_EXPIRED], 0);
	ck_assert_uint_eq(lab[1].events[WG_EV_EXPIRED], 0);
}
END_TEST

/* Packets under way during a renewal arrive after it, on both sides. */
START_TEST(late_packets_of_the_old_session)
{
	struct lab_datagram late[2];

	lab_connect();
	lab_advance(121000);
	(void)lab_send(1, 5, 100);
	ck_assert(lab_take(&late[1]));
	(void)lab_send(0, 6, 100); /* and an initiation behind it */
	ck_assert(lab_take(&late[0]));
	lab_run();
	ck_assert_uint_eq(connected(0), 2);
	ck_assert_uint_eq(connected(1), 2);
	wg_input(lab[1].wg, late[0].b, late[0].len, &late[0].from);
	wg_input(lab[0].wg, late[1].b, late[1].len, &late[1].from);
	ck_assert_uint_eq(lab[0].got[5], 1);
	ck_assert_uint_eq(lab[1].got[6], 1);
}
END_TEST

/* The old session serves while the new handshake is lost on its way. */
START_TEST(renewal_fails)
{
	unsigned int i;

	lab_connect();
	lab_advance(119500);
	lab[1].cut = true;
	for (i = 10; i < 800; i++) {
		(void)lab_send(0, i, 100);
		lab_run();
		lab_advance(100);
		if (lab_ms < 1000 + 180000)
			ck_assert_uint_eq(lab[1].got[i], 1);
	}
	ck_assert_uint_gt(lab_ms, 181000 + 15000);
	ck_assert_uint_eq(lab[0].events[WG_EV_EXPIRED], 1);
	ck_assert_uint_eq(lab[0].events[WG_EV_FAILED], 1);
	ck_assert(!wg_is_up(lab[0].wg));
	lab[1].cut = false;
	lab_advance(6000);
	ck_assert_uint_eq(connected(0), 2);
	/* what came first waited, the queue kept so many */
	ck_assert_uint_eq(lab[1].got[620], 1);
	ck_assert_uint_eq(lab[1].got[799], 0);
}
END_TEST

/* One who only receives renews shortly before the end. */
START_TEST(receiver_renews)
{
	lab_connect();
	lab_advance(164000);
	(void)lab_send(1, 5, 100);
	lab_run();
	ck_assert_uint_eq(connected(0), 1);
	lab_advance(2000);
	(void)lab_send(1, 6, 100);
	lab_run();
	ck_assert_uint_eq(lab[0].got[6], 1);
	ck_assert_uint_eq(connected(0), 2);
	ck_assert_uint_eq(lab[1].sent[WG_M_INITIATION], 0);
}
END_TEST

START_TEST(idle_expires)
{
	unsigned int sent;

	lab_connect();
	lab_advance(179000);
	ck_assert(wg_is_up(lab[0].wg));
	ck_assert_uint_eq(lab[0].events[WG_EV_EXPIRED], 0);
	lab_advance(2000);
	ck_assert(!wg_is_up(lab[0].wg));
	ck_assert_uint_eq(lab[0].events[WG_EV_EXPIRED], 1);
	ck_assert_uint_eq(lab[1].events[WG_EV_EXPIRED], 1);
	ck_assert_uint_eq(lab[0].events[WG_EV_FAILED], 0);
	ck_assert_uint_eq(lab[0].sent[WG_M_INITIATION], 1);
	sent = lab[0].sent[WG_M_DATA];
	ck_assert_ptr_nonnull(lab[0].wg->current);
	lab_advance(400000);
	ck_assert_ptr_null(lab[0].wg->current);
	ck_assert_ptr_null(lab[1].wg->current);
	ck_assert_uint_eq(lab[0].sent[WG_M_DATA], sent);
	ck_assert_uint_eq(wg_deadline(lab[0].wg), 0);
	lab_connect();
	ck_assert_uint_eq(lab[1].got[1], 2);
}
END_TEST

START_TEST(answers_with_a_keepalive)
{
	lab_connect();
	(void)lab_send(0, 5, 100);
	lab_run();
	ck_assert_uint_eq(lab[1].sent[WG_M_DATA], 1);
	lab_advance(9900);
	ck_assert_uint_eq(lab[1].sent[WG_M_DATA], 1);
	lab_advance(200);
	ck_assert_uint_eq(lab[1].sent[WG_M_DATA], 2);
	ck_assert_uint_eq(lab[0].delivered, 1);
}
END_TEST

/* Silence after data: a new handshake after 15 s. */
START_TEST(silence_brings_a_handshake)
{
	lab_connect();
	lab[1].cut = true;
	(void)lab_send(0, 5, 100);
	lab_advance(14900);
	ck_assert_uint_eq(lab[0].sent[WG_M_INITIATION], 1);
	lab_advance(600);
	ck_assert_uint_eq(lab[0].sent[WG_M_INITIATION], 2);
}
END_TEST

START_TEST(persistent_keepalive)
{
	lab[0].config.keepalive = 25;
	wg_free(lab[0].wg);
	lab_start(0);
	wg_connect(lab[0].wg);
	lab_run();
	ck_assert_uint_eq(lab[0].sent[WG_M_DATA], 1);
	lab_advance(24900);
	ck_assert_uint_eq(lab[0].sent[WG_M_DATA], 1);
	lab_advance(200);
	ck_assert_uint_eq(lab[0].sent[WG_M_DATA], 2);
	lab_advance(1000000);
	ck_assert_uint_ge(lab[0].sent[WG_M_DATA], 38);
	ck_assert_uint_ge(connected(0), 6);
	wg_set_keepalive(lab[0].wg, 0);
	lab_advance(1000000);
	ck_assert(!wg_is_up(lab[0].wg));
}
END_TEST

/* The peer lost everything: the next packets make a new session. */
START_TEST(peer_restarts)
{
	lab_connect();
	wg_free(lab[1].wg);
	lab_start(1);
	(void)lab_send(0, 5, 100);
	lab_run();
	ck_assert_uint_eq(lab[1].got[5], 0);
	lab_advance(16000);
	(void)lab_send(0, 6, 100);
	lab_run();
	ck_assert_uint_eq(lab[1].got[6], 1);
	ck_assert_uint_eq(connected(0), 2);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    both_ways,
	    connect_without_packets,
	    begun_by_the_other,
	    begun_by_both,
	    packets_wait_in_order,
	    queue_is_bounded_in_bytes,
	    initiation_is_repeated,
	    gives_up,
	    one_initiation_in_5_s,
	    bad_configuration,
	    renewal_loses_nothing,
	    renewal_fails,
	    late_packets_of_the_old_session,
	    receiver_renews,
	    idle_expires,
	    answers_with_a_keepalive,
	    silence_brings_a_handshake,
	    persistent_keepalive,
	    peer_restarts,
	};
	Suite *s = suite_create("wg_peer");
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
