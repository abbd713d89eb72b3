/* SPDX-License-Identifier: ISC */
/* The backend's side of the API: users, locations, registration, tokens. */
#include "conform.h"

#include <stdio.h>
#include <stdlib.h>

static char backend[128];

static const char *
backend_url(void)
{
	json_t *o = json_load_file(getenv("CONFORM_CONFIG"), 0, NULL);

	(void)snprintf(backend, sizeof(backend), "%s",
	    json_string_value(json_object_get(o, "backend")));
	json_decref(o);
	return backend;
}

static void
verify_table(void)
{
	const char *b = backend_url();

	ck_assert_int_eq(afwrt_verify_user(b, "alice", "wonderland"), 0);
	ck_assert_int_eq(afwrt_verify_user(b, "alice", "wrong"), -1);
	ck_assert_int_eq(afwrt_verify_user(b, "nobody", "wonderland"), -1);
	ck_assert_int_eq(afwrt_verify_user(b, "a&b=c", "%41 &x"), -1);
}

/* "needs no init": a suite of its own, that is gone afterwards. */
START_TEST(verify_user_without_init)
{
	int fds;

	verify_table();
	await_no_helpers();
	fds = count_fds();
	ck_assert_int_eq(
	    afwrt_verify_user(backend_url(), "alice", "wonderland"), 0);
	await_no_helpers();
	ck_assert_int_eq(count_fds(), fds);
}
END_TEST

START_TEST(verify_user_beside_a_suite)
{
	begin("");
	verify_table();
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
}
END_TEST

static void
not_verified(const char *url, int code)
{
	errno = 0;
	ck_assert_int_eq(afwrt_verify_user(url, "alice", "wonderland"), 1);
	ck_assert_msg(errno == code, "%s: %s, wanted %s",
	    url == NULL ? "NULL" : url, strerror(errno), strerror(code));
	ck_assert_str_ne(afwrt_last_error(), "");
}

START_TEST(verify_user_could_not_be_done)
{
	begin("");
	not_verified(NULL, EINVAL);
	not_verified("", EINVAL);
	not_verified("ftp://backend.example", EINVAL);
	ck_assert_int_eq(afwrt_verify_user(backend_url(), NULL, "x"), 1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(afwrt_verify_user(backend_url(), "alice", NULL), 1);
	ck_assert_int_eq(errno, EINVAL);
	not_verified("https://203.0.113.40:9", ENETUNREACH);
	(void)lab("fault verify garbage");
	not_verified(backend_url(), EPROTO);
	(void)lab("clear");
	(void)lab("fault verify http 503");
	ck_assert_int_eq(
	    afwrt_verify_user(backend_url(), "alice", "wonderland"), 1);
	(void)lab("clear");
	/* a certificate of another name is no backend */
	(void)lab("fault * wrong_certificate");
	ck_assert_int_eq(
	    afwrt_verify_user(backend_url(), "alice", "wonderland"), 1);
	(void)lab("clear");
}
END_TEST

START_TEST(verify_user_that_is_suspended)
{
	begin("");
	(void)lab("fault verify code USER_SUSPENDED");
	ck_assert_int_eq(
	    afwrt_verify_user(backend_url(), "alice", "wonderland"), -1);
	(void)lab("clear");
	(void)lab("fault verify code INTERNAL_SERVER_ERROR");
	ck_assert_int_eq(
	    afwrt_verify_user(backend_url(), "alice", "wonderland"), 1);
	(void)lab("clear");
}
END_TEST

/* "as provided by backend side": byte for byte */
START_TEST(locations_are_the_backends_own_words)
{
	char *text;

	begin("");
	ck_assert_ptr_nonnull(text = afwrt_get_locations());
	ck_assert_str_eq(text, lab("locations_text"));
	free(text); /* the caller's: free() and afwrt_free() alike */
	ck_assert_ptr_nonnull(text = afwrt_get_locations());
	afwrt_free(text);
}
END_TEST

/* Without an auth_method the device is anonymous; if that is refused: none. */
START_TEST(locations_without_a_token)
{
	begin("{\"auth_method\":null}");
	(void)lab("fault login code OAUTH_ERROR");
	ck_null(afwrt_get_locations(), EACCES);
	(void)lab("clear");
}
END_TEST

START_TEST(locations_of_a_backend_that_fails)
{
	begin("");
	(void)lab("fault locations garbage");
	ck_null(afwrt_get_locations(), EPROTO);
	(void)lab("clear");
	(void)lab("fault locations not_object");
	ck_null(afwrt_get_locations(), EPROTO);
	(void)lab("clear");
	(void)lab("fault locations huge");
	ck_null(afwrt_get_locations(), EPROTO);
	(void)lab("clear");
	(void)lab("fault locations reset");
	ck_null(afwrt_get_locations(), ENETUNREACH);
	(void)lab("clear");
	(void)lab("fault locations code NOT_AUTHORIZED");
	(void)lab("fault login code OAUTH_ERROR");
	ck_null(afwrt_get_locations(), EACCES);
	(void)lab("clear");
}
END_TEST

/* An answer that never comes: only with AFWRT_LONG=1, it takes 30 s. */
START_TEST(locations_that_never_come)
{
	if (getenv("AFWRT_LONG") == NULL)
		return;
	begin("");
	(void)lab("fault locations hang");
	ck_null(afwrt_get_locations(), ETIMEDOUT);
	(void)lab("clear");
}
END_TEST

/* ---- registration ------------------------------------------------------- */

START_TEST(register_device_gives_a_token_that_works)
{
	char first[4097];
	const char *token;
	json_t *event;
	char *list;

	begin("{\"auth_method\":null}");
	ck_assert_ptr_nonnull(token = afwrt_register_device("anonymous", NULL));
	(void)snprintf(first, sizeof(first), "%s", token);
	ck_assert_str_ne(first, "");
	ck_assert_ptr_nonnull(list = afwrt_get_locations());
	afwrt_free(list);
	ck_assert_str_eq(token, first); /* lives until the next call */
	run_begin();
	event = event_await("auth_success", NULL, 0, 5);
	ck_assert_str_eq(
	    json_string_value(json_object_get(event, "access_token")), first);
	run_stop();
	ck_does(afwrt_deinit());
	/* "used during next SDK start" */
	begin("{\"auth_method\":null}");
	ck_does(afwrt_set_access_token(first));
	ck_assert_ptr_nonnull(list = afwrt_get_locations());
	afwrt_free(list);
}
END_TEST

START_TEST(register_device_with_a_provider)
{
	begin("{\"auth_method\":null}");
	ck_assert_ptr_nonnull(afwrt_register_device("firebase", "oauth-alice"));
	ck_null(afwrt_register_device("firebase", "wrong"), EACCES);
	run_begin();
	(void)event_await("auth_success", NULL, 0, 5);
	(void)event_await("invalid_auth", NULL, 0, 5);
	run_stop();
	ck_assert_int_eq(events_count("auth_success", NULL), 1);
	ck_assert_int_eq(events_count("invalid_auth", NULL), 1);
}
END_TEST

START_TEST(register_device_refuses_bad_arguments)
{
	begin("");
	ck_null(afwrt_register_device(NULL, NULL), EINVAL);
	ck_null(afwrt_register_device("", ""), EINVAL);
	ck_null(afwrt_register_device("fire base", "x"), EINVAL);
	ck_null(afwrt_register_device("firebase", NULL), EINVAL);
	ck_null(afwrt_register_device("firebase", "a b"), EINVAL);
	ck_null(afwrt_register_device("firebase", "a\nb"), EINVAL);
}
END_TEST

START_TEST(register_device_without_a_backend)
{
	begin("{\"auth_method\":null}");
	(void)lab("fault login reset");
	ck_null(afwrt_register_device("anonymous", NULL), ENETUNREACH);
	(void)lab("clear");
	(void)lab("fault login garbage");
	ck_null(afwrt_register_device("anonymous", NULL), EPROTO);
	(void)lab("clear");
}
END_TEST

START_TEST(access_token_characters)
{
	static const char *const good[] = {
	    "a", "A-Z", "0.9", "_~", "aZ09._-~", "a%2Fb%3f%26%3D%25", "%20"};
	static const char *const bad[] = {NULL, "", "a/b", "a?b", "a&b", "a=b",
	    "%", "%2", "%zz", "a b", "a+b", "\xc3\xa9", "a\n"};
	char longest[4098];
	size_t i;

	begin("");
	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		ck_does(afwrt_set_access_token(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_fails(afwrt_set_access_token(bad[i]), EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[4097] = '\0';
	ck_fails(afwrt_set_access_token(longest), EINVAL);
	longest[4096] = '\0';
	ck_does(afwrt_set_access_token(longest));
}
END_TEST

int
main(void)
{
	conform_begin("api_account");
	CONFORM(verify_user_without_init, 60);
	CONFORM(verify_user_beside_a_suite, 60);
	CONFORM(verify_user_could_not_be_done, 80);
	CONFORM(verify_user_that_is_suspended, 60);
	CONFORM(locations_are_the_backends_own_words, 40);
	CONFORM(locations_without_a_token, 40);
	CONFORM(locations_of_a_backend_that_fails, 80);
	CONFORM(locations_that_never_come, 80);
	CONFORM(register_device_gives_a_token_that_works, 60);
	CONFORM(register_device_with_a_provider, 40);
	CONFORM(register_device_refuses_bad_arguments, 20);
	CONFORM(register_device_without_a_backend, 60);
	CONFORM(access_token_characters, 20);
	return conform_run();
}
