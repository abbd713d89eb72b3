/* SPDX-License-Identifier: ISC */
/*
 * A real afwrt-auth with WireGuard locations: wg-quick files and the
 * reference backend. Needs root (afwrt-auth drops it); else it is skipped.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth_nodes.h"
#include "lib/wgquick/wgquick.h"

#define KEY "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define PUB "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define PSK "/UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak="

static struct afw_msg *
get(uint32_t route, const char *location, uint32_t why)
{
	struct afw_m_session_get g = {
	    .route = route, .why = why, .type = AFW_TYPE_WIREGUARD};

	(void)afw_str_set(g.location, sizeof(g.location), location);
	return world_ask(&world_tun, AFW_MSG_SESSION_GET, &g);
}

static struct afw_m_wg_session
session(uint32_t route, const char *location, uint32_t why)
{
	struct afw_msg *m = get(route, location, why);
	const struct afw_m_session_fail *f = (const void *)m->payload;
	struct afw_m_wg_session s;

	ck_assert_msg(m->hdr.type == AFW_MSG_WG_SESSION, "%s: %s", m->row->name,
	    m->hdr.type == AFW_MSG_SESSION_FAIL ? f->detail : "");
	memcpy(&s, m->payload, sizeof(s));
	afw_msg_done(m);
	return s;
}

static void
no_session(uint32_t route, const char *location, uint32_t why, uint32_t reason,
    const char *detail)
{
	struct afw_msg *m = get(route, location, why);
	const struct afw_m_session_fail *f = (const void *)m->payload;

	ck_assert_str_eq(m->row->name, "SESSION_FAIL");
	ck_assert_msg(f->reason == reason && strstr(f->detail, detail) != NULL,
	    "reason %u: %s", f->reason, f->detail);
	afw_msg_done(m);
}

static void
key_is(const uint8_t *key, const char *text)
{
	char is[WGQUICK_KEY_TEXT];

	wgquick_key_print(key, is);
	ck_assert_str_eq(is, text);
}

static void
addr_is(const struct afw_addr *a, const char *text)
{
	char is[AFW_ADDR_TEXT];

	ck_assert_str_eq(afw_addr_print(a, is, sizeof(is)), text);
}

/* ---- wg-quick files ---------------------------------------------------- */

static void
write_conf(mode_t mode, const char *endpoint, const char *more)
{
	world_write("us.conf", mode,
	    "[Interface]\nPrivateKey = " KEY "\n"
	    "Address = 10.2.0.2/32, fd00::2/128\nDNS = 10.2.0.1, fd00::53\n"
	    "MTU = 1380\nPostUp = true\n"
	    "[Peer]\nPublicKey = " PUB "\nPresharedKey = " PSK "\n"
	    "Endpoint = %s\nAllowedIPs = 0.0.0.0/0, ::/0\n"
	    "PersistentKeepalive = 25\n%s",
	    endpoint, more);
}

static void
start_files(uint32_t type, uint32_t v4v6)
{
	world_start();
	world_write("locations.json", 0644,
	    "{\"locations\": ["
	    "{\"name\": \"us\", \"labels\": {\"country\": \"us\"},"
	    " \"config\": \"us.conf\"},"
	    "{\"name\": \"de\", \"servers\": [{\"address\": \"192.0.2.9\"}],"
	    " \"username\": \"alice\", \"type\": \"hydra-tcp\"},"
	    "{\"name\": \"any\", \"servers\": [{\"address\": \"192.0.2.9\"}]}"
	    "], \"optimal\": [\"de\", \"us\"]}\n");
	world_write("hosts", 0644,
	    "192.0.2.1 vpn.test\n192.0.2.2 vpn.test\n2001:db8::1 vpn.test\n");
	world_file(AFW_FILE_HOSTS, "hosts");
	world_file(AFW_FILE_BACKEND, "locations.json");
	nodes_configure_as("file:/etc/afwrt/locations.json", type, v4v6);
	/* the list was asked for at once; this waits for it */
	(void)nodes_locations();
}

START_TEST(file_config)
{
	struct afw_m_wg_session s;

	write_conf(0600, "192.0.2.1:51821", "");
	start_files(AFW_TYPE_HYDRA_TCP, AFW_V4V6_LEGACY);
	s = session(3, "us", AFW_WHY_FIRST);
	ck_assert_uint_eq(s.route, 3);
	key_is(s.private_key, KEY);
	key_is(s.peer_key, PUB);
	key_is(s.preshared_key, PSK);
	addr_is(&s.server, "192.0.2.1");
	ck_assert_uint_eq(s.port, 51821);
	ck_assert_uint_eq(s.mtu, 1380);
	ck_assert_uint_eq(s.keepalive, 25);
	ck_assert_uint_eq(s.addrs, 2);
	addr_is(&s.addr[0].addr, "10.2.0.2");
	ck_assert_uint_eq(s.addr[0].prefix, 32);
	addr_is(&s.addr[1].addr, "fd00::2");
	ck_assert_uint_eq(s.allowed, 2);
	ck_assert_uint_eq(s.allow[1].prefix, 0);
	addr_is(&s.dns4, "10.2.0.1");
	addr_is(&s.dns6, "fd00::53");
	ck_assert_str_eq(s.chosen, "us");
	/* no key pair of its own is made for it */
	ck_assert_str_eq(world_state.location, "");
	/* of the optimal ones the first of this type */
	s = session(4, "optimal", AFW_WHY_FIRST);
	ck_assert_str_eq(s.chosen, "us");
}
END_TEST

START_TEST(types_of_locations)
{
	write_conf(0600, "192.0.2.1:51821", "");
	start_files(AFW_TYPE_HYDRA_TCP, AFW_V4V6_LEGACY);
	ck_assert_uint_eq(nodes_check_location("us"), AFW_OK);
	ck_assert_uint_eq(nodes_type, AFW_TYPE_WIREGUARD);
	ck_assert_uint_eq(nodes_check_location("de"), AFW_OK);
	ck_assert_uint_eq(nodes_type, AFW_TYPE_HYDRA_TCP);
	ck_assert_uint_eq(nodes_check_location("any"), AFW_OK);
	ck_assert_uint_eq(nodes_type, 0);
	ck_assert_uint_eq(nodes_check_location("optimal"), AFW_OK);
	ck_assert_uint_eq(nodes_type, 0); /* both kinds are there */
	ck_assert_uint_eq(nodes_check_location("nowhere"), AFW_ENOENT);
	/* asked for as what it is not */
	no_session(1, "de", AFW_WHY_FIRST, AFW_REASON_LOCATION, "another type");
}
END_TEST

START_TEST(files_refused)
{
	start_files(AFW_TYPE_WIREGUARD, AFW_V4V6_LEGACY);
	(void)unlink(world_path("us.conf"));
	no_session(1, "us", AFW_WHY_FIRST, AFW_REASON_PROTOCOL, "us.conf");
	write_conf(0644, "192.0.2.1:51821", "");
	no_session(1, "us", AFW_WHY_FIRST, AFW_REASON_PROTOCOL, "0600");
	write_conf(0600, "192.0.2.1:51821", "Nonsense = 1\n");
	no_session(1, "us", AFW_WHY_FIRST, AFW_REASON_PROTOCOL, "line 13");
	/* servers that say no key are no WireGuard servers */
	no_session(2, "any", AFW_WHY_FIRST, AFW_REASON_NO_SERVER, "wireguard");
	/* mended: it works without any restart */
	write_conf(0600, "192.0.2.1:51821", "");
	(void)session(1, "us", AFW_WHY_FIRST);
}
END_TEST

/* Each address of the name, then the end; then from the beginning. */
START_TEST(addresses_in_turn)
{
	struct afw_m_wg_session a, b;

	write_conf(0600, "vpn.test:51820", "");
	start_files(AFW_TYPE_WIREGUARD, AFW_V4V6_IPV4_ONLY);
	a = session(1, "us", AFW_WHY_FIRST);
	ck_assert_uint_eq(a.server.family, 4);
	b = session(1, "us", AFW_WHY_CONNECT);
	ck_assert_uint_eq(b.server.family, 4);
	ck_assert(!afw_addr_equal(&a.server, &b.server));
	no_session(1, "us", AFW_WHY_CONNECT, AFW_REASON_CONNECT, "");
	b = session(1, "us", AFW_WHY_FIRST);
	ck_assert_uint_eq(b.server.family, 4);
	/* the same for a new afwrt-tun */
	world_new_tun();
	a = session(1, "us", AFW_WHY_FIRST);
	ck_assert(afw_addr_equal(&a.server, &b.server));
	/* another meaning of the name is seen when the tunnel is lost */
	world_write("hosts", 0644, "192.0.2.77 vpn.test\n");
	world_file(AFW_FILE_HOSTS, "hosts");
	a = session(1, "us", AFW_WHY_LOST);
	addr_is(&a.server, "192.0.2.77");
}
END_TEST

START_TEST(only_ipv6)
{
	struct afw_m_wg_session s;

	write_conf(0600, "vpn.test:51820", "");
	start_files(AFW_TYPE_WIREGUARD, AFW_V4V6_IPV6_ONLY);
	s = session(1, "us", AFW_WHY_FIRST);
	addr_is(&s.server, "2001:db8::1");
	write_conf(0600, "192.0.2.1:51820", "");
	no_session(2, "us", AFW_WHY_FIRST, AFW_REASON_NO_SERVER, "");
}
END_TEST

/* ---- a backend --------------------------------------------------------- */

static void
configure_backend(void)
{
	char url[64];

	world_start();
	world_file(AFW_FILE_CA, "ca.pem");
	(void)snprintf(
	    url, sizeof(url), "https://127.0.0.1:%u", nodes_backend_port);
	nodes_configure_as(url, AFW_TYPE_HYDRA_TCP, AFW_V4V6_LEGACY);
	ck_assert_uint_eq(
	    world_status(&world_sup, AFW_MSG_AUTH_BEGIN, NULL), AFW_OK);
	(void)nodes_locations();
}

static void
start_backend(void)
{
	nodes_start_backend(
	    ", \"mixed\": true, \"locations\": ["
	    "{\"name\": \"wg\", \"type\": \"wireguard\", \"servers\": ["
	    "{\"address\": \"192.0.2.5\", \"public_key\": \"none\"},"
	    "{\"address\": \"192.0.2.6\", \"public_key\": \"" PUB "\"},"
	    "{\"address\": \"192.0.2.7\", \"port\": 443,"
	    " \"public_key\": \"" PUB "\"}],"
	    " \"wireguard\": {\"addresses\": [\"10.9.0.2\"],"
	    " \"dns\": [\"10.9.0.1\", \"x.example\"], \"mtu\": 1400,"
	    " \"keepalive\": \"15\", \"preshared_key\": \"" PSK "\"}},"
	    "{\"name\": \"bare\", \"type\": \"wireguard\", \"servers\": ["
	    "{\"address\": \"192.0.2.6\", \"public_key\": \"" PUB "\"}]}"
	    "]");
	configure_backend();
}

/* The pair is made once, kept before it is used, and found again. */
START_TEST(own_key_pair)
{
	struct afw_m_wg_session a, b;

	start_backend();
	ck_assert_uint_eq(nodes_check_location("wg"), AFW_OK);
	ck_assert_uint_eq(nodes_type, AFW_TYPE_WIREGUARD);
	a = session(1, "wg", AFW_WHY_FIRST);
	ck_assert_str_eq(world_state.location, "wg");
	ck_assert_uint_eq(world_state.len, AFW_WG_KEY_SIZE);
	ck_assert_mem_eq(world_state.data, a.private_key, AFW_WG_KEY_SIZE);
	addr_is(&a.server, "192.0.2.6"); /* the first has no key */
	ck_assert_uint_eq(a.port, 51820);
	key_is(a.peer_key, PUB);
	key_is(a.preshared_key, PSK);
	ck_assert_uint_eq(a.addrs, 1);
	ck_assert_uint_eq(a.addr[0].prefix, 32);
	ck_assert_uint_eq(a.allowed, 2); /* not said: all */
	ck_assert_uint_eq(a.mtu, 1400);
	ck_assert_uint_eq(a.keepalive, 15);
	addr_is(&a.dns4, "10.9.0.1");
	ck_assert_uint_ne(a.expire_time, 0);
	b = session(1, "wg", AFW_WHY_CONNECT);
	addr_is(&b.server, "192.0.2.7");
	ck_assert_uint_eq(b.port, 443);
	world_stop();
	configure_backend();
	b = session(1, "wg", AFW_WHY_FIRST);
	ck_assert_mem_eq(a.private_key, b.private_key, AFW_WG_KEY_SIZE);
}
END_TEST

START_TEST(incomplete_answer)
{
	start_backend();
	no_session(
	    1, "bare", AFW_WHY_FIRST, AFW_REASON_NO_SERVER, "\"wireguard\"");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth_wg");
	TCase *t = tcase_create("files");
	SRunner *r;
	int failed;

	if (!nodes_possible())
		return 77;
	(void)signal(SIGPIPE, SIG_IGN);
	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, world_make, world_remove);
	tcase_add_checked_fixture(t, NULL, nodes_stop);
	tcase_add_test(t, file_config);
	tcase_add_test(t, types_of_locations);
	tcase_add_test(t, files_refused);
	tcase_add_test(t, addresses_in_turn);
	tcase_add_test(t, only_ipv6);
	tcase_add_test(t, own_key_pair);
	tcase_add_test(t, incomplete_answer);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
