/* SPDX-License-Identifier: ISC */
#include "apply.h"

#include "ask.h"
#include "lib/daemon/log.h"
#include "replay.h"
#include "requests.h"
#include "routes.h"
#include "types.h"
#include "wg.h"

#define CHECK_MS 1000
#define ROUTE_MS 5000

static unsigned int types_left;
static void (*types_done)(void);

static void
type_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct route *r = arg;

	(void)code;
	(void)text;
	(void)m;
	r->busy = false;
	routes_collect(r);
	if (--types_left == 0)
		types_done();
}

static bool
is_wanted(const struct route *r)
{
	return r->uses > 0 || r->kept;
}

void
apply_start(void (*go)(void))
{
	struct route *r = NULL;

	types_done = go;
	types_left++; /* not before all are asked for */
	while ((r = routes_next(r)) != NULL) {
		if (!is_wanted(r) || r->is_listed || r->busy)
			continue;
		r->busy = true;
		types_left++;
		types_ask(r, CHECK_MS, r->uses > 0, type_reply, r);
	}
	if (--types_left == 0)
		go();
}

static void
route_told(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct route *r = arg;

	(void)m;
	r->busy = false;
	if (code != AFW_OK)
		log_err("route %s: not set up: %s", r->location, text);
	requests_resume();
}

/* Its interface is made with the rules, by the replay: devices must not be
 * sent to a route that net does not know. */
static void
route_tell(struct route *r)
{
	struct afw_m_route set;
	const char *why;

	types_settle(r, r->uses > 0);
	if (types_refuse(r, r->uses > 0, &why) != AFW_OK)
		log_err(
		    "route %s: %s: its devices are blocked", r->location, why);
	if (types_is_wg(r)) {
		r->wg = wg_name_choose(r);
		if (!r->wg)
			log_err("route %s: no name for its interface is free",
			    r->location);
	}
	r->kept = false;
	r->set = r->busy = true;
	routes_message(r, &set);
	ask(AFW_TUN, AFW_MSG_ROUTE_SET, &set, ROUTE_MS, false, route_told, r);
}

void
apply_now(void)
{
	struct route *r = NULL;

	while ((r = routes_next(r)) != NULL)
		if (is_wanted(r))
			route_tell(r);
	replay_more(AFW_NET);
}
