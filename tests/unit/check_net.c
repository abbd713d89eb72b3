/* SPDX-License-Identifier: ISC */
/* The parts of afwrt-net that need no kernel: the devices, the rules' texts. */
#include <check.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "afwrt-net/device.h"
#include "afwrt-net/nft.h"
#include "afwrt-net/route.h"

#define MANY 5000

static void
key_of(struct afw_key *k, uint32_t i)
{
	struct afw_addr a = {.family = 4};

	a.b[0] = 10;
	a.b[1] = (uint8_t)(i >> 16);
	a.b[2] = (uint8_t)(i >> 8);
	a.b[3] = (uint8_t)i;
	device_key(k, &a);
}

START_TEST(devices_many)
{
	struct devices t = {.n = 0};
	struct device *d = NULL;
	struct afw_key k;
	size_t at = 0, seen = 0;
	uint32_t i;

	for (i = 0; i < MANY; i++) {
		key_of(&k, i);
		ck_assert_ptr_null(device_find(&t, &k));
		device_add(&t, &k)->route = i + 1;
		ck_assert_uint_eq(device_add(&t, &k)->route, i + 1);
	}
	ck_assert_uint_eq(t.n, MANY);
	for (i = 0; i < MANY; i += 2) {
		key_of(&k, i);
		device_del(&t, device_find(&t, &k));
	}
	while (device_next(&t, &at, &d)) {
		ck_assert_uint_eq(d->route % 2, 0);
		seen++;
	}
	ck_assert_uint_eq(seen, MANY / 2);
	ck_assert_uint_eq(t.n, MANY / 2);
	device_clear(&t);
	ck_assert_uint_eq(t.n, 0);
	ck_assert_ptr_null(device_find(&t, &k));
}
END_TEST

START_TEST(devices_limit)
{
	struct devices t = {.n = 0};
	struct afw_key k;
	uint32_t i;

	for (i = 0; i < AFW_RULES_MAX; i++) {
		key_of(&k, i);
		ck_assert_ptr_nonnull(device_add(&t, &k));
	}
	key_of(&k, i);
	ck_assert_ptr_null(device_add(&t, &k));
	key_of(&k, 7); /* known ones may still change */
	ck_assert_ptr_nonnull(device_add(&t, &k));
	device_clear(&t);
}
END_TEST

/* Whatever a rule depends on is in its comment. */
START_TEST(comments_tell_all)
{
	const struct plan p = {.selective = true,
	    .mark = 8,
	    .mask = UINT32_MAX,
	    .tun = "wrt0",
	    .wan = "eth0"};
	char a[NFT_COMMENTS_SIZE], b[NFT_COMMENTS_SIZE];
	struct plan q[6];
	size_t i;

	nft_rules_comments(&p, NFPROTO_INET, a, sizeof(a));
	ck_assert_ptr_nonnull(strstr(a, "not from wrt0\n"));
	ck_assert_uint_lt(strlen(a), sizeof(a) / 2);
	for (i = 0; i < 6; i++)
		q[i] = p;
	q[0].mark = 16;
	q[1].mask = 0xff;
	q[2].tun[3] = '1';
	q[3].wan[3] = '1';
	q[4].wan[0] = '\0';
	q[5].dns = true;
	for (i = 0; i < 6; i++) {
		nft_rules_comments(&q[i], NFPROTO_INET, b, sizeof(b));
		ck_assert_str_ne(a, b);
	}
}
END_TEST

START_TEST(protocols_have_names)
{
	char buf[16];

	ck_assert_str_eq(route_proto_name(4, buf), "static");
	ck_assert_str_eq(route_proto_name(NET_RTPROT, buf), "afwrt");
	ck_assert_str_eq(route_proto_name(201, buf), "201");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net");
	TCase *c = tcase_create("net");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(c, devices_many);
	tcase_add_test(c, devices_limit);
	tcase_add_test(c, comments_tell_all);
	tcase_add_test(c, protocols_have_names);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
