/* SPDX-License-Identifier: ISC */
/* Flows: set, change, delete, sync, limits. */
#include "path_lab.h"

#include <stdlib.h>

#include "afwrt-tun/flow.h"
#include "lib/wire/error.h"

static uint32_t
look(const char *text)
{
	struct afw_addr a = lab_addr(text);

	return flow_lookup(a.family, a.b);
}

static int
set(const char *text, uint32_t route)
{
	struct afw_addr a = lab_addr(text);

	return flow_set(&a, route);
}

static void
clean(void)
{
	flow_sync_begin();
	flow_sync_end();
}

static void
route_add(uint32_t route, void *arg)
{
	*(uint32_t *)arg += route;
}

START_TEST(set_and_delete)
{
	uint32_t sum = 0;
	struct afw_addr a = lab_addr("192.168.1.5");

	ck_assert_uint_eq(look("192.168.1.5"), 0);
	ck_assert_int_eq(set("192.168.1.5", 3), AFW_OK);
	ck_assert_int_eq(set("2001:db8::5", 4), AFW_OK);
	ck_assert_uint_eq(look("192.168.1.5"), 3);
	ck_assert_uint_eq(look("2001:db8::5"), 4);
	ck_assert_uint_eq(look("192.168.1.6"), 0);
	ck_assert_int_eq(set("192.168.1.5", 7), AFW_OK);
	ck_assert_uint_eq(look("192.168.1.5"), 7);
	ck_assert_uint_eq(flow_count(), 2);
	flow_each(route_add, &sum);
	ck_assert_uint_eq(sum, 7 + 4);
	flow_del(&a);
	ck_assert_uint_eq(look("192.168.1.5"), 0);
	flow_del(&a);
	ck_assert_uint_eq(flow_count(), 1);
	clean();
}
END_TEST

START_TEST(families_do_not_mix)
{
	/* the same sixteen bytes but for the family */
	struct afw_addr four = lab_addr("32.1.13.184");

	ck_assert_int_eq(flow_set(&four, 1), AFW_OK);
	ck_assert_uint_eq(look("2001:db8::"), 0);
	ck_assert_int_eq(set("2001:db8::", 2), AFW_OK);
	ck_assert_uint_eq(look("32.1.13.184"), 1);
	clean();
}
END_TEST

START_TEST(sync_drops_what_is_not_named)
{
	ck_assert_int_eq(set("10.0.0.1", 1), AFW_OK);
	ck_assert_int_eq(set("10.0.0.2", 1), AFW_OK);
	flow_sync_begin();
	ck_assert_int_eq(set("10.0.0.2", 5), AFW_OK);
	ck_assert_int_eq(set("10.0.0.3", 1), AFW_OK);
	ck_assert_uint_eq(look("10.0.0.1"), 1); /* until the end */
	flow_sync_end();
	ck_assert_uint_eq(look("10.0.0.1"), 0);
	ck_assert_uint_eq(look("10.0.0.2"), 5);
	ck_assert_uint_eq(look("10.0.0.3"), 1);
	clean();
}
END_TEST

START_TEST(refuses)
{
	ck_assert_int_eq(set("224.0.0.1", 1), AFW_EINVAL);
	ck_assert_int_eq(set("0.0.0.0", 1), AFW_EINVAL);
	ck_assert_int_eq(set("ff02::1", 1), AFW_EINVAL);
	ck_assert_int_eq(set("10.0.0.1", 0), AFW_EINVAL);
}
END_TEST

START_TEST(many_and_the_limit)
{
	struct afw_addr a = lab_addr("10.0.0.0");
	uint32_t i;

	for (i = 0; i < FLOW_MAX; i++) {
		put32(a.b, UINT32_C(0x0a000000) + i);
		ck_assert_int_eq(flow_set(&a, i % 60 + 1), AFW_OK);
	}
	ck_assert_int_eq(set("11.0.0.1", 1), AFW_ENOSPC);
	for (i = 0; i < FLOW_MAX; i += 97) {
		put32(a.b, UINT32_C(0x0a000000) + i);
		ck_assert_uint_eq(flow_lookup(4, a.b), i % 60 + 1);
	}
	clean();
	ck_assert_uint_eq(flow_count(), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("flow");
	TCase *t = tcase_create("flow");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, set_and_delete);
	tcase_add_test(t, families_do_not_mix);
	tcase_add_test(t, sync_drops_what_is_not_named);
	tcase_add_test(t, refuses);
	tcase_add_test(t, many_and_the_limit);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
