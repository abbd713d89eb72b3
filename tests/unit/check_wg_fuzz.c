/* SPDX-License-Identifier: ISC */
/*
 * Datagrams changed at random, in buffers of exactly their size, while two
 * peers talk: nothing crashes (with the sanitizers: nothing is read that is
 * not there), nothing changed is delivered, and the peers still talk.
 */
#include "tests/unit/wg_lab.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* WG_FUZZ_SEED and WG_FUZZ_ROUNDS make it another run, or a long one. */
static unsigned int
setting(const char *name, unsigned int usual)
{
	const char *text = getenv(name);

	return text != NULL ? (unsigned int)strtoul(text, NULL, 10) : usual;
}

static void
mutate(uint8_t *b, size_t *len)
{
	size_t i, n = (size_t)random() % 4;

	switch (random() % 5) {
	case 0:
		*len = (size_t)random() % (*len + 1);
		break;
	case 1:
		n = 40;
		break;
	case 2: /* another type, which needs another length */
		if (*len > 0)
			b[0] = (uint8_t)(random() % 6);
		break;
	}
	for (i = 0; i <= n && *len > 0; i++)
		b[(size_t)random() % *len] ^= (uint8_t)(1 + random() % 255);
}

/* In a heap buffer of its own, so that a byte too much is seen. */
static void
input(unsigned int side, const uint8_t *b, size_t len,
    const union wg_endpoint *from)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, b, len);
	wg_input(lab[side].wg, exact, len, from);
	free(exact);
}

static void
one(unsigned int i)
{
	struct lab_datagram d, bad;
	unsigned int before;
	size_t n;

	(void)lab_send(i % 2, i % LAB_PACKETS, 24 + i % 1390);
	for (n = 0; n < 8 && lab_take(&d); n++) {
		bad = d;
		mutate(bad.b, &bad.len);
		lab_endpoint(&bad.from, "198.51.100.1", (uint16_t)i);
		before = lab[0].delivered + lab[1].delivered;
		if (bad.len != d.len || memcmp(bad.b, d.b, d.len) != 0)
			input(d.to, bad.b, bad.len, &bad.from);
		ck_assert_uint_eq(before, lab[0].delivered + lab[1].delivered);
		input(d.to, d.b, d.len, &d.from);
	}
}

START_TEST(changed_datagrams)
{
	unsigned int i, rounds = setting("WG_FUZZ_ROUNDS", 20000);

	lab_open();
	srandom(setting("WG_FUZZ_SEED", 1));
	for (i = 0; i < rounds; i++) {
		one(i);
		lab_ms += (uint64_t)(random() % 100);
		(void)wg_tick(lab[0].wg, lab_ms);
		(void)wg_tick(lab[1].wg, lab_ms);
	}
	ck_assert_uint_ge(lab[0].delivered, rounds / 10 * 4);
	ck_assert_uint_ge(lab[1].delivered, rounds / 10 * 4);
	ck_assert_uint_ge(lab[0].events[WG_EV_CONNECTED], 5);
	lab_close();
}
END_TEST

/* Right in all that can be computed without a key. */
START_TEST(right_macs)
{
	struct wg_cookie *to_a, *to_b;
	uint8_t b[WG_INITIATION_SIZE];
	struct lab_datagram d;
	unsigned int i;
	size_t len;

	lab_open();
	lab_connect();
	to_a = &lab[1].wg->cookie;
	to_b = &lab[0].wg->cookie;
	srandom(setting("WG_FUZZ_SEED", 1));
	for (i = 0; i < 2000; i++) {
		len = i % 2 ? WG_INITIATION_SIZE : WG_RESPONSE_SIZE;
		ck_assert_int_eq(wg_random(b, len), 0);
		wg_put32(b, i % 2 ? WG_M_INITIATION : WG_M_RESPONSE);
		wg_put32(b + 8, lab[i / 2 % 2].wg->index);
		ck_assert_int_eq(
		    wg_cookie_sign(i / 2 % 2 ? to_b : to_a, b, len, lab_ms), 0);
		wg_now(lab[i / 2 % 2].wg, lab_ms);
		input(i / 2 % 2, b, len, &lab[!(i / 2 % 2)].me);
		lab_ms += 20;
		while (lab_take(&d))
			continue;
	}
	ck_assert_uint_eq(lab[0].events[WG_EV_CONNECTED], 1);
	ck_assert_uint_eq(lab[1].events[WG_EV_CONNECTED], 1);
	lab_close();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wg_fuzz");
	TCase *t = tcase_create("fuzz");
	SRunner *r;
	int failed;

	suite_add_tcase(s, t);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, changed_datagrams);
	tcase_add_test(t, right_macs);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
