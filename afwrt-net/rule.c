/* SPDX-License-Identifier: ISC */
/*
 * Policy rules, the same for both families: what is marked looks up our
 * table; before it (lan_bypass) main, without its default route, so that
 * connected networks are reached directly. Each WireGuard route has the same
 * with its own mark and table, and one more before them: its DNS server is
 * behind its interface, whatever network of the LAN has that address.
 *
 * With default_gateway and sockets that cannot be bound (wg_kernel.h) their
 * packets go before all of these: by main without the halves, or else by the
 * copy of the uplink's default.
 */
#include "rule.h"

#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"
#include "route.h"

#define PLAN_MAX (16 + 6 * PLAN_WG_MAX)
/* how far before rule_priority */
#define AT_LAN        1
#define AT_DNS        2
#define AT_OUTER      3
#define AT_OUTER_NEAR 4
#define NO_SUPPRESS   UINT32_MAX

struct rule {
	uint8_t family;
	uint8_t action; /* FR_ACT_ */
	uint8_t proto;
	uint8_t dst_len; /* as it was read */
	bool other;      /* has a selector that no rule of ours has */
	bool invert;
	bool keep; /* scratch of rule_sync */
	uint32_t priority, mark, mask, table, suppress;
	struct afw_addr dst; /* this one only, family 0: all */
};

/* All there are: others may have very many. */
struct found {
	struct rule *r;
	int n, size;
	int first; /* of the family that is being dumped */
};

static struct rule *
plan_add(const struct plan *p, struct rule *r, int *n, uint8_t family,
    uint32_t before, uint32_t mark)
{
	struct rule *x = &r[(*n)++];

	*x = (struct rule){.family = family,
	    .action = FR_ACT_TO_TBL,
	    .proto = NET_RTPROT,
	    .priority = p->priority - before,
	    .mark = mark,
	    .mask = p->mask,
	    .suppress = NO_SUPPRESS};
	return x;
}

/* table 0: there is nothing behind that mark */
static void
plan_mark(const struct plan *p, struct rule *r, int *n, uint8_t family,
    uint32_t mark, uint32_t table)
{
	struct rule *x = plan_add(p, r, n, family, 0, mark);

	x->table = table;
	if (table == 0)
		x->action = FR_ACT_UNREACHABLE;
	if (!p->lan_bypass)
		return;
	x = plan_add(p, r, n, family, AT_LAN, mark);
	x->table = RT_TABLE_MAIN;
	/* the halves are nobody's network either */
	x->suppress = p->halves ? 1 : 0;
}

static void
plan_wg(const struct plan *p, const struct plan_wg *w, struct rule *r, int *n,
    uint8_t family)
{
	const struct afw_addr *dns = family == AF_INET ? &w->dns4 : &w->dns6;
	struct rule *x;

	plan_mark(p, r, n, family, w->mark, w->table);
	if (!p->dns || !p->lan_bypass || dns->family == 0)
		return;
	x = plan_add(p, r, n, family, AT_DNS, w->mark);
	x->table = w->table;
	x->dst = *dns;
}

static void
plan_outer(const struct plan *p, struct rule *r, int *n, uint8_t family)
{
	struct rule *x = plan_add(p, r, n, family, AT_OUTER, p->outer);

	x->mask = UINT32_MAX; /* it is nothing but that */
	x->table = p->outer_table;
	x = plan_add(p, r, n, family, AT_OUTER_NEAR, p->outer);
	x->mask = UINT32_MAX;
	x->table = RT_TABLE_MAIN;
	x->suppress = 1;
}

static int
plan_rules(const struct plan *p, struct rule *r)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	uint32_t k;
	int n = 0;
	size_t i;

	for (i = 0; i < 2 && p->selective; i++) {
		plan_mark(
		    p, r, &n, families[i], p->mark, p->hydra ? p->table : 0);
		for (k = 0; k < p->n_wg; k++)
			plan_wg(p, &p->wg[k], r, &n, families[i]);
		if (p->outer_way)
			plan_outer(p, r, &n, families[i]);
	}
	return n;
}

static bool
rule_equal(const struct rule *a, const struct rule *b)
{
	return a->family == b->family && a->action == b->action && !a->other &&
	    !b->other && a->invert == b->invert && a->priority == b->priority &&
	    a->mark == b->mark && a->mask == b->mask && a->table == b->table &&
	    a->suppress == b->suppress && afw_addr_equal(&a->dst, &b->dst);
}

/* One address; a network is no rule of ours. */
static void
dst_take(const struct nlattr *a, struct rule *r)
{
	size_t size = r->family == AF_INET ? 4 : 16;

	if (r->dst_len != size * 8 || mnl_attr_get_payload_len(a) != size) {
		r->other = true;
		return;
	}
	r->dst.family = size == 4 ? 4 : 6;
	memcpy(r->dst.b, mnl_attr_get_payload(a), size);
}

static void
attr_take(const struct nlattr *a, struct rule *r)
{
	switch (mnl_attr_get_type(a)) {
	case FRA_PRIORITY:
		r->priority = mnl_attr_get_u32(a);
		break;
	case FRA_FWMARK:
		r->mark = mnl_attr_get_u32(a);
		break;
	case FRA_FWMASK:
		r->mask = mnl_attr_get_u32(a);
		break;
	case FRA_TABLE:
		r->table = mnl_attr_get_u32(a);
		break;
	case FRA_SUPPRESS_PREFIXLEN:
		r->suppress = mnl_attr_get_u32(a);
		break;
	case FRA_PROTOCOL:
		r->proto = mnl_attr_get_u8(a);
		break;
	case FRA_DST:
		dst_take(a, r);
		break;
	case FRA_SRC:
	case FRA_IIFNAME:
	case FRA_OIFNAME:
	case FRA_FLOW:
	case FRA_TUN_ID:
	case FRA_UID_RANGE:
	case FRA_L3MDEV:
	case FRA_IP_PROTO:
	case FRA_SPORT_RANGE:
	case FRA_DPORT_RANGE:
	case FRA_GOTO:
		r->other = true;
		break;
	}
}

static void
found_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct fib_rule_hdr *h = mnl_nlmsg_get_payload(nlh);
	struct found *f = arg;
	const struct nlattr *a;
	struct rule *r;

	if (nlh->nlmsg_type != RTM_NEWRULE)
		return;
	if (f->n == f->size) {
		f->size = f->size * 2 + 64;
		f->r = realloc(f->r, (size_t)f->size * sizeof(*f->r));
		if (f->r == NULL)
			fatal("rules: out of memory");
	}
	r = &f->r[f->n++];
	memset(r, 0, sizeof(*r));
	r->family = h->family;
	r->action = h->action;
	r->table = h->table;
	r->dst_len = h->dst_len;
	r->other = h->tos != 0;
	r->invert = (h->flags & FIB_RULE_INVERT) != 0;
	r->suppress = NO_SUPPRESS;
	mnl_attr_for_each (a, nlh, sizeof(*h))
		attr_take(a, r);
}

static void
found_again(void *arg)
{
	struct found *f = arg;

	f->n = f->first;
}

static int
rules_find(struct netlink *nl, struct found *f)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	static const uint8_t families[] = {AF_INET, AF_INET6};
	size_t i;

	f->n = 0;
	for (i = 0; i < 2; i++) {
		struct fib_rule_hdr h = {.family = families[i]};

		f->first = f->n;
		if (netlink_dump(nl,
			netlink_msg(buf, RTM_GETRULE, 0, &h, sizeof(h)),
			found_cb, found_again, f) == -1 &&
		    errno != EAFNOSUPPORT && errno != EOPNOTSUPP)
			return -1;
	}
	return 0;
}

static int
rule_change(struct netlink *nl, uint16_t type, const struct rule *r)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct fib_rule_hdr h = {.family = r->family,
	    .action = r->action,
	    .dst_len = r->dst.family == 0 ? 0
		: r->dst.family == 4      ? 32
					  : 128};
	struct nlmsghdr *nlh;

	nlh = netlink_msg(buf, type,
	    type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0, &h, sizeof(h));
	mnl_attr_put_u32(nlh, FRA_PRIORITY, r->priority);
	mnl_attr_put_u32(nlh, FRA_FWMARK, r->mark);
	mnl_attr_put_u32(nlh, FRA_FWMASK, r->mask);
	if (r->dst.family != 0)
		mnl_attr_put(
		    nlh, FRA_DST, r->dst.family == 4 ? 4 : 16, r->dst.b);
	mnl_attr_put_u32(nlh, FRA_TABLE, r->table);
	if (r->suppress != NO_SUPPRESS)
		mnl_attr_put_u32(nlh, FRA_SUPPRESS_PREFIXLEN, r->suppress);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, r->proto);
	return netlink_talk(nl, nlh);
}

/* 1 added, 0 no IPv6 here, -1. */
static int
rule_add(struct netlink *nl, const struct rule *r, struct nerr *e)
{
	if (rule_change(nl, RTM_NEWRULE, r) == 0)
		return 1;
	if (errno == EAFNOSUPPORT || errno == EOPNOTSUPP)
		return 0;
	return nerr_set(e, afw_error_from_errno(errno), "rule %u: %s",
	    r->priority, nl->text);
}

int
rule_sync(struct netlink *nl, const struct plan *p, struct nerr *e)
{
	static struct found f;
	static struct rule want[PLAN_MAX];
	int n, i, k, rc, changed = 0;

	if (rules_find(nl, &f) == -1)
		return nerr_set(e, AFW_EIO, "rules: %s", nl->text);
	n = plan_rules(p, want);
	for (i = 0; i < n; i++) {
		for (k = 0; k < f.n; k++)
			if (!f.r[k].keep && rule_equal(&want[i], &f.r[k]))
				break;
		if (k < f.n) {
			f.r[k].keep = true;
			continue;
		}
		if ((rc = rule_add(nl, &want[i], e)) == -1)
			return -1;
		changed += rc;
	}
	for (k = 0; k < f.n; k++)
		/* before all WireGuard routes are known: maybe theirs */
		if (!f.r[k].keep && f.r[k].proto == NET_RTPROT &&
		    !(p->managed && p->unsure)) {
			if (rule_change(nl, RTM_DELRULE, &f.r[k]) == -1 &&
			    errno != ENOENT)
				return nerr_set(e, AFW_EIO,
				    "rule %u not "
				    "removed: %s",
				    f.r[k].priority, nl->text);
			changed++;
		}
	return changed;
}

/* Could one packet carry both marks? */
static bool
marks_meet(const struct rule *r, const struct plan *p)
{
	return r->mask != 0 && !r->invert &&
	    ((r->mark ^ p->mark) & r->mask & p->mask) == 0;
}

/* How many priorities before rule_priority are ours, at most. */
static uint32_t
room_before(const struct plan *p)
{
	if (p->managed && p->halves)
		return AT_OUTER_NEAR;
	if (!p->lan_bypass)
		return 0;
	return p->managed && p->dns ? AT_DNS : AT_LAN;
}

static const char *
conflict(const struct rule *r, const struct plan *p)
{
	if (r->priority <= p->priority &&
	    r->priority >= p->priority - room_before(p))
		return "rule_priority";
	if (p->hydra && r->action == FR_ACT_TO_TBL && r->table == p->table)
		return "route_table";
	return marks_meet(r, p) ? "fwmark" : NULL;
}

int
rule_check(struct netlink *nl, const struct plan *p, bool *ours, struct nerr *e)
{
	static struct found f;
	static struct rule want[PLAN_MAX];
	const char *key;
	char buf[16];
	int n, i, k;

	*ours = false;
	if (!p->selective)
		return 0;
	if (room_before(p) != 0 && p->priority <= room_before(p))
		return nerr_set(e, AFW_EINVAL,
		    "rule_priority %u leaves no room for the rules before it, "
		    "as that of lan_bypass: there may be %u",
		    p->priority, room_before(p));
	if (rules_find(nl, &f) == -1)
		return nerr_set(e, AFW_EIO, "rules: %s", nl->text);
	n = plan_rules(p, want);
	for (k = 0; k < f.n; k++) {
		const struct rule *r = &f.r[k];

		if (r->proto == NET_RTPROT)
			*ours = true;
		if (r->proto == NET_RTPROT || (key = conflict(r, p)) == NULL)
			continue;
		for (i = 0; i < n && !rule_equal(&want[i], r); i++)
			;
		if (i == n)
			return nerr_set(e, AFW_ECONFLICT,
			    "%s is taken: "
			    "\"%u: fwmark 0x%x/0x%x lookup %u\" of \"%s\"; "
			    "choose another %s",
			    key, r->priority, r->mark, r->mask, r->table,
			    route_proto_name(r->proto, buf), key);
	}
	return 0;
}

/* 1: none of others' rules has to do with p's mark or (mask 0) table. */
static int
numbers_free(struct netlink *nl, const struct plan *p, struct nerr *e)
{
	static struct found f;
	int k;

	if (rules_find(nl, &f) == -1)
		return nerr_set(e, AFW_EIO, "rules: %s", nl->text);
	for (k = 0; k < f.n; k++) {
		const struct rule *r = &f.r[k];

		if (r->proto == NET_RTPROT)
			continue;
		if (p->mask != 0
			? marks_meet(r, p)
			: r->action == FR_ACT_TO_TBL && r->table == p->table)
			return 0;
	}
	return 1;
}

int
rule_mark_free(struct netlink *nl, uint32_t mark, uint32_t mask, struct nerr *e)
{
	const struct plan p = {.mark = mark, .mask = mask};

	return numbers_free(nl, &p, e);
}

int
rule_table_free(struct netlink *nl, uint32_t table, struct nerr *e)
{
	const struct plan p = {.table = table};

	return numbers_free(nl, &p, e);
}
