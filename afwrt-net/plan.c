/* SPDX-License-Identifier: ISC */
/*
 * From what we know (net, the WireGuard routes, the uplink) to what should be
 * on the system. No system call: two plans can be compared.
 */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "state.h"
#include "wg_route.h"

/* Behind those of WireGuard routes, which count up from route_table. */
#define OUTER_TABLE_AT 72
#define TABLE_SPECIAL  253 /* default, main and local are the last of 8 bits */

static int
wg_compare(const void *a, const void *b)
{
	const struct plan_wg *x = a, *y = b;

	return x->mark < y->mark ? -1 : x->mark > y->mark;
}

static void
own_add(struct plan_wg *to, const struct afw_addr *a)
{
	uint32_t i;

	for (i = 0; i < net.wan.n_own; i++)
		if (afw_addr_equal(&net.wan.own[i], a))
			return;
	to->own[to->n_own++] = *a;
}

static void
wg_add(struct plan *p, const struct wg_route *w)
{
	struct plan_wg *to = &p->wg[p->n_wg++];
	uint32_t i;

	/* blocked: what is marked ends in its table */
	to->ifindex = net.mode == NET_ON ? w->ifindex : 0;
	to->mark = w->mark;
	to->table = w->table;
	to->mtu = w->mtu;
	to->has4 = w->has4;
	to->has6 = w->has6;
	to->dns4 = w->dns4;
	to->dns6 = w->dns6;
	memcpy(to->ifname, w->ifname, sizeof(to->ifname));
	for (i = 0; i < w->n_own; i++)
		own_add(to, &w->own[i]);
}

static uint32_t
outer_table(uint32_t table)
{
	if (table > UINT32_MAX - OUTER_TABLE_AT)
		return table - OUTER_TABLE_AT;
	table += OUTER_TABLE_AT;
	return table < TABLE_SPECIAL || table > TABLE_SPECIAL + 2 ? table
								  : table + 3;
}

/* The kernel's own WireGuard sockets, with the halves before them. */
static void
outer_make(struct plan *p)
{
	p->outer_way = true;
	p->outer_table = outer_table(net.cfg.route_table);
	p->wan_ifindex = net.wan.ifindex;
	p->outer_has4 = net.wan.msg.has4 != 0;
	p->outer_has6 = net.wan.msg.has6 != 0;
	p->outer_via4 = net.wan.via4;
	p->outer_via6 = net.wan.via6;
}

static void
wg_make(struct plan *p)
{
	const struct wg_route *w = NULL;
	uint32_t main_mark = 0, i;

	while ((w = wg_route_next(w)) != NULL && p->n_wg < PLAN_WG_MAX) {
		if (w->mark == 0)
			continue;
		wg_add(p, w);
		if ((w->flags & AFW_W_DEFAULT) != 0)
			main_mark = w->mark;
		if (p->halves && w->impl == AFW_WG_KERNEL && !p->outer_way)
			outer_make(p);
	}
	qsort(p->wg, p->n_wg, sizeof(p->wg[0]), wg_compare);
	for (i = 0; i < p->n_wg && p->halves && main_mark != 0; i++)
		if (p->wg[i].mark == main_mark)
			p->wg_default = (int)i;
}

static void
flags_make(struct plan *p)
{
	const struct afw_m_config *c = &net.cfg;
	bool on = net.mode == NET_ON;

	p->hydra = net_hydra();
	p->managed = net_managed();
	p->selective = net_selective();
	p->halves = net_halves();
	p->guard = p->halves && net_filters();
	p->dns = net_filters() && (c->flags & AFW_C_DNS_TUNNEL) != 0 &&
	    (p->hydra || p->managed);
	p->bridge = p->selective && net.bridge;
	p->unsure = p->selective && (!net.synced || !on);
	p->blocked = !on;
	p->lan_bypass = (c->flags & AFW_C_LAN_BYPASS) != 0;
	/* blocked: a TUN that stays, without a reader, does it */
	p->ifindex = (on || p->halves) && !net.tun.down ? net.tun.ifindex : 0;
}

void
plan_make(struct plan *p)
{
	const struct afw_m_config *c = &net.cfg;

	memset(p, 0, sizeof(*p));
	p->wg_default = -1;
	if (net.mode == NET_OFF)
		return;
	flags_make(p);
	p->outer = sockets_mark();
	if (p->lan_bypass && p->guard) {
		memcpy(p->near, net.wan.near, sizeof(p->near));
		p->n_near = net.wan.n_near;
	}
	p->mark = c->fwmark;
	p->mask = c->fwmark_mask;
	p->table = c->route_table;
	p->priority = c->rule_priority;
	if (p->hydra)
		memcpy(p->tun, c->tun_ifname, sizeof(p->tun));
	memcpy(p->wan, net.guarded, sizeof(p->wan));
	if (p->managed)
		wg_make(p);
}
