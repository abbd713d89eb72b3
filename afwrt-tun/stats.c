/* SPDX-License-Identifier: ISC */
#include "stats.h"

#include <string.h>

#include "afwrt-tun/flow.h"
#include "afwrt-tun/forward.h"
#include "afwrt-tun/route_private.h"
#include "afwrt-tun/wg_device.h"

struct request {
	struct afw_link *l;
	uint32_t id;
};

/* How many sources each route has, found in one walk over all. */
static struct {
	uint32_t route, flows;
} counts[AFW_ROUTES_MAX];
static unsigned int n_counts;

static void
flow_note(uint32_t route, void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < n_counts; i++)
		if (counts[i].route == route)
			break;
	if (i == AFW_ROUTES_MAX)
		return;
	if (i == n_counts) {
		counts[n_counts].route = route;
		counts[n_counts++].flows = 0;
	}
	counts[i].flows++;
}

static uint32_t
flows_of(uint32_t route)
{
	unsigned int i;

	for (i = 0; i < n_counts; i++)
		if (counts[i].route == route)
			return counts[i].flows;
	return 0;
}

/* Addresses are those of one that is up, if there is one. */
static const struct conn *
first_up(const struct route *r)
{
	unsigned int i;

	for (i = 0; i < r->n_conns; i++)
		if (r->conns[i].up)
			return &r->conns[i];
	return &r->conns[0];
}

static void
item_send(struct route *r, void *arg)
{
	const struct request *q = arg;
	const struct route_private *p = r->priv;
	const struct conn *c = first_up(r);
	const struct transport *t = c->priv->cur;
	struct afw_m_route_stats s = {
	    .route = r->id,
	    .state = r->state,
	    .up_bytes = r->up_bytes,
	    .down_bytes = r->down_bytes,
	    .up_packets = r->up_packets,
	    .down_packets = r->down_packets,
	    .dropped = r->dropped,
	    .connects = p->connects,
	    .failures = p->failures,
	    .nat_entries = nat_count(r->id),
	    .rtt_us = t != NULL ? t->rtt_us : c->priv->rtt_us,
	    .up_since_ms = (uint64_t)p->up_since,
	    .server = c->priv->server,
	    .inner4 = c->inner4,
	    .inner6 = c->inner6,
	    .mtu = c->mtu,
	    .conns = route_state_conns(r),
	    .flows = flows_of(r->id),
	};

	memcpy(s.failed, p->failed, sizeof(s.failed));
	if (r->conf.type == AFW_TYPE_WIREGUARD)
		wg_device_stats(r->id, &s);
	(void)afw_link_send(q->l, AFW_MSG_ROUTE_STATS_ITEM, q->id, &s, -1);
}

int
stats_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct request q = {l, m->hdr.id};

	(void)arg;
	n_counts = 0;
	flow_each(flow_note, NULL);
	route_each(item_send, &q);
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}
