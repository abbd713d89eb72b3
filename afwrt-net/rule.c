/* SPDX-License-Identifier: ISC */
/*
 * Policy rules, the same for both families: what is marked looks up our
 * table; before it (lan_bypass) main, without its default route, so that
 * connected networks are reached directly.
 */
#include "rule.h"

#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <string.h>

#include "lib/daemon/log.h"
#include "route.h"

#define PLAN_MAX    4
#define FOUND_MAX   256
#define NO_SUPPRESS UINT32_MAX

struct rule {
	uint8_t family;
	uint8_t action; /* FR_ACT_ */
	uint8_t proto;
	bool other; /* has a selector that no rule of ours has */
	bool invert;
	uint32_t priority, mark, mask, table, suppress;
};

struct found {
	struct rule r[FOUND_MAX];
	int n;
};

static int
plan_rules(const struct plan *p, struct rule *r)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int n = 0;
	size_t i;

	for (i = 0; i < 2 && p->selective; i++) {
		struct rule x = {.family = families[i],
		    .action = FR_ACT_TO_TBL,
		    .proto = NET_RTPROT,
		    .priority = p->priority,
		    .mark = p->mark,
		    .mask = p->mask,
		    .table = p->table,
		    .suppress = NO_SUPPRESS};

		r[n++] = x;
		if (!p->lan_bypass)
			continue;
		x.priority--;
		x.table = RT_TABLE_MAIN;
		x.suppress = 0;
		r[n++] = x;
	}
	return n;
}

static bool
rule_equal(const struct rule *a, const struct rule *b)
{
	return a->family == b->family && a->action == b->action && !a->other &&
	    !b->other && a->invert == b->invert && a->priority == b->priority &&
	    a->mark == b->mark && a->mask == b->mask && a->table == b->table &&
	    a->suppress == b->suppress;
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
	case FRA_SRC:
	case FRA_DST:
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

	if (nlh->nlmsg_type != RTM_NEWRULE || f->n == FOUND_MAX)
		return;
	r = &f->r[f->n++];
	memset(r, 0, sizeof(*r));
	r->family = h->family;
	r->action = h->action;
	r->table = h->table;
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

	f->n = 0;
}

static int
rules_find(struct netlink *nl, struct found *f)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	static const uint8_t families[] = {AF_INET, AF_INET6};
	static struct found one;
	size_t i;

	f->n = 0;
	for (i = 0; i < 2; i++) {
		struct fib_rule_hdr h = {.family = families[i]};

		one.n = 0;
		if (netlink_dump(nl,
			netlink_msg(buf, RTM_GETRULE, 0, &h, sizeof(h)),
			found_cb, found_again, &one) == -1 &&
		    errno != EAFNOSUPPORT && errno != EOPNOTSUPP)
			return -1;
		for (int k = 0; k < one.n && f->n < FOUND_MAX; k++)
			f->r[f->n++] = one.r[k];
	}
	return 0;
}

static int
rule_change(struct netlink *nl, uint16_t type, const struct rule *r)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct fib_rule_hdr h = {.family = r->family, .action = r->action};
	struct nlmsghdr *nlh;

	nlh = netlink_msg(buf, type,
	    type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0, &h, sizeof(h));
	mnl_attr_put_u32(nlh, FRA_PRIORITY, r->priority);
	mnl_attr_put_u32(nlh, FRA_FWMARK, r->mark);
	mnl_attr_put_u32(nlh, FRA_FWMASK, r->mask);
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
	struct rule want[PLAN_MAX];
	bool keep[FOUND_MAX] = {false};
	int n, i, k, rc, changed = 0;

	if (rules_find(nl, &f) == -1)
		return nerr_set(e, AFW_EIO, "rules: %s", nl->text);
	n = plan_rules(p, want);
	for (i = 0; i < n; i++) {
		for (k = 0; k < f.n; k++)
			if (!keep[k] && rule_equal(&want[i], &f.r[k]))
				break;
		if (k < f.n) {
			keep[k] = true;
			continue;
		}
		if ((rc = rule_add(nl, &want[i], e)) == -1)
			return -1;
		changed += rc;
	}
	for (k = 0; k < f.n; k++)
		if (!keep[k] && f.r[k].proto == NET_RTPROT) {
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

static const char *
conflict(const struct rule *r, const struct plan *p)
{
	if (r->priority == p->priority ||
	    (p->lan_bypass && r->priority == p->priority - 1))
		return "rule_priority";
	if (r->action == FR_ACT_TO_TBL && r->table == p->table)
		return "route_table";
	return marks_meet(r, p) ? "fwmark" : NULL;
}

int
rule_check(struct netlink *nl, const struct plan *p, bool *ours, struct nerr *e)
{
	static struct found f;
	struct rule want[PLAN_MAX];
	const char *key;
	char buf[16];
	int n, i, k;

	*ours = false;
	if (!p->selective)
		return 0;
	if (p->lan_bypass && p->priority < 2)
		return nerr_set(e, AFW_EINVAL,
		    "rule_priority %u leaves no "
		    "room for the rule of lan_bypass before it",
		    p->priority);
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
