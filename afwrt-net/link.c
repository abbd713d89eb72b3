/* SPDX-License-Identifier: ISC */
/*
 * Interfaces: what the kernel says of one, and its settings, all by
 * rtnetlink: afwrt-net has no /proc in its empty root.
 */
#include "link.h"

#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/daemon/log.h"

#define MTU_LEAST 576

/* Of a TUN: whose it is (Linux 4.19). */
static void
tun_take(const struct nlattr *data, struct link_info *info)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested (a, data)
		switch (mnl_attr_get_type(a)) {
		case IFLA_TUN_OWNER:
			info->owner = (int64_t)mnl_attr_get_u32(a);
			break;
		case IFLA_TUN_GROUP:
			info->group = (int64_t)mnl_attr_get_u32(a);
			break;
		case IFLA_TUN_PERSIST:
			info->persist = mnl_attr_get_u8(a) != 0;
			break;
		}
}

static void
kind_take(const struct nlattr *linkinfo, struct link_info *info)
{
	const struct nlattr *a, *data = NULL;

	mnl_attr_for_each_nested (a, linkinfo)
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND &&
		    mnl_attr_get_payload_len(a) < sizeof(info->kind))
			memcpy(info->kind, mnl_attr_get_payload(a),
			    mnl_attr_get_payload_len(a));
		else if (mnl_attr_get_type(a) == IFLA_INFO_DATA)
			data = a;
	if (data != NULL && strcmp(info->kind, "tun") == 0)
		tun_take(data, info);
}

/* IFLA_AF_SPEC: an array of IPv4 settings, and one of IPv6's. */
static void
spec_take(const struct nlattr *spec, struct link_info *info)
{
	const size_t rpf = (IPV4_DEVCONF_RP_FILTER - 1) * sizeof(uint32_t);
	const struct nlattr *af, *a;
	const uint8_t *conf;
	uint32_t v;

	mnl_attr_for_each_nested (af, spec)
		mnl_attr_for_each_nested (a, af) {
			conf = mnl_attr_get_payload(a);
			if (mnl_attr_get_type(af) == AF_INET &&
			    mnl_attr_get_type(a) == IFLA_INET_CONF &&
			    mnl_attr_get_payload_len(a) >= rpf + sizeof(v)) {
				memcpy(&v, conf + rpf, sizeof(v));
				info->rp_filter = (int)v;
			} else if (mnl_attr_get_type(af) == AF_INET6 &&
			    mnl_attr_get_type(a) == IFLA_INET6_ADDR_GEN_MODE) {
				info->addr_gen = conf[0];
			}
		}
}

void
link_parse(const struct nlmsghdr *nlh, struct link_info *info)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a;

	memset(info, 0, sizeof(*info));
	info->ifindex = (uint32_t)ifi->ifi_index;
	info->flags = ifi->ifi_flags;
	info->rp_filter = info->addr_gen = -1;
	info->owner = info->group = -1;
	mnl_attr_for_each (a, nlh, sizeof(*ifi)) {
		size_t len = mnl_attr_get_payload_len(a);

		switch (mnl_attr_get_type(a)) {
		case IFLA_IFNAME:
			if (len <= sizeof(info->name))
				memcpy(
				    info->name, mnl_attr_get_payload(a), len);
			break;
		case IFLA_MTU:
			info->mtu = mnl_attr_get_u32(a);
			break;
		case IFLA_IFALIAS: /* with or without a NUL */
			if (len < sizeof(info->alias))
				memcpy(
				    info->alias, mnl_attr_get_payload(a), len);
			break;
		case IFLA_LINKINFO:
			kind_take(a, info);
			break;
		case IFLA_AF_SPEC:
			spec_take(a, info);
			break;
		}
	}
}

static void
info_cb(const struct nlmsghdr *nlh, void *arg)
{
	link_parse(nlh, arg);
}

int
link_get(struct netlink *nl, const char *name, uint32_t ifindex,
    struct link_info *info)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct ifinfomsg ifi = {.ifi_index = (int)ifindex};
	struct nlmsghdr *nlh;

	memset(info, 0, sizeof(*info));
	nlh = netlink_msg(buf, RTM_GETLINK, 0, &ifi, sizeof(ifi));
	if (name != NULL)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return netlink_get(nl, nlh, info_cb, info);
}

/* Does the device have this address? */
struct seek {
	uint32_t ifindex;
	const struct afw_addr *addr;
	bool found;
};

static void
addr_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct seek *s = arg;
	const struct nlattr *a;

	if (ifa->ifa_index != s->ifindex || ifa->ifa_family != AF_INET)
		return;
	mnl_attr_for_each (a, nlh, sizeof(*ifa))
		if (mnl_attr_get_type(a) == IFA_LOCAL &&
		    mnl_attr_get_payload_len(a) == 4 &&
		    memcmp(mnl_attr_get_payload(a), s->addr->b, 4) == 0)
			s->found = true;
}

static int
addr_change(struct netlink *nl, uint16_t type, uint16_t flags, uint32_t ifindex,
    const struct afw_addr *addr)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct ifaddrmsg ifa = {
	    .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = ifindex};
	struct nlmsghdr *nlh;

	nlh = netlink_msg(buf, type, flags, &ifa, sizeof(ifa));
	mnl_attr_put(nlh, IFA_LOCAL, 4, addr->b);
	mnl_attr_put(nlh, IFA_ADDRESS, 4, addr->b);
	return netlink_talk(nl, nlh);
}

/* 1 added, 0 was there, -1. */
static int
addr_ensure(struct netlink *nl, uint32_t ifindex, const struct afw_addr *addr)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct ifaddrmsg ifa = {.ifa_family = AF_INET, .ifa_index = ifindex};
	struct seek s = {.ifindex = ifindex, .addr = addr};

	if (netlink_dump(nl,
		netlink_msg(buf, RTM_GETADDR, 0, &ifa, sizeof(ifa)), addr_cb,
		NULL, &s) == -1)
		return -1;
	if (s.found)
		return 0;
	return addr_change(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE,
		   ifindex, addr) == -1
	    ? -1
	    : 1;
}

/* Per-interface settings, which others write to /proc/sys/net. */
static int
conf_set(struct netlink *nl, uint32_t ifindex, int family, int value)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct ifinfomsg ifi = {.ifi_index = (int)ifindex};
	struct nlattr *spec, *af, *conf;
	struct nlmsghdr *nlh;

	nlh = netlink_msg(buf, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	af = mnl_attr_nest_start(nlh, (uint16_t)family);
	if (family == AF_INET) {
		conf = mnl_attr_nest_start(nlh, IFLA_INET_CONF);
		mnl_attr_put_u32(nlh, IPV4_DEVCONF_RP_FILTER, (uint32_t)value);
		mnl_attr_nest_end(nlh, conf);
	} else {
		mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, (uint8_t)value);
	}
	mnl_attr_nest_end(nlh, af);
	mnl_attr_nest_end(nlh, spec);
	return netlink_talk(nl, nlh);
}

static int
up_set(struct netlink *nl, uint32_t ifindex, bool up, uint32_t mtu)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct ifinfomsg ifi = {.ifi_index = (int)ifindex,
	    .ifi_flags = up ? IFF_UP : 0,
	    .ifi_change = IFF_UP};
	struct nlmsghdr *nlh;

	nlh = netlink_msg(buf, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	if (mtu != 0)
		mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return netlink_talk(nl, nlh);
}

int
link_rp_filter(struct netlink *nl, uint32_t ifindex, int value)
{
	return conf_set(nl, ifindex, AF_INET, value);
}

int
link_alias(struct netlink *nl, uint32_t ifindex, const char *alias)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct ifinfomsg ifi = {.ifi_index = (int)ifindex};
	struct nlmsghdr *nlh;

	nlh = netlink_msg(buf, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	mnl_attr_put_strz(nlh, IFLA_IFALIAS, alias);
	return netlink_talk(nl, nlh);
}

int
link_up(struct netlink *nl, uint32_t ifindex, bool up)
{
	return up_set(nl, ifindex, up, 0);
}

int
link_addr_del(struct netlink *nl, uint32_t ifindex, const struct afw_addr *addr)
{
	return addr_change(nl, RTM_DELADDR, 0, ifindex, addr);
}

static int
setup_failed(
    struct netlink *nl, const char *name, const char *what, struct nerr *e)
{
	return nerr_set(e, afw_error_from_errno(errno), "interface %s: %s: %s",
	    name, what, nl->text);
}

/* Up and the MTU. */
static int
state_setup(struct netlink *nl, const struct link_info *info, uint32_t mtu)
{
	if ((info->flags & IFF_UP) != 0 && (mtu == 0 || mtu == info->mtu))
		return 0;
	return up_set(nl, info->ifindex, true, mtu) == -1 ? -1 : 1;
}

int
link_prepare(struct netlink *nl, uint32_t ifindex, uint32_t want, uint32_t *mtu,
    struct nerr *e)
{
	struct link_info info;
	char name[AFW_IFNAME_SIZE];
	int changed = 0, rc;

	(void)snprintf(name, sizeof(name), "%u", ifindex);
	if (link_get(nl, NULL, ifindex, &info) == -1)
		return setup_failed(nl, name, "state", e);
	if (info.rp_filter != LINK_RPF_LOOSE) {
		if (link_rp_filter(nl, ifindex, LINK_RPF_LOOSE) == -1)
			return setup_failed(nl, info.name, "rp_filter", e);
		changed++;
	}
	/* a kernel without IPv6 says nothing of it */
	if (info.addr_gen != -1 && info.addr_gen != IN6_ADDR_GEN_MODE_NONE) {
		if (conf_set(nl, ifindex, AF_INET6, IN6_ADDR_GEN_MODE_NONE) ==
		    -1)
			return setup_failed(nl, info.name, "IPv6 addresses", e);
		changed++;
	}
	if ((rc = state_setup(nl, &info, want)) == -1)
		return setup_failed(nl, info.name, "up", e);
	*mtu = want != 0 ? want : info.mtu;
	return changed + rc;
}

int
link_setup(struct netlink *nl, uint32_t ifindex, const struct afw_m_config *cfg,
    uint32_t *mtu, struct nerr *e)
{
	int changed, rc;

	if (cfg->tun_mtu != 0 && cfg->tun_mtu < MTU_LEAST)
		return nerr_set(e, AFW_EINVAL, "tun_mtu %u is below %d",
		    cfg->tun_mtu, MTU_LEAST);
	changed = link_prepare(nl, ifindex, cfg->tun_mtu, mtu, e);
	if (changed == -1 || (cfg->flags & AFW_C_NO_SOCKET_SETUP) != 0 ||
	    cfg->tun_addr.family != 4)
		return changed;
	if ((rc = addr_ensure(nl, ifindex, &cfg->tun_addr)) == -1)
		return setup_failed(nl, cfg->tun_ifname, "address", e);
	return changed + rc;
}
