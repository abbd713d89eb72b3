/* SPDX-License-Identifier: ISC */
#include "relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "afwrtd.h"
#include "ask.h"
#include "files.h"
#include "lib/daemon/log.h"
#include "library.h"
#include "run.h"
#include "supervise.h"

/* Local answers, and calls to the backend (three tries of 30 s). */
#define LOCAL_MS   5000
#define BACKEND_MS 120000
/* Requests that may be under way at a time. */
#define RELAYED_MAX 256

struct relayed {
	struct afw_link *from;
	uint32_t id;
	bool login; /* REGISTER */
};

static struct afw_m_auth_config auth_config;
static struct afw_m_backend backends[AFW_BACKENDS_MAX];
static bool configured, have[AFW_BACKENDS_MAX];
static unsigned int n_relayed, n_logins;

const struct afw_m_auth_config *
relay_auth_config(void)
{
	return configured ? &auth_config : NULL;
}

const struct afw_m_backend *
relay_backend(unsigned int i)
{
	return have[i] ? &backends[i] : NULL;
}

bool
relay_is_configured(void)
{
	return configured;
}

static void
relay_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct relayed *r = arg;

	if (m == NULL || m->hdr.type == AFW_MSG_STATUS)
		afw_link_status(r->from, r->id, code, "%s", text);
	else
		(void)afw_link_send(r->from, m->hdr.type, r->id, m->payload,
		    afw_msg_take_fd(m));
	n_logins -= r->login;
	n_relayed--;
	free(r);
}

/* With a file, if path is not NULL. */
static int
relay(struct afw_link *l, const struct afw_msg *m, unsigned int timeout_ms,
    enum afw_file which, const char *path)
{
	struct relayed *r;

	if (n_relayed == RELAYED_MAX)
		return AFW_EBUSY;
	r = afwrtd_alloc(sizeof(*r));
	n_relayed++;
	r->from = l;
	r->id = m->hdr.id;
	r->login = m->hdr.type == AFW_MSG_REGISTER;
	n_logins += r->login;
	if (path != NULL)
		ask_with_file(which, path, m->hdr.type, m->payload, timeout_ms,
		    relay_reply, r);
	else
		ask(AFW_AUTH, m->hdr.type, m->payload, timeout_ms, false,
		    relay_reply, r);
	return 0;
}

static int
relay_plain(
    struct afw_link *l, const struct afw_msg *m, unsigned int timeout_ms)
{
	if (!run_is_configured()) {
		afw_link_status(l, m->hdr.id, AFW_EINVAL, "not configured");
		return 0;
	}
	return relay(l, m, timeout_ms, 0, NULL);
}

int
relay_config_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	if (run_is_configured()) {
		auth_config = *(const struct afw_m_auth_config *)m->payload;
		configured = true;
		memset(have, 0, sizeof(have));
	}
	return relay_plain(l, m, LOCAL_MS);
}

/* 0, or the request was answered with what is wrong with the file. */
static int
file_refused(struct afw_link *l, const struct afw_msg *m, const char *path)
{
	if (files_check(path) == 0)
		return 0;
	afw_link_status(l, m->hdr.id, afw_error_from_errno(errno), "%s",
	    files_last_error());
	return 1;
}

int
relay_backend_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_backend *b = (const void *)m->payload;
	const char *path = files_url_path(b->url);

	(void)arg;
	if (!configured)
		return AFW_EINVAL;
	if (path != NULL && file_refused(l, m, path))
		return 0;
	backends[b->index] = *b;
	have[b->index] = true;
	return relay(l, m, LOCAL_MS, AFW_FILE_BACKEND, path);
}

int
relay_token_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	return relay_plain(l, m, LOCAL_MS);
}

int
relay_credentials_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	return relay_plain(l, m, LOCAL_MS);
}

int
relay_register_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	return relay_plain(l, m, BACKEND_MS);
}

int
relay_locations_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	return relay_plain(l, m, BACKEND_MS);
}

/* Works without a configuration: only what it needs is started. */
int
relay_verify_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_verify *v = (const void *)m->payload;
	const char *path = files_url_path(v->url);

	(void)arg;
	if (path != NULL && file_refused(l, m, path))
		return 0;
	files_verify_path_set(path);
	supervise_want(AFW_NET);
	supervise_want(AFW_AUTH);
	return relay(l, m, BACKEND_MS, AFW_FILE_VERIFY, path);
}

int
relay_token_new_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	(void)afw_link_send(
	    library_link(), AFW_MSG_EV_TOKEN, 0, m->payload, -1);
	return 0;
}

int
relay_invalid_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_status *st = (const void *)m->payload;

	(void)arg;
	(void)l;
	log_warn("login refused: %s", st->text);
	(void)afw_link_send(library_link(), AFW_MSG_EV_INVALID_AUTH, 0, st, -1);
	if (n_logins ==
	    0) /* one that the application tries is its own affair */
		run_login_refused();
	return 0;
}

int
relay_expired_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
	log_warn("credentials expired");
	(void)afw_link_send(
	    library_link(), AFW_MSG_EV_CREDENTIALS_EXPIRE, 0, NULL, -1);
	return 0;
}
