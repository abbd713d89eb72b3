/* SPDX-License-Identifier: ISC */
/* Each function, its results and its errors. */
#include "client_test.h"

#include <afwrt.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

static void
setup(void)
{
	fake_install("");
	ck_does(afwrt_init(CONFIG, event_keep));
}

static void
teardown(void)
{
	ck_does(afwrt_deinit());
	fake_remove();
}

START_TEST(rules)
{
	ck_does(afwrt_protect_ip_addr("192.168.50.139", "us"));
	ck_does(afwrt_protect_ip_addr("192.168.50.139", "de"));
	ck_does(afwrt_protect_ip_addr("fd00::5", "de"));
	ck_does(afwrt_protect_mac_addr("08:00:27:AA:D7:17", "us"));
	ck_does(afwrt_protect_iface("br0", "us"));
	ck_does(afwrt_unprotect_ip_addr("192.168.50.139"));
	ck_fails(afwrt_unprotect_ip_addr("192.168.50.139"), ENOENT);
	ck_does(afwrt_unprotect_mac_addr("08-00-27-aa-d7-17"));
	ck_does(afwrt_unprotect_iface("br0"));
	ck_fails(afwrt_unprotect_iface("br0"), ENOENT);
}
END_TEST

START_TEST(rules_refused)
{
	static const char *const ips[] = {"", "x", "192.168.1",
	    "192.168.1.5/24", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
	    "255.255.255.255", "127.0.0.1", "::1", "fe80::1%eth0", NULL};
	static const char *const locations[] = {"", "a b", "u/s", "\xc3\xa9",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    NULL};
	size_t i;

	for (i = 0; ips[i] != NULL; i++) {
		ck_fails(afwrt_protect_ip_addr(ips[i], "us"), EINVAL);
		ck_fails(afwrt_unprotect_ip_addr(ips[i]), EINVAL);
	}
	for (i = 0; locations[i] != NULL; i++)
		ck_fails(
		    afwrt_protect_ip_addr("10.0.0.1", locations[i]), EINVAL);
	ck_fails(afwrt_protect_ip_addr(NULL, "us"), EINVAL);
	ck_fails(afwrt_protect_ip_addr("10.0.0.1", NULL), EINVAL);
	ck_fails(afwrt_protect_mac_addr("08:00:27:AA:D7", "us"), EINVAL);
	ck_fails(afwrt_protect_mac_addr("09:01:28:AB:D8:18", "us"), EINVAL);
	ck_fails(afwrt_protect_mac_addr(NULL, "us"), EINVAL);
	ck_fails(afwrt_protect_iface("a-very-long-name", "us"), EINVAL);
	ck_fails(afwrt_protect_iface("", "us"), EINVAL);
	ck_fails(afwrt_protect_ip_addr("10.0.0.1", "nowhere"), ENOENT);
	ck_assert_str_eq(afwrt_last_error(),
	    "protect 10.0.0.1 -> nowhere: unknown location nowhere");
}
END_TEST

START_TEST(tunnels)
{
	ck_does(afwrt_setup_tunnel("us", NULL));
	ck_does(afwrt_setup_tunnel("us", "ignored/by hydra"));
	ck_assert_int_eq(fake_seen("IFACE ignored/by hydra"), 0);
	/* a WireGuard location may be among the others */
	ck_does(afwrt_setup_tunnel("us", "wg7"));
	ck_assert_int_eq(fake_seen("IFACE wg7"), 1);
	ck_fails(afwrt_setup_tunnel(NULL, "wg0"), EINVAL);
	ck_fails(afwrt_setup_tunnel("nowhere", NULL), ENOENT);
	ck_fails(afwrt_setup_tunnel("no such", NULL), ENOENT);
	ck_fails(afwrt_setup_tunnel("exists", NULL), EEXIST);
	ck_does(afwrt_teardown_tunnel("us"));
	ck_fails(afwrt_teardown_tunnel("used"), EBUSY);
	ck_fails(afwrt_teardown_tunnel("nowhere"), ENOENT);
	ck_fails(afwrt_teardown_tunnel(NULL), EINVAL);
}
END_TEST

START_TEST(account)
{
	const char *token;
	char *list = afwrt_get_locations();

	ck_assert_str_eq(list,
	    "{\"result\": \"OK\",  \"locations\": "
	    "[{\"name\": \"us\", \"labels\": {\"country\": \"us\"}}]}");
	afwrt_free(list);
	token = afwrt_register_device("anonymous", NULL);
	ck_assert_str_eq(token, "token-of-anonymous");
	/* one event each, though the suite tells of these itself */
	token = afwrt_register_device("both", "x");
	ck_assert_str_eq(token, "token-of-both");
	ck_assert_ptr_null(afwrt_register_device("firebase", "refused"));
	ck_assert_int_eq(errno, EACCES);
	ck_assert_ptr_null(afwrt_register_device("firebase", ""));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(afwrt_register_device("fire base", "x"));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(afwrt_register_device("firebase", "a b"));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(afwrt_register_device(NULL, "x"));
	ck_assert_int_eq(errno, EINVAL);
	runner_begin();
	events_await("{\"event\":\"auth_success\","
		     "\"access_token\":\"token-of-anonymous\"}");
	events_await("{\"event\":\"invalid_auth\","
		     "\"reason_details\":\"OAUTH_ERROR\"}");
	ck_assert_int_eq(afwrt_stop(), 0);
	ck_assert_int_eq(runner_end(NULL), 0);
	ck_assert_int_eq(events_count("auth_success"), 2);
	ck_assert_int_eq(events_count("invalid_auth"), 1);
}
END_TEST

START_TEST(token)
{
	char longest[4098];

	memset(longest, 'a', sizeof(longest));
	longest[4097] = '\0';
	ck_does(afwrt_set_access_token("aZ09._-~%2F"));
	ck_fails(afwrt_set_access_token(NULL), EINVAL);
	ck_fails(afwrt_set_access_token(""), EINVAL);
	ck_fails(afwrt_set_access_token("a/b"), EINVAL);
	ck_fails(afwrt_set_access_token("a%2"), EINVAL);
	ck_fails(afwrt_set_access_token("a%zz"), EINVAL);
	ck_fails(afwrt_set_access_token(longest), EINVAL);
	longest[4096] = '\0';
	ck_does(afwrt_set_access_token(longest));
	/* afwrt-auth comes back: it is told again, before the answer */
	ck_does(afwrt_register_device("anonymous", "") == NULL);
	ck_does(afwrt_protect_ip_addr("10.0.0.1", "authup"));
	ck_does(afwrt_protect_ip_addr("10.0.0.1", "us"));
	ck_assert_int_eq(fake_seen("TOKEN"), 3);
	ck_assert_int_eq(fake_seen("CREDENTIALS"), 1);
}
END_TEST

START_TEST(verify)
{
	ck_assert_int_eq(
	    afwrt_verify_user("https://b.example", "a", "right"), 0);
	ck_assert_int_eq(
	    afwrt_verify_user("https://b.example", "a", "wrong"), -1);
	ck_assert_int_eq(
	    afwrt_verify_user("https://b.example", "away", "right"), 1);
	ck_assert_int_eq(errno, ENETUNREACH);
	ck_assert_int_eq(
	    afwrt_verify_user("http://b.example", "a", "right"), 1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(afwrt_verify_user(NULL, "a", "right"), 1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(status)
{
	char *text;

	ck_does(afwrt_protect_ip_addr("10.0.0.1", "us"));
	ck_assert_ptr_nonnull(text = afwrt_get_status());
	ck_assert_ptr_nonnull(strstr(text,
	    "{\"schema_version\":1,"
	    "\"processes\":[{\"name\":\"afwrtd\",\"pid\":"));
	ck_assert_ptr_nonnull(strstr(text,
	    "\"location\":\"de-berlin\","
	    "\"state\":\"connected\",\"default\":true,\"rules\":2,"
	    "\"up_bytes\":1099511627776,"));
	ck_assert_ptr_nonnull(strstr(text,
	    "\"server\":\"192.0.2.1\","
	    "\"inner4\":\"10.1.2.3\",\"inner6\":null,\"mtu\":1400,"
	    "\"rtt_ms\":12.5,"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\"rss_bytes\":4096,\"cpu_seconds\":2.5"));
	ck_assert_ptr_nonnull(strstr(text,
	    "\"flows\":2,"
	    "\"failures_by_reason\":{\"timed out\":3,\"tls\":1}"));
	ck_assert_ptr_nonnull(strstr(
	    text, "\"rules\":[{\"ip_addr\":\"10.0.0.1\",\"vl\":\"us\"}]}"));
	ck_assert_ptr_nonnull(strstr(text,
	    "\"type\":\"hydra-tcp\",\"iface\":null,"
	    "\"wireguard_impl\":null"));
	ck_assert_ptr_nonnull(strstr(text,
	    "\"type\":\"wireguard\",\"iface\":\"wg0\","
	    "\"wireguard_impl\":\"userspace\""));
	afwrt_free(text);
}
END_TEST

/* Eight threads, and the one of afwrt_start. */
static void *
caller(void *arg)
{
	char ip[32];
	int i, n = *(int *)arg;

	for (i = 0; i < 200; i++) {
		(void)snprintf(ip, sizeof(ip), "10.0.%d.%d", n, i % 100 + 1);
		if (afwrt_protect_ip_addr(ip, "us") == -1)
			return (void *)"protect";
		if (afwrt_unprotect_ip_addr(ip) == -1)
			return (void *)"unprotect";
	}
	return NULL;
}

START_TEST(threads)
{
	pthread_t t[8];
	int n[8], i;
	void *bad;

	runner_begin();
	for (i = 0; i < 8; i++) {
		n[i] = i;
		ck_assert_int_eq(pthread_create(&t[i], NULL, caller, &n[i]), 0);
	}
	for (i = 0; i < 8; i++) {
		ck_assert_int_eq(pthread_join(t[i], &bad), 0);
		ck_assert_msg(bad == NULL, "thread %d: %s", i, (char *)bad);
	}
	ck_assert_int_eq(afwrt_stop(), 0);
	ck_assert_int_eq(runner_end(NULL), 0);
	ck_assert_int_eq(fake_seen("PROTECT"), 1600);
}
END_TEST

/* An answer that comes only after another thread has asked something. */
static void *
late_caller(void *arg)
{
	*(int *)arg = afwrt_protect_ip_addr("10.9.9.9", "later");
	return NULL;
}

START_TEST(answers_cross)
{
	pthread_t t;
	int rc = -2, i;

	ck_assert_int_eq(pthread_create(&t, NULL, late_caller, &rc), 0);
	for (i = 0; i < 1000 && fake_seen("PROTECT") == 0; i++)
		(void)sched_yield();
	ck_does(afwrt_protect_ip_addr("10.0.0.1", "us"));
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	ck_assert_int_eq(rc, 0);
}
END_TEST

START_TEST(silence)
{
	ck_fails(afwrt_protect_ip_addr("10.0.0.1", "silent"), ETIMEDOUT);
	ck_does(afwrt_protect_ip_addr("10.0.0.1", "us"));
}
END_TEST

START_TEST(death)
{
	ck_fails(afwrt_protect_ip_addr("10.0.0.1", "die"), EPIPE);
	ck_fails(afwrt_protect_ip_addr("10.0.0.1", "us"), EPIPE);
	ck_assert_ptr_null(afwrt_get_status());
	ck_assert_int_eq(errno, EPIPE);
	ck_fails(afwrt_start(), EPIPE);
}
END_TEST

START_TEST(violation)
{
	ck_fails(afwrt_protect_ip_addr("10.0.0.1", "bad"), EPROTO);
}
END_TEST

#define WIREGUARD                                           \
	"{\"tun_ifname\":\"wrt0\",\"wan_ifname\":\"eth1\"," \
	"\"type\":\"wireguard\""

static void
no_rules(void)
{
	ck_fails(afwrt_protect_ip_addr("10.0.0.1", "us"), ENOTSUP);
	ck_fails(afwrt_protect_mac_addr("08:00:27:aa:d7:17", "us"), ENOTSUP);
	ck_fails(afwrt_protect_iface("br0", "us"), ENOTSUP);
	ck_fails(afwrt_unprotect_ip_addr("10.0.0.1"), ENOTSUP);
	ck_fails(afwrt_unprotect_mac_addr("08:00:27:aa:d7:17"), ENOTSUP);
	ck_fails(afwrt_unprotect_iface("br0"), ENOTSUP);
	/* what is wrong anyhow is said first */
	ck_fails(afwrt_protect_ip_addr("10.0.0", "us"), EINVAL);
}

START_TEST(wireguard)
{
	int err;

	fake_install("");
	ck_does(afwrt_init(WIREGUARD "}", event_keep));
	no_rules();
	ck_fails(afwrt_setup_tunnel("us", NULL), EINVAL);
	ck_assert_ptr_nonnull(strstr(afwrt_last_error(), "NULL"));
	ck_fails(afwrt_setup_tunnel("us", ""), EINVAL);
	ck_fails(afwrt_setup_tunnel("us", "sixteen-letters-"), EINVAL);
	ck_fails(afwrt_setup_tunnel("us", "a/b"), EINVAL);
	ck_fails(afwrt_setup_tunnel("us", "taken"), EBUSY);
	ck_fails(afwrt_setup_tunnel(NULL, "wg0"), EINVAL);
	ck_fails(afwrt_setup_tunnel("nowhere", "wg0"), ENOENT);
	ck_does(afwrt_setup_tunnel("us", "wg0"));
	runner_begin();
	events_await("{\"event\":\"ready\"}");
	ck_does(afwrt_stop());
	ck_assert_int_eq(runner_end(&err), 0);
	ck_assert_int_eq(events_count("ready"), 1);
	teardown();
}
END_TEST

START_TEST(wireguard_managed)
{
	fake_install("");
	ck_does(
	    afwrt_init(WIREGUARD ",\"wireguard_routing\":\"managed\"}", NULL));
	ck_does(afwrt_protect_ip_addr("10.0.0.1", "us"));
	ck_does(afwrt_unprotect_ip_addr("10.0.0.1"));
	teardown();
}
END_TEST

TCase *
wireguard_case(void)
{
	TCase *c = tcase_create("wireguard");

	tcase_set_timeout(c, 30);
	tcase_add_test(c, wireguard);
	tcase_add_test(c, wireguard_managed);
	return c;
}

TCase *
calls_case(void)
{
	TCase *c = tcase_create("calls");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, rules);
	tcase_add_test(c, rules_refused);
	tcase_add_test(c, tunnels);
	tcase_add_test(c, account);
	tcase_add_test(c, token);
	tcase_add_test(c, verify);
	tcase_add_test(c, status);
	tcase_add_test(c, threads);
	tcase_add_test(c, answers_cross);
	tcase_add_test(c, silence);
	tcase_add_test(c, death);
	tcase_add_test(c, violation);
	return c;
}
