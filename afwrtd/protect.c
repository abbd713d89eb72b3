/* SPDX-License-Identifier: ISC */
/*
 * PROTECT and UNPROTECT, step by step. The rule stays as it was until
 * afwrt-net has said yes; when afwrt-net did not say anything, it is told to
 * go back to what was.
 */
#include <string.h>

#include "ask.h"
#include "batch.h"
#include "lib/daemon/log.h"
#include "op.h"

#define UNDO_MS 10000

static const char *
key_text(const struct op *op)
{
	static char text[AFW_ADDR_TEXT + 16];

	return afw_key_print(&op->key, text, sizeof(text));
}

static void
rule_op_end(struct op *op, unsigned int code, const char *text)
{
	struct rule *r = op->rule;

	if (r != NULL) {
		r->busy = false;
		if (r->route == NULL && r->next == NULL)
			rules_del(r);
	}
	if (code != AFW_OK)
		log_warn("rule %s: not changed: %s", key_text(op), text);
	op_end(op, code, text);
}

static void
undo_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	(void)arg;
	(void)m;
	if (code != AFW_OK && code != AFW_ENOENT)
		log_err("net: a rule was not undone: %s", text);
}

/* The order of a channel makes this come before the key's next request. */
static void
rule_undo(const struct op *op)
{
	struct afw_m_rule set = {.key = op->key};
	struct afw_m_key del = {.key = op->key};

	if (op->rule->route != NULL) {
		set.route = op->rule->route->id;
		ask(AFW_NET, AFW_MSG_NET_RULE_SET, &set, UNDO_MS, false,
		    undo_reply, NULL);
	} else {
		ask(AFW_NET, AFW_MSG_NET_RULE_DEL, &del, UNDO_MS, false,
		    undo_reply, NULL);
	}
}

static void
rule_set_reply(
    void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct op *op = arg;
	bool change = op->rule->route != NULL;

	if (code != AFW_OK) {
		if (m == NULL)
			rule_undo(op);
		op_route_drop(op);
		rule_op_end(op, code, text);
		return;
	}
	rules_route_set(op->rule, op->route);
	op->route = NULL; /* the use is the rule's now */
	batch_mark_committed();
	log_info("rule %s -> %s: %s", key_text(op), op->location,
	    change ? "changed" : "added");
	rule_op_end(op, AFW_OK, NULL);
}

static void
protect_routed(struct op *op, unsigned int code, const char *text)
{
	struct afw_m_rule set = {.key = op->key};

	if (code != AFW_OK) {
		rule_op_end(op, code, text);
		return;
	}
	set.route = op->route->id;
	ask(AFW_NET, AFW_MSG_NET_RULE_SET, &set, op_left(op), false,
	    rule_set_reply, op);
}

void
protect_begin(struct op *op)
{
	struct rule *r = rules_find(&op->key);

	if (r != NULL && r->route != NULL &&
	    strcmp(r->route->location, op->location) == 0) {
		op_end(op, AFW_OK, NULL);
		return;
	}
	if (r == NULL && (r = rules_add(&op->key)) == NULL) {
		op_end(op, AFW_ENOSPC, "65536 rules are there");
		return;
	}
	r->busy = true;
	op->rule = r;
	op_route_get(op, protect_routed);
}

static void
rule_del_reply(
    void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct op *op = arg;

	if (code == AFW_OK || (code == AFW_ENOENT && m != NULL)) {
		log_info("rule %s: removed", key_text(op));
		rules_del(op->rule);
		op->rule = NULL;
		rule_op_end(op, AFW_OK, NULL);
		return;
	}
	if (m == NULL)
		rule_undo(op);
	rule_op_end(op, code, text);
}

void
unprotect_begin(struct op *op)
{
	struct afw_m_key del = {.key = op->key};
	struct rule *r = rules_find(&op->key);

	if (r == NULL || r->route == NULL) {
		op_end(op, AFW_ENOENT, "there is no such rule");
		return;
	}
	r->busy = true;
	op->rule = r;
	ask(AFW_NET, AFW_MSG_NET_RULE_DEL, &del, op_left(op), false,
	    rule_del_reply, op);
}
