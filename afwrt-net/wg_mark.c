/* SPDX-License-Identifier: ISC */
/*
 * The numbers of WireGuard routes in managed routing. `fwmark` and
 * `route_table` themselves belong to the suite's own TUN, and to devices whose
 * route is not known: the numbers are counted up from there, past those of
 * other programs.
 */
#include "wg_mark.h"

#include <linux/rtnetlink.h>

#include "lib/daemon/log.h"
#include "route.h"
#include "rule.h"
#include "state.h"
#include "wg_iface.h"

#define MARKS_TRIED  4096
#define TABLES_TRIED 1024

uint32_t
wg_mark_next(uint32_t v, uint32_t mask)
{
	/* the carry runs through the bits that are not of the mask */
	return ((v | ~mask) + (mask & -mask)) & mask;
}

bool
wg_mark_fits(uint32_t v, uint32_t fwmark, uint32_t mask, uint32_t outer)
{
	return v != 0 && ((v ^ fwmark) & mask) != 0 && (v & outer) == 0;
}

static bool
mark_taken(uint32_t mark)
{
	const struct wg_route *w = NULL;

	while ((w = wg_route_next(w)) != NULL && w->mark != mark)
		;
	return w != NULL;
}

static bool
table_taken(uint32_t table)
{
	const struct wg_route *w = NULL;

	while ((w = wg_route_next(w)) != NULL && w->table != table)
		;
	return w != NULL;
}

static int
mark_find(uint32_t *mark, struct nerr *e)
{
	uint32_t mask = net.cfg.fwmark_mask, first = net.cfg.fwmark & mask;
	uint32_t v = first;
	int tried, rc;

	for (tried = 0; tried < MARKS_TRIED; tried++) {
		v = wg_mark_next(v, mask);
		if (v == first)
			break;
		if (!wg_mark_fits(v, first, mask, sockets_mark()) ||
		    mark_taken(v))
			continue;
		if ((rc = rule_mark_free(&net.rt, v, mask, e)) == -1)
			return -1;
		*mark = v;
		if (rc == 1)
			return 0;
	}
	return nerr_set(e, AFW_ENOSPC,
	    "fwmark_mask 0x%x has no free mark for another WireGuard location",
	    mask);
}

/* 1 yes, 0 no, -1. */
static int
table_free(uint32_t t, struct nerr *e)
{
	int rc;

	if (t == RT_TABLE_UNSPEC ||
	    (t >= RT_TABLE_DEFAULT && t <= RT_TABLE_LOCAL) || table_taken(t))
		return 0;
	if ((rc = route_table_free(&net.rt, t, e)) == 1)
		rc = rule_table_free(&net.rt, t, e);
	return rc;
}

static int
table_find(uint32_t *table, struct nerr *e)
{
	uint32_t t = net.cfg.route_table;
	int tried, rc;

	for (tried = 0; tried < TABLES_TRIED; tried++) {
		if ((rc = table_free(++t, e)) == -1)
			return -1;
		*table = t;
		if (rc == 1)
			return 0;
	}
	return nerr_set(e, AFW_ENOSPC,
	    "route_table %u has no free table behind it for another WireGuard "
	    "location",
	    net.cfg.route_table);
}

int
wg_mark_give(struct wg_route *w, struct nerr *e)
{
	uint32_t mark = 0, table = 0;

	if (!net_managed()) {
		w->mark = w->table = 0;
		return 0;
	}
	if (w->mark != 0)
		return 0;
	if (mark_find(&mark, e) == -1 || table_find(&table, e) == -1)
		return -1;
	w->mark = mark;
	w->table = table;
	return 0;
}

void
wg_mark_renew(const struct afw_m_config *was)
{
	const uint32_t flags = AFW_C_WG_MANAGED | AFW_C_NO_IPTABLES;
	struct wg_iface *i = NULL;
	struct nerr e;

	if (was->fwmark == net.cfg.fwmark &&
	    was->fwmark_mask == net.cfg.fwmark_mask &&
	    was->route_table == net.cfg.route_table &&
	    (was->flags & flags) == (net.cfg.flags & flags))
		return;
	while ((i = wg_route_each(i)) != NULL)
		i->w.mark = i->w.table = 0;
	while ((i = wg_route_each(i)) != NULL)
		if (wg_mark_give(&i->w, &e) == -1)
			log_err("interface %s: %s", i->w.ifname, e.text);
}
