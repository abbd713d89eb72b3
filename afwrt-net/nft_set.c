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
#include "wg_route.h"

/* Elements in one message: 1500 of 40 bytes are under 64 KiB. */
#define ELEMENTS_MAX 1500

/* The key's bytes in this set, NULL: it does not belong there. */
static const void *
data_in(int set, const struct afw_key *k)
{
	int base = nft_sets[set].base;

	switch (base) {
	case NFT_MAC:
		return k->kind == AFW_KEY_MAC ? k->mac : NULL;
	case NFT_IFACE:
		return k->kind == AFW_KEY_IFACE ? k->iface : NULL;
	default:
		return k->kind == AFW_KEY_IP &&
			k->addr.family == (base == NFT_IP4 ? 4 : 6)
		    ? k->addr.b
		    : NULL;
	}
}

static bool
has_set(const struct nft *n, int set)
{
	return (nft_sets[set].family != NFPROTO_BRIDGE || n->bridge) &&
	    (!nft_sets[set].map || n->maps);
}

static bool
key_from(struct afw_key *k, int set, const void *data, size_t len)
{
	static const uint8_t kinds[] = {[NFT_MAC] = AFW_KEY_MAC,
	    [NFT_IP4] = AFW_KEY_IP,
	    [NFT_IP6] = AFW_KEY_IP,
	    [NFT_IFACE] = AFW_KEY_IFACE};
	int base = nft_sets[set].base;

	memset(k, 0, sizeof(*k));
	if (len != nft_sets[set].len)
		return false;
	k->kind = kinds[base];
	if (base == NFT_MAC)
		memcpy(k->mac, data, len);
	else if (k->kind == AFW_KEY_IFACE)
		memcpy(k->iface, data, len);
	else
		memcpy(k->addr.b, data, len);
	if (k->kind == AFW_KEY_IP)
		k->addr.family = base == NFT_IP4 ? 4 : 6;
	return true;
}

/* The data of a set's element is none, of a map's the mark. */
static void
element_put(struct nlmsghdr *nlh, int set, const void *data, uint32_t mark)
{
	struct nlattr *elem, *part;

	elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	part = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
	mnl_attr_put(nlh, NFTA_DATA_VALUE, nft_sets[set].len, data);
	mnl_attr_nest_end(nlh, part);
	if (mark != 0) {
		part = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_DATA);
		mnl_attr_put(nlh, NFTA_DATA_VALUE, sizeof(mark), &mark);
		mnl_attr_nest_end(nlh, part);
	}
	mnl_attr_nest_end(nlh, elem);
}

static struct nlmsghdr *
elements_start(struct nft *n, struct netlink_batch *b, int set, bool in,
    struct nlattr **list)
{
	struct nlmsghdr *nlh;
	uint32_t seq;
	void *at = netlink_batch_next(&n->nl, b, &seq);

	nlh = nftnl_nlmsg_build_hdr(at,
	    in ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, nft_sets[set].family,
	    in ? NLM_F_CREATE : 0, seq);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE_NAME);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, nft_sets[set].name);
	*list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	return nlh;
}

/*
 * The keys that are in this set, all in or all out; marks (NULL: none) are a
 * map's values.
 */
static void
elements_put(struct nft *n, struct netlink_batch *b, int set, bool in,
    const struct afw_key *keys, const uint32_t *marks, size_t count)
{
	struct nlmsghdr *nlh = NULL;
	struct nlattr *list = NULL;
	const void *data;
	size_t i, in_msg = 0;

	for (i = 0; i < count; i++) {
		if ((data = data_in(set, &keys[i])) == NULL)
			continue;
		if (in_msg == 0)
			nlh = elements_start(n, b, set, in, &list);
		element_put(nlh, set, data, marks != NULL ? marks[i] : 0);
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

/* The bytes of one part of an element: its key, its data. */
static const struct nlattr *
part_of(const struct nlattr *elem, uint16_t part)
{
	const struct nlattr *a, *v;

	mnl_attr_for_each_nested (a, elem)
		if (mnl_attr_get_type(a) == part)
			mnl_attr_for_each_nested (v, a)
				if (mnl_attr_get_type(v) == NFTA_DATA_VALUE)
					return v;
	return NULL;
}

/* In a map the value has to be right, too. */
static bool
is_wanted(const struct device *d, int set, const struct nlattr *elem)
{
	const struct nlattr *v;
	uint32_t mark;

	if (d == NULL || !nft_sets[set].map)
		return d != NULL;
	v = part_of(elem, NFTA_SET_ELEM_DATA);
	if (v == NULL || mnl_attr_get_payload_len(v) != sizeof(mark))
		return false;
	memcpy(&mark, mnl_attr_get_payload(v), sizeof(mark));
	return mark != 0 && mark == nft_map_mark(d);
}

static void
compare_take(struct compare *c, const struct nlattr *elem)
{
	const struct nlattr *v = part_of(elem, NFTA_SET_ELEM_KEY);
	struct afw_key k;
	struct device *d;

	if (v == NULL ||
	    !key_from(&k, c->set, mnl_attr_get_payload(v),
		mnl_attr_get_payload_len(v)))
		return;
	d = device_find(c->want, &k);
	if (is_wanted(d, c->set, elem))
		d->seen |= UINT32_C(1) << c->set;
	else
		touched_add(&c->surplus, &k);
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

/*
 * A device is touched once: what changed in a map counts only where its set
 * is not changed as well.
 */
static void
touched_append(struct nft_touched *t, const struct nft_touched *more, int set,
    const struct devices *want, bool in)
{
	const struct device *d;
	size_t i;

	for (i = 0; i < more->n; i++) {
		d = device_find(want, &more->key[i]);
		if (nft_sets[set].map &&
		    (d == NULL || (!in && nft_map_mark(d) != 0) ||
			(d->seen & UINT32_C(1) << (set - NFT_WG)) == 0))
			continue;
		touched_add(t, &more->key[i]);
	}
}

static bool
is_missing(const struct device *d, int set)
{
	return data_in(set, &d->key) != NULL && !d->fresh &&
	    (d->seen & UINT32_C(1) << set) == 0 &&
	    (!nft_sets[set].map || nft_map_mark(d) != 0);
}

/* The marks for a map's new elements; NULL for a set. */
static uint32_t *
marks_of(int set, const struct nft_touched *keys, const struct devices *t)
{
	uint32_t *marks;
	size_t i;

	if (!nft_sets[set].map)
		return NULL;
	if ((marks = calloc(keys->n + 1, sizeof(*marks))) == NULL)
		fatal("nft: out of memory");
	for (i = 0; i < keys->n; i++)
		marks[i] = nft_map_mark(device_find(t, &keys->key[i]));
	return marks;
}

/* What differs in one set goes into the batch, and to touched. */
static int
set_sync(struct nft *n, struct netlink_batch *b, int set,
    const struct devices *t, struct nft_touched *touched)
{
	struct compare c = {.want = t, .set = set};
	struct nft_touched missing = {.n = 0};
	struct device *d = NULL;
	uint32_t *marks = NULL;
	size_t i = 0;
	int rc;

	while (device_next(t, &i, &d))
		d->seen &= ~(UINT32_C(1) << set);
	if ((rc = set_dump(n, &c)) == -1)
		goto out;
	for (i = 0, d = NULL; device_next(t, &i, &d);)
		if (is_missing(d, set))
			touched_add(&missing, &d->key);
	marks = marks_of(set, &missing, t);
	elements_put(n, b, set, false, c.surplus.key, NULL, c.surplus.n);
	elements_put(n, b, set, true, missing.key, marks, missing.n);
	touched_append(touched, &c.surplus, set, t, false);
	touched_append(touched, &missing, set, t, true);
out:
	free(marks);
	free(c.surplus.key);
	free(missing.key);
	return rc;
}

uint32_t
nft_map_mark(const struct device *d)
{
	const struct wg_route *w = wg_route_find(d->route);

	return w != NULL ? w->mark : 0;
}

/* What the maps hold now. */
static void
marks_note(const struct nft *n, const struct devices *t)
{
	const uint32_t maps = ((UINT32_C(1) << NFT_INET_SETS) - 1) << NFT_WG;
	struct device *d = NULL;
	size_t i = 0;

	while (device_next(t, &i, &d)) {
		d->mark = n->maps ? nft_map_mark(d) : 0;
		if (d->fresh && (d->seen & maps) == 0)
			d->mark = 0;
	}
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
	marks_note(n, t);
	return (int)touched->n;
fail:
	(void)nerr_set(
	    e, afw_error_from_errno(errno), "nftables: %s", n->nl.text);
	free(b.buf);
	free(touched->key);
	memset(touched, 0, sizeof(*touched));
	return -1;
}

/* Out with the old value, in with the new one, in this order. */
static void
map_put(struct nft *n, struct netlink_batch *b, int set, const struct device *d,
    uint32_t mark)
{
	if (d->mark == mark)
		return;
	if (d->mark != 0)
		elements_put(n, b, set, false, &d->key, NULL, 1);
	if (mark != 0)
		elements_put(n, b, set, true, &d->key, &mark, 1);
}

int
nft_element(struct nft *n, struct device *d, bool in, struct nerr *e)
{
	struct netlink_batch b = {.len = 0};
	uint32_t mark = in ? nft_map_mark(d) : 0;
	char name[64];
	int set;

	for (set = 0; set < NFT_SETS; set++)
		if (has_set(n, set) && nft_sets[set].map)
			map_put(n, &b, set, d, mark);
		else if (has_set(n, set))
			elements_put(n, &b, set, in, &d->key, NULL, 1);
	if (netlink_batch_run(&n->nl, &b) == 0) {
		d->mark = n->maps ? mark : 0;
		return 0;
	}
	return nerr_set(e, afw_error_from_errno(errno), "nftables: %s: %s",
	    afw_key_print(&d->key, name, sizeof(name)), n->nl.text);
}
