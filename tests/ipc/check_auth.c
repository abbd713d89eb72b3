/* SPDX-License-Identifier: ISC */
/*
 * A real afwrt-auth with a file: backend, and a real ocserv on loopback.
 * Needs root (afwrt-auth drops it) and ocserv; without them it is skipped.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth_dns.h"
#include "auth_nodes.h"

static void
start_file(mode_t pass_mode)
{
	nodes_start("");
	world_start();
	nodes_write_locations(pass_mode);
	world_file(AFW_FILE_CA, "other.pem");
	world_file(AFW_FILE_BACKEND, "locations.json");
	nodes_configure("file:/etc/afwrt/locations.json");
}

/* ---- cases: file backend ----------------------------------------------- */

START_TEST(file_login)
{
	struct afw_m_session a, b;

	start_file(0600);
	ck_assert_uint_eq(
	    world_status(&world_sup, AFW_MSG_AUTH_BEGIN, NULL), AFW_OK);
	ck_assert_uint_eq(world_tokens, 1);
	a = nodes_session(1, "de-berlin", AFW_WHY_FIRST);
	ck_assert_str_eq(a.host, "127.0.0.1");
	ck_assert_uint_eq(a.route, 1);
	/* the same cookie as long as it may do */
	b = nodes_session(1, "de-berlin", AFW_WHY_LOST);
	ck_assert_str_eq(a.cookie, b.cookie);
	world_new_tun();
	b = nodes_session(1, "de-berlin", AFW_WHY_FIRST);
	ck_assert_str_eq(a.cookie, b.cookie);
	/* refused: a new one */
	b = nodes_session(1, "de-berlin", AFW_WHY_COOKIE);
	ck_assert_str_ne(a.cookie, b.cookie);
	/* by country, and the backend's choice */
	b = nodes_session(2, "de", AFW_WHY_FIRST);
	b = nodes_session(3, "optimal", AFW_WHY_FIRST);
}
END_TEST

START_TEST(group_is_chosen)
{
	nodes_start("select-group = staff\nselect-group = guests\n"
		    "default-select-group = guests\n");
	world_start();
	nodes_write_locations(0600);
	world_file(AFW_FILE_BACKEND, "locations.json");
	nodes_configure("file:/etc/afwrt/locations.json");
	(void)nodes_session(1, "de-berlin", AFW_WHY_FIRST);
}
END_TEST

START_TEST(file_failures)
{
	struct afw_m_session s;

	start_file(0600);
	nodes_no_session(1, "badpass", AFW_WHY_FIRST, AFW_REASON_AUTH, 1,
	    "password refused");
	nodes_no_session(
	    2, "badca", AFW_WHY_FIRST, AFW_REASON_TLS, 0, "unknown authority");
	nodes_no_session(3, "dead", AFW_WHY_FIRST, AFW_REASON_CONNECT, 0,
	    "connection refused");
	nodes_no_session(
	    4, "nowhere", AFW_WHY_FIRST, AFW_REASON_LOCATION, 1, "");
	nodes_no_session(5, "wg", AFW_WHY_FIRST, AFW_REASON_LOCATION, 1, "");
	/* dead port, wrong name, then one that does, by another name */
	s = nodes_session(6, "second", AFW_WHY_FIRST);
	ck_assert_str_eq(s.host, "localhost");
}
END_TEST

START_TEST(one_server_lost)
{
	struct afw_m_session a, b;

	start_file(0600);
	a = nodes_session(1, "de-berlin", AFW_WHY_FIRST);
	/* there is no other server: the attempt ends, the cookie stays */
	nodes_no_session(
	    1, "de-berlin", AFW_WHY_CONNECT, AFW_REASON_CONNECT, 0, "");
	b = nodes_session(1, "de-berlin", AFW_WHY_CONNECT);
	ck_assert_str_eq(a.cookie, b.cookie);
	nodes_no_session(1, "de-berlin", AFW_WHY_TLS, AFW_REASON_TLS, 0, "");
}
END_TEST

/* Each has a cookie of its own, at the server that the first one found. */
START_TEST(connections)
{
	struct afw_m_session a, b, c;
	struct afw_m_route_id id = {.route = 6};

	start_file(0600);
	nodes_conn = 0;
	a = nodes_session(6, "second", AFW_WHY_FIRST);
	ck_assert_str_eq(a.host, "localhost");
	nodes_conn = 1;
	b = nodes_session(6, "second", AFW_WHY_FIRST);
	ck_assert_str_eq(b.host, "localhost");
	ck_assert_str_ne(a.cookie, b.cookie);
	world_new_tun(); /* each gets its own again */
	c = nodes_session(6, "second", AFW_WHY_FIRST);
	ck_assert_str_eq(c.cookie, b.cookie);
	/* it looks for no other server than the first one's */
	nodes_no_session(
	    6, "second", AFW_WHY_PROTOCOL, AFW_REASON_PROTOCOL, 0, "");
	c = nodes_session(6, "second", AFW_WHY_COOKIE);
	ck_assert_str_eq(c.host, "localhost");
	ck_assert_str_ne(c.cookie, b.cookie);
	nodes_conn = 0; /* which does not notice */
	c = nodes_session(6, "second", AFW_WHY_FIRST);
	ck_assert_str_eq(c.cookie, a.cookie);
	/* the end is that of all */
	ck_assert_int_eq(
	    afw_chan_send(&world_tun, AFW_MSG_SESSION_END, 0, &id, -1), 0);
	c = nodes_session(6, "second", AFW_WHY_FIRST);
	ck_assert_str_ne(c.cookie, a.cookie);
	nodes_conn = 1;
	a = nodes_session(6, "second", AFW_WHY_FIRST);
	ck_assert_str_ne(c.cookie, a.cookie);
	nodes_conn = 0;
}
END_TEST

START_TEST(many_routes)
{
	uint32_t i;
	struct afw_msg *m;

	start_file(0600);
	for (i = 0; i < 16; i++)
		(void)nodes_send_get(i + 1, "de-berlin", AFW_WHY_FIRST);
	/* this one must not wait for the sixteen logins */
	nodes_no_session(17, "dead", AFW_WHY_FIRST, AFW_REASON_CONNECT, 0, "");
	/* a second request takes the place of the first, of which it says so */
	for (i = 0; i < 16; i++) {
		m = world_wait(&world_tun,
		    nodes_send_get(i + 1, "de-berlin", AFW_WHY_FIRST));
		ck_assert_str_eq(m->row->name, "SESSION");
		afw_msg_done(m);
	}
}
END_TEST

START_TEST(secrets_of_others)
{
	start_file(0640);
	nodes_no_session(
	    1, "de-berlin", AFW_WHY_FIRST, AFW_REASON_PROTOCOL, 0, "0600");
	world_write("inline.json", 0644,
	    "{\"locations\": [{\"name\": \"a\", \"password\": \"x\"}]}");
	world_file(AFW_FILE_BACKEND, "inline.json");
	nodes_no_session(2, "a", AFW_WHY_FIRST, AFW_REASON_PROTOCOL, 0, "0600");
	world_write("broken.json", 0600, "{\"locations\": [\n{,}]}");
	world_file(AFW_FILE_BACKEND, "broken.json");
	nodes_no_session(
	    3, "a", AFW_WHY_FIRST, AFW_REASON_PROTOCOL, 0, "line 2");
}
END_TEST

START_TEST(file_verify)
{
	world_start();
	nodes_write_locations(0600);
	ck_assert_uint_ne(
	    nodes_verify("file:/x.json", "alice", "x"), AFW_EACCES);
	world_file(AFW_FILE_VERIFY, "locations.json");
	ck_assert_uint_eq(
	    nodes_verify("file:/x.json", "alice", "s3cret<&>"), AFW_OK);
	ck_assert_uint_eq(
	    nodes_verify("file:/x.json", "alice", "wrong"), AFW_OK);
	ck_assert_uint_eq(
	    nodes_verify("file:/x.json", "alice", "nope"), AFW_EACCES);
	ck_assert_uint_eq(
	    nodes_verify("file:/x.json", "eve", "wrong"), AFW_EACCES);
	ck_assert_uint_eq(nodes_verify("ftp://x/", "eve", "wrong"), AFW_EINVAL);
	ck_assert_uint_eq(
	    nodes_verify("http://example.com/", "a", "b"), AFW_EINVAL);
}
END_TEST

START_TEST(file_locations)
{
	const char *text;

	start_file(0600);
	text = nodes_locations();
	ck_assert_ptr_nonnull(strstr(text, "\"name\":\"de-berlin\""));
	ck_assert_ptr_nonnull(strstr(text, "\"wg\""));
	ck_assert_ptr_null(strstr(text, "password"));
	ck_assert_ptr_null(strstr(text, "alice"));
	ck_assert_uint_eq(nodes_check_location("de-berlin"), AFW_OK);
	ck_assert_uint_eq(nodes_check_location("fr"), AFW_OK);
	ck_assert_uint_eq(nodes_check_location("optimal"), AFW_OK);
	ck_assert_uint_eq(nodes_check_location("xx"), AFW_ENOENT);
	ck_assert_uint_eq(nodes_check_location("wg"), AFW_OK);
	ck_assert_uint_eq(nodes_type, AFW_TYPE_WIREGUARD);
	ck_assert_ptr_nonnull(
	    strstr(nodes_countries(), "{\"country\":\"fr\",\"servers\":3}"));
}
END_TEST

/* ---- names ------------------------------------------------------------- */

START_TEST(names)
{
	static const char *const good[] = {"plain.test", "forged.test",
	    "cut.test", "alias.test", "chain.test", "hosts.test", "PLAIN.test"};
	char list[4096] = "";
	uint32_t i;

	nodes_start_dns();
	nodes_start("");
	world_start();
	nodes_write_locations(0600);
	world_write("resolv.conf", 0644,
	    "# none at the first\nnameserver 127.0.0.78\nsearch x\n"
	    "nameserver " AUTH_DNS_SERVER "\n");
	world_write("hosts", 0644,
	    "127.0.0.1 localhost\n127.0.0.1\tother hosts.test # x\n");
	world_file(AFW_FILE_RESOLV, "resolv.conf");
	world_file(AFW_FILE_HOSTS, "hosts");
	for (i = 0; i < 8; i++)
		(void)snprintf(list + strlen(list), sizeof(list) - strlen(list),
		    "%s{\"name\": \"l%u\", \"servers\": [{\"address\":"
		    " \"%s\", \"port\": %u}], \"username\": \"alice\","
		    " \"password_file\": \"de.pass\","
		    " \"ca_file\": \"ca.pem\"}",
		    i == 0 ? "" : ",", i, i < 7 ? good[i] : "gone.test",
		    nodes_port);
	world_write("names.json", 0600, "{\"locations\": [%s]}", list);
	world_file(AFW_FILE_BACKEND, "names.json");
	nodes_configure("file:/names.json");
	for (i = 0; i < 7; i++) {
		char name[8];
		struct afw_m_session s;

		(void)snprintf(name, sizeof(name), "l%u", i);
		s = nodes_session(i + 1, name, AFW_WHY_FIRST);
		ck_assert_str_eq(s.host, good[i]);
	}
	nodes_no_session(
	    8, "l7", AFW_WHY_FIRST, AFW_REASON_CONNECT, 0, "no such name");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth");
	TCase *tc = tcase_create("world");
	SRunner *sr;
	int failed;

	if (!nodes_possible())
		return 77;
	(void)signal(SIGPIPE, SIG_IGN);
	tcase_add_unchecked_fixture(tc, world_make, world_remove);
	tcase_add_checked_fixture(tc, NULL, nodes_stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, file_login);
	tcase_add_test(tc, group_is_chosen);
	tcase_add_test(tc, file_failures);
	tcase_add_test(tc, one_server_lost);
	tcase_add_test(tc, connections);
	tcase_add_test(tc, many_routes);
	tcase_add_test(tc, secrets_of_others);
	tcase_add_test(tc, file_verify);
	tcase_add_test(tc, file_locations);
	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
