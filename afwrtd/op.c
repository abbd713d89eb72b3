/* SPDX-License-Identifier: ISC */
/* Getting a route for a request, and giving it back. */
#include "op.h"

#include <stdlib.h>

#include "afwrtd.h"
#include "lib/daemon/log.h"
#include "requests.h"
#include "setup.h"
#include "types.h"
#include "wg.h"

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
	(void)m;
	step_end(arg, code, text);
}

static void
route_set(struct step *st)
{
	struct op *op = st->op;
	unsigned int left = op_left(op);

	if (op->route->set) {
		step_end(st, AFW_OK, NULL);
		return;
	}
	op->made_route = true;
	setup_route(
	    op->route, left < ROUTE_MS ? left : ROUTE_MS, route_set_reply, st);
}

/* The interface that a TUNNEL_SETUP names, for a WireGuard location only.
 * Before there is a list it is kept for what the location may turn out to be.
 */
static unsigned int
iface_take(const struct op *op, const char **why)
{
	struct route *r = op->route;

	if (op->kind != OP_SETUP || r->set || r->wg)
		return AFW_OK;
	if (!types_is_wg(r)) {
		if (!r->is_listed && op->iface[0] != '\0')
			(void)wg_name_set(r, op->iface);
		return AFW_OK;
	}
	if (op->iface[0] == '\0') {
		*why = "a location of type wireguard needs the name of an "
		       "interface";
		return AFW_EINVAL;
	}
	r->eager = true;
	*why = "the interface name is in use";
	return wg_name_set(r, op->iface);
}

static void
check_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct step *st = arg;
	struct op *op = st->op;

	(void)m;
	if (code == AFW_OK)
		code = types_refuse(op->route, op->kind == OP_PROTECT, &text);
	if (code == AFW_OK)
		code = iface_take(op, &text);
	if (code != AFW_OK)
		step_end(st, code, text);
	else
		route_set(st);
}

void
op_route_get(
    struct op *op, void (*next)(struct op *, unsigned int, const char *))
{
	bool rule = op->kind == OP_PROTECT;
	const char *why;
	unsigned int code;
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
		why = NULL;
		code = types_refuse(op->route, rule, &why);
		step_end(st, code, why);
		return;
	}
	types_ask(op->route, CHECK_MS, rule, check_reply, st);
}

static void
undo_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct route *r = arg;

	(void)m;
	if (code != AFW_OK)
		log_warn("route %s: not undone: %s", r->location, text);
	routes_deleted(r);
	routes_collect(r);
	requests_resume();
}

void
op_route_drop(struct op *op)
{
	struct route *r = op->route;

	if (r == NULL)
		return;
	op->route = NULL;
	r->uses--;
	if (op->made_route && r->uses == 0 && !r->busy && !r->deleting) {
		r->deleting = true;
		setup_remove(r, UNDO_MS, true, undo_reply, r);
		return;
	}
	routes_collect(r);
}
