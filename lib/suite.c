/* SPDX-License-Identifier: ISC */
/*
 * The life of the one suite. `guard` protects the pointer, the state and the
 * counts of threads inside; the suite itself has its own lock. The owner's
 * process id is looked at before any lock is taken: in a forked child a lock
 * may be held by a thread that does not exist there.
 */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "errors.h"
#include "events.h"
#include "loop.h"
#include "notice.h"

/* each somewhat longer than afwrtd takes for it */
#define CONFIG_MS 25000
#define BATCH_MS  40000
#define END_MS    20000
/* bytes of rules that may wait for afwrtd to read them */
#define BATCH_QUEUE (256 * 1024)

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static struct suite *current; /* once it is initialised */
static bool busy;             /* init or deinit is at work, or it is there */
static atomic_int owner;      /* process id, 0 none */

bool
suite_is_ours(void)
{
	int pid = atomic_load(&owner);

	return pid == 0 || pid == (int)getpid();
}

bool
suite_in_callback(void)
{
	return loop_inside() || notice_inside();
}

static int
forked(void)
{
	return errors_set(EOWNERDEAD,
	    "this process was forked after afwrt_init; the suite belongs to "
	    "its parent");
}

struct suite *
suite_get(void)
{
	struct suite *s;

	if (!suite_is_ours()) {
		(void)forked();
		return NULL;
	}
	(void)pthread_mutex_lock(&guard);
	if ((s = current) != NULL)
		s->refs++;
	(void)pthread_mutex_unlock(&guard);
	if (s == NULL)
		(void)errors_set(EINVAL, "afwrt_init has not been called");
	return s;
}

void
suite_put(struct suite *s)
{
	int e = errno;

	(void)pthread_mutex_lock(&guard);
	if (--s->refs == 0)
		(void)pthread_cond_broadcast(&left);
	(void)pthread_mutex_unlock(&guard);
	errno = e;
}

/* ---- what comes from the suite ----------------------------------------- */

/* afwrt-auth is there (again) and knows nothing: it is told the secrets. */
static void
secrets_send(struct suite *s)
{
	struct afw_m_credentials c;
	struct afw_m_token t;

	memset(&t, 0, sizeof(t));
	memset(&c, 0, sizeof(c));
	if (s->config.access_token[0] != '\0') {
		memcpy(t.token, s->config.access_token, sizeof(t.token));
		(void)client_post(
		    &s->client, AFW_MSG_TOKEN, &t, -1, NULL, NULL);
	}
	if (s->config.auth_method[0] != '\0') {
		memcpy(c.method, s->config.auth_method, sizeof(c.method));
		memcpy(c.token, s->config.auth_token, sizeof(c.token));
		(void)client_post(
		    &s->client, AFW_MSG_CREDENTIALS, &c, -1, NULL, NULL);
	}
	afw_wipe(&t, sizeof(t));
	afw_wipe(&c, sizeof(c));
}

/* A login made by the suite; one we know of already is no news. */
static bool
token_new(struct suite *s, const struct afw_m_token *t)
{
	if (strcmp(s->config.access_token, t->token) == 0)
		return false;
	memcpy(
	    s->config.access_token, t->token, sizeof(s->config.access_token));
	s->told_token = true;
	return events_auth_success(&s->events, t->token);
}

static void
event_take(void *arg, struct afw_msg *m)
{
	const struct afw_m_status *st = (const void *)m->payload;
	struct suite *s = arg;
	bool queued = false;

	switch (m->hdr.type) {
	case AFW_MSG_EV_ROUTE:
		queued = events_route(&s->events, (const void *)m->payload);
		break;
	case AFW_MSG_EV_TOKEN:
		queued = token_new(s, (const void *)m->payload);
		break;
	case AFW_MSG_EV_INVALID_AUTH:
		s->told_invalid = true;
		queued = events_invalid_auth(&s->events, st->text);
		break;
	case AFW_MSG_EV_CREDENTIALS_EXPIRE:
		queued = events_credentials_expire(&s->events);
		break;
	case AFW_MSG_EV_BANDWIDTH:
		queued = events_bandwidth(&s->events, (const void *)m->payload);
		break;
	case AFW_MSG_EV_READY:
		queued = events_ready(&s->events);
		break;
	case AFW_MSG_EV_AUTH_UP:
		secrets_send(s);
		break;
	case AFW_MSG_EV_STOPPED:
		loop_over(s, st->code, st->text);
		break;
	default:
		break;
	}
	if (queued && !s->dispatching)
		loop_wake(s);
}

/* ---- configuration ----------------------------------------------------- */

static int
config_send(struct suite *s)
{
	struct conf *c = &s->config;
	int fd = -1;

	if (c->tun_fd != -1 &&
	    (fd = fcntl(c->tun_fd, F_DUPFD_CLOEXEC, 4)) == -1)
		return errors_set(EINVAL, "\"hydra_tun_fd\" %d: %s", c->tun_fd,
		    strerror(errno));
	return client_call(&s->client, AFW_MSG_CONFIG, &c->main, fd, CONFIG_MS,
	    "the configuration", NULL, NULL);
}

static int
auth_send(struct suite *s)
{
	uint32_t i;

	if (client_call(&s->client, AFW_MSG_AUTH_CONFIG, &s->config.auth, -1,
		CLIENT_WAIT_MS, "the account's configuration", NULL,
		NULL) == -1)
		return -1;
	for (i = 0; i < s->config.auth.backends; i++)
		if (client_call(&s->client, AFW_MSG_BACKEND,
			&s->config.backends[i], -1, CLIENT_WAIT_MS,
			"\"backend\"", NULL, NULL) == -1)
			return -1;
	(void)pthread_mutex_lock(&s->client.lock);
	secrets_send(s);
	(void)pthread_mutex_unlock(&s->client.lock);
	return 0;
}

struct batch {
	struct conf *config;
	size_t answered;
	unsigned int done, code;
	char text[320];
};

/* Rules are answered in the order they were sent. */
static void
batch_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct batch *b = arg;
	const struct afw_m_protect *r = NULL;
	char key[AFW_ADDR_TEXT];

	(void)m;
	if (b->answered < b->config->nrules)
		r = &b->config->rules[b->answered];
	b->answered++;
	b->done = b->answered > b->config->nrules;
	if (code == AFW_OK || b->code != AFW_OK)
		return;
	b->code = code;
	if (*text == '\0')
		text = afw_error_text(code);
	if (r == NULL)
		(void)snprintf(b->text, sizeof(b->text), "%s", text);
	else
		(void)snprintf(b->text, sizeof(b->text), "rule %s -> %s: %s",
		    afw_key_print(&r->key, key, sizeof(key)), r->location,
		    text);
}

static int
batch_post(struct suite *s, struct batch *b)
{
	struct client *c = &s->client;
	size_t i;

	if (client_send(c, AFW_MSG_BATCH_BEGIN, NULL) == -1)
		return -1;
	for (i = 0; i < s->config.nrules; i++)
		if (client_drain(c, BATCH_QUEUE, BATCH_MS) == -1 ||
		    client_post(c, AFW_MSG_PROTECT, &s->config.rules[i], -1,
			batch_reply, b) == -1)
			return errors_set(c->dead != 0 ? EPIPE : ETIMEDOUT,
			    "the suite does not take the rules");
	return client_post(c, AFW_MSG_BATCH_COMMIT, NULL, -1, batch_reply, b);
}

/* All rules of the configuration, answered or not in between. */
static int
rules_send(struct suite *s)
{
	struct batch b = {.config = &s->config};
	struct client *c = &s->client;
	int rc;

	(void)pthread_mutex_lock(&c->lock);
	rc = batch_post(s, &b);
	if (rc == 0 && client_wait(c, &b.done, BATCH_MS) == 0)
		rc = c->dead != 0 ? errors_set(EPIPE, "the suite is gone")
				  : errors_set(ETIMEDOUT,
					"the rules are not in force after %d s",
					BATCH_MS / 1000);
	client_forget(c, &b);
	(void)pthread_mutex_unlock(&c->lock);
	notice_flush();
	if (rc == 0 && b.code != AFW_OK)
		rc = errors_set_code(b.code, b.text, "the configuration");
	return rc;
}

/* ---- life -------------------------------------------------------------- */

static void
suite_free(struct suite *s)
{
	conf_free(&s->config);
	events_free(&s->events);
	events_text_free(s->registered);
	loop_free(s);
	free(s);
}

static int
suite_bring_up(struct suite *s)
{
	int e;

	notice_flush();
	if (client_open(&s->client, s->epfd, event_take, s) == -1)
		return -1;
	if (config_send(s) == 0 && auth_send(s) == 0 && rules_send(s) == 0)
		return 0;
	e = errno;
	(void)client_close(&s->client, END_MS);
	errno = e;
	return -1;
}

static int
claim(void)
{
	bool taken;

	(void)pthread_mutex_lock(&guard);
	taken = busy;
	busy = true;
	if (!taken)
		atomic_store(&owner, (int)getpid());
	(void)pthread_mutex_unlock(&guard);
	return taken ? errors_set(EALREADY, "initialised already") : 0;
}

static void
unclaim(void)
{
	(void)pthread_mutex_lock(&guard);
	busy = false;
	atomic_store(&owner, 0);
	(void)pthread_mutex_unlock(&guard);
}

int
suite_init(const char *json, void (*callback)(const char *))
{
	struct suite *s;
	int e;

	if (!suite_is_ours())
		return forked();
	if (claim() == -1)
		return -1;
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		unclaim();
		return errors_set(ENOMEM, "out of memory");
	}
	s->epfd = s->timer_fd = s->config.tun_fd = -1;
	s->callback = callback;
	events_init(&s->events);
	/* before any descriptor of ours: hydra_tun_fd may be a closed one */
	if (conf_parse(&s->config, json) == -1 || loop_init(s) == -1 ||
	    suite_bring_up(s) == -1) {
		char why[512];

		e = errno;
		(void)snprintf(why, sizeof(why), "%s", errors_last());
		suite_free(s);
		unclaim();
		notice_flush();
		return errors_set(e, "%s", why);
	}
	(void)pthread_mutex_lock(&guard);
	current = s;
	(void)pthread_mutex_unlock(&guard);
	return 0;
}

/* Takes the suite away from new calls. */
static struct suite *
detach(void)
{
	struct suite *s;

	(void)pthread_mutex_lock(&guard);
	s = current;
	current = NULL;
	(void)pthread_mutex_unlock(&guard);
	return s;
}

/* An afwrt_start in another thread gets its ordered end, if it can. */
static void
start_end(struct suite *s)
{
	struct client *c = &s->client;
	unsigned int idle;
	int i;

	loop_stop();
	(void)pthread_mutex_lock(&c->lock);
	for (i = 0; i < END_MS / 100; i++) {
		idle = s->run == RUN_NONE || !s->blocking || c->dead != 0;
		if (idle)
			break;
		(void)client_wait(c, &idle, 100);
	}
	(void)pthread_mutex_unlock(&c->lock);
}

int
suite_deinit(void)
{
	struct suite *s;
	int rc, e;

	if (!suite_is_ours())
		return forked();
	if (suite_in_callback())
		return errors_set(
		    EDEADLK, "afwrt_deinit was called from inside a callback");
	if ((s = detach()) == NULL)
		return errors_set(EINVAL, "afwrt_init has not been called");
	start_end(s);
	client_hangup(&s->client); /* whoever still waits sees the end */
	(void)pthread_mutex_lock(&guard);
	while (s->refs > 0)
		(void)pthread_cond_wait(&left, &guard);
	(void)pthread_mutex_unlock(&guard);
	rc = client_close(&s->client, END_MS);
	e = errno;
	suite_free(s);
	unclaim();
	errno = e;
	return rc;
}
