/* SPDX-License-Identifier: ISC */
#include "stats.h"

#include "afwrt-tun/forward.h"
#include "afwrt-tun/route_private.h"
#include "afwrt-tun/wg_device.h"

struct request {
	struct afw_link *l;
	uint32_t id;
};

static void
item_send(struct route *r, void *arg)
{
	const struct request *q = arg;
	const struct route_private *p = r->priv;
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
	    .rtt_us = p->cur != NULL ? p->cur->rtt_us : p->rtt_us,
	    .up_since_ms = (uint64_t)p->up_since,
	    .server = p->server,
	    .inner4 = r->inner4,
	    .inner6 = r->inner6,
	    .mtu = r->mtu,
	};

	if (r->conf.type == AFW_TYPE_WIREGUARD)
		wg_device_stats(r->id, &s);
	(void)afw_link_send(q->l, AFW_MSG_ROUTE_STATS_ITEM, q->id, &s, -1);
}

int
stats_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct request q = {l, m->hdr.id};

	(void)arg;
	route_each(item_send, &q);
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}
