/* SPDX-License-Identifier: ISC */
/*
 * Routes. Table 47 has `default dev TUN` and, of the worst metric, an
 * `unreachable default`: when the TUN goes, its route goes with it, and what
 * is marked ends there instead of in main. So has the table of each WireGuard
 * route, with that one's interface.
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
#define PLAN_MAX      (16 + 4 * PLAN_WG_MAX)
#define OURS_MAX      (2 * PLAN_MAX)

struct route {
	uint8_t family;
	uint8_t len; /* of the prefix */
	uint8_t dst[16];
	uint8_t type; /* RTN_ */
	uint8_t proto;
	struct afw_addr via; /* the gateway, family 0: none */
	bool other;          /* has something that no route of ours has */
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

static struct route *
plan_one(struct route *r, int *n, uint8_t family, uint8_t type, uint32_t table,
    uint32_t metric, uint32_t oif)
{
	struct route *x = &r[(*n)++];

	*x = (struct route){.family = family,
	    .type = type,
	    .proto = NET_RTPROT,
	    .table = table,
	    .metric = metric,
	    .oif = oif};
	/* IPv6's default metric; 0 means that there */
	if (family == AF_INET6 && metric == 0)
		x->metric = 1024;
	return x;
}

static void
plan_add(struct route *r, int *n, uint8_t len, uint8_t dst, uint8_t type,
    uint32_t table, uint32_t metric, uint32_t oif)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct route *x;
	size_t i;

	for (i = 0; i < 2; i++) {
		x = plan_one(r, n, families[i], type, table, metric, oif);
		x->len = len;
		x->dst[0] = dst;
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

static void
plan_wg(const struct plan_wg *w, struct route *r, int *n)
{
	plan_add(r, n, 0, 0, RTN_UNREACHABLE, w->table, METRIC_WORST, 0);
	if (w->ifindex == 0)
		return;
	if (w->has4)
		(void)plan_one(
		    r, n, AF_INET, RTN_UNICAST, w->table, 0, w->ifindex);
	if (w->has6)
		(void)plan_one(
		    r, n, AF_INET6, RTN_UNICAST, w->table, 0, w->ifindex);
}

/* The uplink's default once more; nothing falls through to main. */
static void
plan_outer(const struct plan *p, struct route *r, int *n)
{
	plan_add(r, n, 0, 0, RTN_UNREACHABLE, p->outer_table, METRIC_WORST, 0);
	if (p->wan_ifindex != 0 && p->outer_has4)
		plan_one(r, n, AF_INET, RTN_UNICAST, p->outer_table, 0,
		    p->wan_ifindex)
		    ->via = p->outer_via4;
	if (p->wan_ifindex != 0 && p->outer_has6)
		plan_one(r, n, AF_INET6, RTN_UNICAST, p->outer_table, 0,
		    p->wan_ifindex)
		    ->via = p->outer_via6;
}

static void
plan_halves(uint32_t oif, struct route *r, int *n)
{
	if (oif == 0)
		return;
	plan_add(r, n, 1, 0, RTN_UNICAST, RT_TABLE_MAIN, METRIC_HALVES, oif);
	plan_add(r, n, 1, 0x80, RTN_UNICAST, RT_TABLE_MAIN, METRIC_HALVES, oif);
}

/* The routes of a plan; the blocking ones first. */
static int
plan_routes(const struct plan *p, struct route *r)
{
	bool table = p->selective && p->hydra;
	uint32_t i;
	int n = 0;

	if (table)
		plan_add(
		    r, &n, 0, 0, RTN_UNREACHABLE, p->table, METRIC_WORST, 0);
	for (i = 0; i < p->n_wg; i++)
		plan_wg(&p->wg[i], r, &n);
	if (p->outer_way)
		plan_outer(p, r, &n);
	if (table && p->ifindex != 0)
		plan_add(r, &n, 0, 0, RTN_UNICAST, p->table, 0, p->ifindex);
	if (p->halves)
		plan_halves(p->wg_default != -1 ? p->wg[p->wg_default].ifindex
						: p->ifindex,
		    r, &n);
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
	    !b->other && afw_addr_equal(&a->via, &b->via) &&
	    (a->type == RTN_UNREACHABLE || a->oif == b->oif);
}

static void
via_take(struct route *r, const struct nlattr *a)
{
	size_t size = r->family == AF_INET ? 4 : 16;

	if (mnl_attr_get_payload_len(a) != size)
		return;
	r->via.family = size == 4 ? 4 : 6;
	memcpy(r->via.b, mnl_attr_get_payload(a), size);
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
			via_take(r, a);
			break;
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
	static struct found one;
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
route_change(
    struct netlink *nl, uint16_t type, uint16_t how, const struct route *r)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	bool via = r->via.family != 0;
	struct rtmsg rtm = {.rtm_family = r->family,
	    .rtm_flags = via ? RTNH_F_ONLINK : 0,
	    .rtm_dst_len = r->len,
	    .rtm_type = r->type,
	    .rtm_protocol = r->proto,
	    .rtm_scope = r->type == RTN_UNICAST && r->family == AF_INET && !via
		? RT_SCOPE_LINK
		: RT_SCOPE_UNIVERSE};
	struct nlmsghdr *nlh;

	nlh = netlink_msg(buf, type, how, &rtm, sizeof(rtm));
	mnl_attr_put_u32(nlh, RTA_TABLE, r->table);
	if (r->metric != 0)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, r->metric);
	if (r->oif != 0)
		mnl_attr_put_u32(nlh, RTA_OIF, r->oif);
	if (via)
		mnl_attr_put(
		    nlh, RTA_GATEWAY, r->via.family == 4 ? 4 : 16, r->via.b);
	if (r->len != 0)
		mnl_attr_put(
		    nlh, RTA_DST, r->family == AF_INET ? 4 : 16, r->dst);
	return netlink_talk(nl, nlh);
}

/* To the kernel they are one: a change replaces, without a moment of none. */
static bool
same_place(const struct route *a, const struct route *b)
{
	return a->family == b->family && a->len == b->len &&
	    memcmp(a->dst, b->dst, sizeof(a->dst)) == 0 &&
	    a->table == b->table && a->metric == b->metric;
}

/* 1 added, 0 not possible here and not needed, -1. */
static int
route_add(
    struct netlink *nl, const struct route *r, bool replace, struct nerr *e)
{
	if (route_change(nl, RTM_NEWROUTE,
		NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL), r) == 0)
		return 1;
	/* our own table was empty of others when we chose it */
	if (errno == EEXIST && r->table != RT_TABLE_MAIN &&
	    route_change(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r) ==
		0)
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

/*
 * Of an earlier life, and before all WireGuard routes are known: what blocks
 * stays, and while we run what leads into a tunnel as well.
 */
static bool
may_be_ours(const struct plan *p, const struct route *r)
{
	return p->managed && p->unsure &&
	    (r->type == RTN_UNREACHABLE || !p->blocked);
}

int
route_sync(struct netlink *nl, const struct plan *p, struct nerr *e)
{
	static struct route want[PLAN_MAX];
	static struct found f;
	int n, i, k, rc, changed = 0;
	bool keep[OURS_MAX] = {false};

	f.table = 0;
	f.of_others = false;
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
		for (k = 0; k < f.n; k++)
			if (!keep[k] && same_place(&want[i], &f.r[k]))
				break;
		if ((rc = route_add(nl, &want[i], k < f.n, e)) == -1)
			return -1;
		if (k < f.n)
			keep[k] = true;
		changed += rc;
	}
	for (k = 0; k < f.n; k++)
		if (!keep[k] && !may_be_ours(p, &f.r[k])) {
			if (route_change(nl, RTM_DELROUTE, 0, &f.r[k]) == -1 &&
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
	static struct found f;
	char buf[16];

	if (!p->selective || !p->hydra)
		return 0;
	f.table = p->table;
	f.of_others = true;
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
