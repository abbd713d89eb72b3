/* SPDX-License-Identifier: ISC */
#include "locations.h"

#include <string.h>

#include "ask.h"
#include "lib/daemon/log.h"
#include "requests.h"
#include "routes.h"
#include "run.h"
#include "types.h"
#include "wg.h"

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

/* A rule's location that the backend does not have: its failure is said. */
static void
unknown(const struct route *r)
{
	struct afw_m_route_id id = {.route = r->id};

	if (r->uses == 0)
		return;
	log_warn("route %s: the backend has no such location", r->location);
	if (r->state == AFW_ROUTE_IDLE)
		ask(AFW_TUN, AFW_MSG_ROUTE_UP, &id, UP_MS, false, up_reply,
		    NULL);
}

static void
type_look(struct route *r, const struct afw_msg *m)
{
	bool rules = r->uses > 0, new = !r->is_listed;
	const char *why;

	types_note(r, m);
	if (types_refuse(r, rules, &why) != AFW_OK) {
		if (new)
			log_err("route %s: %s", r->location, why);
	} else if (r->listed == AFW_TYPE_WIREGUARD && !types_is_wg(r)) {
		requests_retype(r);
	} else if (!types_is_wg(r)) {
		wg_name_forget(r);
	}
}

/* By id: the route may have been forgotten since. */
static void
check_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct route *r = routes_find_id((uint32_t)(uintptr_t)arg);

	(void)text;
	if (m == NULL || r == NULL || !r->set || run_is_stopping())
		return;
	if (code == AFW_ENOENT)
		unknown(r);
	else
		type_look(r, m);
}

/* Of "optimal" no list says anything. */
static bool
is_asked_about(const struct route *r)
{
	return r->set &&
	    (r->uses > 0 ||
		(!r->is_listed &&
		    strcmp(r->location, AFW_LOCATION_OPTIMAL) != 0));
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
		if (!is_asked_about(r))
			continue;
		(void)afw_str_set(
		    where.location, sizeof(where.location), r->location);
		ask(AFW_AUTH, AFW_MSG_LOCATION_CHECK, &where, CHECK_MS, false,
		    check_reply, (void *)(uintptr_t)r->id);
	}
}

/* Also for locations that are asked for later: of what type they are, and
 * whether they are there at all. */
void
locations_check(void)
{
	ask(AFW_AUTH, AFW_MSG_LOCATIONS, NULL, LIST_MS, false, list_reply,
	    NULL);
}
