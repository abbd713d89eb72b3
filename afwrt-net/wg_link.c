/* SPDX-License-Identifier: ISC */
/*
 * A link of kind "wireguard" over rtnetlink. An alias on it says that it is
 * ours: a link of the user's that happens to have the name is never touched,
 * and one that an earlier life of this process left is found again.
 */
#include "wg_link.h"

#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"

#define KIND        "wireguard"
#define MTU_DEFAULT 1420
#define ADDRS_SEEN  64 /* more are left alone */

static int
failed(struct netlink *rt, const char *name, const char *what, struct nerr *e)
{
	return nerr_set(e, afw_error_from_errno(errno), "interface %s: %s: %s",
	    name, what, rt->text);
}

static struct nlmsghdr *
link_msg(void *buf, uint16_t type, uint16_t flags, uint32_t ifindex)
{
	struct ifinfomsg ifi = {.ifi_index = (int)ifindex};

	return netlink_msg(buf, type, flags, &ifi, sizeof(ifi));
}

static void
alias_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *a;
	bool *ours = arg;

	mnl_attr_for_each (a, nlh, sizeof(struct ifinfomsg))
		if (mnl_attr_get_type(a) == IFLA_IFALIAS &&
		    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
			*ours = strcmp(mnl_attr_get_str(a), WG_LINK_ALIAS) == 0;
}

int
wg_link_find(struct netlink *rt, const char *name, struct link_info *info,
    struct nerr *e)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	bool ours = false;

	if (link_get(rt, name, 0, info) == -1 ||
	    netlink_get(rt, link_msg(buf, RTM_GETLINK, 0, info->ifindex),
		alias_cb, &ours) == -1) {
		if (errno == ENODEV)
			return nerr_set(
			    e, AFW_ENOENT, "interface %s: there is none", name);
		return failed(rt, name, "state", e);
	}
	if (strcmp(info->kind, KIND) != 0)
		return nerr_set(e, AFW_EBUSY,
		    "interface %s exists already and is not a WireGuard one; "
		    "choose another name",
		    name);
	if (!ours)
		return nerr_set(e, AFW_EBUSY,
		    "interface %s exists already and was made by another "
		    "program; choose another name",
		    name);
	return 0;
}

static int
alias_set(struct netlink *rt, uint32_t ifindex)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct nlmsghdr *nlh = link_msg(buf, RTM_NEWLINK, 0, ifindex);

	mnl_attr_put_strz(nlh, IFLA_IFALIAS, WG_LINK_ALIAS);
	return netlink_talk(rt, nlh);
}

static int
link_new(struct netlink *rt, const char *name)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct nlmsghdr *nlh;
	struct nlattr *info;

	nlh = link_msg(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, KIND);
	mnl_attr_nest_end(nlh, info);
	return netlink_talk(rt, nlh);
}

int
wg_link_make(struct netlink *rt, const char *name, struct link_info *info,
    struct nerr *e)
{
	struct nerr ignored;

	if (link_new(rt, name) == -1) {
		if (errno == EEXIST)
			return wg_link_find(rt, name, info, e);
		if (errno == EOPNOTSUPP)
			return nerr_set(e, AFW_ENOTSUP,
			    "interface %s: the kernel has no WireGuard", name);
		return failed(rt, name, "cannot be made", e);
	}
	if (link_get(rt, name, 0, info) == -1)
		return failed(rt, name, "state", e);
	if (alias_set(rt, info->ifindex) == -1) {
		(void)failed(rt, name, "alias", e);
		(void)wg_link_delete(rt, info, &ignored);
		return -1;
	}
	return 1;
}

/* ---- addresses --------------------------------------------------------- */

struct seen {
	uint32_t ifindex;
	size_t n;
	struct wg_kernel_net net[ADDRS_SEEN];
};

static bool
net_equal(const struct wg_kernel_net *a, const struct wg_kernel_net *b)
{
	return a->prefix == b->prefix && afw_addr_equal(&a->addr, &b->addr);
}

static void
addr_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	size_t len = ifa->ifa_family == AF_INET ? 4 : 16;
	struct seen *s = arg;
	struct wg_kernel_net net = {.prefix = ifa->ifa_prefixlen};
	const struct nlattr *a, *is = NULL;

	if (ifa->ifa_index != s->ifindex || s->n == ADDRS_SEEN ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6) ||
	    (ifa->ifa_family == AF_INET6 && ifa->ifa_scope == RT_SCOPE_LINK))
		return;
	mnl_attr_for_each (a, nlh, sizeof(*ifa))
		if (mnl_attr_get_type(a) == IFA_LOCAL ||
		    (mnl_attr_get_type(a) == IFA_ADDRESS && is == NULL))
			is = a;
	if (is == NULL || mnl_attr_get_payload_len(is) != len)
		return;
	net.addr.family = ifa->ifa_family == AF_INET ? 4 : 6;
	memcpy(net.addr.b, mnl_attr_get_payload(is), len);
	s->net[s->n++] = net;
}

static void
addr_again(void *arg)
{
	struct seen *s = arg;

	s->n = 0;
}

static int
addr_change(struct netlink *rt, uint16_t type, uint16_t flags, uint32_t ifindex,
    const struct wg_kernel_net *net)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	bool six = net->addr.family == 6;
	struct ifaddrmsg ifa = {.ifa_family = six ? AF_INET6 : AF_INET,
	    .ifa_prefixlen = net->prefix,
	    .ifa_flags = six && type == RTM_NEWADDR ? IFA_F_NODAD : 0,
	    .ifa_index = ifindex};
	struct nlmsghdr *nlh = netlink_msg(buf, type, flags, &ifa, sizeof(ifa));

	mnl_attr_put(nlh, IFA_LOCAL, six ? 16 : 4, net->addr.b);
	mnl_attr_put(nlh, IFA_ADDRESS, six ? 16 : 4, net->addr.b);
	return netlink_talk(rt, nlh);
}

static bool
addr_wanted(const struct wg_kernel_conf *c, const struct wg_kernel_net *net)
{
	uint32_t i;

	for (i = 0; i < c->addrs; i++)
		if (net_equal(&c->addr[i], net))
			return true;
	return false;
}

/* What is not in c goes first: it could be in the way of what is. */
static int
addrs_prune(struct netlink *rt, uint32_t ifindex,
    const struct wg_kernel_conf *c, struct nerr *e)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct ifaddrmsg ifa = {.ifa_index = ifindex};
	struct seen *s = calloc(1, sizeof(*s));
	size_t i;
	int rc = 0;

	if (s == NULL)
		return nerr_set(
		    e, AFW_ENOMEM, "interface %s: out of memory", c->ifname);
	s->ifindex = ifindex;
	if (netlink_dump(rt,
		netlink_msg(buf, RTM_GETADDR, 0, &ifa, sizeof(ifa)), addr_cb,
		addr_again, s) == -1)
		rc = failed(rt, c->ifname, "addresses", e);
	for (i = 0; rc == 0 && i < s->n; i++) {
		if (addr_wanted(c, &s->net[i]))
			continue;
		/* a secondary one may have gone with its primary */
		if (addr_change(rt, RTM_DELADDR, 0, ifindex, &s->net[i]) ==
			-1 &&
		    errno != EADDRNOTAVAIL)
			rc = failed(rt, c->ifname, "old address", e);
	}
	free(s);
	return rc;
}

/* IPv6 that is not in the kernel, or switched off on this router. */
static bool
no_ipv6(const struct wg_kernel_net *net, int err)
{
	return net->addr.family == 6 &&
	    (err == EOPNOTSUPP || err == EAFNOSUPPORT || err == EACCES);
}

static int
addr_add(struct netlink *rt, uint32_t ifindex, const char *name,
    const struct wg_kernel_net *net, struct nerr *e)
{
	char text[AFW_ADDR_TEXT];
	int err;

	if (addr_change(rt, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex,
		net) == 0 ||
	    errno == EEXIST)
		return 0;
	err = errno;
	(void)afw_addr_print(&net->addr, text, sizeof(text));
	if (!no_ipv6(net, err))
		return nerr_set(e, afw_error_from_errno(err),
		    "interface %s: address %s/%u: %s", name, text, net->prefix,
		    rt->text);
	log_warn("interface %s: without address %s/%u: %s", name, text,
	    net->prefix, rt->text);
	return 0;
}

/* ---- the link ---------------------------------------------------------- */

int
wg_link_setup(struct netlink *rt, const struct link_info *info,
    const struct wg_kernel_conf *c, struct nerr *e)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct ifinfomsg ifi = {.ifi_index = (int)info->ifindex,
	    .ifi_flags = IFF_UP,
	    .ifi_change = IFF_UP};
	uint32_t mtu = c->mtu != 0 ? c->mtu : MTU_DEFAULT, i;
	struct nlmsghdr *nlh;

	if (addrs_prune(rt, info->ifindex, c, e) == -1)
		return -1;
	if (mtu != info->mtu || (info->flags & IFF_UP) == 0) {
		nlh = netlink_msg(buf, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
		mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
		if (netlink_talk(rt, nlh) == -1)
			return failed(rt, c->ifname, "MTU and up", e);
	}
	/* after the MTU: below 1280 the kernel takes IPv6 off the link */
	for (i = 0; i < c->addrs; i++)
		if (addr_add(rt, info->ifindex, c->ifname, &c->addr[i], e) ==
		    -1)
			return -1;
	return 0;
}

int
wg_link_delete(struct netlink *rt, const struct link_info *info, struct nerr *e)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];

	if (netlink_talk(rt, link_msg(buf, RTM_DELLINK, 0, info->ifindex)) ==
		-1 &&
	    errno != ENODEV)
		return failed(rt, info->name, "cannot be deleted", e);
	return 0;
}
