/* SPDX-License-Identifier: ISC */
/*
 * Listens to what happens to links, addresses, routes, rules and our nftables
 * table. An event only says where to look: what is true is found out by
 * looking. When events were lost, everything is looked at.
 */
#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <string.h>

#include "effect.h"
#include "lib/daemon/log.h"
#include "links.h"
#include "state.h"
#include "wg_request.h"
#include "wg_route.h"

#define READS_MAX 64 /* in one go */

static struct netlink rt_mon, nft_mon;
static _Alignas(8) uint8_t rx[64 * 1024];

static void
link_event(const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	if (links_event(nlh))
		effect_links();
	if (nlh->nlmsg_type == RTM_DELLINK) {
		config_kick();
		wg_request_kick();
	}
	if (net_is_tunnel((uint32_t)ifi->ifi_index))
		reconcile_soon("a tunnel's link");
	else
		reconcile_wan_soon();
}

static void
addr_event(const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);

	if (!net_is_tunnel(ifa->ifa_index))
		reconcile_wan_soon();
	else if (nlh->nlmsg_type == RTM_DELADDR)
		reconcile_soon("a tunnel's address");
}

static void
route_event(const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	uint32_t table = rtm->rtm_table;
	const struct nlattr *a;

	if (rtm->rtm_protocol == NET_RTPROT) {
		if (nlh->nlmsg_type == RTM_DELROUTE)
			reconcile_soon("a route");
		return;
	}
	if (rtm->rtm_dst_len != 0)
		return;
	mnl_attr_for_each (a, nlh, sizeof(*rtm))
		if (mnl_attr_get_type(a) == RTA_TABLE)
			table = mnl_attr_get_u32(a);
	/* one of ours that was replaced is not said to be deleted */
	if (nlh->nlmsg_type == RTM_NEWROUTE && net_is_table(table))
		reconcile_soon("a route in place of ours");
	else
		reconcile_wan_soon();
}

static void
rt_event(const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_pid == net.rt.port)
		return; /* our own doing */
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		link_event(nlh);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		addr_event(nlh);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		route_event(nlh);
		break;
	case RTM_DELRULE:
		reconcile_soon("a rule");
		break;
	}
}

static void
nft_event(const struct nlmsghdr *nlh)
{
	const struct nlattr *a;

	if (nlh->nlmsg_pid == net.nft.nl.port ||
	    NFNL_SUBSYS_ID(nlh->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
	    NFNL_MSG_TYPE(nlh->nlmsg_type) == NFT_MSG_NEWGEN)
		return;
	/* in every other message the first attribute is the table's name */
	mnl_attr_for_each (a, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(a) == NFTA_TABLE_NAME &&
		    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0 &&
		    strcmp(mnl_attr_get_str(a), NFT_TABLE_NAME) == 0)
			reconcile_soon("the nftables table");
}

static void
lost(void)
{
	reconcile_soon("lost events");
	reconcile_wan_soon();
	if (links_dump(&net.rt) == -1)
		log_warn("interfaces: %s", net.rt.text);
	effect_links();
}

/* Looked at only when all that still waits was read: it is older. */
static void
read_cb(evutil_socket_t fd, short what, void *arg)
{
	static bool losses;
	struct netlink *nl = arg;
	const struct nlmsghdr *nlh;
	ssize_t got;
	int i, n;

	(void)fd;
	(void)what;
	for (i = 0; i < READS_MAX; i++) {
		got = mnl_socket_recvfrom(nl->sk, rx, sizeof(rx));
		if (got == -1 && (errno == ENOBUFS || errno == ENOSPC)) {
			losses = true;
			continue;
		}
		if (got <= 0) {
			if (losses)
				lost();
			losses = false;
			return;
		}
		n = (int)got;
		for (nlh = (void *)rx; mnl_nlmsg_ok(nlh, n);
		     nlh = mnl_nlmsg_next(nlh, &n)) {
			if (nl == &rt_mon)
				rt_event(nlh);
			else
				nft_event(nlh);
		}
	}
	if (losses) /* and once more when it is empty */
		lost();
}

static int
watch(struct netlink *nl)
{
	struct event *ev = event_new(net.base, mnl_socket_get_fd(nl->sk),
	    EV_READ | EV_PERSIST, read_cb, nl);

	return ev == NULL ? -1 : event_add(ev, NULL);
}

int
monitor_init(void)
{
	static const unsigned int rt_groups[] = {RTNLGRP_LINK,
	    RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
	    RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, 0};
	static const unsigned int nft_groups[] = {NFNLGRP_NFTABLES, 0};

	if (netlink_listen(&rt_mon, NETLINK_ROUTE, rt_groups) == -1 ||
	    watch(&rt_mon) == -1)
		return -1;
	if (netlink_listen(&nft_mon, NETLINK_NETFILTER, nft_groups) == -1 ||
	    watch(&nft_mon) == -1)
		return -1;
	return 0;
}
