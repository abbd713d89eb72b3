/* SPDX-License-Identifier: ISC */
/*
 * Many rules at once, as at the start: each is recorded and answered, then one
 * commit makes the routes and one transaction of afwrt-net the rules. If the
 * commit fails, everything is as it was before the batch.
 */
#include "batch.h"

#include <stdio.h>
#include <string.h>

#include "afwrtd.h"
#include "lib/daemon/log.h"
#include "requests.h"
#include "rules.h"
#include "run.h"
#include "setup.h"
#include "sync.h"
#include "types.h"

#define CHECK_MS 1000 /* silence of afwrt-auth is consent */
#define ROUTE_MS 5000
#define NET_MS   30000 /* that afwrt-net may be away during a commit */

static bool is_open, is_busy, was_committed;
static struct afw_link *from;
static uint32_t commit_id;
static unsigned int routes_left, commit_code;
static char commit_text[188];
static bool waits_for_net, retried;
static struct event *net_timer;

bool
batch_is_open(void)
{
	return is_open;
}

bool
batch_is_busy(void)
{
	return is_busy;
}

bool
batch_was_committed(void)
{
	return was_committed;
}

void
batch_mark_committed(void)
{
	was_committed = true;
}

int
batch_begin_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
	is_open = true;
	return 0;
}

unsigned int
batch_protect(const struct afw_m_protect *p, const char **why)
{
	struct rule *r = rules_find(&p->key);
	struct route *to;

	if (r != NULL && r->busy)
		return AFW_EBUSY;
	if ((to = routes_make(p->location)) == NULL) {
		*why = "64 locations are in use";
		return AFW_ENOSPC;
	}
	if (r == NULL && (r = rules_add(&p->key)) == NULL) {
		routes_collect(to);
		*why = "65536 rules are there";
		return AFW_ENOSPC;
	}
	to->uses++;
	if (r->next != NULL)
		routes_release(r->next);
	r->next = to;
	return AFW_OK;
}

unsigned int
batch_unprotect(const struct afw_key *key)
{
	struct rule *r = rules_find(key);

	if (r == NULL || (r->next == NULL && r->route == NULL))
		return AFW_ENOENT;
	if (r->busy)
		return AFW_EBUSY;
	if (r->route != NULL && run_is_applied())
		return AFW_ENOTSUP; /* batches are for adding */
	rules_del(r);
	return AFW_OK;
}

static void
rule_rollback(struct rule *r, void *arg)
{
	(void)arg;
	if (r->next == NULL)
		return;
	if (r->route == NULL) {
		rules_del(r);
		return;
	}
	routes_release(r->next);
	r->next = NULL;
}

static void
rule_commit(struct rule *r, void *arg)
{
	struct route *to = r->next;

	if (to == NULL)
		return;
	if (r->refused) {
		rule_rollback(r, arg);
		return;
	}
	r->next = NULL;
	rules_route_set(r, to);
}

static void
rollback_synced(void *arg, unsigned int code, const char *text)
{
	(void)arg;
	if (code != AFW_OK)
		log_err("net: rules could not be restored: %s", text);
}

static void
commit_end(unsigned int code, const char *text)
{
	if (net_timer != NULL)
		(void)evtimer_del(net_timer);
	is_busy = waits_for_net = false;
	if (code == AFW_OK) {
		rules_each(rule_commit, NULL);
		log_info("rules: %zu in force", rules_count());
	} else {
		rules_each(rule_rollback, NULL);
		if (was_committed && child_get(AFW_NET)->state == CHILD_UP)
			sync_start(NULL, rollback_synced, NULL);
		log_err("rules: not applied: %s", text);
	}
	afw_link_status(from, commit_id, code, "%s", text);
	requests_resume();
}

static void
synced(void *arg, unsigned int code, const char *text)
{
	(void)arg;
	if (!is_busy)
		return;
	if (code == AFW_EPIPE && !retried &&
	    child_is_wanted(child_get(AFW_NET))) {
		retried = waits_for_net = true;
		return;
	}
	commit_end(code, text);
}

void
batch_net_up(void)
{
	if (!waits_for_net)
		return;
	waits_for_net = false;
	was_committed = true;
	sync_start(NULL, synced, NULL);
}

static void
net_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (waits_for_net)
		commit_end(AFW_ETIMEDOUT, "afwrt-net did not come up in time");
}

static void
rules_send(void)
{
	const struct child *net = child_get(AFW_NET);

	if (commit_code != AFW_OK) {
		commit_end(commit_code, commit_text);
		return;
	}
	if (!child_is_wanted(net)) {
		commit_end(AFW_EPIPE, net->fail_text);
		return;
	}
	waits_for_net = true;
	retried = false;
	if (net_timer == NULL)
		net_timer = afwrtd_timer(net_timer_cb, NULL);
	afwrtd_timer_set(net_timer, NET_MS);
	if (net->state == CHILD_UP)
		batch_net_up();
}

static void
route_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct route *r = arg;

	r->busy = false;
	if (code != AFW_OK && m != NULL) {
		log_err("route %s: not set up: %s", r->location, text);
	} else if (code != AFW_OK && commit_code == AFW_OK) {
		commit_code = code;
		(void)snprintf(commit_text, sizeof(commit_text), "%s", text);
	}
	if (--routes_left == 0)
		rules_send();
}

/* What cannot be is in force all the same: the devices are blocked. */
static void
type_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct route *r = arg;
	const char *why;

	(void)code;
	(void)text;
	(void)m;
	if (types_refuse(r, true, &why) != AFW_OK)
		log_err(
		    "route %s: %s: its devices are blocked", r->location, why);
	setup_route(r, ROUTE_MS, route_reply, r);
}

static void
routes_send(void)
{
	struct route *r = NULL;

	routes_left = 1; /* not before all are asked for */
	while ((r = routes_next(r)) != NULL) {
		if (r->set || r->uses == 0 || r->deleting)
			continue;
		r->busy = true;
		routes_left++;
		types_ask(r, CHECK_MS, true, type_reply, r);
	}
	if (--routes_left == 0)
		rules_send();
}

int
batch_commit_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	if (!is_open) {
		afw_link_status(
		    l, m->hdr.id, AFW_EINVAL, "there is no batch to commit");
		return 0;
	}
	if (is_busy)
		return AFW_EBUSY;
	is_open = false;
	from = l;
	commit_id = m->hdr.id;
	if (!run_is_applied()) { /* a later RUN tells everybody */
		rules_each(rule_commit, NULL);
		was_committed = true;
		afw_link_status(l, commit_id, AFW_OK, NULL);
		return 0;
	}
	is_busy = true;
	commit_code = AFW_OK;
	routes_send();
	return 0;
}
