/* SPDX-License-Identifier: ISC */
/*
 * What asks the backend: the user, the locations, the device's token. The
 * library keeps token and credentials to tell a restarted afwrt-auth.
 */
#include <afwrt.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "loop.h"
#include "suite.h"

#include "lib/wire/blob.h"

/* ---- verify ------------------------------------------------------------ */

static void
event_ignore(void *arg, struct afw_msg *m)
{
	(void)arg;
	(void)m;
}

static int
verify_fill(struct afw_m_verify *m, const char *backend, const char *username,
    const char *password)
{
	memset(m, 0, sizeof(*m));
	if (backend == NULL || username == NULL || password == NULL)
		return errors_set(EINVAL, "%s is NULL",
		    backend == NULL        ? "backend"
			: username == NULL ? "username"
					   : "password");
	if (!conf_url_valid(backend))
		return errors_set(EINVAL,
		    "the backend must be https://, "
		    "http:// to a loopback address or file:/path: \"%.128s\"",
		    backend);
	if (*username == '\0' ||
	    afw_str_set(m->username, sizeof(m->username), username) == -1)
		return errors_set(EINVAL,
		    "the username must have 1 to %zu bytes",
		    sizeof(m->username) - 1);
	if (afw_str_set(m->password, sizeof(m->password), password) == -1)
		return errors_set(EINVAL,
		    "the password has more than %zu bytes",
		    sizeof(m->password) - 1);
	return afw_str_set(m->url, sizeof(m->url), backend);
}

static int
verify_ask(struct client *c, const struct afw_m_verify *m)
{
	if (client_call(c, AFW_MSG_VERIFY_USER, m, -1, CLIENT_BACKEND_MS,
		"verify user", NULL, NULL) == 0)
		return 0;
	return errno == EACCES ? -1 : 1;
}

/* Without a suite: an afwrtd for this one question. */
static int
verify_alone(const struct afw_m_verify *m)
{
	struct client c;
	int rc, e;

	if (client_open(&c, -1, event_ignore, NULL) == -1)
		return 1;
	rc = verify_ask(&c, m);
	e = errno;
	(void)client_close(&c, CLIENT_WAIT_MS);
	errno = e;
	return rc;
}

int
afwrt_verify_user(
    const char *backend, const char *username, const char *password)
{
	struct afw_m_verify m;
	struct suite *s;
	int rc = 1;

	if (verify_fill(&m, backend, username, password) == 0) {
		if ((s = suite_get()) != NULL) {
			rc = verify_ask(&s->client, &m);
			suite_put(s);
		} else if (errno != EOWNERDEAD) {
			rc = verify_alone(&m);
		}
	}
	afw_wipe(&m, sizeof(m));
	return rc;
}

/* ---- locations --------------------------------------------------------- */

struct list {
	char *text;
	int err;
};

static void
list_take(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct list *l = arg;
	size_t len;

	(void)code;
	(void)text;
	if (m->hdr.type != AFW_MSG_LOCATIONS_JSON)
		l->err = EPROTO;
	else if (afw_blob_read(m->fd, AFW_BLOB_MAX, &l->text, &len) == -1)
		l->err = errno;
}

char *
afwrt_get_locations(void)
{
	struct suite *s = suite_get();
	struct list l = {NULL, 0};

	if (s == NULL)
		return NULL;
	if (client_call(&s->client, AFW_MSG_LOCATIONS, NULL, -1,
		CLIENT_BACKEND_MS, "locations", list_take, &l) == 0 &&
	    l.text == NULL)
		(void)errors_set(l.err == ENOMEM ? ENOMEM : EPROTO,
		    "locations: %s", strerror(l.err));
	suite_put(s);
	return l.text;
}

/* ---- the device's token ------------------------------------------------ */

static int
credentials_fill(
    struct afw_m_credentials *m, const char *method, const char *token)
{
	memset(m, 0, sizeof(*m));
	if (method == NULL || !conf_auth_method_valid(method))
		return errors_set(EINVAL,
		    "auth_method must have 1 to 63 "
		    "letters, digits, '.', '_', '-'");
	if (token == NULL)
		token = "";
	if (!conf_auth_token_valid(token))
		return errors_set(EINVAL,
		    "auth_token must have at most %d "
		    "printable ASCII characters without spaces",
		    AFW_TOKEN_SIZE - 1);
	if (*token == '\0' && strcmp(method, "anonymous") != 0)
		return errors_set(
		    EINVAL, "auth_token is empty; \"%s\" needs one", method);
	(void)afw_str_set(m->method, sizeof(m->method), method);
	return afw_str_set(m->token, sizeof(m->token), token);
}

struct registration {
	struct suite *suite;
	const struct afw_m_credentials *asked;
	char *token;
};

/* At receive time, so that a restart of afwrt-auth finds it. */
static void
registered_take(
    void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct registration *r = arg;
	const struct afw_m_token *t = (const void *)m->payload;
	struct conf *c = &r->suite->config;

	(void)code;
	(void)text;
	if (m->hdr.type != AFW_MSG_REGISTERED ||
	    (r->token = strdup(t->token)) == NULL)
		return;
	memcpy(c->access_token, t->token, sizeof(c->access_token));
	memcpy(c->auth_method, r->asked->method, sizeof(c->auth_method));
	memcpy(c->auth_token, r->asked->token, sizeof(c->auth_token));
	if (!r->suite->told_token &&
	    events_auth_success(&r->suite->events, t->token))
		loop_wake(r->suite);
}

#define REGISTER "register"

static const char *
register_ask(struct suite *s, const struct afw_m_credentials *m)
{
	struct registration r = {s, m, NULL};
	int rc, e;

	(void)pthread_mutex_lock(&s->client.lock);
	s->told_token = s->told_invalid = false;
	(void)pthread_mutex_unlock(&s->client.lock);
	rc = client_call(&s->client, AFW_MSG_REGISTER, m, -1, CLIENT_BACKEND_MS,
	    "register", registered_take, &r);
	e = errno;
	(void)pthread_mutex_lock(&s->client.lock);
	if (rc == 0 && r.token != NULL) {
		events_text_free(s->registered);
		s->registered = r.token;
	} else if (rc == -1 && e == EACCES && !s->told_invalid &&
	    events_invalid_auth(
		&s->events, errors_last() + strlen(REGISTER ": "))) {
		loop_wake(s);
	}
	(void)pthread_mutex_unlock(&s->client.lock);
	if (rc == 0 && r.token == NULL)
		(void)errors_set(EPROTO, "register: no token came");
	else
		errno = e;
	return r.token;
}

const char *
afwrt_register_device(const char *auth_method, const char *auth_token)
{
	struct suite *s = suite_get();
	struct afw_m_credentials m;
	const char *token = NULL;

	if (s == NULL)
		return NULL;
	if (credentials_fill(&m, auth_method, auth_token) == 0)
		token = register_ask(s, &m);
	afw_wipe(&m, sizeof(m));
	suite_put(s);
	return token;
}

int
afwrt_set_access_token(const char *access_token)
{
	struct suite *s;
	struct afw_m_token m;
	int rc;

	if (access_token == NULL || !conf_token_valid(access_token))
		return errors_set(EINVAL,
		    "the access token must have 1 to %d "
		    "letters, digits, '.', '_', '-', '~' or %%XX",
		    AFW_TOKEN_SIZE - 1);
	if ((s = suite_get()) == NULL)
		return -1;
	memset(&m, 0, sizeof(m));
	(void)afw_str_set(m.token, sizeof(m.token), access_token);
	(void)pthread_mutex_lock(&s->client.lock);
	memcpy(s->config.access_token, m.token, sizeof(m.token));
	(void)pthread_mutex_unlock(&s->client.lock);
	rc = client_call(&s->client, AFW_MSG_TOKEN, &m, -1, CLIENT_WAIT_MS,
	    "access token", NULL, NULL);
	afw_wipe(&m, sizeof(m));
	suite_put(s);
	return rc;
}

int
afwrt_set_log_level(const char *level)
{
	struct afw_m_log_level m = {0};
	struct suite *s;
	int n, rc;

	if (level == NULL || (n = conf_log_level(level)) == -1)
		return errors_set(EINVAL,
		    "the log level must be error, warn, notice, info or debug");
	if ((s = suite_get()) == NULL)
		return -1;
	m.level = (uint32_t)n;
	rc = client_call(&s->client, AFW_MSG_LOG_LEVEL, &m, -1, CLIENT_WAIT_MS,
	    "log level", NULL, NULL);
	suite_put(s);
	return rc;
}
