/* SPDX-License-Identifier: ISC */
/* Rules, tunnels and states: each return value and errno, the suite real. */
#include "conform.h"

#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

START_TEST(everything_fails_before_init)
{
	ck_fails(afwrt_deinit(), EINVAL);
	ck_fails(afwrt_start(), EINVAL);
	ck_fails(afwrt_get_fd(), EINVAL);
	ck_fails(afwrt_dispatch(), EINVAL);
	ck_fails(afwrt_protect_ip_addr("192.168.50.11", YORK), EINVAL);
	ck_fails(afwrt_protect_mac_addr("02:00:02:00:00:01", YORK), EINVAL);
	ck_fails(afwrt_protect_iface("br-lan", YORK), EINVAL);
	ck_fails(afwrt_unprotect_ip_addr("192.168.50.11"), EINVAL);
	ck_fails(afwrt_unprotect_mac_addr("02:00:02:00:00:01"), EINVAL);
	ck_fails(afwrt_unprotect_iface("br-lan"), EINVAL);
	ck_fails(afwrt_setup_tunnel(YORK, NULL), EINVAL);
	ck_fails(afwrt_teardown_tunnel(YORK), EINVAL);
	ck_fails(afwrt_set_access_token("x"), EINVAL);
	ck_null(afwrt_get_locations(), EINVAL);
	ck_null(afwrt_get_status(), EINVAL);
	ck_null(afwrt_explain("192.168.50.11"), EINVAL);
	ck_null(afwrt_register_device("anonymous", NULL), EINVAL);
	ck_assert_int_eq(afwrt_stop(), 0);
}
END_TEST

START_TEST(init_once_deinit_once)
{
	begin("");
	ck_fails(afwrt_init(config_with(""), on_event), EALREADY);
	ck_does(afwrt_deinit());
	ck_fails(afwrt_deinit(), EINVAL);
}
END_TEST

START_TEST(version_is_three_numbers)
{
	const char *v = afwrt_version();
	int a, b, c, n = 0;

	ck_assert_int_eq(sscanf(v, "%d.%d.%d%n", &a, &b, &c, &n), 3);
	ck_assert_int_eq(n, (int)strlen(v));
	ck_assert_ptr_eq(v, afwrt_version());
}
END_TEST

/* ---- rules -------------------------------------------------------------- */

START_TEST(rules_by_ip)
{
	begin("");
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	ck_does(afwrt_protect_ip_addr("192.168.50.11", BERLIN));
	ck_does(afwrt_protect_ip_addr("fd00:50::11", BERLIN));
	ck_does(afwrt_protect_ip_addr("192.168.50.12", "us"));
	ck_does(afwrt_unprotect_ip_addr("192.168.50.11"));
	ck_fails(afwrt_unprotect_ip_addr("192.168.50.11"), ENOENT);
	ck_does(afwrt_unprotect_ip_addr("FD00:50:0::11"));
	ck_fails(afwrt_unprotect_ip_addr("fd00:50::11"), ENOENT);
	ck_does(afwrt_unprotect_ip_addr("192.168.50.12"));
}
END_TEST

START_TEST(rules_by_mac)
{
	begin("");
	ck_does(afwrt_protect_mac_addr("08:00:27:AA:D7:17", YORK));
	ck_does(afwrt_protect_mac_addr("08:00:27:aa:d7:17", BERLIN));
	ck_does(afwrt_unprotect_mac_addr("08-00-27-aa-d7-17"));
	ck_fails(afwrt_unprotect_mac_addr("08:00:27:AA:D7:17"), ENOENT);
}
END_TEST

START_TEST(rules_by_interface)
{
	begin("");
	ck_does(afwrt_protect_iface("br-lan", YORK));
	ck_does(afwrt_protect_iface("br-lan", BERLIN));
	ck_does(afwrt_unprotect_iface("br-lan"));
	ck_fails(afwrt_unprotect_iface("br-lan"), ENOENT);
	/* one that is not there yet */
	ck_does(afwrt_protect_iface("eth77", YORK));
	ck_does(afwrt_unprotect_iface("eth77"));
}
END_TEST

START_TEST(rules_of_a_wrong_form)
{
	static const char *const ips[] = {NULL, "", "x", "192.168.50",
	    "192.168.50.11/32", "192.168.50.256", "0.0.0.0", "::", "224.0.0.1",
	    "ff02::1", "255.255.255.255", "fe80::1%eth0"};
	static const char *const macs[] = {NULL, "", "08:00:27:AA:D7",
	    "08:00:27:AA:D7:17:18", "08:00:27:AA:D7:1g", "00:00:00:00:00:00",
	    "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"};
	static const char *const cards[] = {
	    NULL, "", "a-name-too-long-", "a/b", "a b", ".."};
	static const char *const places[] = {NULL, "", "a b", "u/s", "\xc3\xa9",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	size_t i;

	begin("");
	for (i = 0; i < sizeof(ips) / sizeof(*ips); i++) {
		ck_fails(afwrt_protect_ip_addr(ips[i], YORK), EINVAL);
		ck_fails(afwrt_unprotect_ip_addr(ips[i]), EINVAL);
	}
	for (i = 0; i < sizeof(macs) / sizeof(*macs); i++) {
		ck_fails(afwrt_protect_mac_addr(macs[i], YORK), EINVAL);
		ck_fails(afwrt_unprotect_mac_addr(macs[i]), EINVAL);
	}
	for (i = 0; i < sizeof(cards) / sizeof(*cards); i++) {
		ck_fails(afwrt_protect_iface(cards[i], YORK), EINVAL);
		ck_fails(afwrt_unprotect_iface(cards[i]), EINVAL);
	}
	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		ck_fails(
		    afwrt_protect_ip_addr("192.168.50.11", places[i]), EINVAL);
		ck_fails(afwrt_protect_mac_addr("08:00:27:AA:D7:17", places[i]),
		    EINVAL);
		ck_fails(afwrt_protect_iface("br-lan", places[i]), EINVAL);
	}
	/* of all that nothing was applied */
	ck_fails(afwrt_unprotect_ip_addr("192.168.50.11"), ENOENT);
}
END_TEST

START_TEST(rules_to_an_unknown_location)
{
	char *list;

	begin("");
	ck_assert_ptr_nonnull(list = afwrt_get_locations());
	afwrt_free(list);
	ck_fails(afwrt_protect_ip_addr("192.168.50.11", "xx-nowhere"), ENOENT);
	ck_fails(
	    afwrt_protect_mac_addr("08:00:27:AA:D7:17", "xx-nowhere"), ENOENT);
	ck_fails(afwrt_protect_iface("br-lan", "xx-nowhere"), ENOENT);
	ck_fails(afwrt_unprotect_ip_addr("192.168.50.11"), ENOENT);
	/* a refused change leaves the old rule as it was */
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	ck_fails(afwrt_protect_ip_addr("192.168.50.11", "xx-nowhere"), ENOENT);
	run_begin();
	await_exit("phone", YORK);
	run_stop();
}
END_TEST

/* ---- tunnels ------------------------------------------------------------ */

START_TEST(setup_and_teardown)
{
	char *list;

	begin("");
	ck_assert_ptr_nonnull(list = afwrt_get_locations());
	afwrt_free(list);
	ck_fails(afwrt_setup_tunnel(NULL, "wg0"), EINVAL);
	ck_fails(afwrt_setup_tunnel("xx-nowhere", NULL), ENOENT);
	ck_fails(afwrt_teardown_tunnel(NULL), EINVAL);
	ck_fails(afwrt_teardown_tunnel(YORK), ENOENT);
	ck_fails(afwrt_teardown_tunnel("xx-nowhere"), ENOENT);
	/* hydra-tcp: the name is ignored, whatever it is */
	ck_does(afwrt_setup_tunnel(YORK, "br-lan"));
	ck_fails(afwrt_setup_tunnel(YORK, NULL), EEXIST);
	ck_fails(afwrt_setup_tunnel(YORK, "other0"), EEXIST);
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	ck_fails(afwrt_teardown_tunnel(YORK), EBUSY);
	ck_does(afwrt_unprotect_ip_addr("192.168.50.11"));
	ck_does(afwrt_teardown_tunnel(YORK));
	ck_fails(afwrt_teardown_tunnel(YORK), ENOENT);
	ck_does(afwrt_setup_tunnel(YORK, NULL));
}
END_TEST

START_TEST(each_kind_of_rule_keeps_its_tunnel)
{
	begin("");
	ck_does(afwrt_protect_mac_addr("08:00:27:AA:D7:17", YORK));
	ck_fails(afwrt_teardown_tunnel(YORK), EBUSY);
	ck_does(afwrt_protect_iface("eth77", YORK));
	ck_does(afwrt_unprotect_mac_addr("08:00:27:AA:D7:17"));
	ck_fails(afwrt_teardown_tunnel(YORK), EBUSY);
	ck_does(afwrt_unprotect_iface("eth77"));
	ck_does(afwrt_teardown_tunnel(YORK));
}
END_TEST

/* "no actual connection is done, it will be started with first packet" */
START_TEST(setup_does_not_connect)
{
	int before;

	begin("");
	run_begin();
	ck_does(afwrt_setup_tunnel(YORK, NULL));
	before = lab_number("sessions %s", YORK);
	ck_assert_int_eq(events_count("route_connected", YORK), 0);
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	ck_assert_int_eq(lab_number("sessions %s", YORK), before);
	await_exit("phone", YORK);
	(void)event_await("route_connected", YORK, 0, 5);
	ck_assert_int_eq(lab_number("sessions %s", YORK), before + 1);
	run_stop();
}
END_TEST

/* "if location connection was interrupted ... to initiate reconnection" */
START_TEST(setup_again_after_route_disconnected)
{
	begin("{\"reconnect\":\"manual\"}");
	run_begin();
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	await_exit("phone", YORK);
	(void)event_await("route_connected", YORK, 0, 5);
	(void)lab("kick %s", YORK);
	(void)event_await("route_disconnected", YORK, 0, 15);
	ck_assert_str_eq(lab("seen phone"), "none");
	ck_assert_int_eq(events_count("route_connected", YORK), 1);
	ck_does(afwrt_setup_tunnel(YORK, NULL));
	await_exit("phone", YORK);
	(void)event_await("route_connected", YORK, 1, 5);
	ck_fails(afwrt_setup_tunnel(YORK, NULL), EEXIST);
	run_stop();
}
END_TEST

START_TEST(setup_again_after_route_failed)
{
	begin("{\"reconnect\":\"manual\"}");
	run_begin();
	(void)lab("node %s stop", YORK);
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	ck_assert_str_eq(lab("seen phone"), "none");
	(void)event_await("route_failed", YORK, 0, 20);
	(void)lab("node %s start", YORK);
	ck_assert_str_eq(lab("seen phone"), "none");
	ck_does(afwrt_setup_tunnel(YORK, NULL));
	await_exit("phone", YORK);
	run_stop();
}
END_TEST

START_TEST(no_more_than_64_locations)
{
	char name[32], *list;
	int i;

	(void)lab("locations 70");
	begin("{\"vl_default\":\"" BERLIN "\"}");
	ck_assert_ptr_nonnull(list = afwrt_get_locations());
	afwrt_free(list);
	for (i = 1; i <= 70; i++) {
		(void)snprintf(name, sizeof(name), "many-%d", i);
		errno = 0;
		if (afwrt_setup_tunnel(name, NULL) == -1)
			break;
	}
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_ge(i, 64);
	ck_assert_int_le(i, 65);
	ck_fails(afwrt_protect_ip_addr("192.168.50.11", name), ENOSPC);
	ck_does(afwrt_teardown_tunnel("many-1"));
	ck_does(afwrt_protect_ip_addr("192.168.50.11", name));
}
END_TEST

/* ---- a suite that hangs or is gone -------------------------------------- */

START_TEST(silence_is_a_timeout)
{
	int pid;

	begin("");
	pid = pid_of("afwrtd");
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_fails(afwrt_protect_ip_addr("192.168.50.11", YORK), ETIMEDOUT);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	ck_does(afwrt_protect_ip_addr("192.168.50.11", BERLIN));
	ck_does(afwrt_unprotect_ip_addr("192.168.50.11"));
}
END_TEST

START_TEST(a_dead_suite_is_a_broken_pipe)
{
	int e;

	begin("");
	run_begin();
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	ck_assert_int_eq(kill(pid_of("afwrtd"), SIGKILL), 0);
	ck_assert_int_eq(run_end(&e), -1);
	ck_assert_int_eq(e, EPIPE);
	ck_fails(afwrt_protect_ip_addr("192.168.50.12", YORK), EPIPE);
	ck_fails(afwrt_unprotect_ip_addr("192.168.50.11"), EPIPE);
	ck_fails(afwrt_setup_tunnel(YORK, NULL), EPIPE);
	ck_fails(afwrt_teardown_tunnel(YORK), EPIPE);
	ck_fails(afwrt_set_access_token("x"), EPIPE);
	ck_fails(afwrt_start(), EPIPE);
	ck_null(afwrt_get_locations(), EPIPE);
	ck_null(afwrt_get_status(), EPIPE);
	ck_null(afwrt_explain("192.168.50.11"), EPIPE);
	ck_null(afwrt_register_device("anonymous", NULL), EPIPE);
	ck_does(afwrt_deinit());
	await_no_helpers();
	/* the next start puts it right */
	begin("");
	ck_does(afwrt_deinit());
	ck_assert_str_eq(lab("leftovers"), "none");
}
END_TEST

START_TEST(a_forked_child_is_refused)
{
	int st, bad = 0;
	pid_t pid;

	begin("");
	if ((pid = fork()) == 0) {
#define DEAD(call) bad += !((call) == -1 && errno == EOWNERDEAD)
		DEAD(afwrt_init("{}", NULL));
		DEAD(afwrt_deinit());
		DEAD(afwrt_start());
		DEAD(afwrt_get_fd());
		DEAD(afwrt_dispatch());
		DEAD(afwrt_protect_ip_addr("192.168.50.11", YORK));
		DEAD(afwrt_unprotect_ip_addr("192.168.50.11"));
		DEAD(afwrt_protect_mac_addr("08:00:27:AA:D7:17", YORK));
		DEAD(afwrt_unprotect_mac_addr("08:00:27:AA:D7:17"));
		DEAD(afwrt_protect_iface("br-lan", YORK));
		DEAD(afwrt_unprotect_iface("br-lan"));
		DEAD(afwrt_setup_tunnel(YORK, NULL));
		DEAD(afwrt_teardown_tunnel(YORK));
		DEAD(afwrt_set_access_token("x"));
		bad += !(afwrt_get_locations() == NULL && errno == EOWNERDEAD);
		bad += !(afwrt_get_status() == NULL && errno == EOWNERDEAD);
		bad +=
		    !(afwrt_explain("10.0.0.1") == NULL && errno == EOWNERDEAD);
		bad += !(afwrt_register_device("anonymous", NULL) == NULL &&
		    errno == EOWNERDEAD);
		bad += afwrt_stop() != 0;
		_exit(bad);
	}
	ck_assert_int_eq(waitpid(pid, &st, 0), pid);
	ck_assert_int_eq(st, 0);
	/* the parent's suite has not noticed */
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
}
END_TEST

int
main(void)
{
	conform_begin("api_calls");
	CONFORM(everything_fails_before_init, 20);
	CONFORM(init_once_deinit_once, 20);
	CONFORM(version_is_three_numbers, 10);
	CONFORM(rules_by_ip, 20);
	CONFORM(rules_by_mac, 20);
	CONFORM(rules_by_interface, 20);
	CONFORM(rules_of_a_wrong_form, 20);
	CONFORM(rules_to_an_unknown_location, 30);
	CONFORM(setup_and_teardown, 20);
	CONFORM(each_kind_of_rule_keeps_its_tunnel, 20);
	CONFORM(setup_does_not_connect, 40);
	CONFORM(setup_again_after_route_disconnected, 60);
	CONFORM(setup_again_after_route_failed, 60);
	CONFORM(no_more_than_64_locations, 40);
	CONFORM(silence_is_a_timeout, 30);
	CONFORM(a_dead_suite_is_a_broken_pipe, 40);
	CONFORM(a_forked_child_is_refused, 20);
	return conform_run();
}
