/* SPDX-License-Identifier: ISC */
/*
 * A route that was set up as hydra-tcp turns out to be a WireGuard one. It
 * gets a new id and its interface while the rules still lead into the suite's
 * TUN; then all of them move in one transaction, then the old route goes. So
 * no device of it is without a rule at any time. If it cannot be done the old
 * route stays, which never connects: its devices are blocked.
 */
#include <stdlib.h>

#include "afwrtd.h"
#include "ask.h"
#include "batch.h"
#include "child.h"
#include "lib/daemon/log.h"
#include "op.h"
#include "setup.h"
#include "sync.h"
#include "types.h"
#include "wg.h"

#define DEL_MS 5000

struct retype {
	struct op *op;
	struct route *r;
	uint32_t old_id, new_id;
	bool reverting;
};

static void
retype_end(struct retype *t, unsigned int code)
{
	struct op *op = t->op;

	t->r->busy = false;
	free(t);
	op_end(op, code, NULL);
}

static void
old_gone(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct retype *t = arg;

	if (code != AFW_OK && !(code == AFW_ENOENT && m != NULL))
		log_warn("route %s: its former self was not removed: %s",
		    t->r->location, text);
	retype_end(t, AFW_OK);
}

static void
id_del(struct retype *t, uint32_t id, afw_reply_cb cb)
{
	struct afw_m_route_id del = {.route = id};

	ask(AFW_TUN, AFW_MSG_ROUTE_DEL, &del, DEL_MS, false, cb, t);
}

static void
new_gone(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct retype *t = arg;

	(void)text;
	(void)m;
	wg_drop_id(t->new_id);
	wg_forget(t->r);
	retype_end(t, code != AFW_OK ? code : AFW_EIO);
}

static void
revert(struct retype *t)
{
	t->r->id = t->old_id;
	t->r->type = AFW_TYPE_HYDRA_TCP;
	t->r->eager = t->r->is_default;
	t->reverting = true;
}

static void rules_moved(void *arg, unsigned int code, const char *text);

/* Of an afwrt-net that is being started, the replay takes care. */
static void
rules_move(struct retype *t)
{
	if (batch_was_committed() && child_get(AFW_NET)->state == CHILD_UP)
		sync_start(NULL, rules_moved, t);
	else
		rules_moved(t, AFW_OK, "");
}

static void
rules_moved(void *arg, unsigned int code, const char *text)
{
	struct retype *t = arg;

	if (t->reverting) {
		id_del(t, t->new_id, new_gone);
		return;
	}
	if (code == AFW_OK || code == AFW_EPIPE) {
		id_del(t, t->old_id, old_gone);
		return;
	}
	log_err("route %s: its rules were not moved: %s", t->r->location, text);
	revert(t);
	rules_move(t);
}

static void
new_there(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct retype *t = arg;

	(void)m;
	if (code == AFW_OK) {
		rules_move(t);
		return;
	}
	log_err("route %s: not made anew as a WireGuard one: %s",
	    t->r->location, text);
	if (t->r->wg)
		wg_drop_id(t->new_id);
	wg_forget(t->r);
	revert(t);
	retype_end(t, code);
}

void
retype_begin(struct op *op)
{
	struct route *r = routes_find(op->location);
	struct retype *t;

	if (r == NULL || !r->set || types_is_wg(r)) {
		op_end(op, AFW_OK, NULL);
		return;
	}
	log_info("route %s: is of type wireguard: made anew", r->location);
	t = afwrtd_alloc(sizeof(*t));
	t->op = op;
	t->r = r;
	t->old_id = r->id;
	r->busy = true;
	routes_id_renew(r);
	t->new_id = r->id;
	r->type = AFW_TYPE_WIREGUARD;
	setup_route(r, op_left(op), new_there, t);
}
