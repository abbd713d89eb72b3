/* SPDX-License-Identifier: ISC */
/*
 * Interfaces of WireGuard locations in managed routing: their numbers, and
 * what of them stays to block.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "wg_env.h"

static void
managed(uint32_t flags)
{
	e.cfg.flags |= AFW_C_WG_MANAGED | flags;
	OK(env_net_config(&e));
}

/* The numbers of other programs are passed over. */
START_TEST(numbers)
{
	ck_assert_int_eq(sh("ip rule add pref 77 fwmark 0x9 lookup 100 && "
			    "ip -6 rule add pref 78 from fd00::1 lookup 49 && "
			    "ip route add 10.77.0.0/16 dev lan0 table 48"),
	    0);
	managed(0);
	OK(wg_env_set(3, "tun3"));
	HAS(out("ip rule"), "fwmark 0xa lookup 50");
	HAS(out("ip route show table 50"), "unreachable default");
	OK(wg_env_set(4, "tun4"));
	HAS(out("ip rule"), "fwmark 0xb lookup 51");
	OK(env_wg_del(&e, 3));
	HAS_NOT(out("ip rule"), "fwmark 0xa ");
	OK(wg_env_set(5, "tun5"));
	HAS(out("ip rule"), "fwmark 0xa lookup 50");
	/* those of the outer sockets are not given away */
	OK(wg_env_set(6, "tun6"));
	OK(wg_env_set(7, "tun7"));
	OK(wg_env_set(8, "tun8"));
	OK(wg_env_set(9, "tun9"));
	HAS(out("ip rule"), "fwmark 0xf lookup 55");
	OK(wg_env_set(10, "tun10"));
	HAS(out("ip rule"), "fwmark 0x20 lookup 56");
}
END_TEST

START_TEST(numbers_run_out)
{
	e.cfg.fwmark_mask = 0xc;
	e.cfg.route_table = 252;
	managed(0);
	OK(wg_env_set(3, "tun3"));
	HAS(out("ip rule"), "fwmark 0xc/0xc lookup 256");
	OK(wg_env_set(4, "tun4"));
	HAS(out("ip rule"), "fwmark 0x4/0xc lookup 257");
	ck_assert_uint_eq(wg_env_set(5, "tun5"), AFW_ENOSPC);
	HAS(e.st.text, "fwmark_mask 0xc has no free mark");
	HAS_NOT(out("ip link"), "tun5");
	OK(env_wg_del(&e, 3));
	OK(wg_env_set(5, "tun5"));
}
END_TEST

START_TEST(config_changes)
{
	OK(env_net_config(&e));
	OK(wg_env_set(3, "tun3"));
	HAS_NOT(out("ip rule"), "fwmark");
	managed(0);
	HAS(out("ip rule"), "fwmark 0x9 lookup 48");
	e.cfg.fwmark = 0x100;
	e.cfg.route_table = 1047;
	OK(env_net_config(&e));
	HAS(out("ip rule"), "fwmark 0x101 lookup 1048");
	HAS_NOT(out("ip rule"), "fwmark 0x9 ");
}
END_TEST

/* With default_gateway the interface outlives a violent end, and drops. */
START_TEST(held)
{
	struct afw_m_wg_set m = wg_env_session(3);
	char before[32];

	managed(AFW_C_DEFAULT_GATEWAY);
	OK(env_wg_set(&e, 3, AFW_WG_AUTO, AFW_W_DEFAULT, "tun3"));
	if (e.net_wg.impl != AFW_WG_USERSPACE)
		return; /* tests/qemu/net_wg_test.c */
	OK(wg_env_set(4, "tun4"));
	OK(wg_env_say(&m));
	ck_assert(env_until(&e, wg_env_has_3));
	HAS(out("ip -d link show tun3"), "persist on");
	HAS_NOT(out("ip -d link show tun4"), "persist on");
	(void)snprintf(
	    before, sizeof(before), "%d", atoi(out("ip -o link show tun3")));
	env_kill(&e);
	(void)close(e.wg[3].fd);
	(void)close(e.wg[3].kept);
	(void)close(e.wg[4].fd);
	(void)close(e.wg[4].kept);
	e.wg[3].kept = e.wg[3].fd = e.wg[4].kept = e.wg[4].fd = -1;
	HAS_NOT(out("ip link"), "tun4");
	env_start(&e);
	OK(env_net_config(&e));
	OK(env_wg_set(&e, 3, AFW_WG_AUTO, AFW_W_DEFAULT, "tun3"));
	ck_assert_int_eq(atoi(out("ip -o link show tun3")), atoi(before));
	HAS(out("ip addr show tun3"), "10.9.0.2/24");
	OK(env_clear(&e, true));
	HAS(out("ip -d link show tun3"), "persist on");
	OK(env_clear(&e, false));
	HAS_NOT(out("ip link"), "tun3");
}
END_TEST

/* Nobody asks for it in the next life. */
START_TEST(swept)
{
	managed(AFW_C_DEFAULT_GATEWAY);
	OK(env_wg_set(&e, 3, AFW_WG_USERSPACE, AFW_W_DEFAULT, "tun3"));
	env_kill(&e);
	ck_assert_int_eq(sh("ip tuntap add mode tun name tun5"), 0);
	env_start(&e);
	OK(env_net_config(&e));
	HAS(out("ip link"), "tun3");
	env_sync_begin(&e);
	OK(env_ask(&e, AFW_MSG_NET_SYNC_COMMIT, NULL, -1));
	HAS_NOT(out("ip link"), "tun3");
	HAS(out("ip link"), "tun5"); /* the user's */
}
END_TEST

/* What blocks stays: the tables, the rules; nobody's interface. */
START_TEST(blocked)
{
	struct afw_m_wg_set m = wg_env_session(3);

	managed(0);
	OK(wg_env_set(3, "tun3"));
	OK(wg_env_say(&m));
	HAS(out("ip route show table 48"), "default dev tun3");
	OK(env_clear(&e, true));
	HAS_NOT(out("ip link"), "tun3");
	HAS(out("ip rule"), "fwmark 0x9 lookup 48");
	HAS(out("ip route show table 48"), "unreachable default");
	HAS_NOT(out("ip route show table 48"), "tun3");
	OK(env_net_config(&e));
	(void)close(e.wg[3].kept);
	e.wg[3].kept = -1;
	OK(wg_env_set(3, "tun3"));
	OK(wg_env_say(&m));
	HAS(out("ip route show table 48"), "default dev tun3");
	OK(env_clear(&e, false));
	HAS_NOT(out("ip rule"), "fwmark");
	HAS_NOT(out("ip route show table all"), "table 48");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net_wg_managed");
	TCase *t = tcase_create("managed");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, wg_env_up, wg_env_down);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, numbers);
	tcase_add_test(t, numbers_run_out);
	tcase_add_test(t, config_changes);
	tcase_add_test(t, held);
	tcase_add_test(t, swept);
	tcase_add_test(t, blocked);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
