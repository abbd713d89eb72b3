/* SPDX-License-Identifier: ISC */
/*
 * The TUN device. It lives as long as somebody holds a descriptor of it:
 * afwrtd and afwrt-tun have duplicates of ours, so that it outlives any one
 * of us. A descriptor whose device was deleted can be attached again, and
 * then the duplicates work again too: all are one open file.
 */
#include "link.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"

#define VNET_HDR  12 /* struct virtio_net_hdr_v1 */
#define RPF_LOOSE 2
#define MTU_LEAST 576

static void
kind_take(const struct nlattr *linkinfo, struct link_info *info)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested (a, linkinfo)
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND &&
		    mnl_attr_get_payload_len(a) < sizeof(info->kind))
			memcpy(info->kind, mnl_attr_get_payload(a),
			    mnl_attr_get_payload_len(a));
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

static void
info_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct link_info *info = arg;
	const struct nlattr *a;

	memset(info, 0, sizeof(*info));
	info->ifindex = (uint32_t)ifi->ifi_index;
	info->flags = ifi->ifi_flags;
	info->rp_filter = info->addr_gen = -1;
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
		case IFLA_LINKINFO:
			kind_take(a, info);
			break;
		case IFLA_AF_SPEC:
			spec_take(a, info);
			break;
		}
	}
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

/* TUNSETIFF says little; find out what is in the way. */
static int
attach_refused(struct netlink *nl, const char *name, int why, struct nerr *e)
{
	struct link_info info;
	bool there = link_get(nl, name, 0, &info) == 0;

	if (why == ENOTTY || why == EBADFD)
		return nerr_set(e, AFW_EINVAL,
		    "interface %s: the descriptor "
		    "given is not one of /dev/net/tun",
		    name);
	if (there && strcmp(info.kind, "tun") != 0)
		return nerr_set(e, AFW_EBUSY,
		    "interface %s exists already "
		    "and is not a TUN device; choose another tun_ifname",
		    name);
	if (there && why == EBUSY)
		return nerr_set(e, AFW_EBUSY,
		    "interface %s is in use by "
		    "another program; choose another tun_ifname",
		    name);
	if (there)
		return nerr_set(e, AFW_EBUSY,
		    "interface %s exists already "
		    "and cannot be taken: %s",
		    name, strerror(why));
	return nerr_set(e, afw_error_from_errno(why),
	    "interface %s: cannot "
	    "be made: %s",
	    name, strerror(why));
}

/* The name must be ours, and packets must come without the old header. */
static int
attached_check(const struct ifreq *ifr, const char *name, struct nerr *e)
{
	if (strncmp(ifr->ifr_name, name, sizeof(ifr->ifr_name)) != 0)
		return nerr_set(e, AFW_EBUSY,
		    "interface %s: the descriptor "
		    "given belongs to %.15s",
		    name, ifr->ifr_name);
	if ((ifr->ifr_flags & (IFF_TUN | IFF_NO_PI)) != (IFF_TUN | IFF_NO_PI))
		return nerr_set(e, AFW_EBUSY,
		    "interface %s is a TAP device "
		    "or has packet information on",
		    name);
	return 0;
}

static int
attach(struct netlink *nl, int fd, const char *name, struct ifreq *ifr,
    struct nerr *e)
{
	memset(ifr, 0, sizeof(*ifr));
	if (ioctl(fd, TUNGETIFF, ifr) == 0)
		return attached_check(ifr, name, e);
	memset(ifr, 0, sizeof(*ifr));
	memcpy(ifr->ifr_name, name, strnlen(name, sizeof(ifr->ifr_name) - 1));
	ifr->ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, ifr) == -1)
		return attach_refused(nl, name, errno, e);
	/* reads back IFF_PERSIST too */
	if (ioctl(fd, TUNGETIFF, ifr) == -1)
		return nerr_set(
		    e, AFW_EIO, "interface %s: %s", name, strerror(errno));
	return 0;
}

int
link_attach(struct netlink *nl, struct link_tun *t, int fd, const char *name,
    struct nerr *e)
{
	struct link_info info;
	struct ifreq ifr;
	int size = VNET_HDR, fl;

	if (attach(nl, fd, name, &ifr, e) == -1)
		return -1;
	t->vnet_hdr = (ifr.ifr_flags & IFF_VNET_HDR) != 0 ? VNET_HDR : 0;
	if (t->vnet_hdr != 0 && ioctl(fd, TUNSETVNETHDRSZ, &size) == -1)
		return nerr_set(e, AFW_EIO, "interface %s: header size: %s",
		    name, strerror(errno));
	if ((fl = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, fl | O_NONBLOCK) == -1)
		return nerr_set(e, AFW_EIO, "interface %s: non-blocking: %s",
		    name, strerror(errno));
	if (link_get(nl, name, 0, &info) == -1)
		return nerr_set(e, AFW_EIO, "interface %s: %s", name, nl->text);
	t->fd = fd;
	t->ifindex = info.ifindex;
	t->mtu = info.mtu;
	t->persistent = (ifr.ifr_flags & IFF_PERSIST) != 0;
	memcpy(t->name, info.name, sizeof(t->name));
	return 0;
}

int
link_revive(struct netlink *nl, struct link_tun *t, struct nerr *e)
{
	char name[AFW_IFNAME_SIZE];

	memcpy(name, t->name, sizeof(name));
	t->ifindex = 0;
	return link_attach(nl, t, t->fd, name, e);
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
conf_set(struct netlink *nl, uint32_t ifindex, int family)
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
		mnl_attr_put_u32(nlh, IPV4_DEVCONF_RP_FILTER, RPF_LOOSE);
		mnl_attr_nest_end(nlh, conf);
	} else {
		mnl_attr_put_u8(
		    nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
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

static int
setup_failed(struct netlink *nl, const struct link_tun *t, const char *what,
    struct nerr *e)
{
	return nerr_set(e, afw_error_from_errno(errno), "interface %s: %s: %s",
	    t->name, what, nl->text);
}

int
link_setup(struct netlink *nl, struct link_tun *t,
    const struct afw_m_config *cfg, struct nerr *e)
{
	struct link_info info;
	int changed = 0, rc;

	if (cfg->tun_mtu != 0 && cfg->tun_mtu < MTU_LEAST)
		return nerr_set(e, AFW_EINVAL, "tun_mtu %u is below %d",
		    cfg->tun_mtu, MTU_LEAST);
	if (link_get(nl, NULL, t->ifindex, &info) == -1)
		return setup_failed(nl, t, "state", e);
	if (info.rp_filter != RPF_LOOSE) {
		if (conf_set(nl, t->ifindex, AF_INET) == -1)
			return setup_failed(nl, t, "rp_filter", e);
		changed++;
	}
	/* a kernel without IPv6 says nothing of it */
	if (info.addr_gen != -1 && info.addr_gen != IN6_ADDR_GEN_MODE_NONE) {
		if (conf_set(nl, t->ifindex, AF_INET6) == -1)
			return setup_failed(nl, t, "IPv6 addresses", e);
		changed++;
	}
	if ((info.flags & IFF_UP) == 0 ||
	    (cfg->tun_mtu != 0 && cfg->tun_mtu != info.mtu)) {
		if (up_set(nl, t->ifindex, true, cfg->tun_mtu) == -1)
			return setup_failed(nl, t, "up", e);
		changed++;
	}
	t->mtu = cfg->tun_mtu != 0 ? cfg->tun_mtu : info.mtu;
	if ((cfg->flags & AFW_C_NO_SOCKET_SETUP) == 0 &&
	    cfg->tun_addr.family == 4) {
		rc = addr_ensure(nl, t->ifindex, &cfg->tun_addr);
		if (rc == -1)
			return setup_failed(nl, t, "address", e);
		changed += rc;
	}
	return changed;
}

void
link_delete(struct netlink *nl, struct link_tun *t, const struct afw_addr *addr)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct ifinfomsg ifi = {.ifi_index = (int)t->ifindex};

	if (t->ifindex != 0 && t->persistent) {
		/* another's device: as it was, not away */
		if (addr->family == 4)
			(void)addr_change(nl, RTM_DELADDR, 0, t->ifindex, addr);
		(void)up_set(nl, t->ifindex, false, 0);
	} else if (t->ifindex != 0 &&
	    netlink_talk(nl,
		netlink_msg(buf, RTM_DELLINK, 0, &ifi, sizeof(ifi))) == -1 &&
	    errno != ENODEV) {
		log_warn(
		    "interface %s: cannot be deleted: %s", t->name, nl->text);
	}
	if (t->fd != -1)
		(void)close(t->fd);
	memset(t, 0, sizeof(*t));
	t->fd = -1;
}
