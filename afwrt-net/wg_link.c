/* SPDX-License-Identifier: ISC */
/*
 * A link of kind "wireguard" over rtnetlink. An alias on it says that it is
 * ours: a link of the user's that happens to have the name is never touched,
 * and one that an earlier life of this process left is found again.
 */
#include "wg_link.h"

#include <sys/socket.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <string.h>

#define KIND "wireguard"

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

bool
wg_link_ours(const struct link_info *info)
{
	return strcmp(info->kind, KIND) == 0 &&
	    (strcmp(info->alias, WG_LINK_ALIAS) == 0 ||
		/* with a note of ours behind it */
		strncmp(info->alias, WG_LINK_ALIAS ":",
		    sizeof(WG_LINK_ALIAS)) == 0);
}

int
wg_link_find(struct netlink *rt, const char *name, struct link_info *info,
    struct nerr *e)
{
	if (link_get(rt, name, 0, info) == -1) {
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
	if (!wg_link_ours(info))
		return nerr_set(e, AFW_EBUSY,
		    "interface %s exists already and was made by another "
		    "program; choose another name",
		    name);
	return 0;
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
	if (link_alias(rt, info->ifindex, WG_LINK_ALIAS) == -1) {
		(void)failed(rt, name, "alias", e);
		(void)wg_link_delete(rt, info, &ignored);
		return -1;
	}
	return 1;
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
