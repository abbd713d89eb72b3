/* SPDX-License-Identifier: ISC */
/*
 * The sessions of the routes, one for each connection of a route. For each:
 * what the backend provided, which server is in use, and the node's cookie. It
 * outlives afwrt-tun, so that a restarted one gets the same cookie and with it
 * the same inner address.
 */
#include "sessions.h"

#include <stdlib.h>
#include <string.h>

#include "lib/daemon/daemon.h"
#include "session.h"

#define SESSIONS_MAX (AFW_ROUTES_MAX * AFW_CONNS_MAX)

static struct session *sessions;
static unsigned int n_sessions;

/* Frees the one that *at leads to, which then leads to the next. */
static void
session_remove(struct session **at)
{
	struct session *s = *at;

	*at = s->chain;
	n_sessions--;
	attempt_stop(s);
	renewal_stop(s);
	provide_free(s->provide);
	afw_wipe(s, sizeof(*s));
	free(s);
}

/* Where it hangs, or where it would. */
static struct session **
session_find(uint32_t route, uint32_t conn)
{
	struct session **at = &sessions;

	while (*at != NULL && ((*at)->route != route || (*at)->conn != conn))
		at = &(*at)->chain;
	return at;
}

struct session *
sessions_first(const struct session *s)
{
	return s->conn == 0 ? NULL : *session_find(s->route, 0);
}

/* The session that is asked about; a new one if there is none, NULL: there
 * are too many. */
static struct session *
session_get(struct afw_link *l, const struct afw_m_session_get *p)
{
	struct session **at = session_find(p->route, p->conn), *s = *at;

	if (s != NULL &&
	    (strcmp(s->location, p->location) != 0 || s->type != p->type)) {
		if (s->id != 0)
			afw_link_status(l, s->id, AFW_EALREADY, NULL);
		session_remove(at);
		at = session_find(p->route, p->conn);
		s = NULL;
	}
	if (s != NULL)
		return s;
	if (n_sessions >= SESSIONS_MAX || (s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	n_sessions++;
	s->route = p->route;
	s->conn = p->conn;
	s->type = p->type;
	memcpy(s->location, p->location, sizeof(s->location));
	*at = s;
	return s;
}

int
sessions_get(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_session_get *p = (const void *)m->payload;
	struct session *s;

	(void)arg;
	if (!backend_is_configured())
		return AFW_EINVAL;
	if ((s = session_get(l, p)) == NULL)
		return AFW_ENOSPC;
	if (s->id != 0)
		afw_link_status(l, s->id, AFW_EALREADY, NULL);
	s->id = m->hdr.id;
	if (!attempt_is_busy(s))
		attempt_again(s, p->why);
	return 0;
}

int
sessions_end(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_route_id *p = (const void *)m->payload;
	struct session **at = &sessions, *s;

	(void)arg;
	while ((s = *at) != NULL) {
		if (s->route != p->route) {
			at = &s->chain;
			continue;
		}
		if (s->id != 0)
			afw_link_status(
			    l, s->id, AFW_ENOENT, "the route has ended");
		session_remove(at);
	}
	return 0;
}

void
sessions_tun_down(void)
{
	struct session *s;

	for (s = sessions; s != NULL; s = s->chain)
		s->id = 0;
}

void
sessions_reset(void)
{
	struct fail why;

	fail_set(&why, AFW_REASON_NO_SERVER, "the configuration changed");
	while (sessions != NULL) {
		if (sessions->id != 0)
			reply_fail(sessions, &why, false);
		session_remove(&sessions);
	}
}

void
sessions_account_changed(void)
{
	struct session *s;

	for (s = sessions; s != NULL; s = s->chain)
		renewal_retry(s);
}
