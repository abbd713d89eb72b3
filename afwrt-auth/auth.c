/* SPDX-License-Identifier: ISC */
/*
 * afwrt-auth: the account and the logins. All that comes from the internet
 * as text (JSON, XML, HTTP, DNS) is read here, in a process that may do
 * nothing. This file is the door: which message leads where.
 */
#include "auth.h"

#include <sys/random.h>

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "conn.h"
#include "files.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"
#include "locations.h"
#include "sessions.h"
#include "sock.h"
#include "tokens.h"

/* ---- configuration ----------------------------------------------------- */

static int
auth_file(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	files_take(m);
	return 0;
}

static int
auth_config(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_auth_config *p = (const void *)m->payload;

	(void)arg;
	sessions_reset();
	locations_reset();
	backend_configure(p);
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

static int
auth_backend(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_backend *p = (const void *)m->payload;
	const char *why = backend_set(p->index, p->url);

	(void)arg;
	if (why != NULL) {
		afw_link_status(
		    l, m->hdr.id, AFW_EINVAL, "backend %.80s: %s", p->url, why);
		return 0;
	}
	/* a file answers at once and without an account */
	if (backend_is_configured() && backend_is_file())
		locations_refresh();
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

static int
auth_token(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_token *p = (const void *)m->payload;

	(void)arg;
	tokens_set(p->token);
	sessions_account_changed();
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

static int
auth_credentials(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_credentials *p = (const void *)m->payload;

	(void)arg;
	tokens_set_credentials(p->method, p->token);
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

/* ---- logins ------------------------------------------------------------ */

/* The id of a request, as argument of a callback. */
static void *
id_arg(const struct afw_msg *m)
{
	return (void *)(uintptr_t)m->hdr.id;
}

static void
reply_answer(uint32_t id, const struct answer *a)
{
	char text[160];

	if (a->result == RES_OK)
		afw_link_status(afw_daemon_sup(), id, AFW_OK, NULL);
	else
		afw_link_status(afw_daemon_sup(), id,
		    answer_permanent(a) ? AFW_EACCES : fail_code(&a->fail),
		    "%s", fail_print(&a->fail, text, sizeof(text)));
}

static void
register_cb(void *arg, const struct answer *a)
{
	uint32_t id = (uint32_t)(uintptr_t)arg;
	struct afw_m_token t = {.token = ""};

	if (a->result != RES_OK) {
		reply_answer(id, a);
		return;
	}
	locations_refresh();
	sessions_account_changed();
	(void)afw_str_set(t.token, sizeof(t.token), tokens_get());
	(void)afw_link_send(afw_daemon_sup(), AFW_MSG_REGISTERED, id, &t, -1);
	afw_wipe(&t, sizeof(t));
}

static int
auth_register(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_credentials *p = (const void *)m->payload;

	(void)arg;
	(void)l;
	if (!backend_is_configured())
		return AFW_EINVAL;
	tokens_set_credentials(p->method, p->token);
	tokens_login(true, register_cb, id_arg(m));
	return 0;
}

static void
begin_cb(void *arg, const struct answer *a)
{
	if (a->result == RES_OK)
		locations_refresh();
	reply_answer((uint32_t)(uintptr_t)arg, a);
}

static int
auth_begin(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	if (!backend_is_configured())
		return AFW_EINVAL;
	if (!tokens_have()) {
		tokens_login(false, begin_cb, id_arg(m));
		return 0;
	}
	locations_refresh();
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

static void
verify_cb(void *arg, const struct answer *a)
{
	uint32_t id = (uint32_t)(uintptr_t)arg;
	char text[160];

	switch (a->result) {
	case RES_OK:
		afw_link_status(afw_daemon_sup(), id, AFW_OK, NULL);
		break;
	case RES_INVALID:
	case RES_NOT_AUTHORIZED:
	case RES_USER_SUSPENDED:
		afw_link_status(
		    afw_daemon_sup(), id, AFW_EACCES, "%s", a->fail.detail);
		break;
	default: /* says nothing about the user, so never EACCES */
		afw_link_status(afw_daemon_sup(), id,
		    fail_code(&a->fail) == AFW_EACCES ||
			    fail_code(&a->fail) == AFW_OK
			? AFW_EPROTO
			: fail_code(&a->fail),
		    "%s", fail_print(&a->fail, text, sizeof(text)));
		break;
	}
}

static int
auth_verify(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_verify *p = (const void *)m->payload;
	struct params q = {.n = 0};
	const char *why;

	(void)arg;
	params_set(&q, "username", p->username);
	params_set(&q, "password", p->password);
	if (backend_call_at(
		p->url, CALL_VERIFY, &q, &why, verify_cb, id_arg(m)) == NULL)
		afw_link_status(
		    l, m->hdr.id, AFW_EINVAL, "backend %.80s: %s", p->url, why);
	return 0;
}

/* ---- locations --------------------------------------------------------- */

static int
auth_locations(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	if (!backend_is_configured())
		return AFW_EINVAL;
	locations_get(m->hdr.id);
	return 0;
}

static int
auth_countries(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	if (!backend_is_configured())
		return AFW_EINVAL;
	locations_get_countries(m->hdr.id);
	return 0;
}

static int
auth_location_check(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_location *p = (const void *)m->payload;
	struct afw_m_location_info info = {.type = locations_type(p->location)};

	(void)arg;
	if (strcmp(p->location, AFW_LOCATION_OPTIMAL) != 0 &&
	    locations_find(p->location) == LOCATIONS_NO &&
	    (!locations_is_country(p->location) ||
		locations_find_country(p->location) == LOCATIONS_NO))
		return AFW_ENOENT;
	if (info.type != 0 || locations_have())
		(void)afw_link_send(
		    l, AFW_MSG_LOCATION_INFO, m->hdr.id, &info, -1);
	else
		afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

/* ---- peers ------------------------------------------------------------- */

static int
auth_wan(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	sock_wan_set((const void *)m->payload);
	return 0;
}

static void
peer_up(enum afw_role role, struct afw_link *l)
{
	(void)l;
	if (role == AFW_NET)
		sock_net_up();
}

static void
peer_down(enum afw_role role)
{
	if (role == AFW_NET)
		sock_net_down();
	else if (role == AFW_TUN)
		sessions_tun_down();
}

static void
setup(struct event_base *base)
{
	unsigned int seed[2] = {1, 1};

	/* jitter, and against floods of the hash; ids of queries and the
	 * keys of TLS take getrandom themselves */
	(void)getrandom(seed, sizeof(seed), 0);
	srandom(seed[0]);
	answer_setup();
	json_object_seed(seed[1] | 1);
	conn_init(base);
}

static const struct afw_handler handlers[] = {
    {AFW_MSG_AUTH_FILE, auth_file},
    {AFW_MSG_AUTH_CONFIG, auth_config},
    {AFW_MSG_BACKEND, auth_backend},
    {AFW_MSG_TOKEN, auth_token},
    {AFW_MSG_CREDENTIALS, auth_credentials},
    {AFW_MSG_REGISTER, auth_register},
    {AFW_MSG_AUTH_BEGIN, auth_begin},
    {AFW_MSG_VERIFY_USER, auth_verify},
    {AFW_MSG_LOCATIONS, auth_locations},
    {AFW_MSG_COUNTRIES, auth_countries},
    {AFW_MSG_LOCATION_CHECK, auth_location_check},
    {0, NULL},
};

static const struct afw_handler peer_handlers[] = {
    {AFW_MSG_WAN, auth_wan},
    {AFW_MSG_SESSION_GET, sessions_get},
    {AFW_MSG_SESSION_END, sessions_end},
    {0, NULL},
};

int
auth_run(void)
{
	static const struct afw_daemon d = {
	    .name = "auth",
	    .role = AFW_AUTH,
	    .user = AFWRT_AUTH_USER,
	    .caps = 0,
	    .setup = setup,
	    .handlers = handlers,
	    .peer_handlers = peer_handlers,
	    .peer_up = peer_up,
	    .peer_down = peer_down,
	};

	return afw_daemon_run(&d);
}
