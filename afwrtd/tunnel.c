/* SPDX-License-Identifier: ISC */
/* TUNNEL_SETUP and TUNNEL_TEARDOWN, with the document's codes. */
#include "ask.h"
#include "lib/daemon/log.h"
#include "op.h"
#include "stats.h"

static void
setup_routed(struct op *op, unsigned int code, const char *text)
{
	struct route *r = op->route;

	if (r != NULL) { /* a route that is set needs no other reason to stay */
		op->route = NULL;
		routes_release(r);
	}
	op_end(op, code, text);
}

static void
up_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct op *op = arg;
	struct route *r = op->route;

	(void)m;
	r->busy = false;
	if (code == AFW_OK &&
	    (r->state == AFW_ROUTE_DISCONNECTED ||
		r->state == AFW_ROUTE_FAILED))
		r->state = AFW_ROUTE_IDLE; /* it is set up again: EEXIST */
	routes_collect(r);
	op_end(op, code, text);
}

static void
route_up(struct op *op, struct route *r)
{
	struct afw_m_route_id id = {.route = r->id};

	op->route = r;
	r->busy = true;
	ask(AFW_TUN, AFW_MSG_ROUTE_UP, &id, op_left(op), false, up_reply, op);
}

void
tunnel_setup_begin(struct op *op)
{
	struct route *r = routes_find(op->location);

	if (r == NULL || !r->set)
		op_route_get(op, setup_routed);
	else if (r->state == AFW_ROUTE_DISCONNECTED ||
	    r->state == AFW_ROUTE_FAILED)
		route_up(op, r);
	else
		op_end(op, AFW_EEXIST, "the tunnel is set up already");
}

static void
del_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct op *op = arg;
	struct route *r = op->route;

	r->deleting = false;
	if (code == AFW_OK || (code == AFW_ENOENT && m != NULL)) {
		log_info("route %s: removed", r->location);
		routes_deleted(r);
		routes_collect(r);
		code = AFW_OK;
	}
	op_end(op, code, code == AFW_OK ? NULL : text);
}

void
tunnel_teardown_begin(struct op *op)
{
	struct route *r = routes_find(op->location);
	struct afw_m_route_id id;

	if (r == NULL || !r->set) {
		op_end(op, AFW_ENOENT, "there is no tunnel to that location");
		return;
	}
	if (r->uses > 0) {
		op_end(op, AFW_EBUSY, "a rule uses the location");
		return;
	}
	id.route = r->id;
	op->route = r;
	r->deleting = true;
	stats_note_all(); /* what it has carried is still to be reported */
	ask(AFW_TUN, AFW_MSG_ROUTE_DEL, &id, op_left(op), false, del_reply, op);
}

static unsigned int
record_setup(const char *location)
{
	struct route *r = routes_make(location);

	if (r == NULL)
		return AFW_ENOSPC;
	if (r->kept)
		return AFW_EEXIST;
	r->kept = true;
	return AFW_OK;
}

static unsigned int
record_teardown(const char *location)
{
	struct route *r = routes_find(location);

	if (r == NULL || !r->kept)
		return AFW_ENOENT;
	if (r->uses > 0)
		return AFW_EBUSY;
	r->kept = false;
	routes_collect(r);
	return AFW_OK;
}

void
tunnel_record(bool setup, struct afw_link *l, uint32_t id, const char *location)
{
	unsigned int code =
	    setup ? record_setup(location) : record_teardown(location);

	afw_link_status(l, id, code, "%s", afw_error_text(code));
}
