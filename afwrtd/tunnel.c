/* SPDX-License-Identifier: ISC */
/* TUNNEL_SETUP and TUNNEL_TEARDOWN, with the document's codes. */
#include <string.h>

#include "ask.h"
#include "lib/daemon/log.h"
#include "op.h"
#include "setup.h"
#include "stats.h"
#include "types.h"
#include "wg.h"

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

/* A name that a WireGuard location cannot have, now that it has one. */
static unsigned int
iface_refuse(const struct op *op, const struct route *r, const char **why)
{
	if (!types_is_wg(r))
		return AFW_OK;
	if (op->iface[0] == '\0') {
		*why = "a location of type wireguard needs the name of an "
		       "interface";
		return AFW_EINVAL;
	}
	*why = "the tunnel is set up already, with another interface";
	return strcmp(op->iface, r->ifname) == 0 ? AFW_OK : AFW_EEXIST;
}

void
tunnel_setup_begin(struct op *op)
{
	struct route *r = routes_find(op->location);
	const char *why = NULL;
	unsigned int code;

	if (r == NULL || !r->set)
		op_route_get(op, setup_routed);
	else if ((code = iface_refuse(op, r, &why)) != AFW_OK)
		op_end(op, code, why);
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

	(void)m;
	r->deleting = false;
	if (code == AFW_OK) {
		log_info("route %s: removed", r->location);
		routes_deleted(r);
		routes_collect(r);
	}
	op_end(op, code, code == AFW_OK ? NULL : text);
}

void
tunnel_teardown_begin(struct op *op)
{
	struct route *r = routes_find(op->location);

	if (r == NULL || !r->set) {
		op_end(op, AFW_ENOENT, "there is no tunnel to that location");
		return;
	}
	if (r->uses > 0) {
		op_end(op, AFW_EBUSY, "a rule uses the location");
		return;
	}
	op->route = r;
	r->deleting = true;
	stats_note_all(); /* what it has carried is still to be reported */
	setup_remove(r, op_left(op), false, del_reply, op);
}

/* For the next RUN. Of what type it is will be known then: a name that turns
 * out to be needless is not used. */
static unsigned int
record_setup(const char *location, const char *iface)
{
	struct route *r = routes_make(location);
	unsigned int code;

	if (r == NULL)
		return AFW_ENOSPC;
	if (r->kept)
		return AFW_EEXIST;
	if (iface[0] != '\0' && (code = wg_name_set(r, iface)) != AFW_OK) {
		routes_collect(r);
		return code;
	}
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
tunnel_record(bool setup, struct afw_link *l, uint32_t id, const char *location,
    const char *iface)
{
	unsigned int code =
	    setup ? record_setup(location, iface) : record_teardown(location);

	afw_link_status(l, id, code, "%s", afw_error_text(code));
}
