/* SPDX-License-Identifier: ISC */
/*
 * The elements of the sets. Many travel in one message (its list may
 * have 64 KiB), and all messages of one change in one transaction.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <libnftnl/common.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"
#include "nft.h"

/* Elements in one message: 1500 of 40 bytes are under 64 KiB. */
#define ELEMENTS_MAX 1500

/* The key's bytes in this set, NULL: it does not belong there. */
static const void *
data_in(int set, const struct afw_key *k)
{
	switch (set) {
	case NFT_MAC:
		return k->kind == AFW_KEY_MAC ? k->mac : NULL;
	case NFT_IFACE:
	case NFT_PORT:
		return k->kind == AFW_KEY_IFACE ? k->iface : NULL;
	default:
		return k->kind == AFW_KEY_IP &&
			k->addr.family == (set == NFT_IP4 ? 4 : 6)
		    ? k->addr.b
		    : NULL;
	}
}

static bool
has_set(const struct nft *n, int set)
{
	return set != NFT_PORT || n->bridge;
}

static bool
key_from(struct afw_key *k, int set, const void *data, size_t len)
{
	static const uint8_t kinds[] = {[NFT_MAC] = AFW_KEY_MAC,
	    [NFT_IP4] = AFW_KEY_IP,
	    [NFT_IP6] = AFW_KEY_IP,
	    [NFT_IFACE] = AFW_KEY_IFACE,
	    [NFT_PORT] = AFW_KEY_IFACE};

	memset(k, 0, sizeof(*k));
	if (len != nft_sets[set].len)
		return false;
	k->kind = kinds[set];
	if (set == NFT_MAC)
		memcpy(k->mac, data, len);
	else if (k->kind == AFW_KEY_IFACE)
		memcpy(k->iface, data, len);
	else
		memcpy(k->addr.b, data, len);
	if (k->kind == AFW_KEY_IP)
		k->addr.family = set == NFT_IP4 ? 4 : 6;
	return true;
}

static void
element_put(struct nlmsghdr *nlh, int set, const void *data)
{
	struct nlattr *elem, *key;

	elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	key = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
	mnl_attr_put(nlh, NFTA_DATA_VALUE, nft_sets[set].len, data);
	mnl_attr_nest_end(nlh, key);
	mnl_attr_nest_end(nlh, elem);
}

/* The keys that are in this set, all in or all out. */
static void
elements_put(struct nft *n, struct netlink_batch *b, int set, bool in,
    const struct afw_key *keys, size_t count)
{
	struct nlmsghdr *nlh = NULL;
	struct nlattr *list = NULL;
	const void *data;
	size_t i, in_msg = 0;
	uint32_t seq;

	for (i = 0; i < count; i++) {
		if ((data = data_in(set, &keys[i])) == NULL)
			continue;
		if (in_msg == 0) {
			void *at = netlink_batch_next(&n->nl, b, &seq);

			nlh = nftnl_nlmsg_build_hdr(at,
			    in ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
			    nft_sets[set].family, in ? NLM_F_CREATE : 0, seq);
			mnl_attr_put_strz(
			    nlh, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE_NAME);
			mnl_attr_put_strz(
			    nlh, NFTA_SET_ELEM_LIST_SET, nft_sets[set].name);
			list = mnl_attr_nest_start(
			    nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
		}
		element_put(nlh, set, data);
		if (++in_msg == ELEMENTS_MAX) {
			mnl_attr_nest_end(nlh, list);
			netlink_batch_add(b, nlh);
			in_msg = 0;
		}
	}
	if (in_msg != 0) {
		mnl_attr_nest_end(nlh, list);
		netlink_batch_add(b, nlh);
	}
}

static void
touched_add(struct nft_touched *t, const struct afw_key *k)
{
	if (t->n == t->size) {
		t->size = t->size * 2 + 16;
		t->key = realloc(t->key, t->size * sizeof(*t->key));
		if (t->key == NULL)
			fatal("nft: out of memory");
	}
	t->key[t->n++] = *k;
}

/* A dump against what is wanted: surplus collected, the rest ticked off. */
struct compare {
	const struct devices *want;
	struct nft_touched surplus;
	int set;
};

static void
compare_again(void *arg)
{
	struct compare *c = arg;

	c->surplus.n = 0;
}

static void
compare_take(struct compare *c, const struct nlattr *elem)
{
	const struct nlattr *a, *v;
	struct afw_key k;
	struct device *d;

	mnl_attr_for_each_nested (a, elem) {
		if (mnl_attr_get_type(a) != NFTA_SET_ELEM_KEY)
			continue;
		mnl_attr_for_each_nested (v, a) {
			if (mnl_attr_get_type(v) != NFTA_DATA_VALUE ||
			    !key_from(&k, c->set, mnl_attr_get_payload(v),
				mnl_attr_get_payload_len(v)))
				continue;
			if ((d = device_find(c->want, &k)) != NULL)
				d->seen |= UINT32_C(1) << c->set;
			else
				touched_add(&c->surplus, &k);
		}
	}
}

static void
compare_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *a, *elem;

	mnl_attr_for_each (a, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(a) == NFTA_SET_ELEM_LIST_ELEMENTS)
			mnl_attr_for_each_nested (elem, a)
				compare_take(arg, elem);
}

static int
set_dump(struct nft *n, struct compare *c)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	const struct nfgenmsg g = {.nfgen_family = nft_sets[c->set].family};
	struct nlmsghdr *nlh;

	nlh = netlink_msg(buf, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM,
	    0, &g, sizeof(g));
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE_NAME);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, nft_sets[c->set].name);
	return netlink_dump(&n->nl, nlh, compare_cb, compare_again, c);
}

static void
touched_append(struct nft_touched *t, const struct nft_touched *more)
{
	size_t i;

	for (i = 0; i < more->n; i++)
		touched_add(t, &more->key[i]);
}

/* What differs in one set goes into the batch, and to touched. */
static int
set_sync(struct nft *n, struct netlink_batch *b, int set,
    const struct devices *t, struct nft_touched *touched)
{
	struct compare c = {.want = t, .set = set};
	struct nft_touched missing = {.n = 0};
	struct device *d = NULL;
	size_t i = 0;
	int rc;

	while (device_next(t, &i, &d))
		d->seen &= ~(UINT32_C(1) << set);
	if ((rc = set_dump(n, &c)) == -1)
		goto out;
	for (i = 0, d = NULL; device_next(t, &i, &d);)
		if (data_in(set, &d->key) != NULL && !d->fresh &&
		    (d->seen & UINT32_C(1) << set) == 0)
			touched_add(&missing, &d->key);
	elements_put(n, b, set, false, c.surplus.key, c.surplus.n);
	elements_put(n, b, set, true, missing.key, missing.n);
	touched_append(touched, &c.surplus);
	touched_append(touched, &missing);
out:
	free(c.surplus.key);
	free(missing.key);
	return rc;
}

int
nft_sync(struct nft *n, const struct devices *t, struct nft_touched *touched,
    struct nerr *e)
{
	struct netlink_batch b = {.len = 0};
	int set;

	memset(touched, 0, sizeof(*touched));
	for (set = 0; set < NFT_SETS; set++)
		if (has_set(n, set) && set_sync(n, &b, set, t, touched) == -1)
			goto fail;
	if (netlink_batch_run(&n->nl, &b) == -1)
		goto fail;
	return (int)touched->n;
fail:
	(void)nerr_set(
	    e, afw_error_from_errno(errno), "nftables: %s", n->nl.text);
	free(b.buf);
	free(touched->key);
	memset(touched, 0, sizeof(*touched));
	return -1;
}

int
nft_element(struct nft *n, const struct afw_key *k, bool in, struct nerr *e)
{
	struct netlink_batch b = {.len = 0};
	char name[64];
	int set;

	for (set = 0; set < NFT_SETS; set++)
		if (has_set(n, set))
			elements_put(n, &b, set, in, k, 1);
	if (netlink_batch_run(&n->nl, &b) == 0)
		return 0;
	return nerr_set(e, afw_error_from_errno(errno), "nftables: %s: %s",
	    afw_key_print(k, name, sizeof(name)), n->nl.text);
}
