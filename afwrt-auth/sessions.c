/* SPDX-License-Identifier: ISC */
/*
 * The sessions of the routes. For each: what the backend provided, which
 * server is in use, and the node's cookie. It outlives afwrt-tun, so that a
 * restarted one gets the same cookie and with it the same inner address.
 */
#include "sessions.h"

#include <string.h>

#include "lib/daemon/daemon.h"
#include "session.h"

static struct session sessions[AFW_ROUTES_MAX];

static void
session_clear(struct session *s)
{
	attempt_stop(s);
	renewal_stop(s);
	provide_free(s->provide);
	afw_wipe(s, sizeof(*s));
}

static struct session *
session_find(uint32_t route)
{
	size_t i;

	for (i = 0; i < AFW_ROUTES_MAX; i++)
		if (sessions[i].route == route)
			return &sessions[i];
	return NULL;
}

int
sessions_get(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_session_get *p = (const void *)m->payload;
	struct session *s = session_find(p->route);

	(void)arg;
	if (!backend_is_configured())
		return AFW_EINVAL;
	if (s != NULL &&
	    (strcmp(s->location, p->location) != 0 || s->type != p->type)) {
		if (s->id != 0)
			afw_link_status(l, s->id, AFW_EALREADY, NULL);
		session_clear(s);
		s = NULL;
	}
	if (s == NULL && (s = session_find(0)) == NULL)
		return AFW_ENOSPC;
	s->route = p->route;
	s->type = p->type;
	memcpy(s->location, p->location, sizeof(s->location));
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
	struct session *s = session_find(p->route);

	(void)arg;
	if (s == NULL)
		return 0;
	if (s->id != 0)
		afw_link_status(l, s->id, AFW_ENOENT, "the route has ended");
	session_clear(s);
	return 0;
}

void
sessions_tun_down(void)
{
	size_t i;

	for (i = 0; i < AFW_ROUTES_MAX; i++)
		sessions[i].id = 0;
}

void
sessions_reset(void)
{
	struct fail why;
	size_t i;

	fail_set(&why, AFW_REASON_NO_SERVER, "the configuration changed");
	for (i = 0; i < AFW_ROUTES_MAX; i++) {
		if (sessions[i].route == 0)
			continue;
		if (sessions[i].id != 0)
			reply_fail(&sessions[i], &why, false);
		session_clear(&sessions[i]);
	}
}

void
sessions_account_changed(void)
{
	size_t i;

	for (i = 0; i < AFW_ROUTES_MAX; i++)
		if (sessions[i].route != 0)
			renewal_retry(&sessions[i]);
}
