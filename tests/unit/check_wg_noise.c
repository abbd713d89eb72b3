/* SPDX-License-Identifier: ISC */
/*
 * An exchange with fixed keys, byte for byte as an independent computation
 * gives it (wg_vectors.py), in both roles, through the engine's own messages.
 */
#include "tests/unit/wg_lab.h"
#include "tests/unit/wg_vectors.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What wg_random gives, in order. */
static const uint8_t *fixed[8];
static size_t fixed_len[8];
static unsigned int fixed_n, fixed_at;

static int
fixed_random(void *buf, size_t n)
{
	/* jitter is two bytes and of no interest */
	if (n == 2) {
		memset(buf, 0, n);
		return 0;
	}
	ck_assert_uint_lt(fixed_at, fixed_n);
	ck_assert_uint_eq(fixed_len[fixed_at], n);
	memcpy(buf, fixed[fixed_at++], n);
	return 0;
}

static void
fix(const void *p, size_t n)
{
	fixed[fixed_n] = p;
	fixed_len[fixed_n++] = n;
}

static void
prepare(void)
{
	static const uint32_t a_index = V_A_INDEX, b_index = V_B_INDEX;

	lab_prepare();
	memcpy(lab[0].config.private_key, v_a_key, WG_KEY);
	memcpy(lab[0].config.peer_key, v_b_public, WG_KEY);
	memcpy(lab[0].config.psk, v_psk, WG_KEY);
	memcpy(lab[1].config.private_key, v_b_key, WG_KEY);
	memcpy(lab[1].config.peer_key, v_a_public, WG_KEY);
	memcpy(lab[1].config.psk, v_psk, WG_KEY);
	lab_ms = 500; /* the wall clock of the lab ends in .5 then */
	fixed_n = fixed_at = 0;
	fix(&a_index, 4);
	fix(v_a_ephemeral, WG_KEY);
	fix(&b_index, 4);
	fix(v_b_ephemeral, WG_KEY);
	wg_random = fixed_random;
}

START_TEST(exchange)
{
	struct lab_datagram d;

	prepare();
	lab_start(0);
	lab_start(1);
	ck_assert_mem_eq(wg_get_public_key(lab[0].wg), v_a_public, WG_KEY);
	ck_assert_int_eq(wg_output(lab[0].wg, v_packet, sizeof(v_packet)), 0);
	wg_flush(lab[0].wg);
	ck_assert(lab_take(&d));
	ck_assert_mem_eq(lab[0].stamp, v_stamp, WG_STAMP);
	ck_assert_uint_eq(d.len, sizeof(v_initiation));
	ck_assert_mem_eq(d.b, v_initiation, d.len);
	wg_input(lab[1].wg, d.b, d.len, &d.from);
	ck_assert(lab_take(&d));
	ck_assert_uint_eq(d.len, sizeof(v_response));
	ck_assert_mem_eq(d.b, v_response, d.len);
	wg_input(lab[0].wg, d.b, d.len, &d.from);
	ck_assert(lab_take(&d));
	ck_assert_uint_eq(d.len, sizeof(v_data));
	ck_assert_mem_eq(d.b, v_data, d.len);
	wg_input(lab[1].wg, d.b, d.len, &d.from);
	ck_assert_uint_eq(lab[1].delivered, 1);
	ck_assert_uint_eq(lab[1].last_len, sizeof(v_packet));
	ck_assert_mem_eq(lab[1].last, v_packet, sizeof(v_packet));
	ck_assert_uint_eq(lab[0].events[WG_EV_CONNECTED], 1);
	ck_assert_uint_eq(lab[1].events[WG_EV_CONNECTED], 1);
	lab_close();
}
END_TEST

START_TEST(keys)
{
	struct wg_identity a = {0}, b = {0};
	struct wg_noise na, nb;
	struct wg_keys ka, kb;
	uint8_t m1[WG_INITIATION_SIZE], m2[WG_RESPONSE_SIZE], stamp[12];

	prepare();
	fixed_at = 1;
	memcpy(a.private_key, v_a_key, WG_KEY);
	memcpy(a.peer_key, v_b_public, WG_KEY);
	memcpy(a.psk, v_psk, WG_KEY);
	memcpy(b.private_key, v_b_key, WG_KEY);
	memcpy(b.peer_key, v_a_public, WG_KEY);
	memcpy(b.psk, v_psk, WG_KEY);
	ck_assert_int_eq(wg_identity_complete(&a), 0);
	ck_assert_int_eq(wg_identity_complete(&b), 0);
	ck_assert_int_eq(
	    wg_noise_make_initiation(&na, &a, m1, V_A_INDEX, v_stamp), 0);
	ck_assert_int_eq(wg_noise_take_initiation(&nb, &b, m1, stamp), 0);
	ck_assert_mem_eq(stamp, v_stamp, 12);
	ck_assert_uint_eq(nb.peer_index, V_A_INDEX);
	fixed_at = 3;
	ck_assert_int_eq(wg_noise_make_response(&nb, &b, m2, V_B_INDEX), 0);
	/* a wrong one leaves the state for the right one */
	m2[50] ^= 1;
	ck_assert_int_eq(wg_noise_take_response(&na, &a, m2), -1);
	m2[50] ^= 1;
	ck_assert_int_eq(wg_noise_take_response(&na, &a, m2), 0);
	ck_assert_uint_eq(na.peer_index, V_B_INDEX);
	ck_assert_int_eq(wg_noise_split(&na, true, &ka), 0);
	ck_assert_int_eq(wg_noise_split(&nb, false, &kb), 0);
	ck_assert_mem_eq(ka.send, v_to_b, WG_KEY);
	ck_assert_mem_eq(ka.recv, v_to_a, WG_KEY);
	ck_assert_mem_eq(kb.send, v_to_a, WG_KEY);
	ck_assert_mem_eq(kb.recv, v_to_b, WG_KEY);
	ck_assert(wg_is_zero(&na, sizeof(na)));
}
END_TEST

/* The cookie reply, and MAC2 of the initiation repeated with it. */
START_TEST(cookie)
{
	struct wg_identity a = {0}, b = {0};
	struct wg_cookie ca, cb;
	union wg_endpoint from;
	uint8_t reply[WG_COOKIE_SIZE], msg[WG_INITIATION_SIZE];

	prepare();
	memcpy(a.public_key, v_a_public, WG_KEY);
	memcpy(a.peer_key, v_b_public, WG_KEY);
	memcpy(b.public_key, v_b_public, WG_KEY);
	memcpy(b.peer_key, v_a_public, WG_KEY);
	ck_assert_int_eq(wg_cookie_init(&ca, &a), 0);
	ck_assert_int_eq(wg_cookie_init(&cb, &b), 0);
	fixed_n = 0;
	fix(v_nonce, WG_XNONCE);
	fix(v_secret, WG_HASH);
	lab_endpoint(&from, "192.0.2.1", 1234);
	ck_assert_int_eq(wg_cookie_reply(&cb, reply, v_initiation,
			     sizeof(v_initiation), &from, lab_ms),
	    0);
	ck_assert_mem_eq(reply, v_cookie_reply, sizeof(reply));
	memcpy(msg, v_initiation, sizeof(msg));
	/* it is bound to MAC1 of what was sent last */
	ck_assert_int_eq(wg_cookie_take(&ca, reply, lab_ms), -1);
	ck_assert_int_eq(wg_cookie_sign(&ca, msg, sizeof(msg), lab_ms), 0);
	ck_assert_mem_eq(msg, v_initiation, sizeof(msg));
	ck_assert_int_eq(wg_cookie_take(&ca, reply, lab_ms), 0);
	ck_assert_int_eq(wg_cookie_take(&ca, reply, lab_ms), -1);
	ck_assert_int_eq(wg_cookie_sign(&ca, msg, sizeof(msg), lab_ms), 0);
	ck_assert_mem_eq(msg, v_initiation_cookie, sizeof(msg));
	/* and not used for ever */
	ck_assert_int_eq(
	    wg_cookie_sign(&ca, msg, sizeof(msg), lab_ms + 115000), 0);
	ck_assert_mem_eq(msg, v_initiation, sizeof(msg));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wg_noise");
	TCase *t = tcase_create("vectors");
	SRunner *r;
	int failed;

	suite_add_tcase(s, t);
	tcase_add_test(t, exchange);
	tcase_add_test(t, keys);
	tcase_add_test(t, cookie);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
