/* SPDX-License-Identifier: ISC */
/* What answers a probe, and what only looks like it. */
#include "path_lab.h"

#include "afwrt-tun/probe.h"

static struct probe p;
static struct lab_packet sent, a;

static void
setup(void)
{
	struct afw_addr inner = lab_addr("10.8.0.2");
	struct afw_addr node = lab_addr("203.0.113.21");

	ck_assert(probe_init(&p, &inner, &node));
	sent.len = PROBE_SIZE;
	probe_build(&p, sent.b);
}

/* As a kernel makes it: back to the sender, another type. */
static void
reply(void)
{
	a = sent;
	memcpy(a.b + 12, sent.b + 16, 4);
	memcpy(a.b + 16, sent.b + 12, 4);
	a.b[20] = 0;
}

START_TEST(well_made)
{
	ck_assert(lab_checksums_ok(sent.b, sent.len));
	ck_assert(lab_addr_is(sent.b, 0, "10.8.0.2"));
	ck_assert(lab_addr_is(sent.b, 1, "203.0.113.21"));
	ck_assert_uint_eq(sent.b[8], 1); /* goes no further */
	ck_assert_int_eq(probe_answered(&p, sent.b, sent.len), PROBE_NO);
}
END_TEST

START_TEST(echo)
{
	struct probe other = p;
	size_t n;

	reply();
	ck_assert_int_eq(probe_answered(&p, a.b, a.len), PROBE_ECHO);
	for (n = 0; n < a.len; n++)
		ck_assert_int_eq(probe_answered(&p, a.b, n), PROBE_NO);
	other.mark[11]++;
	ck_assert_int_eq(probe_answered(&other, a.b, a.len), PROBE_NO);
	a.b[15]++; /* another sender */
	ck_assert_int_eq(probe_answered(&p, a.b, a.len), PROBE_NO);
}
END_TEST

START_TEST(errors)
{
	lab_make_error(
	    &a, "10.9.9.9", "10.8.0.2", _i == 0 ? 3 : 11, 0, &sent, 28);
	ck_assert_int_eq(probe_answered(&p, a.b, a.len), PROBE_ERROR);
	ck_assert_int_eq(probe_answered(&p, a.b, a.len - 1), PROBE_NO);
	a.b[28 + 24]++; /* about another packet */
	ck_assert_int_eq(probe_answered(&p, a.b, a.len), PROBE_NO);
	lab_make_error(&a, "10.9.9.9", "10.8.0.2", 5, 0, &sent, 28);
	ck_assert_int_eq(probe_answered(&p, a.b, a.len), PROBE_NO);
}
END_TEST

START_TEST(addresses)
{
	struct afw_addr four = lab_addr("10.8.0.2"), none = {0};
	struct afw_addr six = lab_addr("2001:db8::1");
	struct afw_addr home = lab_addr("127.0.0.1");

	ck_assert(!probe_init(&p, &none, &four));
	ck_assert(!probe_init(&p, &six, &four));
	ck_assert(probe_init(&p, &four, &six));
	probe_build(&p, sent.b);
	ck_assert(lab_addr_is(sent.b, 1, "192.0.2.1"));
	ck_assert(probe_init(&p, &four, &home));
	probe_build(&p, sent.b);
	ck_assert(lab_addr_is(sent.b, 1, "192.0.2.1"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("probe");
	TCase *t = tcase_create("probe");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, well_made);
	tcase_add_test(t, echo);
	tcase_add_loop_test(t, errors, 0, 2);
	tcase_add_test(t, addresses);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
