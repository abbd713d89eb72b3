/* SPDX-License-Identifier: ISC */
/*
 * A real afwrt-auth, a real ocserv and the reference backend on loopback.
 * Needs root (afwrt-auth drops it) and ocserv; without them it is skipped.
 */
#include <sys/wait.h>

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth_dns.h"
#include "auth_world.h"
#include "lib/wire/blob.h"

static pid_t node, backend, dns;
static uint16_t node_port, backend_port, dead_port;

/* ---- a node and a backend ---------------------------------------------- */

static void
start_node(const char *more)
{
	const char *argv[] = {
	    "ocserv", "-f", "-d", "1", "-c", "ocserv.conf", NULL};
	char cmd[256];

	(void)snprintf(cmd, sizeof(cmd),
	    "printf 's3cret<&>\\ns3cret<&>\\n' | ocpasswd -c %s/users alice"
	    " >/dev/null 2>&1",
	    world_dir);
	ck_assert_int_eq(system(cmd), 0);
	node_port = world_free_port();
	dead_port = world_free_port();
	world_write("ocserv.conf", 0600,
	    "auth = \"plain[passwd=%s/users]\"\n"
	    "listen-host = 127.0.0.1\ntcp-port = %u\n"
	    "run-as-user = nobody\nrun-as-group = nogroup\n"
	    "socket-file = %s/sock\nserver-cert = %s/node.pem\n"
	    "server-key = %s/node.key\nisolate-workers = false\n"
	    "max-clients = 32\nmax-same-clients = 32\ndevice = vpns\n"
	    "ipv4-network = 10.99.1.0\nipv4-netmask = 255.255.255.0\n"
	    "cookie-timeout = 300\nmax-ban-score = 0\nuse-occtl = false\n"
	    "%s",
	    world_dir, node_port, world_dir, world_dir, world_dir, more);
	node = world_spawn("listening (TCP)", argv);
}

/* The reference backend's program. */
static const char *
backend_path(void)
{
	const char *p = getenv("AFWRT_FAKE_BACKEND");

	return p != NULL ? p : AFW_ABS_SRCDIR "/tests/fake/backend";
}

static void
start_backend(void)
{
	const char *path = backend_path();
	const char *argv[] = {path, "backend.json", NULL};

	backend_port = world_free_port();
	world_write("backend.json", 0600,
	    "{\"listen\": \"127.0.0.1:%u\","
	    " \"tls\": {\"cert\": \"node.pem\", \"key\": \"node.key\"},"
	    " \"node_user\": {\"username\": \"alice\","
	    " \"password\": \"s3cret<&>\"}, \"hydra_cert\": \"ca.pem\","
	    " \"users\": [{\"name\": \"bob\", \"password\": \"pw\","
	    " \"auth_tokens\": {\"oauth\": \"good\"}}],"
	    " \"locations\": [{\"name\": \"de-berlin\","
	    " \"labels\": {\"country\": \"de\"}, \"servers\": ["
	    "{\"name\": \"node.test\", \"address\": \"127.0.0.1\","
	    " \"port\": %u}, {\"name\": \"node.test\","
	    " \"address\": \"127.0.0.1\", \"port\": %u}]},"
	    " {\"name\": \"none\", \"labels\": {}, \"servers\": []}]}\n",
	    backend_port, dead_port, node_port);
	backend = world_spawn("ready", argv);
}

static void
stop_all(void)
{
	/* these first: world_stop may find a fault and not return */
	world_kill(node);
	world_kill(backend);
	world_kill(dns);
	node = backend = dns = 0;
	world_stop();
}

/* ---- configuring ------------------------------------------------------- */

static void
configure(const char *url)
{
	struct afw_m_auth_config c = {.device_id = "router-1",
	    .device_type = "wrt",
	    .project_id = "test",
	    .type = AFW_TYPE_HYDRA_TCP,
	    .v4v6 = AFW_V4V6_LEGACY,
	    .backends = 1};
	struct afw_m_backend b = {.index = 0};

	(void)afw_str_set(b.url, sizeof(b.url), url);
	ck_assert_uint_eq(
	    world_status(&world_sup, AFW_MSG_AUTH_CONFIG, &c), AFW_OK);
	ck_assert_uint_eq(
	    world_status(&world_sup, AFW_MSG_BACKEND, &b), AFW_OK);
}

static void
write_locations(mode_t pass_mode)
{
	world_write("de.pass", pass_mode, "s3cret<&>\n");
	world_write("bad.pass", 0600, "wrong\n");
	world_write("locations.json", 0644,
	    "{\"locations\": ["
	    "{\"name\": \"de-berlin\", \"labels\": {\"country\": \"de\"},"
	    " \"servers\": [{\"address\": \"127.0.0.1\", \"port\": %u}],"
	    " \"username\": \"alice\", \"password_file\": \"de.pass\","
	    " \"ca_file\": \"ca.pem\"},"
	    "{\"name\": \"second\", \"labels\": {\"country\": \"fr\"},"
	    " \"servers\": [{\"address\": \"127.0.0.1\", \"port\": %u},"
	    " {\"address\": \"127.0.0.1\", \"name\": \"wrong.example\","
	    " \"port\": \"%u\"}, {\"address\": \"localhost\", \"port\": %u}],"
	    " \"username\": \"alice\", \"password_file\": \"de.pass\","
	    " \"ca_file\": \"ca.pem\"},"
	    "{\"name\": \"badpass\", \"servers\": [{\"address\":"
	    " \"127.0.0.1\", \"port\": %u}], \"username\": \"alice\","
	    " \"password_file\": \"bad.pass\", \"ca_file\": \"ca.pem\"},"
	    "{\"name\": \"badca\", \"servers\": [{\"address\":"
	    " \"127.0.0.1\", \"port\": %u}], \"username\": \"alice\","
	    " \"password_file\": \"de.pass\", \"ca_file\": \"other.pem\"},"
	    "{\"name\": \"dead\", \"servers\": [{\"address\":"
	    " \"127.0.0.1\", \"port\": %u}], \"username\": \"alice\","
	    " \"password_file\": \"de.pass\", \"ca_file\": \"ca.pem\"},"
	    "{\"name\": \"wg\", \"type\": \"wireguard\"}],"
	    " \"optimal\": [\"de-berlin\"]}\n",
	    node_port, dead_port, node_port, node_port, node_port, node_port,
	    dead_port);
}

static void
start_file(mode_t pass_mode)
{
	start_node("");
	world_start();
	write_locations(pass_mode);
	world_file(AFW_FILE_CA, "other.pem");
	world_file(AFW_FILE_BACKEND, "locations.json");
	configure("file:/etc/afwrt/locations.json");
}

/* ---- asking for sessions ----------------------------------------------- */

static uint32_t
send_get(uint32_t route, const char *location, uint32_t why)
{
	struct afw_m_session_get g = {.route = route, .why = why};

	(void)afw_str_set(g.location, sizeof(g.location), location);
	return world_send(&world_tun, AFW_MSG_SESSION_GET, &g);
}

/* The reply must be a session. */
static struct afw_m_session
wait_session(uint32_t id)
{
	struct afw_msg *m = world_wait(&world_tun, id);
	struct afw_m_session s;
	const struct afw_m_session_fail *f = (const void *)m->payload;
	char *pem;
	size_t len;

	ck_assert_msg(m->hdr.type == AFW_MSG_SESSION, "%s: %s", m->row->name,
	    m->hdr.type == AFW_MSG_SESSION_FAIL ? f->detail : "");
	memcpy(&s, m->payload, sizeof(s));
	ck_assert_int_eq(afw_blob_read(m->fd, AFW_BLOB_MAX, &pem, &len), 0);
	ck_assert_uint_eq(len, s.ca_len);
	ck_assert_str_eq(pem, world_read("ca.pem"));
	free(pem);
	afw_msg_done(m);
	ck_assert_uint_eq(s.port, node_port);
	ck_assert_uint_eq(s.server.family, 4);
	ck_assert_uint_eq(s.server.b[0], 127);
	ck_assert_uint_gt(strlen(s.cookie), 20);
	return s;
}

static struct afw_m_session
get_session(uint32_t route, const char *location, uint32_t why)
{
	return wait_session(send_get(route, location, why));
}

static void
expect_fail(uint32_t route, const char *location, uint32_t why, uint32_t reason,
    uint32_t permanent, const char *detail)
{
	struct afw_msg *m =
	    world_wait(&world_tun, send_get(route, location, why));
	const struct afw_m_session_fail *f = (const void *)m->payload;

	ck_assert_str_eq(m->row->name, "SESSION_FAIL");
	ck_assert_msg(f->reason == reason && f->permanent == permanent &&
		strstr(f->detail, detail) != NULL,
	    "reason %u, permanent %u: %s", f->reason, f->permanent, f->detail);
	afw_msg_done(m);
}

/* ---- cases: file backend ----------------------------------------------- */

START_TEST(file_login)
{
	struct afw_m_session a, b;

	start_file(0600);
	ck_assert_uint_eq(
	    world_status(&world_sup, AFW_MSG_AUTH_BEGIN, NULL), AFW_OK);
	ck_assert_uint_eq(world_tokens, 1);
	a = get_session(1, "de-berlin", AFW_WHY_FIRST);
	ck_assert_str_eq(a.host, "127.0.0.1");
	ck_assert_uint_eq(a.route, 1);
	/* the same cookie as long as it may do */
	b = get_session(1, "de-berlin", AFW_WHY_LOST);
	ck_assert_str_eq(a.cookie, b.cookie);
	world_new_tun();
	b = get_session(1, "de-berlin", AFW_WHY_FIRST);
	ck_assert_str_eq(a.cookie, b.cookie);
	/* refused: a new one */
	b = get_session(1, "de-berlin", AFW_WHY_COOKIE);
	ck_assert_str_ne(a.cookie, b.cookie);
	/* by country, and the backend's choice */
	b = get_session(2, "de", AFW_WHY_FIRST);
	b = get_session(3, "optimal", AFW_WHY_FIRST);
}
END_TEST

START_TEST(group_is_chosen)
{
	start_node("select-group = staff\nselect-group = guests\n"
		   "default-select-group = guests\n");
	world_start();
	write_locations(0600);
	world_file(AFW_FILE_BACKEND, "locations.json");
	configure("file:/etc/afwrt/locations.json");
	(void)get_session(1, "de-berlin", AFW_WHY_FIRST);
}
END_TEST

START_TEST(file_failures)
{
	struct afw_m_session s;

	start_file(0600);
	expect_fail(1, "badpass", AFW_WHY_FIRST, AFW_REASON_AUTH, 1,
	    "password refused");
	expect_fail(
	    2, "badca", AFW_WHY_FIRST, AFW_REASON_TLS, 0, "unknown authority");
	expect_fail(3, "dead", AFW_WHY_FIRST, AFW_REASON_CONNECT, 0,
	    "connection refused");
	expect_fail(4, "nowhere", AFW_WHY_FIRST, AFW_REASON_LOCATION, 1, "");
	expect_fail(5, "wg", AFW_WHY_FIRST, AFW_REASON_LOCATION, 1, "");
	/* dead port, wrong name, then one that does, by another name */
	s = get_session(6, "second", AFW_WHY_FIRST);
	ck_assert_str_eq(s.host, "localhost");
}
END_TEST

START_TEST(one_server_lost)
{
	struct afw_m_session a, b;

	start_file(0600);
	a = get_session(1, "de-berlin", AFW_WHY_FIRST);
	/* there is no other server: the attempt ends, the cookie stays */
	expect_fail(1, "de-berlin", AFW_WHY_CONNECT, AFW_REASON_CONNECT, 0, "");
	b = get_session(1, "de-berlin", AFW_WHY_CONNECT);
	ck_assert_str_eq(a.cookie, b.cookie);
	expect_fail(1, "de-berlin", AFW_WHY_TLS, AFW_REASON_TLS, 0, "");
}
END_TEST

START_TEST(many_routes)
{
	uint32_t i;
	struct afw_msg *m;

	start_file(0600);
	for (i = 0; i < 16; i++)
		(void)send_get(i + 1, "de-berlin", AFW_WHY_FIRST);
	/* this one must not wait for the sixteen logins */
	expect_fail(17, "dead", AFW_WHY_FIRST, AFW_REASON_CONNECT, 0, "");
	/* a second request takes the place of the first, of which it says so */
	for (i = 0; i < 16; i++) {
		m = world_wait(
		    &world_tun, send_get(i + 1, "de-berlin", AFW_WHY_FIRST));
		ck_assert_str_eq(m->row->name, "SESSION");
		afw_msg_done(m);
	}
}
END_TEST

START_TEST(secrets_of_others)
{
	start_file(0640);
	expect_fail(
	    1, "de-berlin", AFW_WHY_FIRST, AFW_REASON_PROTOCOL, 0, "0600");
	world_write("inline.json", 0644,
	    "{\"locations\": [{\"name\": \"a\", \"password\": \"x\"}]}");
	world_file(AFW_FILE_BACKEND, "inline.json");
	expect_fail(2, "a", AFW_WHY_FIRST, AFW_REASON_PROTOCOL, 0, "0600");
	world_write("broken.json", 0600, "{\"locations\": [\n{,}]}");
	world_file(AFW_FILE_BACKEND, "broken.json");
	expect_fail(3, "a", AFW_WHY_FIRST, AFW_REASON_PROTOCOL, 0, "line 2");
}
END_TEST

static unsigned int
verify(const char *url, const char *user, const char *password)
{
	struct afw_m_verify v = {.url = ""};

	(void)afw_str_set(v.url, sizeof(v.url), url);
	(void)afw_str_set(v.username, sizeof(v.username), user);
	(void)afw_str_set(v.password, sizeof(v.password), password);
	return world_status(&world_sup, AFW_MSG_VERIFY_USER, &v);
}

START_TEST(file_verify)
{
	world_start();
	write_locations(0600);
	ck_assert_uint_ne(verify("file:/x.json", "alice", "x"), AFW_EACCES);
	world_file(AFW_FILE_VERIFY, "locations.json");
	ck_assert_uint_eq(verify("file:/x.json", "alice", "s3cret<&>"), AFW_OK);
	ck_assert_uint_eq(verify("file:/x.json", "alice", "wrong"), AFW_OK);
	ck_assert_uint_eq(verify("file:/x.json", "alice", "nope"), AFW_EACCES);
	ck_assert_uint_eq(verify("file:/x.json", "eve", "wrong"), AFW_EACCES);
	ck_assert_uint_eq(verify("ftp://x/", "eve", "wrong"), AFW_EINVAL);
	ck_assert_uint_eq(verify("http://example.com/", "a", "b"), AFW_EINVAL);
}
END_TEST

static unsigned int
check_location(const char *name)
{
	struct afw_m_location l;

	(void)afw_str_set(l.location, sizeof(l.location), name);
	return world_status(&world_sup, AFW_MSG_LOCATION_CHECK, &l);
}

/* The text that answers LOCATIONS or COUNTRIES, static. */
static const char *
list_of(enum afw_msg_type ask, const char *answer)
{
	static char text[65536];
	struct afw_msg *m = world_ask(&world_sup, ask, NULL);
	char *p;
	size_t len;

	ck_assert_str_eq(m->row->name, answer);
	ck_assert_int_eq(afw_blob_read(m->fd, AFW_BLOB_MAX, &p, &len), 0);
	(void)snprintf(text, sizeof(text), "%s", p);
	free(p);
	afw_msg_done(m);
	return text;
}

static const char *
locations(void)
{
	return list_of(AFW_MSG_LOCATIONS, "LOCATIONS_JSON");
}

static const char *
countries(void)
{
	return list_of(AFW_MSG_COUNTRIES, "COUNTRIES_JSON");
}

START_TEST(file_locations)
{
	const char *text;

	start_file(0600);
	text = locations();
	ck_assert_ptr_nonnull(strstr(text, "\"name\":\"de-berlin\""));
	ck_assert_ptr_null(strstr(text, "\"wg\""));
	ck_assert_ptr_null(strstr(text, "password"));
	ck_assert_ptr_null(strstr(text, "alice"));
	ck_assert_uint_eq(check_location("de-berlin"), AFW_OK);
	ck_assert_uint_eq(check_location("fr"), AFW_OK);
	ck_assert_uint_eq(check_location("optimal"), AFW_OK);
	ck_assert_uint_eq(check_location("xx"), AFW_ENOENT);
	ck_assert_uint_eq(check_location("wg"), AFW_ENOENT);
	ck_assert_ptr_nonnull(
	    strstr(countries(), "{\"country\":\"fr\",\"servers\":3}"));
}
END_TEST

/* ---- names ------------------------------------------------------------- */

START_TEST(names)
{
	static const char *const good[] = {"plain.test", "forged.test",
	    "cut.test", "alias.test", "chain.test", "hosts.test", "PLAIN.test"};
	char list[4096] = "";
	uint32_t i;

	dns = auth_dns_start();
	start_node("");
	world_start();
	write_locations(0600);
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
		    node_port);
	world_write("names.json", 0600, "{\"locations\": [%s]}", list);
	world_file(AFW_FILE_BACKEND, "names.json");
	configure("file:/names.json");
	for (i = 0; i < 7; i++) {
		char name[8];
		struct afw_m_session s;

		(void)snprintf(name, sizeof(name), "l%u", i);
		s = get_session(i + 1, name, AFW_WHY_FIRST);
		ck_assert_str_eq(s.host, good[i]);
	}
	expect_fail(
	    8, "l7", AFW_WHY_FIRST, AFW_REASON_CONNECT, 0, "no such name");
}
END_TEST

/* ---- cases: https backend ---------------------------------------------- */

static char url[64];

static void
start_https(const char *ca)
{
	start_node("");
	start_backend();
	world_start();
	world_file(AFW_FILE_CA, ca);
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", backend_port);
	configure(url);
}

START_TEST(https_login)
{
	struct afw_m_session s;
	struct afw_m_token t = {.token = "stale"};

	start_https("ca.pem");
	ck_assert_uint_eq(check_location("xx"), AFW_OK); /* not known yet */
	ck_assert_uint_eq(
	    world_status(&world_sup, AFW_MSG_AUTH_BEGIN, NULL), AFW_OK);
	ck_assert_uint_eq(world_tokens, 1);
	ck_assert_ptr_nonnull(strstr(locations(), "de-berlin"));
	ck_assert_uint_eq(world_saved, 1);
	ck_assert_ptr_nonnull(strstr(countries(), "\"country\": \"de\""));
	ck_assert_uint_eq(world_saved, 1); /* that was no list to keep */
	ck_assert_uint_eq(check_location("xx"), AFW_ENOENT);
	ck_assert_uint_eq(check_location("de"), AFW_OK);
	/* the first server is dead: fail-over */
	s = get_session(1, "de-berlin", AFW_WHY_FIRST);
	ck_assert_str_eq(s.host, "node.test");
	ck_assert_uint_ne(s.expire_time, 0);
	expect_fail(2, "none", AFW_WHY_FIRST, AFW_REASON_NO_SERVER, 0, "");
	expect_fail(3, "nowhere", AFW_WHY_FIRST, AFW_REASON_LOCATION, 1, "");
	/* a token the backend does not know, and nothing to get another */
	ck_assert_uint_eq(world_status(&world_sup, AFW_MSG_TOKEN, &t), AFW_OK);
	expect_fail(4, "de-berlin", AFW_WHY_FIRST, AFW_REASON_AUTH, 1,
	    "NOT_AUTHORIZED");
	ck_assert_uint_eq(world_invalid, 1);
}
END_TEST

START_TEST(https_register)
{
	struct afw_m_credentials c = {.method = "anonymous"};
	struct afw_msg *m;
	struct afw_m_token t = {.token = "stale"};

	start_https("ca.pem");
	m = world_ask(&world_sup, AFW_MSG_REGISTER, &c);
	ck_assert_str_eq(m->row->name, "REGISTERED");
	ck_assert_str_eq((const char *)m->payload, world_token);
	afw_msg_done(m);
	ck_assert_uint_eq(world_tokens, 1);
	/* with credentials a stale token is cured by one login */
	ck_assert_uint_eq(world_status(&world_sup, AFW_MSG_TOKEN, &t), AFW_OK);
	(void)get_session(1, "de-berlin", AFW_WHY_FIRST);
	ck_assert_uint_eq(world_tokens, 2);
	ck_assert_uint_eq(world_invalid, 0);
	(void)afw_str_set(c.method, sizeof(c.method), "firebase");
	(void)afw_str_set(c.token, sizeof(c.token), "forged");
	ck_assert_uint_eq(
	    world_status(&world_sup, AFW_MSG_REGISTER, &c), AFW_EACCES);
	ck_assert_uint_eq(world_invalid, 1);
}
END_TEST

START_TEST(https_failures)
{
	start_https("other.pem");
	ck_assert_uint_eq(world_status(&world_sup, AFW_MSG_AUTH_BEGIN, NULL),
	    AFW_ENETUNREACH);
	ck_assert_str_eq(world_text, "tls: unknown authority");
	ck_assert_uint_eq(world_invalid, 0);
	ck_assert_uint_eq(verify(url, "alice", "x"), AFW_ENETUNREACH);
	world_file(AFW_FILE_CA, "ca.pem");
	ck_assert_uint_eq(verify(url, "alice", "s3cret<&>"), AFW_OK);
	ck_assert_uint_eq(verify(url, "alice", "x"), AFW_EACCES);
	/* the backend dies: credentials in hand are good until they expire */
	(void)get_session(1, "de-berlin", AFW_WHY_FIRST);
	world_kill(backend);
	backend = 0;
	(void)get_session(1, "de-berlin", AFW_WHY_COOKIE);
	expect_fail(2, "de-berlin", AFW_WHY_FIRST, AFW_REASON_CONNECT, 0,
	    "connection refused");
	/* and the list of before is given */
	world_write("cache.json", 0600, "{\"kept\": 1}");
	world_file(AFW_FILE_CACHE, "cache.json");
	ck_assert_str_eq(locations(), "{\"kept\": 1}");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth");
	TCase *tc = tcase_create("world");
	SRunner *sr;
	int failed;

	if (geteuid() != 0 || access("/usr/sbin/ocserv", X_OK) != 0)
		return 77;
	(void)signal(SIGPIPE, SIG_IGN);
	tcase_add_unchecked_fixture(tc, world_make, world_remove);
	tcase_add_checked_fixture(tc, NULL, stop_all);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, file_login);
	tcase_add_test(tc, group_is_chosen);
	tcase_add_test(tc, names);
	tcase_add_test(tc, file_failures);
	tcase_add_test(tc, one_server_lost);
	tcase_add_test(tc, many_routes);
	tcase_add_test(tc, secrets_of_others);
	tcase_add_test(tc, file_verify);
	tcase_add_test(tc, file_locations);
	if (access(backend_path(), X_OK) == 0) {
		tcase_add_test(tc, https_login);
		tcase_add_test(tc, https_register);
		tcase_add_test(tc, https_failures);
	}
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
