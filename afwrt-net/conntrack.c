/* SPDX-License-Identifier: ISC */
/*
 * Connection tracking entries by device. For a few devices the kernel (5.8)
 * filters the dump; for many one dump a family is looked through. An entry is
 * a device's if it sent the first packet or is the one who answers. A dump
 * walks the table of all namespaces, which takes milliseconds where that is
 * large: so the kernel is asked first how many entries this one has.
 */
#include "conntrack.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "lib/daemon/log.h"

#define FILTERED_MAX 8    /* more devices than this: one dump of all */
#define FEW_ENTRIES  1024 /* so many are looked through faster than filtered */
#define SRC_ONLY     1    /* CTA_FILTER_F_CTA_IP_SRC of the kernel */

struct entry {
	struct entry *next;
	uint8_t family;
	uint16_t tuple_len;
	uint16_t zone;   /* network order, as it came; 0 none */
	uint8_t tuple[]; /* CTA_TUPLE_ORIG's content */
};

struct search {
	const struct devices *of;
	struct entry *found;
};

static const struct nlattr *
nested(const struct nlattr *in, uint16_t type)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested (a, in)
		if (mnl_attr_get_type(a) == type)
			return a;
	return NULL;
}

/* The source address of a tuple is one of the devices. */
static bool
source_matches(const struct search *s, const struct nlattr *tuple, int family)
{
	bool v4 = family == AF_INET;
	const struct nlattr *ip, *a;
	struct afw_addr addr = {.family = v4 ? 4 : 6};
	struct afw_key k;

	if (tuple == NULL || (ip = nested(tuple, CTA_TUPLE_IP)) == NULL ||
	    (a = nested(ip, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC)) == NULL ||
	    mnl_attr_get_payload_len(a) != (v4 ? 4 : 16))
		return false;
	memcpy(addr.b, mnl_attr_get_payload(a), v4 ? 4 : 16);
	device_key(&k, &addr);
	return device_find(s->of, &k) != NULL;
}

static void
entry_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a, *orig = NULL, *reply = NULL;
	struct search *s = arg;
	uint16_t zone = 0, len;
	struct entry *e;

	mnl_attr_for_each (a, nlh, sizeof(*g))
		switch (mnl_attr_get_type(a)) {
		case CTA_TUPLE_ORIG:
			orig = a;
			break;
		case CTA_TUPLE_REPLY:
			reply = a;
			break;
		case CTA_ZONE:
			zone = mnl_attr_get_u16(a);
			break;
		}
	if (orig == NULL ||
	    (!source_matches(s, orig, g->nfgen_family) &&
		!source_matches(s, reply, g->nfgen_family)))
		return;
	len = mnl_attr_get_payload_len(orig);
	if ((e = malloc(sizeof(*e) + len)) == NULL)
		return;
	e->family = g->nfgen_family;
	e->tuple_len = len;
	e->zone = zone;
	memcpy(e->tuple, mnl_attr_get_payload(orig), len);
	e->next = s->found;
	s->found = e;
}

static struct nlmsghdr *
ct_msg(void *buf, uint16_t what, uint8_t family)
{
	const struct nfgenmsg g = {.nfgen_family = family};

	return netlink_msg(buf, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | what),
	    0, &g, sizeof(g));
}

/* Asks for the entries whose tuple has this source; one NULL: for all. */
static int
dump(struct netlink *nl, struct search *s, int family,
    const struct afw_addr *one, bool reply)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct nlmsghdr *nlh = ct_msg(buf, IPCTNL_MSG_CT_GET, (uint8_t)family);
	bool v4 = family == AF_INET;
	struct nlattr *nest, *ip;

	if (one != NULL) {
		nest = mnl_attr_nest_start(
		    nlh, reply ? CTA_TUPLE_REPLY : CTA_TUPLE_ORIG);
		ip = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
		mnl_attr_put(nlh, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC,
		    v4 ? 4 : 16, one->b);
		mnl_attr_nest_end(nlh, ip);
		mnl_attr_nest_end(nlh, nest);
		nest = mnl_attr_nest_start(nlh, CTA_FILTER);
		mnl_attr_put_u32(
		    nlh, CTA_FILTER_ORIG_FLAGS, reply ? 0 : SRC_ONLY);
		mnl_attr_put_u32(
		    nlh, CTA_FILTER_REPLY_FLAGS, reply ? SRC_ONLY : 0);
		mnl_attr_nest_end(nlh, nest);
	}
	/* an interrupted dump is repeated: entries met twice do no harm */
	return netlink_dump(nl, nlh, entry_cb, NULL, s);
}

static int
search_filtered(
    struct netlink *nl, struct search *s, const struct afw_key *keys, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct afw_addr *a = &keys[i].addr;
		int family = a->family == 4 ? AF_INET : AF_INET6;

		if (keys[i].kind == AFW_KEY_IP &&
		    (dump(nl, s, family, a, false) == -1 ||
			dump(nl, s, family, a, true) == -1))
			return -1;
	}
	return 0;
}

static bool
family_in(const struct afw_key *keys, size_t n, uint8_t family)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (keys[i].kind == AFW_KEY_IP && keys[i].addr.family == family)
			return true;
	return false;
}

static int
search_all(
    struct netlink *nl, struct search *s, const struct afw_key *keys, size_t n)
{
	if (family_in(keys, n, 4) && dump(nl, s, AF_INET, NULL, false) == -1)
		return -1;
	return family_in(keys, n, 6) ? dump(nl, s, AF_INET6, NULL, false) : 0;
}

static void
count_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *a;
	uint32_t *count = arg;

	mnl_attr_for_each (a, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(a) == CTA_STATS_GLOBAL_ENTRIES &&
		    mnl_attr_validate(a, MNL_TYPE_U32) == 0)
			*count = ntohl(mnl_attr_get_u32(a));
}

/* How many entries there are in this namespace; very many if not told. */
static uint32_t
entries_count(struct netlink *nl)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	uint32_t count = UINT32_MAX;

	(void)netlink_get(nl, ct_msg(buf, IPCTNL_MSG_CT_GET_STATS, AF_UNSPEC),
	    count_cb, &count);
	return count;
}

static int
search_run(
    struct netlink *nl, struct search *s, const struct afw_key *keys, size_t n)
{
	uint32_t count = entries_count(nl);

	if (count == 0)
		return 0;
	if (n <= FILTERED_MAX && count > FEW_ENTRIES) {
		if (search_filtered(nl, s, keys, n) == 0)
			return 0;
		log_debug("conntrack: no filter: %s", nl->text);
	}
	return search_all(nl, s, keys, n); /* or a kernel without filters */
}

static int
entry_delete(struct netlink *nl, const struct entry *e)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct nlmsghdr *nlh = ct_msg(buf, IPCTNL_MSG_CT_DELETE, e->family);

	mnl_attr_put(
	    nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, e->tuple_len, e->tuple);
	if (e->zone != 0)
		mnl_attr_put_u16(nlh, CTA_ZONE, e->zone);
	return netlink_talk(nl, nlh);
}

int
conntrack_forget(struct netlink *nl, const struct afw_key *keys, size_t n)
{
	static struct afw_ratelimit limit;
	struct devices of = {.n = 0};
	struct search s = {.of = &of};
	struct entry *e;
	int forgotten = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (keys[i].kind == AFW_KEY_IP)
			(void)device_add(&of, &keys[i]);
	if (of.n == 0)
		return 0;
	if (search_run(nl, &s, keys, n) == -1 && afw_ratelimit_ok(&limit, 1))
		log_debug("conntrack: %s", nl->text);
	while ((e = s.found) != NULL) {
		s.found = e->next;
		if (entry_delete(nl, e) == 0)
			forgotten++;
		else if (errno != ENOENT && afw_ratelimit_ok(&limit, 1))
			log_warn("conntrack: entry not removed: %s", nl->text);
		free(e);
	}
	device_clear(&of);
	return forgotten;
}
