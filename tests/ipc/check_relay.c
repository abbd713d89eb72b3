/* SPDX-License-Identifier: ISC */
/* What afwrtd passes between the library, afwrt-auth and the file system. */
#include "config.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/wire/blob.h"
#include "player.h"

static void
begin(void)
{
	player_setup();
	player_start();
	player_configure();
}

START_TEST(verify_without_configuration)
{
	struct afw_m_verify v = {.url = "https://backend.example",
	    .username = "alice",
	    .password = "right"};

	player_setup();
	player_start();
	ck_assert_uint_eq(player_protect("192.168.1.5", "de"), AFW_EINVAL);
	ck_assert_uint_eq(player_ask(AFW_MSG_VERIFY_USER, &v), AFW_OK);
	(void)afw_str_set(v.password, sizeof(v.password), "wrong");
	ck_assert_uint_eq(player_ask(AFW_MSG_VERIFY_USER, &v), AFW_EACCES);
	ck_assert_int_eq(player_count("tun start"), 0);
	ck_assert_int_eq(player_count("NET_CONFIG"), 0);
	player_logged("net PEER auth", NULL);
	player_configure(); /* the same afwrtd can go on from there */
	player_logged("net NET_CONFIG", NULL);
	player_logged("tun PEER net", NULL);
	ck_assert_uint_eq(player_process(AFW_AUTH).restarts, 0);
	player_end();
}
END_TEST

static void
file_backend_make(char *url, size_t size)
{
	char cmd[1024];

	(void)snprintf(cmd, sizeof(cmd),
	    "cd '%s' && mkdir b && echo {} >b/l.json && echo x >b/a.pass && "
	    "echo y >outside && ln -s ../outside b/link",
	    player_dir);
	ck_assert_int_eq(system(cmd), 0);
	(void)snprintf(url, size, "file:%s/b/l.json", player_dir);
}

static void
auth_configure(const char *url)
{
	struct afw_m_auth_config ac = {
	    .type = AFW_TYPE_HYDRA_TCP, .v4v6 = AFW_V4V6_LEGACY, .backends = 1};
	struct afw_m_backend b = {0};

	ck_assert_uint_eq(player_ask(AFW_MSG_AUTH_CONFIG, &ac), AFW_OK);
	(void)afw_str_set(b.url, sizeof(b.url), url);
	ck_assert_msg(
	    player_ask(AFW_MSG_BACKEND, &b) == AFW_OK, "%s", player_text);
}

START_TEST(file_backend)
{
	struct afw_m_backend b = {.url = "file:/no/such/file"};
	char url[AFW_URL_SIZE], cache[512], *data;
	struct stat st;
	size_t len;
	int fd;

	file_backend_make(url, sizeof(url));
	auth_configure(url);
	player_logged("auth AUTH_CONFIG", "auth AUTH_FILE which=3",
	    "auth BACKEND file:", NULL);
	player_logged("auth reply FILE id=1", NULL);
	player_logged("auth reply STATUS id=2 code=", NULL);
	player_logged("auth reply STATUS id=3 code=", NULL);
	player_logged("auth reply STATUS id=4 code=0", NULL);
	ck_assert_int_eq(
	    player_count("reply FILE id=2") + player_count("reply FILE id=3"),
	    0);
	(void)snprintf(
	    cache, sizeof(cache), "%s/config/locations.cache", player_dir);
	ck_assert_int_ne(fd = open(cache, O_RDONLY | O_CLOEXEC), -1);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(afw_file_read(fd, 100, &data, &len), 0);
	ck_assert_str_eq(data, "cache");
	free(data);
	(void)close(fd);
	b.index = 1;
	ck_assert_uint_eq(player_ask(AFW_MSG_BACKEND, &b), AFW_ENOENT);
	ck_assert_ptr_nonnull(strstr(player_text, "/no/such/file"));
	player_end();
}
END_TEST

START_TEST(relayed)
{
	struct afw_m_credentials c = {.method = "anonymous"};
	struct afw_m_token t = {.token = "token-0"};
	struct afw_msg m;
	char *data;
	size_t len;

	auth_configure("https://backend.example");
	ck_assert_uint_eq(player_ask(AFW_MSG_TOKEN, &t), AFW_OK);
	ck_assert_uint_eq(player_ask(AFW_MSG_CREDENTIALS, &c), AFW_OK);
	player_answer(player_send(AFW_MSG_REGISTER, &c), &m);
	ck_assert_uint_eq(m.hdr.type, AFW_MSG_REGISTERED);
	ck_assert_str_eq((const char *)m.payload, "token-1");
	player_event(AFW_MSG_EV_TOKEN, &m);
	ck_assert_str_eq((const char *)m.payload, "token-1");
	player_answer(player_send(AFW_MSG_LOCATIONS, NULL), &m);
	ck_assert_uint_eq(m.hdr.type, AFW_MSG_LOCATIONS_JSON);
	ck_assert_int_eq(afw_blob_read(m.fd, 100, &data, &len), 0);
	ck_assert_str_eq(data, "{}");
	free(data);
	afw_msg_done(&m);
	player_end();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("relay");
	TCase *t = tcase_create("configured");
	TCase *own = tcase_create("own start");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, begin, player_teardown);
	tcase_add_test(t, file_backend);
	tcase_add_test(t, relayed);
	suite_add_tcase(s, t);
	tcase_set_timeout(own, 60);
	tcase_add_checked_fixture(own, NULL, player_teardown);
	tcase_add_test(own, verify_without_configuration);
	suite_add_tcase(s, own);
	return s;
}

int
main(void)
{
	return player_main(suite());
}
