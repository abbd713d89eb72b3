/* SPDX-License-Identifier: ISC */
/* What afwrtd does when a helper dies, hangs, lies or cannot start. */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "player.h"

static void
begin(void)
{
	player_setup();
	player_start();
	player_configure();
}

static void
helper_kill(enum afw_role role, int sig)
{
	struct afw_m_process p = player_process(role);

	ck_assert_uint_ne(p.pid, 0);
	ck_assert_int_eq(kill((pid_t)p.pid, sig), 0);
}

START_TEST(tun_killed)
{
	ck_assert_uint_eq(player_ask(AFW_MSG_RUN, NULL), AFW_OK);
	ck_assert_uint_eq(player_route("us", AFW_ROUTE_CONNECTED), 2);
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	player_mark();
	helper_kill(AFW_TUN, SIGKILL);
	ck_assert_uint_eq(player_route("us", AFW_ROUTE_DISCONNECTED), 3);
	player_logged("tun start gen=4", "tun TUN_CONFIG default=0 fresh=0",
	    "tun ROUTE_SET us id=1 flags=7 seq=3",
	    "tun ROUTE_SET de id=2 flags=0 seq=0", "tun PEER net gen=1",
	    "tun PEER auth gen=3", NULL);
	player_logged("net PEER tun gen=4", NULL);
	player_logged("auth PEER tun gen=4", NULL);
	ck_assert_uint_eq(player_route("us", AFW_ROUTE_CONNECTED), 5);
	ck_assert_uint_eq(player_process(AFW_TUN).restarts, 1);
	player_end();
}
END_TEST

START_TEST(net_stopped)
{
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	player_mark();
	helper_kill(AFW_NET, SIGSTOP);
	player_logged("net start gen=4", "net PEER tun", "net NET_CONFIG",
	    "net NET_SYNC_BEGIN", "net NET_RULE_SET 192.168.1.5 route=2",
	    "net NET_SYNC_COMMIT", NULL);
	ck_assert_uint_eq(player_protect("192.168.1.6", "de"), AFW_OK);
	player_end();
}
END_TEST

/* Nothing is told about rules before the library has said which there are:
 * "none" would open what a crash left closed. */
START_TEST(net_killed_before_rules)
{
	player_mark();
	helper_kill(AFW_NET, SIGKILL);
	player_logged("net start gen=4", "net NET_CONFIG", NULL);
	ck_assert_uint_eq(player_protect("192.168.1.6", "de"), AFW_OK);
	ck_assert_int_eq(player_count("NET_SYNC"), 0);
	player_end();
}
END_TEST

START_TEST(auth_killed)
{
	struct afw_m_auth_config ac = {
	    .type = AFW_TYPE_HYDRA_TCP, .v4v6 = AFW_V4V6_LEGACY, .backends = 2};
	struct afw_m_backend b = {.url = "https://one.example"};
	struct afw_msg m;

	ck_assert_uint_eq(player_ask(AFW_MSG_AUTH_CONFIG, &ac), AFW_OK);
	ck_assert_uint_eq(player_ask(AFW_MSG_BACKEND, &b), AFW_OK);
	b.index = 1;
	(void)afw_str_set(b.url, sizeof(b.url), "https://two.example");
	ck_assert_uint_eq(player_ask(AFW_MSG_BACKEND, &b), AFW_OK);
	player_no_event(AFW_MSG_EV_AUTH_UP);
	player_mark();
	helper_kill(AFW_AUTH, SIGKILL);
	player_event(AFW_MSG_EV_AUTH_UP, &m);
	player_logged("auth start gen=4", "auth AUTH_FILE which=1",
	    "auth AUTH_CONFIG", "auth BACKEND https://one.example",
	    "auth BACKEND https://two.example", "auth PEER", NULL);
	ck_assert_int_eq(player_count("TOKEN"), 0);
	player_end();
}
END_TEST

START_TEST(death_in_a_request)
{
	player_tell("net.die.NET_RULE_SET", "");
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	player_tell("tun.die.ROUTE_SET", "");
	ck_assert_uint_eq(player_protect("192.168.1.5", "fr"), AFW_OK);
	player_tell("auth.die.LOCATION_CHECK", "");
	ck_assert_uint_eq(player_protect("192.168.1.5", "jp"), AFW_OK);
	player_tell("net.die.NET_RULE_DEL", "");
	ck_assert_uint_eq(player_unprotect("192.168.1.5"), AFW_OK);
	ck_assert_uint_eq(player_process(AFW_NET).restarts, 2);
	player_end();
}
END_TEST

START_TEST(death_in_a_commit)
{
	struct afw_m_protect p = {.location = "de"};

	player_tell("net.die.NET_SYNC_COMMIT", "");
	(void)player_send(AFW_MSG_BATCH_BEGIN, NULL);
	p.key = player_key("192.168.1.5");
	ck_assert_uint_eq(player_ask(AFW_MSG_PROTECT, &p), AFW_OK);
	ck_assert_uint_eq(player_ask(AFW_MSG_BATCH_COMMIT, NULL), AFW_OK);
	player_logged("NET_SYNC_COMMIT", "net start gen=4", "NET_SYNC_BEGIN",
	    "NET_RULE_SET 192.168.1.5", "NET_SYNC_COMMIT", NULL);
	player_end();
}
END_TEST

START_TEST(a_secret_is_not_sent_twice)
{
	struct afw_m_credentials c = {.method = "anonymous"};

	player_tell("auth.die.REGISTER", "");
	ck_assert_uint_eq(player_ask(AFW_MSG_REGISTER, &c), AFW_EPIPE);
	player_logged("auth REGISTER", "auth start gen=4", NULL);
	ck_assert_int_eq(player_count("auth REGISTER"), 1);
	player_end();
}
END_TEST

START_TEST(violation)
{
	player_tell("net.junk.NET_RULE_SET", "");
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	ck_assert_uint_eq(player_process(AFW_NET).restarts, 1);
	player_tell("tun.illegal.ROUTE_STATS", "");
	(void)player_process(AFW_NET); /* its QUERY asks for counters */
	player_logged("tun start gen=2", "tun start gen=5", NULL);
	player_no_event(AFW_MSG_EV_ROUTE);
	player_end();
}
END_TEST

START_TEST(violation_of_the_library)
{
	struct afw_m_process p = player_process(AFW_NET);

	ck_assert_uint_ne(p.pid, 0);
	ck_assert_int_eq((int)send(player.fd, "junk", 4, MSG_NOSIGNAL), 4);
	player_wait_end();
	player_logged("NET_CLEAR", "SHUTDOWN", NULL);
}
END_TEST

START_TEST(silent_helper)
{
	int64_t waited;

	player_mark();
	player_tell("tun.mute", "");
	for (waited = 0; player_count("tun start") == 0; waited += 100) {
		ck_assert_int_lt((int)waited, 30000);
		(void)poll(NULL, 0, 100);
	}
	ck_assert_int_gt((int)waited, 9000);
	player_untell("tun.mute");
	/* the one that was started muted is found out by its silence too */
	player_end();
}
END_TEST

START_TEST(backoff)
{
	int64_t waited;
	int n;

	player_mark();
	player_tell("auth.exit", "1");
	helper_kill(AFW_AUTH, SIGKILL);
	/* starts at 0, 100, 300, 700, 1500, 3100 ms */
	for (waited = 0; waited < 2200; waited += 50)
		(void)poll(NULL, 0, 50);
	n = player_count("auth exit");
	ck_assert_msg(n >= 3 && n <= 6, "%d starts in 2.2 s", n);
	player_untell("auth.exit");
	player_logged("auth start gen=", NULL);
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_OK);
	ck_assert_uint_ge(player_process(AFW_AUTH).restarts, 4);
	player_end();
}
END_TEST

START_TEST(never_again)
{
	player_tell("auth.exit", "2");
	player_tell("tun.exit", "2");
	helper_kill(AFW_AUTH, SIGKILL);
	helper_kill(AFW_TUN, SIGKILL);
	player_logged("tun exit", NULL);
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_EPIPE);
	ck_assert_ptr_nonnull(strstr(player_text, "impossible"));
	ck_assert_int_eq(player_count("tun exit"), 1);
	player_end();
}
END_TEST

static void
config_fails(unsigned int code, const char *why)
{
	struct afw_m_config c = player_config();

	player_start();
	ck_assert_uint_eq(player_ask(AFW_MSG_CONFIG, &c), code);
	ck_assert_msg(strstr(player_text, why) != NULL, "%s", player_text);
	player_end();
}

START_TEST(cannot_start)
{
	player_setup();
	player_tell("tun.exit", "2");
	config_fails(AFW_EPIPE, "afwrt-tun");
	player_untell("tun.exit");
	player_tell("net.badsum", "");
	config_fails(AFW_EPROTO, "afwrt-net is of another build");
	player_untell("net.badsum");
	player_untell("afwrt-auth");
	config_fails(AFW_ENOENT, "/afwrt-auth");
}
END_TEST

/* Helpers that neither answer nor end must not keep afwrtd. */
START_TEST(deaf_at_the_end)
{
	player_tell("net.hang.NET_CLEAR", "");
	player_tell("net.hang.SHUTDOWN", "");
	player_tell("tun.hang.SHUTDOWN", "");
	player_end();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("restart");
	TCase *t = tcase_create("configured");
	TCase *own = tcase_create("own start");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, begin, player_teardown);
	tcase_add_test(t, tun_killed);
	tcase_add_test(t, net_stopped);
	tcase_add_test(t, net_killed_before_rules);
	tcase_add_test(t, auth_killed);
	tcase_add_test(t, death_in_a_request);
	tcase_add_test(t, death_in_a_commit);
	tcase_add_test(t, a_secret_is_not_sent_twice);
	tcase_add_test(t, violation);
	tcase_add_test(t, violation_of_the_library);
	tcase_add_test(t, silent_helper);
	tcase_add_test(t, backoff);
	tcase_add_test(t, never_again);
	tcase_add_test(t, deaf_at_the_end);
	suite_add_tcase(s, t);
	tcase_set_timeout(own, 60);
	tcase_add_checked_fixture(own, NULL, player_teardown);
	tcase_add_test(own, cannot_start);
	suite_add_tcase(s, own);
	return s;
}

int
main(void)
{
	return player_main(suite());
}
