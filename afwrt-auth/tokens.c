/* SPDX-License-Identifier: ISC */
/*
 * The account: access token and the credentials to get a new one. The only
 * place where they are kept.
 */
#include "tokens.h"

#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

struct waiter {
	LIST_ENTRY(waiter) entry;
	backend_cb cb;
	void *arg;
};

struct tokens_call {
	enum call call;
	struct params params;
	bool again;            /* a login was made for it already */
	unsigned int token_no; /* which one it was made with */
	bool in_login;
	struct backend_call *at;
	backend_cb cb;
	void *arg;
};

static char token[AFW_TOKEN_SIZE];
static unsigned int token_no; /* counts them */
static bool token_given;      /* by the application, not by a login of ours */
static char method[64], secret[AFW_TOKEN_SIZE];
static struct backend_call *login;
static LIST_HEAD(, waiter) waiters = LIST_HEAD_INITIALIZER(waiters);

void
tokens_set(const char *t)
{
	afw_wipe(token, sizeof(token));
	(void)afw_str_set(token, sizeof(token), t);
	token_no++;
	token_given = true;
}

bool
tokens_have(void)
{
	return token[0] != '\0';
}

const char *
tokens_get(void)
{
	return token;
}

void
tokens_set_credentials(const char *m, const char *t)
{
	afw_wipe(secret, sizeof(secret));
	(void)afw_str_set(method, sizeof(method), m);
	(void)afw_str_set(secret, sizeof(secret), t);
}

/* ---- login ------------------------------------------------------------- */

/* What decisions.md allows in a token: it will stand in a query. */
static bool
token_ok(const char *t)
{
	size_t n = strspn(t,
	    "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-~%");

	return n > 0 && n < AFW_TOKEN_SIZE && t[n] == '\0';
}

static void
login_good(const char *t)
{
	struct afw_m_token m = {.token = ""};

	tokens_set(t);
	token_given = false;
	(void)afw_str_set(m.token, sizeof(m.token), t);
	(void)afw_link_send(
	    afw_daemon_sup(), AFW_MSG_AUTH_TOKEN_NEW, 0, &m, -1);
	afw_wipe(&m, sizeof(m));
	log_info("login: accepted");
}

static void
login_refused(const struct answer *a)
{
	struct afw_m_status st = {.code = AFW_EACCES};

	(void)afw_str_set(st.text, sizeof(st.text), a->fail.detail);
	(void)afw_link_send(afw_daemon_sup(), AFW_MSG_AUTH_INVALID, 0, &st, -1);
	log_warn("login: refused: %s", a->fail.detail);
}

static void
login_cb(void *arg, const struct answer *in)
{
	struct answer a = *in;
	const char *t;
	struct waiter *w;

	(void)arg;
	login = NULL;
	t = json_string_value(json_object_get(a.json, "access_token"));
	if (a.result == RES_OK && (t == NULL || !token_ok(t))) {
		a.result = RES_UNREADABLE;
		fail_set(&a.fail, AFW_REASON_PROTOCOL,
		    "the login gave no usable token");
	}
	if (a.result == RES_OK)
		login_good(t);
	else if (answer_permanent(&a))
		login_refused(&a);
	while ((w = LIST_FIRST(&waiters)) != NULL) {
		LIST_REMOVE(w, entry);
		w->cb(w->arg, &a);
		free(w);
	}
}

static void
login_start(void)
{
	const struct afw_m_auth_config *c = backend_config();
	struct params p = {.n = 0};

	params_set(&p, "carrier_id", c->project_id);
	params_set(&p, "device_id", c->device_id);
	params_set(&p, "device_type", c->device_type);
	params_set(&p, "device_name", c->device_name);
	params_set(&p, "auth_method", method[0] != '\0' ? method : "anonymous");
	params_set(&p, "access_token", secret);
	login = backend_call(CALL_LOGIN, &p, login_cb, NULL);
}

void
tokens_login(bool anew, backend_cb cb, void *arg)
{
	struct waiter *w = calloc(1, sizeof(*w));

	if (w == NULL)
		fatal("auth: out of memory");
	w->cb = cb;
	w->arg = arg;
	LIST_INSERT_HEAD(&waiters, w, entry);
	if (anew && login != NULL) {
		backend_cancel(login);
		login = NULL;
	}
	if (login == NULL)
		login_start();
}

void
tokens_forget(const void *arg)
{
	struct waiter *w;

	LIST_FOREACH (w, &waiters, entry)
		if (w->arg == arg) {
			LIST_REMOVE(w, entry);
			free(w);
			return;
		}
}

/* ---- calls ------------------------------------------------------------- */

static void call_start(struct tokens_call *c);

void
tokens_cancel(struct tokens_call *c)
{
	if (c->at != NULL)
		backend_cancel(c->at);
	if (c->in_login)
		tokens_forget(c);
	params_clear(&c->params);
	free(c);
}

static void
call_tell(struct tokens_call *c, const struct answer *a)
{
	backend_cb cb = c->cb;
	void *arg = c->arg;

	tokens_cancel(c);
	cb(arg, a);
}

static void
call_login_cb(void *arg, const struct answer *a)
{
	struct tokens_call *c = arg;

	c->in_login = false;
	if (a->result == RES_OK)
		call_start(c);
	else
		call_tell(c, a);
}

static void
call_login(struct tokens_call *c)
{
	c->again = true;
	c->in_login = true;
	tokens_login(false, call_login_cb, c);
}

static void
call_answer_cb(void *arg, const struct answer *a)
{
	struct tokens_call *c = arg;

	c->at = NULL;
	if (a->result != RES_NOT_AUTHORIZED)
		call_tell(c, a);
	else if (c->token_no != token_no)
		call_start(c); /* there is another one meanwhile */
	else if (!c->again && !(token_given && method[0] == '\0'))
		call_login(c); /* who gave a token is not made anonymous */
	else {
		login_refused(a);
		call_tell(c, a);
	}
}

static void
call_start(struct tokens_call *c)
{
	struct params p = {.n = 0};
	size_t i;

	c->token_no = token_no;
	params_set(&p, "access_token", token);
	for (i = 0; i < c->params.n; i++)
		params_set(&p, c->params.p[i].key, c->params.p[i].value);
	c->at = backend_call(c->call, &p, call_answer_cb, c);
}

struct tokens_call *
tokens_call(enum call call, struct params *p, backend_cb cb, void *arg)
{
	struct tokens_call *c = calloc(1, sizeof(*c));

	if (c == NULL)
		fatal("auth: out of memory");
	c->call = call;
	c->params = *p;
	memset(p, 0, sizeof(*p));
	c->cb = cb;
	c->arg = arg;
	if (tokens_have() || backend_is_file())
		call_start(c);
	else
		call_login(c);
	return c;
}
