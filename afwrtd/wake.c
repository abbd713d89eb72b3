/* SPDX-License-Identifier: ISC */
#include "wake.h"

#include "ask.h"
#include "lib/daemon/log.h"
#include "routes.h"
#include "types.h"

#define ROUTE_MS 5000

static void
reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	(void)arg;
	(void)m;
	if (code != AFW_OK && code != AFW_ENOENT)
		log_warn("tun: a route was not tried: %s", text);
}

static void
connect_now(const struct route *r)
{
	struct afw_m_route set;

	routes_message(r, &set);
	ask(AFW_TUN, AFW_MSG_ROUTE_SET, &set, ROUTE_MS, false, reply, NULL);
}

static void
try_again(const struct route *r)
{
	struct afw_m_route_id id = {.route = r->id};

	ask(AFW_TUN, AFW_MSG_ROUTE_UP, &id, ROUTE_MS, false, reply, NULL);
}

void
wake_routes(void)
{
	const struct route *r = NULL;

	while ((r = routes_next(r)) != NULL) {
		if (!r->set || r->deleting)
			continue;
		if (r->state == AFW_ROUTE_FAILED ||
		    r->state == AFW_ROUTE_DISCONNECTED)
			try_again(r);
		else if (types_is_wg(r) && !r->is_default && !r->eager)
			connect_now(r);
	}
}
