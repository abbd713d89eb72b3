/* SPDX-License-Identifier: ISC */
/*
 * The addresses of a WireGuard interface. The user may have given it more:
 * what is ours carries our protocol number, as our routes do.
 */
#include "addrs.h"

#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"
#include "plan.h"

#define SEEN_MAX   64 /* more are left alone */
#define ATTR_PROTO 11 /* IFA_PROTO, younger than some headers */

struct seen {
	uint32_t ifindex;
	size_t n;
	struct afw_wg_net net[SEEN_MAX];
	bool ours[SEEN_MAX];
};

static bool
net_in(const struct addrs *set, const struct afw_wg_net *net)
{
	size_t i;

	for (i = 0; set != NULL && i < set->n; i++)
		if (set->net[i].prefix == net->prefix &&
		    afw_addr_equal(&set->net[i].addr, &net->addr))
			return true;
	return false;
}

static void
addr_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	size_t len = ifa->ifa_family == AF_INET ? 4 : 16;
	struct seen *s = arg;
	struct afw_wg_net net = {.prefix = ifa->ifa_prefixlen};
	const struct nlattr *a, *is = NULL;
	bool ours = false;

	if (ifa->ifa_index != s->ifindex || s->n == SEEN_MAX ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6) ||
	    (ifa->ifa_family == AF_INET6 && ifa->ifa_scope == RT_SCOPE_LINK))
		return;
	mnl_attr_for_each (a, nlh, sizeof(*ifa)) {
		if (mnl_attr_get_type(a) == IFA_LOCAL ||
		    (mnl_attr_get_type(a) == IFA_ADDRESS && is == NULL))
			is = a;
		if (mnl_attr_get_type(a) == ATTR_PROTO)
			ours = mnl_attr_get_u8(a) == NET_RTPROT;
	}
	if (is == NULL || mnl_attr_get_payload_len(is) != len)
		return;
	net.addr.family = ifa->ifa_family == AF_INET ? 4 : 6;
	memcpy(net.addr.b, mnl_attr_get_payload(is), len);
	s->ours[s->n] = ours;
	s->net[s->n++] = net;
}

static void
addr_again(void *arg)
{
	struct seen *s = arg;

	s->n = 0;
}

static int
addr_change(struct netlink *nl, uint16_t type, uint32_t ifindex,
    const struct afw_wg_net *net)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	bool six = net->addr.family == 6, add = type == RTM_NEWADDR;
	struct ifaddrmsg ifa = {.ifa_family = six ? AF_INET6 : AF_INET,
	    .ifa_prefixlen = net->prefix,
	    .ifa_flags = six && add ? IFA_F_NODAD : 0,
	    .ifa_index = ifindex};
	struct nlmsghdr *nlh = netlink_msg(
	    buf, type, add ? NLM_F_CREATE | NLM_F_EXCL : 0, &ifa, sizeof(ifa));

	mnl_attr_put(nlh, IFA_LOCAL, six ? 16 : 4, net->addr.b);
	mnl_attr_put(nlh, IFA_ADDRESS, six ? 16 : 4, net->addr.b);
	if (add)
		mnl_attr_put_u8(nlh, ATTR_PROTO, NET_RTPROT);
	return netlink_talk(nl, nlh);
}

/* IPv6 that is not in the kernel, switched off, or the MTU is below 1280. */
static bool
no_ipv6(const struct afw_wg_net *net, int err)
{
	return net->addr.family == 6 &&
	    (err == EOPNOTSUPP || err == EAFNOSUPPORT || err == EACCES ||
		err == EINVAL || err == ENOBUFS);
}

/* 1 added, 0 there or not possible here, -1. */
static int
addr_add(struct netlink *nl, uint32_t ifindex, const char *name,
    const struct afw_wg_net *net, struct nerr *e)
{
	static struct afw_ratelimit limit;
	char text[AFW_ADDR_TEXT];
	int err;

	if (addr_change(nl, RTM_NEWADDR, ifindex, net) == 0)
		return 1;
	if ((err = errno) == EEXIST)
		return 0;
	(void)afw_addr_print(&net->addr, text, sizeof(text));
	if (!no_ipv6(net, err))
		return nerr_set(e, afw_error_from_errno(err),
		    "interface %s: address %s/%u: %s", name, text, net->prefix,
		    nl->text);
	if (afw_ratelimit_ok(&limit, 5))
		log_warn("interface %s: without address %s/%u: %s", name, text,
		    net->prefix, nl->text);
	return 0;
}

/* What goes is away first: it could be in the way of what comes. */
static int
prune(struct netlink *nl, const char *name, const struct seen *s,
    const struct addrs *want, const struct addrs *was, struct nerr *e)
{
	int changed = 0;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (net_in(want, &s->net[i]) ||
		    (!s->ours[i] && !net_in(was, &s->net[i])))
			continue;
		/* a secondary one may have gone with its primary */
		if (addr_change(nl, RTM_DELADDR, s->ifindex, &s->net[i]) ==
			-1 &&
		    errno != EADDRNOTAVAIL)
			return nerr_set(e, afw_error_from_errno(errno),
			    "interface %s: old address: %s", name, nl->text);
		changed++;
	}
	return changed;
}

/* NULL, errno and nl->text: not to be had. */
static struct seen *
look(struct netlink *nl, uint32_t ifindex)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct ifaddrmsg ifa = {.ifa_index = ifindex};
	struct seen *s = calloc(1, sizeof(*s));

	if (s == NULL)
		fatal("addresses: out of memory");
	s->ifindex = ifindex;
	if (netlink_dump(nl,
		netlink_msg(buf, RTM_GETADDR, 0, &ifa, sizeof(ifa)), addr_cb,
		addr_again, s) == 0)
		return s;
	free(s);
	return NULL;
}

int
addrs_sync(struct netlink *nl, uint32_t ifindex, const char *name,
    const struct addrs *want, const struct addrs *was, struct nerr *e)
{
	struct seen *s = look(nl, ifindex);
	struct addrs is;
	int changed, rc;
	size_t i;

	if (s == NULL)
		return nerr_set(e, afw_error_from_errno(errno),
		    "interface %s: addresses: %s", name, nl->text);
	changed = prune(nl, name, s, want, was, e);
	/* with one that went others may have gone */
	is = (struct addrs){s->net, changed > 0 ? 0 : s->n};
	for (i = 0; changed != -1 && i < want->n; i++) {
		if (net_in(&is, &want->net[i]))
			continue;
		rc = addr_add(nl, ifindex, name, &want->net[i], e);
		changed = rc == -1 ? -1 : changed + rc;
	}
	free(s);
	return changed;
}

int
addrs_list(struct netlink *nl, uint32_t ifindex,
    struct afw_addr to[AFW_WG_ADDRS_MAX], uint32_t *n)
{
	struct seen *s = look(nl, ifindex);

	*n = 0;
	if (s == NULL)
		return -1;
	for (; *n < s->n && *n < AFW_WG_ADDRS_MAX; (*n)++)
		to[*n] = s->net[*n].addr;
	free(s);
	return 0;
}
