/* SPDX-License-Identifier: ISC */
/*
 * WireGuard routes over deaths, stops and late news: replays, routes that turn
 * out to be of another type, state files, the configuration socket.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wg_player.h"

#define HYDRA AFW_TYPE_HYDRA_TCP
#define WG    AFW_TYPE_WIREGUARD

/* ---- replays --------------------------------------------------------------
 */

START_TEST(net_dies)
{
	wg_begin(WG, true);
	wg_run();
	ck_assert_uint_eq(player_protect("10.0.0.1", "de"), AFW_OK);
	ck_assert_uint_eq(player_setup_iface("fr", "wg1"), AFW_OK);
	player_mark();
	helper_kill(AFW_NET);
	player_logged("net start gen=4", "net NET_CONFIG\n",
	    "net NET_SYNC_BEGIN",
	    "net NET_WG_SET wrt0 route=1 impl=3 flags=1 kept",
	    "net NET_WG_SET wrt0-1 route=2 impl=3 flags=0 kept",
	    "net NET_WG_SET wg1 route=3 impl=3 flags=0 kept",
	    "net NET_RULE_SET 10.0.0.1 route=2", "net NET_SYNC_COMMIT", NULL);
	ck_assert_uint_eq(player_protect("10.0.0.2", "fr"), AFW_OK);
	ck_assert_int_eq(player_count("WG_LISTEN"), 0);
	player_end();
}
END_TEST

START_TEST(net_dies_before_rules)
{
	wg_begin(WG, true);
	ck_assert_uint_eq(player_setup_iface("fr", "wg1"), AFW_OK);
	player_mark();
	helper_kill(AFW_NET);
	player_logged(
	    "net NET_CONFIG\n", "NET_WG_SET wg1 route=2 impl=3", NULL);
	ck_assert_uint_eq(player_setup_iface("de", "wg2"), AFW_OK);
	ck_assert_int_eq(player_count("NET_SYNC"), 0);
	player_end();
}
END_TEST

/* What was kept cannot be adopted, and the name has a new owner. */
START_TEST(net_dies_and_nothing_is_as_it_was)
{
	wg_begin(WG, true);
	ck_assert_uint_eq(player_protect("10.0.0.1", "de"), AFW_OK);
	player_tell("net.taken", "wrt0-1");
	player_mark();
	helper_kill(AFW_NET);
	player_logged("NET_WG_SET wrt0-1 route=2 impl=3 flags=0 kept",
	    "NET_WG_SET wrt0-1 route=2 impl=3 flags=0 new",
	    "NET_WG_SET wrt0-2 route=2 impl=3 flags=0 new", NULL);
	player_logged("tun WG_LISTEN id=2", NULL);
	ck_assert_str_eq(wg_query("de").ifname, "wrt0-2");
	ck_assert(!wg_socket_is_there("wrt0-1"));
	ck_assert(wg_socket_is_there("wrt0-2"));
	player_end();
}
END_TEST

START_TEST(net_dies_in_a_request)
{
	wg_begin(WG, true);
	player_tell("net.die.NET_WG_SET", "");
	ck_assert_uint_eq(player_setup_iface("de", "wg1"), AFW_OK);
	player_logged("NET_WG_SET wg1", "net start gen=4", "NET_WG_SET wg1",
	    "ROUTE_SET de", NULL);
	player_tell("net.die.NET_WG_DEL", "");
	ck_assert_uint_eq(player_teardown_tunnel("de"), AFW_OK);
	player_end();
}
END_TEST

START_TEST(tun_dies)
{
	wg_begin(WG, false);
	wg_run();
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	player_mark();
	helper_kill(AFW_TUN);
	(void)player_route("us", AFW_ROUTE_DISCONNECTED);
	player_logged("tun start gen=4", "tun TUN_CONFIG", "tun WG_LISTEN id=1",
	    "tun ROUTE_SET us id=1 flags=7 seq=3 wireguard", "tun PEER net",
	    NULL);
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	ck_assert(wg_socket_is_there("wrt0"));
	player_end();
}
END_TEST

START_TEST(stop_and_run)
{
	wg_begin(WG, true);
	wg_batch(1, "de");
	wg_run();
	ck_assert(wg_socket_is_there("wrt0-1"));
	ck_assert_uint_eq(player_ask(AFW_MSG_STOP, NULL), AFW_OK);
	ck_assert(!wg_socket_is_there("wrt0-1"));
	ck_assert(!wg_socket_is_there("wrt0"));
	ck_assert_uint_eq(player_setup_iface("fr", "wg1"), AFW_OK);
	ck_assert_uint_eq(player_setup_iface("jp", "wg1"), AFW_EBUSY);
	player_mark();
	wg_run();
	player_logged("net NET_CONFIG\n", "net NET_SYNC_BEGIN", "NET_WG_SET",
	    "NET_WG_SET", "NET_RULE_SET 10.0.0.1 route=2", "NET_SYNC_COMMIT",
	    NULL);
	player_logged("tun ROUTE_SET de id=2 flags=4", NULL);
	player_logged("NET_WG_SET wg1", NULL);
	ck_assert(wg_socket_is_there("wg1"));
	player_end();
	ck_assert(!wg_socket_is_there("wg1"));
}
END_TEST

/* What a refused rule had made is on its way out when the stop comes. */
START_TEST(stop_in_an_undo)
{
	wg_begin(WG, true);
	player_tell("net.refuse", "10.0.0.1");
	player_tell("net.hang.NET_WG_DEL", "");
	ck_assert_uint_eq(player_protect("10.0.0.1", "de"), AFW_EINVAL);
	player_logged("tun ROUTE_DEL id=2", "net NET_WG_DEL id=2", NULL);
	ck_assert_uint_eq(player_ask(AFW_MSG_STOP, NULL), AFW_OK);
	player_untell("net.hang.NET_WG_DEL");
	wg_run();
	(void)player_route("us", AFW_ROUTE_CONNECTED);
	player_end();
}
END_TEST

/* ---- another type than was thought ----------------------------------------
 */

static void
late_list(bool managed)
{
	player_tell("auth.nolist", "");
	wg_begin(HYDRA, managed);
	wg_batch(1, "wg-de");
	player_logged("ROUTE_SET wg-de id=2 flags=0 seq=0\n",
	    "NET_RULE_SET 10.0.0.1 route=2", NULL);
	player_mark();
	wg_run();
	(void)player_route("us", AFW_ROUTE_CONNECTED);
}

START_TEST(made_anew)
{
	late_list(true);
	player_logged("auth LOCATIONS", "NET_WG_SET wrt0-1 route=3",
	    "tun WG_LISTEN id=3", "tun ROUTE_SET wg-de id=3 flags=4",
	    "NET_SYNC_BEGIN", "NET_RULE_SET 10.0.0.1 route=3",
	    "NET_SYNC_COMMIT", "tun ROUTE_DEL id=2", NULL);
	(void)player_route("wg-de", AFW_ROUTE_CONNECTED);
	ck_assert_uint_eq(wg_query("wg-de").type, WG);
	ck_assert_uint_eq(wg_query("wg-de").rules, 1);
	ck_assert_int_eq(player_count("NET_RULE_DEL"), 0);
	ck_assert_uint_eq(player_protect("10.0.0.2", "wg-de"), AFW_OK);
	player_logged("NET_RULE_SET 10.0.0.2 route=3", NULL);
	player_end();
}
END_TEST

START_TEST(made_anew_over_a_death)
{
	player_tell("auth.nolist", "");
	wg_begin(HYDRA, true);
	wg_batch(1, "wg-de");
	player_mark();
	player_tell("net.die.NET_SYNC_COMMIT", "");
	wg_run();
	player_logged("NET_WG_SET wrt0-1 route=3", "NET_SYNC_COMMIT",
	    "net start gen=4", "NET_SYNC_BEGIN",
	    "NET_WG_SET wrt0-1 route=3 impl=3 flags=0 kept",
	    "NET_RULE_SET 10.0.0.1 route=3", "NET_SYNC_COMMIT", NULL);
	player_logged("tun ROUTE_DEL id=2", NULL);
	player_end();
}
END_TEST

START_TEST(not_made_anew)
{
	player_tell("net.code.NET_WG_SET", "17");
	late_list(true);
	player_logged("NET_WG_SET wrt0-1 route=3", NULL);
	ck_assert_uint_eq(player_protect("10.0.0.2", "fr"), AFW_OK);
	ck_assert_uint_eq(wg_query("wg-de").type, HYDRA);
	ck_assert_int_eq(player_count("ROUTE_DEL"), 0);
	ck_assert_int_eq(player_count("NET_SYNC"), 0);
	ck_assert_uint_eq(player_protect("10.0.0.2", "wg-de"), AFW_OK);
	player_logged("NET_RULE_SET 10.0.0.2 route=2", NULL);
	player_end();
}
END_TEST

START_TEST(rules_are_not_moved)
{
	player_tell("auth.nolist", "");
	wg_begin(HYDRA, true);
	wg_batch(1, "wg-de");
	player_mark();
	player_tell("net.code.NET_SYNC_COMMIT", "17");
	wg_run();
	player_logged("NET_RULE_SET 10.0.0.1 route=3", "NET_SYNC_COMMIT",
	    "NET_RULE_SET 10.0.0.1 route=2", "NET_SYNC_COMMIT",
	    "tun ROUTE_DEL id=3", "net NET_WG_DEL id=3", NULL);
	ck_assert_uint_eq(wg_query("wg-de").type, HYDRA);
	ck_assert_uint_eq(player_protect("10.0.0.2", "fr"), AFW_OK);
	player_end();
}
END_TEST

/* Its rules cannot be: they stay where nothing comes through. */
START_TEST(manual_is_not_made_anew)
{
	late_list(false);
	player_logged("auth LOCATIONS", "auth LOCATION_CHECK", NULL);
	ck_assert_uint_eq(player_protect("10.0.0.2", "fr"), AFW_OK);
	ck_assert_int_eq(player_count("NET_WG_SET"), 0);
	player_end();
}
END_TEST

START_TEST(default_made_anew)
{
	player_tell("auth.nolist", "");
	wg_begin_with(HYDRA, true, "wg-us");
	wg_run();
	player_logged("tun ROUTE_SET wg-us id=1 flags=5 seq=0\n",
	    "NET_WG_SET wrt0-1 route=2 impl=1 flags=1",
	    "ROUTE_SET wg-us id=2 flags=5", "ROUTE_DEL id=1", NULL);
	player_end();
}
END_TEST

START_TEST(setup_before_the_list)
{
	player_tell("auth.nolist", "");
	wg_begin(HYDRA, false);
	ck_assert_uint_eq(player_setup_iface("wg-de", "wg1"), AFW_OK);
	ck_assert_uint_eq(player_setup_iface("hy-de", "wg2"), AFW_OK);
	ck_assert_str_eq(wg_query("hy-de").ifname, "");
	wg_run();
	player_logged("NET_WG_SET wg1 route=4", "ROUTE_SET wg-de id=4",
	    "ROUTE_DEL id=2", NULL);
	ck_assert_uint_eq(player_setup_iface("wg-fr", "wg2"), AFW_OK);
	player_end();
}
END_TEST

/* ---- state files ----------------------------------------------------------
 */

static void
state_path(char *path, size_t size, const char *name)
{
	(void)snprintf(path, size, "%s/config/%s", player_dir, name);
}

/* Has the helper try it; then its log shows the answer. */
static void
state_try(enum afw_role role, const char *what)
{
	player_mark();
	player_tell(role == AFW_AUTH ? "auth.state" : "tun.state", what);
	if (role == AFW_AUTH) {
		uint32_t id = player_send(AFW_MSG_LOCATIONS, NULL);
		struct afw_msg m;

		player_answer(id, &m);
		afw_msg_done(&m);
	} else {
		(void)player_process(AFW_TUN);
	}
	player_untell(role == AFW_AUTH ? "auth.state" : "tun.state");
}

START_TEST(state_files)
{
	char path[512];
	struct stat st;

	wg_begin(WG, false);
	state_try(AFW_AUTH, "get 1 de");
	player_logged("auth reply STATUS id=90 code=2", NULL); /* ENOENT */
	state_try(AFW_AUTH, "save 1 de");
	player_logged("auth reply STATUS id=91 code=0", NULL);
	state_path(path, sizeof(path), "wg-de.key");
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
	ck_assert_int_eq((int)st.st_uid, 0);
	ck_assert_int_eq((int)st.st_size, 6);
	state_try(AFW_AUTH, "get 1 de");
	player_logged("auth reply STATE 6 bytes: secret", NULL);
	state_try(AFW_TUN, "save 2 de");
	player_logged("tun reply STATUS id=91 code=0", NULL);
	state_path(path, sizeof(path), "wg-de.stamp");
	ck_assert_int_eq(lstat(path, &st), 0);
	state_try(AFW_TUN, "get 2 de");
	player_logged("tun reply STATE 6 bytes", NULL);
	player_end();
	state_path(path, sizeof(path), ".wg-de.key.new");
	ck_assert_int_eq(lstat(path, &st), -1);
}
END_TEST

START_TEST(state_files_not_believed)
{
	char path[512], other[512];
	struct stat st;

	wg_begin(WG, false);
	state_path(path, sizeof(path), "wg-de.key");
	player_tell("config/wg-de.key", "open to all");
	ck_assert_int_eq(chmod(path, 0640), 0);
	state_try(AFW_AUTH, "get 1 de");
	player_logged("auth reply STATUS id=90 code=8", NULL); /* EACCES */
	ck_assert_int_eq(unlink(path), 0);
	player_tell("elsewhere", "elsewhere");
	(void)snprintf(other, sizeof(other), "%s/elsewhere", player_dir);
	ck_assert_int_eq(chmod(other, 0600), 0);
	ck_assert_int_eq(symlink(other, path), 0);
	state_try(AFW_AUTH, "get 1 de");
	player_logged("auth reply STATUS id=90", NULL);
	ck_assert_int_eq(player_count("code=0"), 0);
	ck_assert_int_eq(player_count("elsewhere"), 0);
	/* saving puts a file in the place of the link */
	state_try(AFW_AUTH, "save 1 de");
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_int_eq(stat(other, &st), 0);
	ck_assert_int_eq((int)st.st_size, 9);
	player_tell("config/wg-fr.key",
	    "a file that is longer than what was ever saved, which has at most "
	    "64 bytes");
	state_path(path, sizeof(path), "wg-fr.key");
	ck_assert_int_eq(chmod(path, 0600), 0);
	state_try(AFW_AUTH, "get 1 fr");
	player_logged("auth reply STATUS id=90 code=8", NULL);
	player_end();
}
END_TEST

START_TEST(state_of_another)
{
	wg_begin(WG, false);
	state_try(AFW_AUTH, "save 1 de");
	state_try(AFW_TUN, "get 1 de");
	player_logged("tun start gen=4", NULL);
	ck_assert_int_eq(player_count("reply STATE"), 0);
	state_try(AFW_AUTH, "save 2 de");
	player_logged("auth start gen=5", NULL);
	player_end();
}
END_TEST

/* ---- configuration socket -------------------------------------------------
 */

START_TEST(stale_socket)
{
	char path[512];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/wg", player_dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	player_tell("wg/wg1.sock", "left behind");
	wg_begin(WG, false);
	ck_assert_uint_eq(player_setup_iface("de", "wg1"), AFW_OK);
	ck_assert(wg_socket_is_there("wg1"));
	ck_assert_uint_eq(player_teardown_tunnel("de"), AFW_OK);
	/* a folder that others may write to gets none; the tunnel is there */
	ck_assert_int_eq(chmod(path, 0777), 0);
	ck_assert_uint_eq(player_setup_iface("de", "wg1"), AFW_OK);
	ck_assert(!wg_socket_is_there("wg1"));
	ck_assert_int_eq(stat(path, &st), 0);
	player_end();
}
END_TEST

START_TEST(folder_is_made)
{
	char path[512];
	struct stat st;

	wg_begin(WG, false);
	ck_assert_uint_eq(player_setup_iface("de", "wg1"), AFW_OK);
	(void)snprintf(path, sizeof(path), "%s/wg", player_dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFDIR | 0700);
	player_end();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("wg_life");
	TCase *t = tcase_create("wg_life");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, player_setup, player_teardown);
	tcase_add_test(t, net_dies);
	tcase_add_test(t, net_dies_before_rules);
	tcase_add_test(t, net_dies_and_nothing_is_as_it_was);
	tcase_add_test(t, net_dies_in_a_request);
	tcase_add_test(t, tun_dies);
	tcase_add_test(t, stop_and_run);
	tcase_add_test(t, stop_in_an_undo);
	tcase_add_test(t, made_anew);
	tcase_add_test(t, made_anew_over_a_death);
	tcase_add_test(t, not_made_anew);
	tcase_add_test(t, rules_are_not_moved);
	tcase_add_test(t, manual_is_not_made_anew);
	tcase_add_test(t, default_made_anew);
	tcase_add_test(t, setup_before_the_list);
	tcase_add_test(t, state_files);
	tcase_add_test(t, state_files_not_believed);
	tcase_add_test(t, state_of_another);
	tcase_add_test(t, stale_socket);
	tcase_add_test(t, folder_is_made);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return player_main(suite());
}
