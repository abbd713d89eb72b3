/* SPDX-License-Identifier: ISC */
/* The marks of WireGuard routes: counted up within a mask. */
#include <check.h>
#include <stdlib.h>

#include "afwrt-net/wg_mark.h"

static const struct {
	uint32_t v, mask, next;
} steps[] = {
    {0x8, UINT32_MAX, 0x9},
    {0xf, UINT32_MAX, 0x10},
    {UINT32_MAX, UINT32_MAX, 0},
    {0x100, 0xff00, 0x200},
    {0xff00, 0xff00, 0},
    /* a mask with holes */
    {0x1, 0x5, 0x4},
    {0x4, 0x5, 0x5},
    {0x5, 0x5, 0x0},
    {0x10000, 0xf0f0000, 0x20000},
    {0xf0000, 0xf0f0000, 0x1000000},
    {0x80000000, 0x80000000, 0},
};

START_TEST(counts_within_the_mask)
{
	ck_assert_uint_eq(
	    wg_mark_next(steps[_i].v, steps[_i].mask), steps[_i].next);
}
END_TEST

/* Every value of the mask comes, each once, and then the first again. */
START_TEST(comes_around)
{
	uint32_t v = 0x8, n = 0;

	do
		v = wg_mark_next(v, 0x3c);
	while (n++ < 100 && v != 0x8);
	ck_assert_uint_eq(n, 16);
}
END_TEST

START_TEST(unfit)
{
	ck_assert(wg_mark_fits(0x9, 0x8, UINT32_MAX, 0x10));
	ck_assert(!wg_mark_fits(0, 0x8, UINT32_MAX, 0x10));
	ck_assert(!wg_mark_fits(0x8, 0x8, UINT32_MAX, 0x10));
	ck_assert(!wg_mark_fits(0x10, 0x8, UINT32_MAX, 0x10));
	ck_assert(!wg_mark_fits(0x19, 0x8, UINT32_MAX, 0x10));
	ck_assert(wg_mark_fits(0x20, 0x8, UINT32_MAX, 0x10));
	ck_assert(wg_mark_fits(0x1000, 0x100, 0xff00, 0x10));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wg_mark");
	TCase *c = tcase_create("mark");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(c, counts_within_the_mask, 0,
	    (int)(sizeof(steps) / sizeof(steps[0])));
	tcase_add_test(c, comes_around);
	tcase_add_test(c, unfit);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
