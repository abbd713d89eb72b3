/* SPDX-License-Identifier: ISC */
/*
 * The table of routes and their states as afwrt-tun reports them. It is the
 * owner of "which locations are in use"; at most AFW_ROUTES_MAX.
 */
#include "routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "afwrtd.h"
#include "events.h"
#include "lib/daemon/log.h"
#include "run.h"
#include "stats.h"
#include "types.h"
#include "wg.h"

static struct route *routes[AFW_ROUTES_MAX];
static struct route *default_route;
static uint32_t last_id;

struct route *
routes_next(const struct route *r)
{
	size_t i = 0;

	if (r != NULL) {
		while (routes[i] != r)
			i++;
		i++;
	}
	for (; i < AFW_ROUTES_MAX; i++)
		if (routes[i] != NULL)
			return routes[i];
	return NULL;
}

struct route *
routes_find(const char *location)
{
	struct route *r = NULL;

	while ((r = routes_next(r)) != NULL)
		if (strcmp(r->location, location) == 0)
			return r;
	return NULL;
}

struct route *
routes_find_id(uint32_t id)
{
	struct route *r = NULL;

	while ((r = routes_next(r)) != NULL)
		if (r->id == id)
			return r;
	return NULL;
}

struct route *
routes_make(const char *location)
{
	struct route *r = routes_find(location);
	size_t i = 0;

	if (r != NULL)
		return r;
	while (i < AFW_ROUTES_MAX && routes[i] != NULL)
		i++;
	if (i == AFW_ROUTES_MAX)
		return NULL;
	r = afwrtd_alloc(sizeof(*r));
	r->id = ++last_id;
	r->state = AFW_ROUTE_IDLE;
	r->type = run_config()->type;
	r->tun_fd = r->listen_fd = -1;
	(void)afw_str_set(r->location, sizeof(r->location), location);
	routes[i] = r;
	return r;
}

void
routes_default_make(const char *location)
{
	default_route =
	    routes_make(location[0] != '\0' ? location : AFW_LOCATION_OPTIMAL);
	if (default_route != NULL)
		default_route->is_default = true;
}

struct route *
routes_default(void)
{
	return default_route;
}

/*
 * The routing is the application's or takes everything: then a source without
 * a rule goes to the default location. In the selective mode only what has a
 * rule comes by, so that one without is a mistake and goes nowhere.
 */
static bool
core_level(void)
{
	return run_config()->type == AFW_TYPE_HYDRA_TCP &&
	    (run_config()->flags &
		(AFW_C_DEFAULT_GATEWAY | AFW_C_NO_IPTABLES | AFW_C_TUN_FD)) !=
	    0;
}

uint32_t
routes_default_id(void)
{
	return default_route != NULL && core_level() ? default_route->id : 0;
}

void
routes_counters_keep(struct route *r)
{
	struct afw_m_route_stats *b = &r->base, *s = &r->stats;
	unsigned int i;

	b->up_bytes += s->up_bytes;
	b->down_bytes += s->down_bytes;
	b->up_packets += s->up_packets;
	b->down_packets += s->down_packets;
	b->dropped += s->dropped;
	b->connects += s->connects;
	b->failures += s->failures;
	for (i = 0; i < AFW_REASON_MAX; i++)
		b->failed[i] += s->failed[i];
	memset(s, 0, sizeof(*s));
}

void
routes_collect(struct route *r)
{
	size_t i;

	if (r->set || r->kept || r->uses > 0 || r->is_default || r->deleting ||
	    r->busy || r->held > 0)
		return;
	stats_depart(r);
	wg_forget(r);
	for (i = 0; routes[i] != r; i++)
		;
	routes[i] = NULL;
	free(r);
}

void
routes_release(struct route *r)
{
	r->uses--;
	routes_collect(r);
}

void
routes_message(const struct route *r, struct afw_m_route *m)
{
	const struct afw_m_config *c = run_config();

	memset(m, 0, sizeof(*m));
	m->route = r->id;
	m->type = r->type;
	m->seq = r->seq;
	m->reconnect = c->reconnect;
	if (r->is_default) {
		m->flags |= AFW_R_DEFAULT;
		m->reconnect = AFW_RECONNECT_AUTO;
		m->reconnect_interval = c->reconnect_interval;
	}
	if (r->resume)
		m->flags |= AFW_R_RESUME;
	/* no packet of a WireGuard route's comes by to wake it; before the
	 * login an attempt would be in vain */
	if (r->eager || (types_is_wg(r) && run_may_connect()))
		m->flags |= AFW_R_EAGER;
	memcpy(m->location, r->location, sizeof(m->location));
}

static void
state_set(struct route *r, uint32_t state, uint32_t reason, const char *detail)
{
	char text[AFW_DETAIL_SIZE + 32];
	bool chose =
	    r->chosen[0] != '\0' && strcmp(r->chosen, r->location) != 0;

	r->state = state;
	switch (state) {
	case AFW_ROUTE_CONNECTED:
		r->resume = false;
		log_info("route %s: connected%s%s", r->location,
		    chose ? " to " : "", chose ? r->chosen : "");
		break;
	case AFW_ROUTE_DISCONNECTED:
	case AFW_ROUTE_FAILED:
		r->resume = r->resume && state != AFW_ROUTE_FAILED;
		(void)afw_reason_print(reason, detail, text, sizeof(text));
		log_info("route %s: %s%s%s", r->location,
		    state == AFW_ROUTE_FAILED ? "failed" : "disconnected",
		    text[0] != '\0' ? ": " : "", text);
		break;
	default:
		return;
	}
	events_route(r, state, reason, detail);
}

/* On its way up, by itself: a new afwrt-tun must not wait for a packet. */
static bool
was_trying(const struct route *r)
{
	return r->state == AFW_ROUTE_CONNECTING ||
	    (r->state == AFW_ROUTE_DISCONNECTED &&
		run_config()->reconnect == AFW_RECONNECT_AUTO);
}

void
routes_tun_died(void)
{
	struct route *r = NULL;

	while ((r = routes_next(r)) != NULL) {
		routes_counters_keep(r);
		if (r->state == AFW_ROUTE_CONNECTED) {
			r->resume = true;
			r->seq++;
			state_set(
			    r, AFW_ROUTE_DISCONNECTED, AFW_REASON_NONE, "");
		} else if (was_trying(r)) {
			r->resume = true;
		}
	}
}

static void
end_report(struct route *r)
{
	if (r->state != AFW_ROUTE_CONNECTED)
		return;
	r->seq++;
	state_set(r, AFW_ROUTE_DISCONNECTED, AFW_REASON_NONE, "");
}

void
routes_id_renew(struct route *r)
{
	end_report(r);
	r->id = ++last_id;
	r->state = AFW_ROUTE_IDLE;
	r->resume = false;
	routes_counters_keep(r);
}

void
routes_deleted(struct route *r)
{
	end_report(r);
	r->set = r->resume = r->eager = r->deleting = false;
	r->state = AFW_ROUTE_IDLE;
	routes_counters_keep(r);
}

/*
 * What is up must go down before anything else, and only what is up can go
 * down: the application counts on pairs.
 */
static bool
step_is_legal(uint32_t from, uint32_t to)
{
	bool was_up = from == AFW_ROUTE_CONNECTED;

	return was_up == (to == AFW_ROUTE_DISCONNECTED);
}

/* Round the end too: afwrt-tun, which counts them, must not be able to use
 * them up for the one that follows it. */
static bool
is_later(uint32_t seq, uint32_t than)
{
	return (int32_t)(seq - than) > 0;
}

int
routes_event_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_route_event *e = (const void *)m->payload;
	struct route *r = routes_find_id(e->route);

	(void)arg;
	(void)l;
	if (r == NULL && e->route <= last_id)
		return 0; /* was deleted in the meantime */
	if (r == NULL) {
		log_err("tun: event of route %u, which never was", e->route);
		return -1;
	}
	if (!is_later(e->seq, r->seq) || !step_is_legal(r->state, e->state)) {
		log_err("route %s: event %u from state %u to %u is not legal",
		    r->location, e->seq, r->state, e->state);
		return -1;
	}
	r->seq = e->seq;
	if (e->chosen[0] != '\0')
		memcpy(r->chosen, e->chosen, sizeof(r->chosen));
	state_set(r, e->state, e->reason, e->detail);
	return 0;
}
