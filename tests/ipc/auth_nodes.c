/* SPDX-License-Identifier: ISC */
#include "auth_nodes.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth_dns.h"
#include "lib/wire/blob.h"

static pid_t node, backend, dns;
uint16_t nodes_port, nodes_backend_port, nodes_dead_port;
uint32_t nodes_type;

/* ---- a node and a backend ---------------------------------------------- */

void
nodes_start(const char *more)
{
	const char *argv[] = {
	    "ocserv", "-f", "-d", "1", "-c", "ocserv.conf", NULL};
	char cmd[256];

	(void)snprintf(cmd, sizeof(cmd),
	    "printf 's3cret<&>\\ns3cret<&>\\n' | ocpasswd -c %s/users alice"
	    " >/dev/null 2>&1",
	    world_dir);
	ck_assert_int_eq(system(cmd), 0);
	nodes_port = world_free_port();
	nodes_dead_port = world_free_port();
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
	    world_dir, nodes_port, world_dir, world_dir, world_dir, more);
	node = world_spawn("listening (TCP)", argv);
}

/* The reference backend's program. */
static const char *
backend_path(void)
{
	const char *p = getenv("AFWRT_FAKE_BACKEND");

	return p != NULL ? p : AFW_ABS_SRCDIR "/tests/fake/backend";
}

void
nodes_start_backend(const char *more)
{
	const char *path = backend_path();
	const char *argv[] = {path, "backend.json", NULL};

	nodes_backend_port = world_free_port();
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
	    " {\"name\": \"none\", \"labels\": {}, \"servers\": []}]%s}\n",
	    nodes_backend_port, nodes_dead_port, nodes_port, more);
	backend = world_spawn("ready", argv);
}

void
nodes_stop_backend(void)
{
	world_kill(backend);
	backend = 0;
}

void
nodes_start_dns(void)
{
	dns = auth_dns_start();
}

bool
nodes_possible(void)
{
	return geteuid() == 0 && access("/usr/sbin/ocserv", X_OK) == 0 &&
	    access(backend_path(), X_OK) == 0;
}

void
nodes_stop(void)
{
	/* these first: world_stop may find a fault and not return */
	world_kill(node);
	world_kill(backend);
	world_kill(dns);
	node = backend = dns = 0;
	world_stop();
}

/* ---- configuring ------------------------------------------------------- */

void
nodes_configure(const char *url)
{
	nodes_configure_as(url, AFW_TYPE_HYDRA_TCP, AFW_V4V6_LEGACY);
}

void
nodes_configure_as(const char *url, uint32_t type, uint32_t v4v6)
{
	struct afw_m_auth_config c = {.device_id = "router-1",
	    .device_type = "wrt",
	    .project_id = "test",
	    .type = type,
	    .v4v6 = v4v6,
	    .backends = 1};
	struct afw_m_backend b = {.index = 0};

	(void)afw_str_set(b.url, sizeof(b.url), url);
	ck_assert_uint_eq(
	    world_status(&world_sup, AFW_MSG_AUTH_CONFIG, &c), AFW_OK);
	ck_assert_uint_eq(
	    world_status(&world_sup, AFW_MSG_BACKEND, &b), AFW_OK);
}

void
nodes_write_locations(mode_t pass_mode)
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
	    nodes_port, nodes_dead_port, nodes_port, nodes_port, nodes_port,
	    nodes_port, nodes_dead_port);
}

/* ---- asking for sessions ----------------------------------------------- */

uint32_t nodes_conn;

uint32_t
nodes_send_get(uint32_t route, const char *location, uint32_t why)
{
	struct afw_m_session_get g = {.route = route,
	    .conn = nodes_conn,
	    .why = why,
	    .type = AFW_TYPE_HYDRA_TCP};

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
	ck_assert_uint_eq(s.port, nodes_port);
	ck_assert_uint_eq(s.server.family, 4);
	ck_assert_uint_eq(s.server.b[0], 127);
	ck_assert_uint_gt(strlen(s.cookie), 20);
	return s;
}

struct afw_m_session
nodes_session(uint32_t route, const char *location, uint32_t why)
{
	return wait_session(nodes_send_get(route, location, why));
}

void
nodes_no_session(uint32_t route, const char *location, uint32_t why,
    uint32_t reason, uint32_t permanent, const char *detail)
{
	struct afw_msg *m =
	    world_wait(&world_tun, nodes_send_get(route, location, why));
	const struct afw_m_session_fail *f = (const void *)m->payload;

	ck_assert_str_eq(m->row->name, "SESSION_FAIL");
	ck_assert_msg(f->reason == reason && f->permanent == permanent &&
		strstr(f->detail, detail) != NULL,
	    "reason %u, permanent %u: %s", f->reason, f->permanent, f->detail);
	afw_msg_done(m);
}

unsigned int
nodes_verify(const char *url, const char *user, const char *password)
{
	struct afw_m_verify v = {.url = ""};

	(void)afw_str_set(v.url, sizeof(v.url), url);
	(void)afw_str_set(v.username, sizeof(v.username), user);
	(void)afw_str_set(v.password, sizeof(v.password), password);
	return world_status(&world_sup, AFW_MSG_VERIFY_USER, &v);
}

unsigned int
nodes_check_location(const char *name)
{
	struct afw_m_location l;
	struct afw_msg *m;
	unsigned int code = AFW_OK;

	nodes_type = 0;
	(void)afw_str_set(l.location, sizeof(l.location), name);
	m = world_ask(&world_sup, AFW_MSG_LOCATION_CHECK, &l);
	if (m->hdr.type == AFW_MSG_LOCATION_INFO)
		nodes_type = ((const struct afw_m_location_info *)(const void *)
				  m->payload)
				 ->type;
	else
		code = ((const struct afw_m_status *)(const void *)m->payload)
			   ->code;
	afw_msg_done(m);
	return code;
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

const char *
nodes_locations(void)
{
	return list_of(AFW_MSG_LOCATIONS, "LOCATIONS_JSON");
}

const char *
nodes_countries(void)
{
	return list_of(AFW_MSG_COUNTRIES, "COUNTRIES_JSON");
}
