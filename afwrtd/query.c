/* SPDX-License-Identifier: ISC */
/*
 * QUERY: the processes, the routes with fresh counters, the rules. The rules
 * go out from a copy and only as fast as the library reads. One answer at a
 * time; a few more may wait.
 */
#include "query.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afwrtd.h"
#include "ask.h"
#include "child.h"
#include "lib/daemon/log.h"
#include "library.h"
#include "rules.h"
#include "run.h"
#include "stats.h"
#include "usage.h"

#define WAITING_MAX 16
#define ADDRS_MS    1000

static uint32_t waiting[WAITING_MAX];
static unsigned int n_waiting;
static struct afw_m_protect *rules;
static size_t n_rules, n_sent;
static int64_t born_ms;

static void
process_send(uint32_t id, const struct afw_m_process *p)
{
	(void)afw_link_send(library_link(), AFW_MSG_QUERY_PROCESS, id, p, -1);
}

static void
processes_send(uint32_t id)
{
	struct afw_m_process p = {.role = AFW_SUP,
	    .pid = (uint32_t)getpid(),
	    .gen = 1,
	    .started_ms = (uint64_t)born_ms};
	const struct child *c;

	usage_read(&p);
	process_send(id, &p);
	CHILD_FOREACH(c)
	{
		p.role = c->role;
		p.pid = (uint32_t)c->pid;
		p.gen = c->gen;
		p.restarts = c->restarts;
		p.started_ms = (uint64_t)c->started_ms;
		usage_read(&p);
		if (p.rss_bytes == 0 && p.pid != 0) {
			p.rss_bytes = c->usage.rss_bytes;
			p.cpu_ms = c->usage.cpu_ms;
		}
		process_send(id, &p);
	}
}

static void
counters_add(
    struct afw_m_route_stats *s, const struct afw_m_route_stats *former)
{
	unsigned int i;

	s->up_bytes += former->up_bytes;
	s->down_bytes += former->down_bytes;
	s->up_packets += former->up_packets;
	s->down_packets += former->down_packets;
	s->dropped += former->dropped;
	s->connects += former->connects;
	s->failures += former->failures;
	for (i = 0; i < AFW_REASON_MAX; i++)
		s->failed[i] += former->failed[i];
}

static void
routes_send(uint32_t id)
{
	struct afw_m_route_info info;
	struct route *r = NULL;

	while ((r = routes_next(r)) != NULL) {
		if (!r->set)
			continue;
		memset(&info, 0, sizeof(info));
		memcpy(info.location, r->location, sizeof(info.location));
		info.is_default = r->is_default;
		info.rules = r->uses;
		info.type = r->type;
		info.wg_impl = r->wg_impl;
		if (r->type == AFW_TYPE_WIREGUARD)
			memcpy(info.ifname, r->ifname, sizeof(info.ifname));
		memcpy(info.chosen, r->chosen, sizeof(info.chosen));
		info.stats = r->stats;
		counters_add(&info.stats, &r->base);
		info.stats.route = r->id;
		info.stats.state = r->state;
		(void)afw_link_send(
		    library_link(), AFW_MSG_QUERY_ROUTE, id, &info, -1);
	}
}

static void
rule_copy(struct rule *r, void *arg)
{
	struct afw_m_protect *p = &rules[n_rules];

	(void)arg;
	if (r->route == NULL)
		return;
	memset(p, 0, sizeof(*p));
	p->key = r->key;
	memcpy(p->location, r->route->location, sizeof(p->location));
	n_rules++;
}

static void
answer(void)
{
	processes_send(waiting[0]);
	routes_send(waiting[0]);
	n_rules = n_sent = 0;
	rules = afwrtd_alloc((rules_count() + 1) * sizeof(*rules));
	rules_each(rule_copy, NULL);
	query_more();
}

/* Without an answer the figure is not known, the rest is. */
static void
addrs_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	(void)arg;
	(void)code;
	(void)text;
	if (m != NULL && m->hdr.type == AFW_MSG_ADDRS)
		(void)afw_link_send(
		    library_link(), AFW_MSG_ADDRS, waiting[0], m->payload, -1);
	answer();
}

static void
answer_begin(void)
{
	if (run_is_configured())
		ask(AFW_NET, AFW_MSG_ADDRS_GET, NULL, ADDRS_MS, false,
		    addrs_reply, NULL);
	else
		answer();
}

static void
answer_end(void)
{
	afw_link_status(library_link(), waiting[0], AFW_OK, NULL);
	free(rules);
	rules = NULL;
	n_waiting--;
	memmove(waiting, waiting + 1, n_waiting * sizeof(waiting[0]));
	if (n_waiting > 0)
		stats_refresh(answer_begin);
}

void
query_more(void)
{
	if (rules == NULL)
		return;
	while (n_sent < n_rules && library_is_fast())
		(void)afw_link_send(library_link(), AFW_MSG_QUERY_RULE,
		    waiting[0], &rules[n_sent++], -1);
	if (n_sent == n_rules)
		answer_end();
}

int
query_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	if (n_waiting == WAITING_MAX)
		return AFW_EBUSY;
	if (born_ms == 0)
		born_ms = afw_now_ms();
	waiting[n_waiting++] = m->hdr.id;
	if (n_waiting == 1)
		stats_refresh(answer_begin);
	return 0;
}
