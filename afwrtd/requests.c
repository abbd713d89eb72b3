/* SPDX-License-Identifier: ISC */
/*
 * The order of requests. One that cannot start now, because its key or its
 * location is busy, waits in one queue; whenever one ends, the queue is walked
 * in order.
 */
#include "requests.h"

#include <stdlib.h>
#include <string.h>

#include "afwrtd.h"
#include "batch.h"
#include "lib/daemon/log.h"
#include "op.h"
#include "run.h"

/* Less than the library's 5 s, so that it hears the reason. */
#define DEADLINE_MS 4500
#define RETYPE_MS   30000
#define WAITING_MAX 4096

static TAILQ_HEAD(, op) waiting = TAILQ_HEAD_INITIALIZER(waiting);
static unsigned int n_waiting, n_running;
static bool retyping; /* all rules of a location move: nothing else runs */

bool
requests_idle(void)
{
	return n_running == 0 && !batch_is_busy();
}

unsigned int
op_left(const struct op *op)
{
	int64_t left = op->deadline - afw_now_ms();

	return left > 0 ? (unsigned int)left : 1;
}

/* Busy ones wait in order, so that the newest request is the last word. */
static bool
op_may_start(const struct op *op)
{
	const struct rule *rule;
	const struct route *to;

	if (batch_is_busy() || run_is_stopping() || retyping)
		return false;
	if (op->kind == OP_RETYPE && n_running > 0)
		return false;
	if (op->kind == OP_PROTECT || op->kind == OP_UNPROTECT) {
		rule = rules_find(&op->key);
		if (rule != NULL && rule->busy)
			return false;
	}
	if (op->kind == OP_UNPROTECT)
		return true;
	to = routes_find(op->location);
	return to == NULL || !(to->busy || to->deleting || to->held > 0);
}

static void
op_start(struct op *op)
{
	n_running++;
	switch (op->kind) {
	case OP_PROTECT:
		protect_begin(op);
		break;
	case OP_UNPROTECT:
		unprotect_begin(op);
		break;
	case OP_SETUP:
		tunnel_setup_begin(op);
		break;
	case OP_TEARDOWN:
		tunnel_teardown_begin(op);
		break;
	case OP_RETYPE:
		retyping = true;
		retype_begin(op);
		break;
	}
}

static void
op_refuse_late(struct op *op)
{
	n_running++; /* op_end takes it back */
	op_end(op, AFW_ETIMEDOUT, "waited too long for an earlier request");
}

/* Ends may nest: a request that starts here may end here too. */
void
requests_resume(void)
{
	static bool walking, again;
	struct op *op, *next;

	if (walking) {
		again = true;
		return;
	}
	walking = true;
	do {
		again = false;
		for (op = TAILQ_FIRST(&waiting); op != NULL; op = next) {
			next = TAILQ_NEXT(op, link);
			if (afw_now_ms() < op->deadline && !op_may_start(op))
				continue;
			TAILQ_REMOVE(&waiting, op, link);
			n_waiting--;
			if (afw_now_ms() >= op->deadline)
				op_refuse_late(op);
			else
				op_start(op);
		}
	} while (again);
	walking = false;
	if (requests_idle())
		run_requests_idle();
}

void
op_end(struct op *op, unsigned int code, const char *text)
{
	if (op->from != NULL)
		afw_link_status(op->from, op->id, code, "%s",
		    text != NULL && text[0] != '\0' ? text
						    : afw_error_text(code));
	if (op->kind == OP_RETYPE)
		retyping = false;
	free(op);
	n_running--;
	requests_resume();
}

static struct op *
op_new(enum op_kind kind, struct afw_link *l, const struct afw_msg *m)
{
	struct op *op = afwrtd_alloc(sizeof(*op));

	op->kind = kind;
	op->from = l;
	op->id = m->hdr.id;
	op->deadline = afw_now_ms() + DEADLINE_MS;
	return op;
}

static int
op_enter(struct op *op)
{
	if (op_may_start(op)) {
		op_start(op);
		return 0;
	}
	if (n_waiting == WAITING_MAX) {
		if (op->from != NULL)
			afw_link_status(op->from, op->id, AFW_EBUSY,
			    "too many requests wait");
		free(op);
		return 0;
	}
	TAILQ_INSERT_TAIL(&waiting, op, link);
	n_waiting++;
	return 0;
}

static bool
refused(struct afw_link *l, const struct afw_msg *m)
{
	if (run_is_configured())
		return false;
	afw_link_status(l, m->hdr.id, AFW_EINVAL, "not configured");
	return true;
}

/* While nothing is in force, between STOP and RUN, a rule is only a wish. */
static bool
only_recorded(void)
{
	return batch_is_open() || !run_is_applied();
}

static void
commit_wish(struct rule *r)
{
	struct route *to = r->next;

	r->next = NULL;
	rules_route_set(r, to);
	batch_mark_committed();
}

int
requests_protect_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_protect *p = (const void *)m->payload;
	const char *why = NULL;
	unsigned int code;
	struct op *op;

	(void)arg;
	if (refused(l, m))
		return 0;
	if (only_recorded()) {
		code = batch_protect(p, &why);
		if (code == AFW_OK && !batch_is_open())
			commit_wish(rules_find(&p->key));
		afw_link_status(l, m->hdr.id, code, "%s",
		    why != NULL ? why : afw_error_text(code));
		return 0;
	}
	op = op_new(OP_PROTECT, l, m);
	op->key = p->key;
	memcpy(op->location, p->location, sizeof(op->location));
	return op_enter(op);
}

int
requests_unprotect_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_key *k = (const void *)m->payload;
	struct op *op;

	(void)arg;
	if (refused(l, m))
		return 0;
	if (only_recorded()) {
		afw_link_status(l, m->hdr.id, batch_unprotect(&k->key), NULL);
		return 0;
	}
	op = op_new(OP_UNPROTECT, l, m);
	op->key = k->key;
	return op_enter(op);
}

static int
tunnel_enter(enum op_kind kind, struct afw_link *l, const struct afw_msg *m,
    const char *location, const char *iface)
{
	struct op *op;

	if (refused(l, m))
		return 0;
	if (!run_is_applied()) {
		tunnel_record(kind == OP_SETUP, l, m->hdr.id, location, iface);
		return 0;
	}
	op = op_new(kind, l, m);
	memcpy(op->location, location, sizeof(op->location));
	(void)afw_str_set(op->iface, sizeof(op->iface), iface);
	return op_enter(op);
}

/* The interface is for wireguard; hydra-tcp ignores it, says the document. */
int
requests_setup_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_tunnel *t = (const void *)m->payload;

	(void)arg;
	return tunnel_enter(OP_SETUP, l, m, t->location, t->iface);
}

int
requests_teardown_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_location *t = (const void *)m->payload;

	(void)arg;
	return tunnel_enter(OP_TEARDOWN, l, m, t->location, "");
}

void
requests_retype(const struct route *r)
{
	struct op *op = afwrtd_alloc(sizeof(*op));

	op->kind = OP_RETYPE;
	op->deadline = afw_now_ms() + RETYPE_MS;
	memcpy(op->location, r->location, sizeof(op->location));
	(void)op_enter(op);
}
