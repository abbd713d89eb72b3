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

static bool
same_rules(const struct plan *a, const struct plan *b, uint8_t family)
{
	struct nft_sums x, y;

	nft_rules_sums(a, family, &x);
	nft_rules_sums(b, family, &y);
	return memcmp(&x, &y, sizeof(x)) == 0;
}

/* Whatever a rule depends on is in its comment. */
START_TEST(comments_tell_all)
{
	const struct plan p = {.selective = true,
	    .hydra = true,
	    .mark = 8,
	    .mask = UINT32_MAX,
	    .tun = "wrt0",
	    .wan = "eth0",
	    .wg_default = -1};
	struct plan q[7];
	size_t i;

	for (i = 0; i < 7; i++) {
		q[i] = p;
		ck_assert(same_rules(&p, &q[i], NFPROTO_INET));
	}
	q[0].mark = 16;
	q[1].mask = 0xff;
	q[2].tun[3] = '1';
	q[3].wan[3] = '1';
	q[4].wan[0] = '\0';
	q[5].dns = true;
	q[6].managed = true;
	for (i = 0; i < 7; i++)
		ck_assert(!same_rules(&p, &q[i], NFPROTO_INET));
}
END_TEST

static void
managed_plan(struct plan *p)
{
	memset(p, 0, sizeof(*p));
	p->selective = p->managed = p->dns = true;
	p->mark = 8;
	p->mask = UINT32_MAX;
	memcpy(p->wan, "eth0", 5);
	p->wg_default = -1;
	p->n_wg = 2;
	p->wg[0] = (struct plan_wg){.mark = 9, .mtu = 1420, .ifname = "wg0"};
	p->wg[1] = (struct plan_wg){.mark = 10, .mtu = 1420, .ifname = "wg1"};
	p->wg[1].dns4.family = 4;
}

START_TEST(comments_of_wireguard)
{
	struct plan p, q[8];
	size_t i;

	managed_plan(&p);
	for (i = 0; i < 8; i++) {
		managed_plan(&q[i]);
		ck_assert(same_rules(&p, &q[i], NFPROTO_INET));
	}
	q[0].wg[1].mark = 11;
	q[1].wg[1].mtu = 1280;
	q[2].wg[1].ifname[2] = '2';
	q[3].wg[1].dns4.b[3] = 1;
	q[4].wg[1].dns6.family = 6;
	q[5].n_wg = 1;
	q[6].mask = 0xff;
	q[7].bridge = true;
	for (i = 0; i < 8; i++)
		ck_assert(!same_rules(&p, &q[i], NFPROTO_INET));
	/* what has no part in the rules */
	p.wg[0].ifindex = 7;
	p.wg[0].table = 50;
	p.wg[0].has4 = true;
	managed_plan(&q[0]);
	ck_assert(same_rules(&p, &q[0], NFPROTO_INET));
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
	tcase_add_test(c, comments_of_wireguard);
	tcase_add_test(c, protocols_have_names);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
