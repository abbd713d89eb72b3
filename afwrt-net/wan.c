/* SPDX-License-Identifier: ISC */
/*
 * The uplink: looked at as a whole whenever something about links, addresses
 * or default routes changed. Whether it is news is the caller's to compare.
 */
#include "wan.h"

#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <string.h>

#include "link.h"

struct look {
	uint32_t ifindex; /* of the uplink, 0: to be found */
	bool (*not_this)(uint32_t ifindex);
	uint32_t best;         /* metric of the best default route so far */
	uint32_t best4, best6; /* the same of the uplink's, plus one */
	bool addr4, addr6, has4, has6;
	uint32_t sum;
	struct wan *w;
};

#define PUBLIC4_LEAST 20 /* bits; what providers give is longer */
#define PUBLIC6_LEAST 64

/* Order of a dump must not matter: sums of hashes. */
static uint32_t
hash(const void *data, size_t len, uint32_t h)
{
	const uint8_t *b = data;

	h ^= 2166136261u;
	while (len-- > 0)
		h = (h ^ *b++) * 16777619u;
	return h;
}

/* The uplink's own default of the lowest metric. */
static void
via_take(struct look *l, bool v4, uint32_t metric, const struct nlattr *gateway)
{
	struct afw_addr *via = v4 ? &l->w->via4 : &l->w->via6;
	uint32_t *best = v4 ? &l->best4 : &l->best6;
	size_t size = v4 ? 4 : 16;

	if (*best != 0 && metric + 1 >= *best)
		return;
	*best = metric + 1;
	memset(via, 0, sizeof(*via));
	if (gateway == NULL || mnl_attr_get_payload_len(gateway) != size)
		return;
	via->family = v4 ? 4 : 6;
	memcpy(via->b, mnl_attr_get_payload(gateway), size);
}

/* One way out by default, over this interface. */
static void
default_take(struct look *l, int family, uint32_t ifindex, uint32_t metric,
    const struct nlattr *gateway)
{
	if (ifindex == 0 || l->not_this(ifindex))
		return;
	if (l->best != 0 || l->ifindex == 0) {
		/* still looking for the uplink: the lowest metric is it */
		if (l->ifindex == 0 || metric + 1 < l->best) {
			l->best = metric + 1;
			l->ifindex = ifindex;
		}
		return;
	}
	if (ifindex != l->ifindex)
		return;
	if (family == AF_INET)
		l->has4 = true;
	else
		l->has6 = true;
	via_take(l, family == AF_INET, metric, gateway);
	if (gateway != NULL)
		l->sum += hash(mnl_attr_get_payload(gateway),
		    mnl_attr_get_payload_len(gateway), 2);
}

static const struct nlattr *
nexthop_gateway(const struct rtnexthop *nh)
{
	const struct nlattr *a = (const void *)RTNH_DATA(nh);
	int left = (int)nh->rtnh_len - (int)RTNH_LENGTH(0);

	for (; mnl_attr_ok(a, left);
	     left -= MNL_ALIGN(a->nla_len), a = mnl_attr_next(a))
		if (mnl_attr_get_type(a) == RTA_GATEWAY)
			return a;
	return NULL;
}

static void
multipath_take(
    struct look *l, int family, uint32_t metric, const struct nlattr *a)
{
	const struct rtnexthop *nh = mnl_attr_get_payload(a);
	int left = mnl_attr_get_payload_len(a);

	for (; RTNH_OK(nh, left);
	     left -= RTNH_ALIGN(nh->rtnh_len), nh = RTNH_NEXT(nh))
		default_take(l, family, (uint32_t)nh->rtnh_ifindex, metric,
		    nexthop_gateway(nh));
}

static void
route_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a, *gateway = NULL, *paths = NULL;
	uint32_t table = rtm->rtm_table, metric = 0, oif = 0;
	struct look *l = arg;

	if (rtm->rtm_dst_len != 0 || rtm->rtm_type != RTN_UNICAST)
		return;
	mnl_attr_for_each (a, nlh, sizeof(*rtm))
		switch (mnl_attr_get_type(a)) {
		case RTA_TABLE:
			table = mnl_attr_get_u32(a);
			break;
		case RTA_PRIORITY:
			metric = mnl_attr_get_u32(a);
			break;
		case RTA_OIF:
			oif = mnl_attr_get_u32(a);
			break;
		case RTA_GATEWAY:
			gateway = a;
			break;
		case RTA_MULTIPATH:
			paths = a;
			break;
		}
	if (table != RT_TABLE_MAIN)
		return;
	if (paths != NULL)
		multipath_take(l, rtm->rtm_family, metric, paths);
	else
		default_take(l, rtm->rtm_family, oif, metric, gateway);
}

static int
defaults_dump(struct netlink *nl, struct look *l, int family)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct rtmsg rtm = {.rtm_family = (uint8_t)family};
	struct nlmsghdr *nlh;

	nlh = netlink_msg(buf, RTM_GETROUTE, 0, &rtm, sizeof(rtm));
	mnl_attr_put_u32(nlh, RTA_TABLE, RT_TABLE_MAIN);
	if (netlink_dump(nl, nlh, route_cb, NULL, l) == 0 || errno == ENOENT ||
	    errno == EOPNOTSUPP || errno == EAFNOSUPPORT)
		return 0;
	return -1;
}

/* Addresses that nobody on the internet has (RFC 1918, 3927, 6598, 4193). */
static bool
is_private(const struct prefix *n)
{
	const uint8_t *b = n->b;

	if (n->family == 6)
		return (b[0] & 0xfe) == 0xfc && n->len >= 7;
	return (b[0] == 10 && n->len >= 8) ||
	    (b[0] == 172 && (b[1] & 0xf0) == 16 && n->len >= 12) ||
	    (b[0] == 192 && b[1] == 168 && n->len >= 16) ||
	    (b[0] == 169 && b[1] == 254 && n->len >= 16) ||
	    (b[0] == 100 && (b[1] & 0xc0) == 64 && n->len >= 10);
}

static void
near_take(struct wan *w, int family, uint8_t len, const struct nlattr *a)
{
	size_t size = family == AF_INET ? 4 : 16, i;
	struct prefix n = {.family = family == AF_INET ? 4 : 6, .len = len};

	if (mnl_attr_get_payload_len(a) != size || len > size * 8)
		return;
	memcpy(n.b, mnl_attr_get_payload(a), size);
	for (i = len; i < size * 8; i++)
		n.b[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	if (!is_private(&n) &&
	    len < (n.family == 4 ? PUBLIC4_LEAST : PUBLIC6_LEAST))
		return;
	for (i = 0; i < w->n_near; i++)
		if (memcmp(&w->near[i], &n, sizeof(n)) == 0)
			return;
	if (w->n_near < PLAN_NEAR_MAX)
		w->near[w->n_near++] = n;
}

static void
own_take(struct wan *w, int family, const struct nlattr *a)
{
	uint16_t size = family == AF_INET ? 4 : 16;
	struct afw_addr *to = &w->own[w->n_own];

	if (w->n_own == PLAN_NEAR_MAX || mnl_attr_get_payload_len(a) != size)
		return;
	to->family = family == AF_INET ? 4 : 6;
	memcpy(to->b, mnl_attr_get_payload(a), size);
	w->n_own++;
}

static void
addr_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	uint32_t flags = ifa->ifa_flags;
	const struct nlattr *a, *addr = NULL, *net = NULL;
	struct look *l = arg;

	if (ifa->ifa_index != l->ifindex || ifa->ifa_scope >= RT_SCOPE_LINK)
		return;
	mnl_attr_for_each (a, nlh, sizeof(*ifa))
		switch (mnl_attr_get_type(a)) {
		case IFA_FLAGS:
			flags = mnl_attr_get_u32(a);
			break;
		case IFA_LOCAL: /* IPv4: ours; IFA_ADDRESS is the peer's */
			addr = a;
			break;
		case IFA_ADDRESS:
			net = a;
			if (addr == NULL)
				addr = a;
			break;
		}
	if (net != NULL)
		near_take(l->w, ifa->ifa_family, ifa->ifa_prefixlen, net);
	if (addr != NULL)
		own_take(l->w, ifa->ifa_family, addr);
	/* temporary ones come and go without meaning */
	if (addr == NULL || (flags & IFA_F_TENTATIVE) != 0 ||
	    (ifa->ifa_family == AF_INET6 && (flags & IFA_F_TEMPORARY) != 0))
		return;
	if (ifa->ifa_family == AF_INET)
		l->addr4 = true;
	else
		l->addr6 = true;
	l->sum += hash(mnl_attr_get_payload(addr),
	    mnl_attr_get_payload_len(addr), 1u + ifa->ifa_prefixlen);
}

static int
addrs_dump(struct netlink *nl, struct look *l, int family)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct ifaddrmsg ifa = {
	    .ifa_family = (uint8_t)family, .ifa_index = l->ifindex};

	if (netlink_dump(nl,
		netlink_msg(buf, RTM_GETADDR, 0, &ifa, sizeof(ifa)), addr_cb,
		NULL, l) == 0 ||
	    errno == ENODEV || errno == EOPNOTSUPP || errno == EAFNOSUPPORT)
		return 0;
	return -1;
}

/* "auto": IPv4's default route, or if there is none IPv6's. */
static int
uplink_find(struct netlink *nl, struct look *l)
{
	if (defaults_dump(nl, l, AF_INET) == -1)
		return -1;
	if (l->ifindex == 0 && defaults_dump(nl, l, AF_INET6) == -1)
		return -1;
	l->best = 0;
	return 0;
}

int
wan_look(struct netlink *nl, const char *name,
    bool (*not_this)(uint32_t ifindex), struct wan *w)
{
	struct look l = {.not_this = not_this, .w = w};
	struct link_info info;
	bool automatic = strcmp(name, "auto") == 0;

	memset(w, 0, sizeof(*w));
	if (automatic && uplink_find(nl, &l) == -1)
		return -1;
	if (!automatic)
		memcpy(w->msg.ifname, name, strnlen(name, AFW_IFNAME_SIZE - 1));
	if ((automatic && l.ifindex == 0) ||
	    link_get(nl, automatic ? NULL : name, l.ifindex, &info) == -1)
		return 0; /* there is none: down */
	l.ifindex = w->ifindex = info.ifindex;
	memcpy(w->msg.ifname, info.name, sizeof(w->msg.ifname));
	if (addrs_dump(nl, &l, AF_INET) == -1 ||
	    addrs_dump(nl, &l, AF_INET6) == -1 ||
	    defaults_dump(nl, &l, AF_INET) == -1 ||
	    defaults_dump(nl, &l, AF_INET6) == -1)
		return -1;
	w->rp_filter = info.rp_filter;
	w->msg.mtu = info.mtu;
	w->msg.has4 = l.has4;
	w->msg.has6 = l.has6;
	w->msg.up = (info.flags & IFF_UP) != 0 &&
	    (info.flags & IFF_RUNNING) != 0 && (l.addr4 || l.addr6);
	w->sum = l.sum;
	return 0;
}
