/* SPDX-License-Identifier: ISC */
/*
 * The interfaces: index, name, and where they hang. The kernel's sets match
 * names by themselves; this is for telling which interface a neighbour's
 * index means, and which interfaces are ports of a bridge.
 */
#include "links.h"

#include <sys/socket.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"
#include "station.h"

#define HEADS     256 /* a power of two */
#define LINKS_MAX 4096

static struct list heads[HEADS];
static unsigned int n_links;

static struct list *
head(uint32_t ifindex)
{
	return &heads[ifindex & (HEADS - 1)];
}

static struct links_if *
find(uint32_t ifindex)
{
	struct list *h = head(ifindex), *x;

	for (x = h->next; x != h; x = x->next)
		if (LIST_OF(x, struct links_if, in)->ifindex == ifindex)
			return LIST_OF(x, struct links_if, in);
	return NULL;
}

const struct links_if *
links_find(uint32_t ifindex)
{
	return find(ifindex);
}

const struct links_if *
links_next(const struct links_if *l)
{
	size_t i = l == NULL ? 0 : (size_t)(head(l->ifindex) - heads);
	const struct list *x = l == NULL ? heads[0].next : l->in.next;

	while (x == &heads[i]) {
		if (++i == HEADS)
			return NULL;
		x = heads[i].next;
	}
	return LIST_OF(x, struct links_if, in);
}

const struct links_if *
links_named(const char *name)
{
	const struct links_if *l = NULL;

	while ((l = links_next(l)) != NULL)
		if (strcmp(l->name, name) == 0)
			return l;
	return NULL;
}

static void
forget(struct links_if *l)
{
	station_flush(l->ifindex);
	list_del(&l->in);
	free(l);
	n_links--;
}

static bool
is_kind(const struct nlattr *info, uint16_t type, const char *kind)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested (a, info)
		if (mnl_attr_get_type(a) == type &&
		    mnl_attr_get_payload_len(a) >= strlen(kind) &&
		    memcmp(mnl_attr_get_payload(a), kind, strlen(kind)) == 0)
			return true;
	return false;
}

static void
parse(const struct nlmsghdr *nlh, struct links_if *l)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a;
	uint32_t master = 0, lower = 0;
	bool port = false, vlan = false;

	memset(l, 0, sizeof(*l));
	l->ifindex = (uint32_t)ifi->ifi_index;
	mnl_attr_for_each (a, nlh, sizeof(*ifi))
		switch (mnl_attr_get_type(a)) {
		case IFLA_IFNAME:
			if (mnl_attr_get_payload_len(a) <= sizeof(l->name))
				memcpy(l->name, mnl_attr_get_payload(a),
				    mnl_attr_get_payload_len(a));
			break;
		case IFLA_MASTER:
			master = mnl_attr_get_u32(a);
			break;
		case IFLA_LINK:
			lower = mnl_attr_get_u32(a);
			break;
		case IFLA_LINKINFO:
			port = is_kind(a, IFLA_INFO_SLAVE_KIND, "bridge");
			vlan = is_kind(a, IFLA_INFO_KIND, "vlan");
			break;
		}
	l->name[sizeof(l->name) - 1] = '\0';
	l->master = port ? master : 0;
	l->lower = vlan ? lower : 0;
}

static bool
put(const struct links_if *now)
{
	struct links_if *l = find(now->ifindex);
	bool same = l != NULL && l->master == now->master &&
	    l->lower == now->lower && strcmp(l->name, now->name) == 0;

	if (l == NULL) {
		if (n_links == LINKS_MAX)
			return false;
		if ((l = calloc(1, sizeof(*l))) == NULL)
			fatal("links: out of memory");
		list_add(head(now->ifindex), &l->in);
		n_links++;
	}
	l->ifindex = now->ifindex;
	l->master = now->master;
	l->lower = now->lower;
	memcpy(l->name, now->name, sizeof(l->name));
	l->seen = true;
	return !same;
}

bool
links_event(const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct links_if now, *old;

	/* of a bridge: what it says of its ports comes in their own, too */
	if (ifi->ifi_family == AF_BRIDGE)
		return false;
	if (nlh->nlmsg_type == RTM_NEWLINK) {
		parse(nlh, &now);
		return put(&now);
	}
	if ((old = find((uint32_t)ifi->ifi_index)) == NULL)
		return false;
	forget(old);
	return true;
}

static void
dump_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct links_if now;

	(void)arg;
	if (nlh->nlmsg_type != RTM_NEWLINK)
		return;
	parse(nlh, &now);
	(void)put(&now);
}

int
links_dump(struct netlink *nl)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	const struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	struct list *x, *next;
	size_t i;

	for (i = 0; i < HEADS; i++)
		for (x = heads[i].next; x != &heads[i]; x = x->next)
			LIST_OF(x, struct links_if, in)->seen = false;
	if (netlink_dump(nl,
		netlink_msg(buf, RTM_GETLINK, 0, &ifi, sizeof(ifi)), dump_cb,
		NULL, NULL) == -1)
		return -1;
	for (i = 0; i < HEADS; i++)
		for (x = heads[i].next; x != &heads[i]; x = next) {
			next = x->next;
			if (!LIST_OF(x, struct links_if, in)->seen)
				forget(LIST_OF(x, struct links_if, in));
		}
	return 0;
}

void
links_init(void)
{
	size_t i;

	for (i = 0; i < HEADS; i++)
		list_init(&heads[i]);
}
