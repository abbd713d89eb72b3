/* SPDX-License-Identifier: ISC */
/* Getting a route for a request, and giving it back. */
#include "op.h"

#include <stdlib.h>

#include "afwrtd.h"
#include "ask.h"
#include "lib/daemon/log.h"
#include "requests.h"

#define CHECK_MS 1000 /* silence of afwrt-auth is consent */
#define ROUTE_MS 2000
#define UNDO_MS  10000

struct step {
	struct op *op;
	void (*next)(struct op *, unsigned int, const char *);
};

static void
step_end(struct step *st, unsigned int code, const char *text)
{
	struct op *op = st->op;
	void (*next)(struct op *, unsigned int, const char *) = st->next;

	free(st);
	if (code != AFW_OK)
		op_route_drop(op);
	next(op, code, text);
}

static void
route_set_reply(
    void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct step *st = arg;

	(void)m;
	if (code == AFW_OK)
		st->op->route->set = true;
	step_end(st, code, text);
}

static void
route_set(struct step *st)
{
	struct op *op = st->op;
	struct afw_m_route set;
	unsigned int left = op_left(op);

	if (op->route->set) {
		step_end(st, AFW_OK, NULL);
		return;
	}
	op->made_route = true;
	routes_message(op->route, &set);
	ask(AFW_TUN, AFW_MSG_ROUTE_SET, &set, left < ROUTE_MS ? left : ROUTE_MS,
	    false, route_set_reply, st);
}

static void
check_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct step *st = arg;

	if (code == AFW_ENOENT && m != NULL)
		step_end(st, code, text);
	else
		route_set(st);
}

void
op_route_get(
    struct op *op, void (*next)(struct op *, unsigned int, const char *))
{
	struct afw_m_location where = {{0}};
	struct step *st;

	if ((op->route = routes_make(op->location)) == NULL) {
		next(op, AFW_ENOSPC, "64 locations are in use");
		return;
	}
	op->route->uses++;
	st = afwrtd_alloc(sizeof(*st));
	st->op = op;
	st->next = next;
	if (op->route->set) {
		step_end(st, AFW_OK, NULL);
		return;
	}
	(void)afw_str_set(where.location, sizeof(where.location), op->location);
	ask(AFW_AUTH, AFW_MSG_LOCATION_CHECK, &where, CHECK_MS, false,
	    check_reply, st);
}

static void
undo_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct route *r = arg;

	(void)m;
	if (code != AFW_OK && code != AFW_ENOENT)
		log_warn("route %s: not undone: %s", r->location, text);
	routes_deleted(r);
	routes_collect(r);
	requests_resume();
}

void
op_route_drop(struct op *op)
{
	struct route *r = op->route;
	struct afw_m_route_id id;

	if (r == NULL)
		return;
	op->route = NULL;
	r->uses--;
	if (op->made_route && r->uses == 0 && !r->busy && !r->deleting) {
		id.route = r->id;
		r->deleting = true;
		ask(AFW_TUN, AFW_MSG_ROUTE_DEL, &id, UNDO_MS, false, undo_reply,
		    r);
		return;
	}
	routes_collect(r);
}
