/* SPDX-License-Identifier: ISC */
/*
 * The node credentials' life: decisions.md, "Credentials". They are renewed
 * before they end and kept for the next login; the tunnel has its cookie and
 * does not notice. A backend that does not answer is asked again with
 * back-off, beyond the end too; one that refuses is asked again when the
 * account has changed.
 */
#include <stdlib.h>

#include <event2/event.h>

#include "conn.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"
#include "session.h"
#include "tokens.h"

#define BACKOFF     1000  /* ms, doubled up to */
#define BACKOFF_MAX 60000 /* ms */
#define NEVER       INT64_MAX

/* The application knows that credentials expired; once for all routes. */
static bool told;

static const struct provide *
newest(const struct session *s)
{
	return s->next != NULL ? s->next : s->provide;
}

/* Waits for what comes first, the next try or the end. */
static void
renewal_arm(struct session *s)
{
	const struct provide *p = newest(s);
	int64_t due = s->renewal != NULL ? NEVER : s->renew_ms, wait;
	struct timeval tv;

	(void)event_del(s->timer);
	if (p->expire_ms == 0)
		return;
	if (!s->told && p->expire_ms < due)
		due = p->expire_ms;
	if (due == NEVER)
		return;
	wait = due - afw_now_ms();
	if (wait < 0)
		wait = 0;
	tv.tv_sec = (time_t)(wait / 1000);
	tv.tv_usec = (suseconds_t)(wait % 1000 * 1000);
	(void)evtimer_add(s->timer, &tv);
}

/* A tenth of the life before its end, which is 600 s or more of a day's. */
static void
renewal_plan(struct session *s)
{
	const struct provide *p = newest(s);
	int64_t early = p->life_ms / 10;

	s->tries = 0;
	s->told = told = false;
	s->renew_ms = p->expire_ms - early - random() % (early / 10 + 1);
	renewal_arm(s);
}

static void
renewal_backoff(struct session *s)
{
	int64_t ms = BACKOFF << (s->tries < 6 ? s->tries : 6);

	if (ms > BACKOFF_MAX)
		ms = BACKOFF_MAX;
	s->tries++;
	s->renew_ms = afw_now_ms() + ms - random() % (ms / 4);
}

static void
renewal_tell(struct session *s)
{
	s->told = true;
	log_warn("%s: credentials expired", s->location);
	if (!told)
		(void)afw_link_send(
		    afw_daemon_sup(), AFW_MSG_AUTH_EXPIRED, 0, NULL, -1);
	told = true;
}

static void
renewal_failed(struct session *s, const struct answer *a, const char *bad)
{
	char text[160];
	bool chosen = !s->anywhere && s->provide->location[0] != '\0';

	log_warn("%s: credentials not renewed: %s", s->location,
	    bad != NULL ? bad : fail_print(&a->fail, text, sizeof(text)));
	if (answer_permanent(a)) {
		s->renew_ms = NEVER;
		return;
	}
	if (chosen &&
	    (a->result == RES_SERVER_UNAVAILABLE || a->result == RES_INVALID))
		s->anywhere = true;
	renewal_backoff(s);
}

static void
renewal_cb(void *arg, const struct answer *a)
{
	struct session *s = arg;
	const char *bad = NULL;
	struct provide *p = attempt_read(s, a, &bad);

	s->renewal = NULL;
	if (p == NULL) {
		renewal_failed(s, a, bad);
		renewal_arm(s);
		return;
	}
	provide_free(s->next);
	s->next = p;
	log_info("%s: credentials renewed", s->location);
	renewal_plan(s);
}

static void
renewal_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	if (!s->told && provide_expired(newest(s)))
		renewal_tell(s);
	if (s->renewal == NULL && afw_now_ms() >= s->renew_ms) {
		if (s->call == NULL)
			s->renewal =
			    attempt_ask(s, !s->anywhere, renewal_cb, s);
		else /* new ones are on their way */
			s->renew_ms = afw_now_ms() + BACKOFF;
	}
	renewal_arm(s);
}

void
renewal_start(struct session *s)
{
	if (s->renewal != NULL)
		tokens_cancel(s->renewal);
	s->renewal = NULL;
	provide_free(s->next);
	s->next = NULL;
	s->anywhere = false;
	if (s->timer == NULL &&
	    (s->timer = evtimer_new(conn_base(), renewal_timer_cb, s)) == NULL)
		fatal("auth: out of memory");
	renewal_plan(s);
}

void
renewal_stop(struct session *s)
{
	if (s->renewal != NULL)
		tokens_cancel(s->renewal);
	s->renewal = NULL;
	provide_free(s->next);
	s->next = NULL;
	if (s->timer != NULL)
		event_free(s->timer);
	s->timer = NULL;
}

void
renewal_retry(struct session *s)
{
	if (s->timer == NULL)
		return;
	if (s->renew_ms == NEVER || s->tries > 0)
		s->renew_ms = afw_now_ms();
	renewal_arm(s);
}
