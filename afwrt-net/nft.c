/* SPDX-License-Identifier: ISC */
/*
 * The table `inet afwrt`, and its sister `bridge afwrt`, as a whole: looked
 * at, made, repaired, removed. Repair is one transaction that keeps what the
 * sets hold.
 */
#include "nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"

/* not in the headers of older kernels; PERSIST came with Linux 6.9 */
#define TABLE_OWNER       0x2
#define TABLE_PERSIST     0x4
#define BRIDGE_PREROUTING 0 /* NF_BR_PRE_ROUTING of the kernel */
#define PRIO_MANGLE       (-150)
#define PRIO_DNS          (-101) /* before everybody's DNAT */
#define PRIO_SRCNAT       100
#define PRIO_LAST         300 /* after NAT, which may route anew */

/* What is there. */
struct state {
	bool table;
	uint32_t flags, owner;
	struct nft_sums sums;
};

int
nft_open(struct nft *n)
{
	return netlink_open(&n->nl, NETLINK_NETFILTER);
}

void
nft_close(struct nft *n)
{
	netlink_close(&n->nl);
}

static void
table_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct state *s = arg;
	const struct nlattr *a;

	s->table = true;
	mnl_attr_for_each (a, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(a) == NFTA_TABLE_FLAGS)
			s->flags = ntohl(mnl_attr_get_u32(a));
		else if (mnl_attr_get_type(a) == NFTA_TABLE_OWNER)
			s->owner = ntohl(mnl_attr_get_u32(a));
	}
}

static int
comment_take(const struct nftnl_udata *u, void *arg)
{
	const char **comment = arg;
	const char *text = nftnl_udata_get(u);
	uint8_t len = nftnl_udata_len(u);

	if (nftnl_udata_type(u) == NFTNL_UDATA_RULE_COMMENT && len > 0 &&
	    text[len - 1] == '\0')
		*comment = text;
	return 0;
}

static void
rule_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	const char *comment = NULL, *chain;
	struct state *s = arg;
	const void *data;
	uint32_t len;

	if (r == NULL)
		fatal("nft: out of memory");
	if (nftnl_rule_nlmsg_parse(nlh, r) == 0 &&
	    (data = nftnl_rule_get_data(r, NFTNL_RULE_USERDATA, &len)) != NULL)
		(void)nftnl_udata_parse(data, len, comment_take, &comment);
	chain = nftnl_rule_get_str(r, NFTNL_RULE_CHAIN);
	nft_sums_add(&s->sums, chain != NULL ? chain : "", comment);
	nftnl_rule_free(r);
}

static void
rules_again(void *arg)
{
	struct state *s = arg;

	memset(&s->sums, 0, sizeof(s->sums));
}

static struct nlmsghdr *
get_msg(void *buf, uint8_t family, uint16_t what, uint16_t attr)
{
	const struct nfgenmsg g = {.nfgen_family = family};
	struct nlmsghdr *nlh;

	nlh = netlink_msg(buf, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | what), 0,
	    &g, sizeof(g));
	mnl_attr_put_strz(nlh, attr, NFT_TABLE_NAME);
	return nlh;
}

static int
state_get(struct nft *n, uint8_t family, struct state *s)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];

	memset(s, 0, sizeof(*s));
	if (netlink_get(&n->nl,
		get_msg(buf, family, NFT_MSG_GETTABLE, NFTA_TABLE_NAME),
		table_cb, s) == -1)
		return errno == ENOENT ? 0 : -1;
	return netlink_dump(&n->nl,
	    get_msg(buf, family, NFT_MSG_GETRULE, NFTA_RULE_TABLE), rule_cb,
	    rules_again, s);
}

static uint32_t
flags_wanted(const struct nft *n)
{
	return n->plain ? 0 : TABLE_OWNER | TABLE_PERSIST;
}

static bool
rules_good(const struct state *s, const struct plan *p, uint8_t family)
{
	struct nft_sums want;

	nft_rules_sums(p, family, &want);
	return s->table && memcmp(&s->sums, &want, sizeof(want)) == 0;
}

static bool
ownership_good(const struct nft *n, const struct state *s)
{
	return s->flags == flags_wanted(n) &&
	    (n->plain || s->owner == n->nl.port);
}

/* In and out of the batch: a message about our table. */
static struct nlmsghdr *
msg_start(struct nft *n, struct netlink_batch *b, uint8_t family, uint16_t what,
    uint16_t flags)
{
	uint32_t seq;
	void *at = netlink_batch_next(&n->nl, b, &seq);

	return nftnl_nlmsg_build_hdr(at, what, family, flags, seq);
}

static void
table_put(struct nft *n, struct netlink_batch *b, uint8_t family, uint16_t what)
{
	struct nlmsghdr *nlh = msg_start(
	    n, b, family, what, what == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, NFT_TABLE_NAME);
	if (what == NFT_MSG_NEWTABLE)
		mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, htonl(flags_wanted(n)));
	netlink_batch_add(b, nlh);
}

/*
 * For nft's listings only: a name is in host order, as it thinks of them, and
 * so is a mark; addresses are in the network's (2).
 */
static void
byteorder_say(struct nftnl_set *s, int i)
{
	struct nftnl_udata_buf *u;

	if (nft_sets[i].type != NFT_TYPE_IFNAME && !nft_sets[i].map)
		return;
	u = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	if (u == NULL ||
	    !nftnl_udata_put_u32(u, NFTNL_UDATA_SET_KEYBYTEORDER,
		nft_sets[i].type == NFT_TYPE_IFNAME ? 1 : 2) ||
	    (nft_sets[i].map &&
		!nftnl_udata_put_u32(u, NFTNL_UDATA_SET_DATABYTEORDER, 1)))
		fatal("nft: out of memory");
	nftnl_set_set_data(s, NFTNL_SET_USERDATA, nftnl_udata_buf_data(u),
	    nftnl_udata_buf_len(u));
	nftnl_udata_buf_free(u);
}

static void
set_put(struct nft *n, struct netlink_batch *b, int i)
{
	struct nlmsghdr *nlh =
	    msg_start(n, b, nft_sets[i].family, NFT_MSG_NEWSET, NLM_F_CREATE);
	struct nftnl_set *s = nftnl_set_alloc();

	if (s == NULL)
		fatal("nft: out of memory");
	nftnl_set_set_str(s, NFTNL_SET_TABLE, NFT_TABLE_NAME);
	nftnl_set_set_str(s, NFTNL_SET_NAME, nft_sets[i].name);
	nftnl_set_set_u32(s, NFTNL_SET_FAMILY, nft_sets[i].family);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, nft_sets[i].type);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, nft_sets[i].len);
	nftnl_set_set_u32(s, NFTNL_SET_ID, (uint32_t)i + 1);
	if (nft_sets[i].map) {
		nftnl_set_set_u32(s, NFTNL_SET_FLAGS, NFT_SET_MAP);
		nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, NFT_TYPE_MARK);
		nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, sizeof(uint32_t));
	}
	byteorder_say(s, i);
	nftnl_set_nlmsg_build_payload(nlh, s);
	nftnl_set_free(s);
	netlink_batch_add(b, nlh);
}

static void
chain_put(struct nft *n, struct netlink_batch *b, uint8_t family,
    const char *name, const char *type, uint32_t hook, int prio)
{
	struct nlmsghdr *nlh =
	    msg_start(n, b, family, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	struct nftnl_chain *c = nftnl_chain_alloc();

	if (c == NULL)
		fatal("nft: out of memory");
	nftnl_chain_set_u32(c, NFTNL_CHAIN_FAMILY, family);
	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, NFT_TABLE_NAME);
	nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name);
	nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, type);
	nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, hook);
	nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, prio);
	nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	nftnl_chain_nlmsg_build_payload(nlh, c);
	nftnl_chain_free(c);
	netlink_batch_add(b, nlh);
	/* all of its rules out: they come anew */
	nlh = msg_start(n, b, family, NFT_MSG_DELRULE, 0);
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, NFT_TABLE_NAME);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, name);
	netlink_batch_add(b, nlh);
}

/* The chains of managed routing. */
static void
managed_put(struct nft *n, struct netlink_batch *b, uint8_t family)
{
	chain_put(n, b, family, NFT_CHAIN_NAT, "nat", NF_INET_POST_ROUTING,
	    PRIO_SRCNAT);
	chain_put(n, b, family, NFT_CHAIN_MSS, "filter", NF_INET_FORWARD,
	    PRIO_MANGLE);
	chain_put(n, b, family, NFT_CHAIN_INPUT, "filter", NF_INET_LOCAL_IN,
	    PRIO_MANGLE);
	chain_put(n, b, family, NFT_CHAIN_POST, "filter", NF_INET_POST_ROUTING,
	    PRIO_LAST);
}

/*
 * One transaction; with anew the table is deleted first, and its sets. dns:
 * its chain is wanted, or is there and to be emptied.
 */
static int
build(struct nft *n, const struct plan *p, uint8_t family, bool dns, bool anew)
{
	struct netlink_batch b = {.len = 0};
	int i;

	if (anew)
		table_put(n, &b, family, NFT_MSG_DELTABLE);
	table_put(n, &b, family, NFT_MSG_NEWTABLE);
	for (i = 0; i < NFT_SETS; i++)
		if (nft_sets[i].family == family &&
		    (p->managed || !nft_sets[i].map))
			set_put(n, &b, i);
	if (family == NFPROTO_BRIDGE) {
		chain_put(n, &b, family, NFT_CHAIN_MARK, "filter",
		    BRIDGE_PREROUTING, PRIO_MANGLE);
	} else {
		chain_put(n, &b, family, NFT_CHAIN_MARK, "filter",
		    NF_INET_PRE_ROUTING, PRIO_MANGLE);
		chain_put(n, &b, family, NFT_CHAIN_GUARD, "filter",
		    NF_INET_FORWARD, PRIO_MANGLE);
		if (p->guard)
			chain_put(n, &b, family, NFT_CHAIN_OUTPUT, "filter",
			    NF_INET_LOCAL_OUT, PRIO_LAST);
		if (dns)
			chain_put(n, &b, family, NFT_CHAIN_DNS, "nat",
			    NF_INET_PRE_ROUTING, PRIO_DNS);
		if (p->managed)
			managed_put(n, &b, family);
	}
	nft_rules_put(n, &b, p, family);
	return netlink_batch_run(&n->nl, &b);
}

/* The table of an earlier life, whose owner is dead, becomes ours. */
static int
claim(struct nft *n, uint8_t family)
{
	struct netlink_batch b = {.len = 0};

	table_put(n, &b, family, NFT_MSG_NEWTABLE);
	return netlink_batch_run(&n->nl, &b);
}

/* Whether the kernel knows owned tables that outlive their owner. */
static bool
flags_refused(int e)
{
	return e == EOPNOTSUPP || e == EINVAL || e == ERANGE;
}

/* Made by us for another mode: no rule or map of it may stay. */
static bool
other_mode(const struct state *s, const struct plan *p)
{
	const unsigned int *rules = s->sums.rules;

	return s->table &&
	    ((!p->guard && rules[NFT_C_OUTPUT] > 0) ||
		(!p->managed &&
		    rules[NFT_C_NAT] + rules[NFT_C_MSS] + rules[NFT_C_INPUT] +
			    rules[NFT_C_POST] >
			0));
}

/* An owner that is dying may stand there for a moment more. */
static int
failed(struct nft *n, struct nerr *e)
{
	bool soon = errno == EPERM;

	(void)nerr_set(
	    e, afw_error_from_errno(errno), "nftables: %s", n->nl.text);
	e->soon = soon;
	return -1;
}

/* The kernel has just refused the flags, for the first time. */
static bool
plain_noted(struct nft *n)
{
	if (n->plain || !flags_refused(errno))
		return false;
	log_info("nftables: this kernel has no owned tables: ours "
		 "is watched instead");
	n->plain = true;
	return true;
}

static int
build_somehow(
    struct nft *n, const struct plan *p, uint8_t family, const struct state *s)
{
	bool dns = p->dns || s->sums.rules[NFT_C_DNS] > 0;

	if (build(n, p, family, dns, other_mode(s, p)) == 0)
		return 0;
	/* something of another shape has our names */
	return s->table ? build(n, p, family, p->dns, true) : -1;
}

/*
 * Of an earlier life, and what of it is to stay is not known before all
 * WireGuard routes are: it protects as it is.
 */
static bool
unsure_good(const struct state *s, const struct plan *p)
{
	return p->managed && p->unsure && s->sums.rules[NFT_C_MARK] > 0;
}

static int
ensure(struct nft *n, const struct plan *p, uint8_t family, struct nerr *e)
{
	struct state s;
	bool good;

	if (state_get(n, family, &s) == -1)
		return failed(n, e);
	if (s.table && s.owner != 0 && s.owner != n->nl.port) {
		(void)nerr_set(e, AFW_EBUSY,
		    "nftables: table %s is owned by another running program",
		    NFT_TABLE_NAME);
		e->soon = true;
		return -1;
	}
	good = rules_good(&s, p, family) || unsure_good(&s, p);
	if (good && (ownership_good(n, &s) || claim(n, family) == 0))
		return 0;
	/* made when this was known already: nothing to do */
	if (good && s.flags == 0 && plain_noted(n))
		return 0;
	if (build_somehow(n, p, family, &s) == 0 ||
	    (plain_noted(n) && build_somehow(n, p, family, &s) == 0))
		return 1;
	return failed(n, e);
}

static int
table_remove(struct nft *n, uint8_t family, struct nerr *e)
{
	struct netlink_batch b = {.len = 0};

	table_put(n, &b, family, NFT_MSG_DELTABLE);
	if (netlink_batch_run(&n->nl, &b) == -1 && errno != ENOENT &&
	    !(family == NFPROTO_BRIDGE && errno == EOPNOTSUPP))
		return nerr_set(e, afw_error_from_errno(errno),
		    "nftables: table %s not removed: %s", NFT_TABLE_NAME,
		    n->nl.text);
	return 0;
}

/* The sister: there or not, as the plan says. */
static int
bridge_ensure(struct nft *n, const struct plan *p, struct nerr *e)
{
	struct state s;
	bool plain = n->plain;
	int rc;

	if (!p->bridge || n->no_bridge) {
		n->bridge = false;
		if (p->unsure || state_get(n, NFPROTO_BRIDGE, &s) == -1 ||
		    !s.table)
			return 0;
		return table_remove(n, NFPROTO_BRIDGE, e) == -1 ? -1 : 1;
	}
	rc = ensure(n, p, NFPROTO_BRIDGE, e);
	n->bridge = rc != -1;
	if (rc == -1 && !e->soon) {
		/* the other table could be made: so it is the family */
		log_err(
		    "rules of a bridge's port are not possible: %s", e->text);
		n->plain = plain;
		n->no_bridge = true;
		rc = 0;
	}
	return rc;
}

int
nft_ensure(struct nft *n, const struct plan *p, struct nerr *e)
{
	int inet = ensure(n, p, NFPROTO_INET, e), bridge;

	n->maps = p->managed;
	if (inet == -1 || (bridge = bridge_ensure(n, p, e)) == -1)
		return -1;
	return inet + bridge;
}

int
nft_free(struct nft *n, struct nerr *e)
{
	struct state s;

	e->soon = false;
	if (state_get(n, NFPROTO_INET, &s) == -1 || !s.table || s.owner == 0 ||
	    s.owner == n->nl.port)
		return 0;
	(void)nerr_set(e, AFW_EBUSY,
	    "nftables: table inet %s is owned by another running program",
	    NFT_TABLE_NAME);
	e->soon = true;
	return -1;
}

bool
nft_there(struct nft *n)
{
	struct state s;

	return state_get(n, NFPROTO_INET, &s) == 0 && s.table;
}

int
nft_remove(struct nft *n, struct nerr *e)
{
	int rc = table_remove(n, NFPROTO_INET, e);
	struct state s;

	n->bridge = false;
	/* mostly it is not there: a transaction costs much more than a look */
	if (state_get(n, NFPROTO_BRIDGE, &s) == 0 && !s.table)
		return rc;
	return table_remove(n, NFPROTO_BRIDGE, e) == -1 ? -1 : rc;
}
