/* SPDX-License-Identifier: ISC */
#include "locations.h"

#include "ask.h"
#include "lib/daemon/log.h"
#include "routes.h"
#include "run.h"

#define LIST_MS  120000 /* three tries at a backend */
#define CHECK_MS 5000
#define UP_MS    5000

static void
up_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	(void)arg;
	(void)m;
	if (code != AFW_OK)
		log_debug("a route of an unknown location: %s", text);
}

/* By id: the route may have been forgotten since. */
static void
check_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct afw_m_route_id id = {.route = (uint32_t)(uintptr_t)arg};
	const struct route *r = routes_find_id(id.route);

	(void)text;
	if (code != AFW_ENOENT || m == NULL || r == NULL || !r->set ||
	    run_is_stopping())
		return;
	log_warn("route %s: the backend has no such location", r->location);
	if (r->state == AFW_ROUTE_IDLE)
		ask(AFW_TUN, AFW_MSG_ROUTE_UP, &id, UP_MS, false, up_reply,
		    NULL);
}

static void
list_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct afw_m_location where;
	const struct route *r = NULL;

	(void)arg;
	(void)text;
	(void)m;
	if (code != AFW_OK || run_is_stopping())
		return;
	while ((r = routes_next(r)) != NULL) {
		if (!r->set || r->uses == 0)
			continue;
		(void)afw_str_set(
		    where.location, sizeof(where.location), r->location);
		ask(AFW_AUTH, AFW_MSG_LOCATION_CHECK, &where, CHECK_MS, false,
		    check_reply, (void *)(uintptr_t)r->id);
	}
}

void
locations_check(void)
{
	const struct route *r = NULL;

	while ((r = routes_next(r)) != NULL)
		if (r->uses > 0)
			break;
	if (r != NULL)
		ask(AFW_AUTH, AFW_MSG_LOCATIONS, NULL, LIST_MS, false,
		    list_reply, NULL);
}
