/* SPDX-License-Identifier: ISC */
/*
 * A real afwrt-auth with the reference backend over TLS, and a real ocserv.
 * Needs root and ocserv as check_auth.c does.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth_nodes.h"

/* ---- cases: https backend ---------------------------------------------- */

static char url[64];

static void
start_https(const char *ca)
{
	nodes_start("");
	nodes_start_backend("");
	world_start();
	world_file(AFW_FILE_CA, ca);
	(void)snprintf(
	    url, sizeof(url), "https://127.0.0.1:%u", nodes_backend_port);
	nodes_configure(url);
}

START_TEST(https_login)
{
	struct afw_m_session s;
	struct afw_m_token t = {.token = "stale"};

	start_https("ca.pem");
	ck_assert_uint_eq(
	    nodes_check_location("xx"), AFW_OK); /* not known yet */
	ck_assert_uint_eq(
	    world_status(&world_sup, AFW_MSG_AUTH_BEGIN, NULL), AFW_OK);
	ck_assert_uint_eq(world_tokens, 1);
	ck_assert_ptr_nonnull(strstr(nodes_locations(), "de-berlin"));
	ck_assert_uint_eq(world_saved, 1);
	ck_assert_ptr_nonnull(strstr(nodes_countries(), "\"country\": \"de\""));
	ck_assert_uint_eq(world_saved, 1); /* that was no list to keep */
	ck_assert_uint_eq(nodes_check_location("xx"), AFW_ENOENT);
	ck_assert_uint_eq(nodes_check_location("de"), AFW_OK);
	/* the first server is dead: fail-over */
	s = nodes_session(1, "de-berlin", AFW_WHY_FIRST);
	ck_assert_str_eq(s.host, "node.test");
	ck_assert_uint_ne(s.expire_time, 0);
	nodes_no_session(2, "none", AFW_WHY_FIRST, AFW_REASON_NO_SERVER, 0, "");
	nodes_no_session(
	    3, "nowhere", AFW_WHY_FIRST, AFW_REASON_LOCATION, 1, "");
	/* a token the backend does not know, and nothing to get another */
	ck_assert_uint_eq(world_status(&world_sup, AFW_MSG_TOKEN, &t), AFW_OK);
	nodes_no_session(4, "de-berlin", AFW_WHY_FIRST, AFW_REASON_AUTH, 1,
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
	(void)nodes_session(1, "de-berlin", AFW_WHY_FIRST);
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
	ck_assert_uint_eq(nodes_verify(url, "alice", "x"), AFW_ENETUNREACH);
	world_file(AFW_FILE_CA, "ca.pem");
	ck_assert_uint_eq(nodes_verify(url, "alice", "s3cret<&>"), AFW_OK);
	ck_assert_uint_eq(nodes_verify(url, "alice", "x"), AFW_EACCES);
	/* the backend dies: credentials in hand are good until they expire */
	(void)nodes_session(1, "de-berlin", AFW_WHY_FIRST);
	nodes_stop_backend();
	(void)nodes_session(1, "de-berlin", AFW_WHY_COOKIE);
	nodes_no_session(2, "de-berlin", AFW_WHY_FIRST, AFW_REASON_CONNECT, 0,
	    "connection refused");
	/* and the list of before is given */
	world_write("cache.json", 0600, "{\"kept\": 1}");
	world_file(AFW_FILE_CACHE, "cache.json");
	ck_assert_str_eq(nodes_locations(), "{\"kept\": 1}");
}
END_TEST

/* ---- faults of one call ------------------------------------------------ */

/* The user's name chooses the fault; password pw is the right one. */
static const struct {
	const char *user, *fault;
	unsigned int code;
} verify_faults[] = {
    {"alice", "", AFW_OK},
    {"lower", "\"mode\": \"lower\"", AFW_OK},
    {"late", "\"mode\": \"delay\", \"arg\": 1", AFW_OK},
    {"byte", "\"mode\": \"trickle\", \"arg\": 0.01", AFW_OK},
    {"reset-1", "\"mode\": \"reset\", \"times\": 1", AFW_OK},
    {"busy-1", "\"mode\": \"http\", \"arg\": 429, \"times\": 2", AFW_OK},
    {"here", "\"mode\": \"redirect\", \"arg\": \"same\", \"times\": 1", AFW_OK},
    {"wrong", "\"mode\": \"code\", \"arg\": \"Invalid\"", AFW_EACCES},
    {"stale", "\"mode\": \"http\", \"arg\": 401", AFW_EACCES},
    {"out", "\"mode\": \"code\", \"arg\": \"USER_SUSPENDED\"", AFW_EACCES},
    {"bad", "\"mode\": \"code\", \"arg\": \"BAD_REQUEST\"", AFW_EPROTO},
    {"many", "\"mode\": \"code\", \"arg\": \"TOO_MANY_REQUESTS\"",
	AFW_ENETUNREACH},
    {"reset", "\"mode\": \"reset\"", AFW_ENETUNREACH},
    {"close", "\"mode\": \"close\"", AFW_ENETUNREACH},
    {"400", "\"mode\": \"http\", \"arg\": 400", AFW_EPROTO},
    {"503", "\"mode\": \"http\", \"arg\": 503", AFW_ENETUNREACH},
    {"garbage", "\"mode\": \"garbage\"", AFW_EPROTO},
    {"array", "\"mode\": \"not_object\"", AFW_EPROTO},
    {"half", "\"mode\": \"truncated\"", AFW_ENETUNREACH},
    {"huge", "\"mode\": \"huge\"", AFW_EPROTO},
    {"away", "\"mode\": \"redirect\"", AFW_EPROTO},
    {"loop", "\"mode\": \"redirect\", \"arg\": \"same\"", AFW_EPROTO},
};
#define VERIFY_FAULTS (sizeof(verify_faults) / sizeof(verify_faults[0]))

static void
start_verify_faults(void)
{
	char text[8192] = ", \"faults\": [";
	size_t i;

	for (i = 1; i < VERIFY_FAULTS; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "%s{\"call\": \"verify\", %s, \"match\": "
		    "{\"username\": \"%s\"}}",
		    i == 1 ? "" : ", ", verify_faults[i].fault,
		    verify_faults[i].user);
	(void)strcat(text, "], \"users\": [");
	for (i = 0; i < VERIFY_FAULTS; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "%s{\"name\": \"%s\", \"password\": \"pw\"}",
		    i == 0 ? "" : ", ", verify_faults[i].user);
	(void)strcat(text, "]");
	nodes_start("");
	nodes_start_backend(text);
	world_start();
	world_file(AFW_FILE_CA, "ca.pem");
}

/* All at once: some are tried three times. */
START_TEST(verify_with_faults)
{
	struct afw_m_verify v = {.password = "pw"};
	uint32_t ids[VERIFY_FAULTS];
	const struct afw_m_status *st;
	struct afw_msg *m;
	size_t i, left = VERIFY_FAULTS;

	start_verify_faults();
	(void)snprintf(
	    v.url, sizeof(v.url), "https://127.0.0.1:%u", nodes_backend_port);
	for (i = 0; i < VERIFY_FAULTS; i++) {
		(void)afw_str_set(
		    v.username, sizeof(v.username), verify_faults[i].user);
		ids[i] = world_send(&world_sup, AFW_MSG_VERIFY_USER, &v);
	}
	while (left > 0) {
		m = world_wait(&world_sup, 0);
		st = (const void *)m->payload;
		for (i = 0; i < VERIFY_FAULTS && ids[i] != m->hdr.id; i++)
			;
		if (m->hdr.type == AFW_MSG_STATUS && i < VERIFY_FAULTS) {
			ck_assert_msg(st->code == verify_faults[i].code,
			    "%s: %u %s", verify_faults[i].user, st->code,
			    st->text);
			left--;
		}
		afw_msg_done(m);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth_backend");
	TCase *tc = tcase_create("world");
	SRunner *sr;
	int failed;

	if (!nodes_possible())
		return 77;
	(void)signal(SIGPIPE, SIG_IGN);
	tcase_add_unchecked_fixture(tc, world_make, world_remove);
	tcase_add_checked_fixture(tc, NULL, nodes_stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, https_login);
	tcase_add_test(tc, https_register);
	tcase_add_test(tc, https_failures);
	tcase_add_test(tc, verify_with_faults);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
