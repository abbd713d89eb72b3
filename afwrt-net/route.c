/* SPDX-License-Identifier: ISC */
/*
 * Routes. Table 47 has `default dev TUN` and, of the worst metric, an
 * `unreachable default`: when the TUN goes, its route goes with it, and what
 * is marked ends there instead of in main.
 */
#include "route.h"

#include <sys/socket.h>

#include <linux/rtnetlink.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/daemon/log.h"

#define METRIC_WORST  UINT32_MAX
#define METRIC_HALVES 1000 /* router-sdk.txt */
#define PLAN_MAX      8
#define OURS_MAX      64

struct route {
	uint8_t family;
	uint8_t len; /* of the prefix */
	uint8_t dst[16];
	uint8_t type; /* RTN_ */
	uint8_t proto;
	bool other; /* has something that no route of ours has */
	uint32_t table, metric, oif;
};

struct found {
	struct route r[OURS_MAX];
	int n;
	uint32_t table; /* look at this one only, 0 all */
	bool of_others; /* collect those that are not ours */
};

const char *
route_proto_name(unsigned int proto, char buf[16])
{
	static const struct {
		unsigned int proto;
		const char *name;
	} names[] = {{RTPROT_UNSPEC, "unspec"}, {RTPROT_KERNEL, "kernel"},
	    {RTPROT_BOOT, "boot"}, {RTPROT_STATIC, "static"}, {RTPROT_RA, "ra"},
	    {RTPROT_ZEBRA, "zebra"}, {RTPROT_BIRD, "bird"},
	    {RTPROT_DHCP, "dhcp"}, {18 /* keepalived */, "keepalived"},
	    {RTPROT_BABEL, "babel"}, {RTPROT_BGP, "bgp"}, {RTPROT_OSPF, "ospf"},
	    {NET_RTPROT, "afwrt"}};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].proto == proto)
			return names[i].name;
	(void)snprintf(buf, 16, "%u", proto);
	return buf;
}

static void
plan_add(struct route *r, int *n, uint8_t len, uint8_t dst, uint8_t type,
    uint32_t table, uint32_t metric, uint32_t oif)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	size_t i;

	for (i = 0; i < 2; i++) {
		r[*n] = (struct route){.family = families[i],
		    .len = len,
		    .dst = {dst},
		    .type = type,
		    .proto = NET_RTPROT,
		    .table = table,
		    .metric = metric,
		    .oif = oif};
		/* IPv6's default metric; 0 means that there */
		if (families[i] == AF_INET6 && metric == 0)
			r[*n].metric = 1024;
		(*n)++;
	}
}

/*
 * Of the most specific kind, in main, which lan_bypass asks first: no network
 * of others can lie over these addresses.
 */
static void
plan_dns(struct route *r, int *n, uint32_t oif)
{
	static const uint8_t dns4[16] = {AFW_DNS4}, dns6[16] = {AFW_DNS6};

	plan_add(r, n, 32, 0, RTN_UNICAST, RT_TABLE_MAIN, 0, oif);
	memcpy(r[*n - 2].dst, dns4, sizeof(dns4));
	memcpy(r[*n - 1].dst, dns6, sizeof(dns6));
	r[*n - 1].len = 128;
}

/* The routes of a plan; the blocking ones first. */
static int
plan_routes(const struct plan *p, struct route *r)
{
	int n = 0;

	if (p->selective)
		plan_add(
		    r, &n, 0, 0, RTN_UNREACHABLE, p->table, METRIC_WORST, 0);
	if (p->selective && p->ifindex != 0)
		plan_add(r, &n, 0, 0, RTN_UNICAST, p->table, 0, p->ifindex);
	if (p->halves && p->ifindex != 0) {
		plan_add(r, &n, 1, 0, RTN_UNICAST, RT_TABLE_MAIN, METRIC_HALVES,
		    p->ifindex);
		plan_add(r, &n, 1, 0x80, RTN_UNICAST, RT_TABLE_MAIN,
		    METRIC_HALVES, p->ifindex);
	}
	if (p->dns && p->ifindex != 0)
		plan_dns(r, &n, p->ifindex);
	return n;
}

static bool
route_equal(const struct route *a, const struct route *b)
{
	/* an unreachable IPv6 route has lo as its device */
	return a->family == b->family && a->len == b->len &&
	    memcmp(a->dst, b->dst, sizeof(a->dst)) == 0 && a->type == b->type &&
	    a->table == b->table && a->metric == b->metric && !a->other &&
	    !b->other && (a->type == RTN_UNREACHABLE || a->oif == b->oif);
}

static void
route_parse(const struct nlmsghdr *nlh, struct route *r)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a;
	uint32_t len;

	memset(r, 0, sizeof(*r));
	r->family = rtm->rtm_family;
	r->len = rtm->rtm_dst_len;
	r->type = rtm->rtm_type;
	r->proto = rtm->rtm_protocol;
	r->table = rtm->rtm_table;
	r->other = rtm->rtm_src_len != 0 || rtm->rtm_tos != 0;
	mnl_attr_for_each (a, nlh, sizeof(*rtm))
		switch (mnl_attr_get_type(a)) {
		case RTA_TABLE:
			r->table = mnl_attr_get_u32(a);
			break;
		case RTA_PRIORITY:
			r->metric = mnl_attr_get_u32(a);
			break;
		case RTA_OIF:
			r->oif = mnl_attr_get_u32(a);
			break;
		case RTA_DST:
			len = mnl_attr_get_payload_len(a);
			memcpy(r->dst, mnl_attr_get_payload(a),
			    len < sizeof(r->dst) ? len : sizeof(r->dst));
			break;
		case RTA_GATEWAY:
		case RTA_MULTIPATH:
		case RTA_NH_ID:
		case RTA_PREFSRC:
			r->other = true;
			break;
		}
}

static void
found_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct found *f = arg;
	struct route r;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return;
	route_parse(nlh, &r);
	if ((f->table != 0 && r.table != f->table) ||
	    (r.proto == NET_RTPROT) == f->of_others || f->n == OURS_MAX)
		return;
	f->r[f->n++] = r;
}

static void
found_again(void *arg)
{
	struct found *f = arg;

	f->n = 0;
}

/* Both families; the kernel filters where it can. */
static int
routes_find(struct netlink *nl, struct found *f)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct found one;
	struct nlmsghdr *nlh;
	size_t i;

	f->n = 0;
	for (i = 0; i < 2; i++) {
		struct rtmsg rtm = {.rtm_family = families[i]};

		if (!f->of_others)
			rtm.rtm_protocol = NET_RTPROT;
		one = *f;
		one.n = 0;
		nlh = netlink_msg(buf, RTM_GETROUTE, 0, &rtm, sizeof(rtm));
		if (f->table != 0)
			mnl_attr_put_u32(nlh, RTA_TABLE, f->table);
		/* ENOENT: there is no such table */
		if (netlink_dump(nl, nlh, found_cb, found_again, &one) == -1 &&
		    errno != ENOENT && errno != EOPNOTSUPP &&
		    errno != EAFNOSUPPORT)
			return -1;
		for (int k = 0; k < one.n && f->n < OURS_MAX; k++)
			f->r[f->n++] = one.r[k];
	}
	return 0;
}

static int
route_change(struct netlink *nl, uint16_t type, const struct route *r)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct rtmsg rtm = {.rtm_family = r->family,
	    .rtm_dst_len = r->len,
	    .rtm_type = r->type,
	    .rtm_protocol = r->proto,
	    .rtm_scope = r->type == RTN_UNICAST && r->family == AF_INET
		? RT_SCOPE_LINK
		: RT_SCOPE_UNIVERSE};
	struct nlmsghdr *nlh;

	nlh = netlink_msg(buf, type,
	    type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_EXCL : 0, &rtm,
	    sizeof(rtm));
	mnl_attr_put_u32(nlh, RTA_TABLE, r->table);
	if (r->metric != 0)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, r->metric);
	if (r->oif != 0)
		mnl_attr_put_u32(nlh, RTA_OIF, r->oif);
	if (r->len != 0)
		mnl_attr_put(
		    nlh, RTA_DST, r->family == AF_INET ? 4 : 16, r->dst);
	return netlink_talk(nl, nlh);
}

/* 1 added, 0 not possible here and not needed, -1. */
static int
route_add(struct netlink *nl, const struct route *r, struct nerr *e)
{
	if (route_change(nl, RTM_NEWROUTE, r) == 0)
		return 1;
	/* IPv6 absent from the kernel or switched off on the TUN */
	if (r->family == AF_INET6 &&
	    (errno == EAFNOSUPPORT || errno == EOPNOTSUPP || errno == EACCES ||
		errno == ENODEV)) {
		log_debug(
		    "route: no IPv6 route in table %u: %s", r->table, nl->text);
		return 0;
	}
	return nerr_set(e,
	    errno == EEXIST ? AFW_ECONFLICT : afw_error_from_errno(errno),
	    "table %u: %s route%s: %s", r->table,
	    r->family == AF_INET ? "IPv4" : "IPv6",
	    r->type == RTN_UNREACHABLE ? " (unreachable)" : "", nl->text);
}

int
route_sync(struct netlink *nl, const struct plan *p, struct nerr *e)
{
	struct route want[PLAN_MAX];
	struct found f = {.n = 0};
	int n, i, k, rc, changed = 0;
	bool keep[OURS_MAX] = {false};

	if (routes_find(nl, &f) == -1)
		return nerr_set(e, AFW_EIO, "routes: %s", nl->text);
	n = plan_routes(p, want);
	for (i = 0; i < n; i++) {
		for (k = 0; k < f.n; k++)
			if (route_equal(&want[i], &f.r[k]))
				break;
		if (k < f.n) {
			keep[k] = true;
			continue;
		}
		if ((rc = route_add(nl, &want[i], e)) == -1)
			return -1;
		changed += rc;
	}
	for (k = 0; k < f.n; k++)
		if (!keep[k]) {
			if (route_change(nl, RTM_DELROUTE, &f.r[k]) == -1 &&
			    errno != ESRCH)
				return nerr_set(e, AFW_EIO,
				    "table %u: route "
				    "not removed: %s",
				    f.r[k].table, nl->text);
			changed++;
		}
	return changed;
}

int
route_table_free(struct netlink *nl, uint32_t table, struct nerr *e)
{
	struct found f = {.table = table, .of_others = true};

	if (routes_find(nl, &f) == -1)
		return nerr_set(e, AFW_EIO, "table %u: %s", table, nl->text);
	return f.n == 0;
}

int
route_check(struct netlink *nl, const struct plan *p, struct nerr *e)
{
	struct found f = {.table = p->table, .of_others = true};
	char buf[16];

	if (!p->selective)
		return 0;
	if (routes_find(nl, &f) == -1)
		return nerr_set(e, AFW_EIO, "table %u: %s", p->table, nl->text);
	if (f.n == 0)
		return 0;
	return nerr_set(e, AFW_ECONFLICT,
	    "routing table %u is not empty: it "
	    "has an %s route to a prefix of length %u, made by \"%s\"; set "
	    "route_table to a free one",
	    p->table, f.r[0].family == AF_INET ? "IPv4" : "IPv6", f.r[0].len,
	    route_proto_name(f.r[0].proto, buf));
}
