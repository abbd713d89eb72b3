/* SPDX-License-Identifier: ISC */
/*
 * The constant rules, as expressions. The cost of a packet does not grow with
 * the number of devices: those are in the sets. Each rule has a comment that
 * names all that it depends on; equal comments are equal rules.
 *
 *   chain afwrt_chain {        # prerouting, mangle: who is protected
 *       iifname TUN return
 *       ether saddr @mac meta mark set 0x8     (and ip4, ip6, iface)
 *   }
 *   chain afwrt_guard {        # forward: whatever happens to routes and marks
 *       oifname WAN meta mark 0x8 drop
 *       oifname WAN ether saddr @mac drop      (and ip4, ip6, iface)
 *   }
 */
#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>

#include "lib/daemon/log.h"
#include "nft.h"

/* nft's numbers of data types, for its listings: ether_addr, ipv4_addr... */
const struct nft_set nft_sets[NFT_SETS] = {
    [NFT_MAC] = {"mac", 6, 9},
    [NFT_IP4] = {"ip4", 4, 7},
    [NFT_IP6] = {"ip6", 16, 8},
    [NFT_IFACE] = {"iface", 16, 41},
};

static struct nftnl_expr *
expr_add(struct nftnl_rule *r, const char *kind)
{
	struct nftnl_expr *x = nftnl_expr_alloc(kind);

	if (x == NULL)
		fatal("nft: out of memory");
	nftnl_rule_add_expr(r, x);
	return x;
}

static void
meta_get(struct nftnl_rule *r, uint32_t key)
{
	struct nftnl_expr *x = expr_add(r, "meta");

	nftnl_expr_set_u32(x, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(x, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void
cmp_equal(struct nftnl_rule *r, const void *data, uint32_t len)
{
	struct nftnl_expr *x = expr_add(r, "cmp");

	nftnl_expr_set_u32(x, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(x, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(x, NFTNL_EXPR_CMP_DATA, data, len);
}

static void
payload_get(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *x = expr_add(r, "payload");

	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

static void
bitwise(struct nftnl_rule *r, uint32_t and, uint32_t xor)
{
	struct nftnl_expr *x = expr_add(r, "bitwise");

	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_LEN, sizeof(and));
	nftnl_expr_set(x, NFTNL_EXPR_BITWISE_MASK, &and, sizeof(and));
	nftnl_expr_set(x, NFTNL_EXPR_BITWISE_XOR, &xor, sizeof(xor));
}

static void
verdict(struct nftnl_rule *r, int v)
{
	struct nftnl_expr *x = expr_add(r, "immediate");

	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_VERDICT, (uint32_t)v);
}

static void
name_is(struct nftnl_rule *r, uint32_t key, const char *ifname)
{
	char name[16] = "";

	memcpy(name, ifname, strnlen(ifname, sizeof(name) - 1));
	meta_get(r, key);
	cmp_equal(r, name, sizeof(name));
}

/* "the packet's source is in this set" */
static void
source_in(struct nftnl_rule *r, int set)
{
	static const uint8_t proto4 = NFPROTO_IPV4, proto6 = NFPROTO_IPV6;
	static const uint16_t ether = ARPHRD_ETHER;
	struct nftnl_expr *x;

	switch (set) {
	case NFT_MAC:
		meta_get(r, NFT_META_IIFTYPE);
		cmp_equal(r, &ether, sizeof(ether));
		payload_get(r, NFT_PAYLOAD_LL_HEADER,
		    offsetof(struct ethhdr, h_source), ETH_ALEN);
		break;
	case NFT_IP4: /* RFC 791: source at 12; RFC 8200: at 8 */
		meta_get(r, NFT_META_NFPROTO);
		cmp_equal(r, &proto4, 1);
		payload_get(r, NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
		break;
	case NFT_IP6:
		meta_get(r, NFT_META_NFPROTO);
		cmp_equal(r, &proto6, 1);
		payload_get(r, NFT_PAYLOAD_NETWORK_HEADER, 8, 16);
		break;
	default:
		meta_get(r, NFT_META_IIFNAME);
		break;
	}
	x = expr_add(r, "lookup");
	nftnl_expr_set_u32(x, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(x, NFTNL_EXPR_LOOKUP_SET, nft_sets[set].name);
}

static void
mark_set(struct nftnl_rule *r, const struct plan *p)
{
	struct nftnl_expr *x;

	if (p->mask == UINT32_MAX) {
		x = expr_add(r, "immediate");
		nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
		nftnl_expr_set(
		    x, NFTNL_EXPR_IMM_DATA, &p->mark, sizeof(p->mark));
	} else {
		meta_get(r, NFT_META_MARK);
		bitwise(r, ~p->mask, p->mark);
	}
	x = expr_add(r, "meta");
	nftnl_expr_set_u32(x, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(x, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

static void
mark_is(struct nftnl_rule *r, const struct plan *p)
{
	meta_get(r, NFT_META_MARK);
	if (p->mask != UINT32_MAX)
		bitwise(r, p->mask, 0);
	cmp_equal(r, &p->mark, sizeof(p->mark));
}

/* The rules of a plan by number: comment and chain; false behind the last. */
enum {
	RULE_TUN,
	RULE_MARK,
	RULE_GUARD = RULE_MARK + NFT_SETS,
	RULE_GUARD_SET,
	RULE_END = RULE_GUARD_SET + NFT_SETS
};

static bool
rule_describe(const struct plan *p, int i, char *comment, size_t size)
{
	if (i >= RULE_GUARD && p->wan[0] == '\0')
		return false;
	if (i == RULE_TUN)
		(void)snprintf(comment, size, "not from %s", p->tun);
	else if (i < RULE_GUARD)
		(void)snprintf(comment, size, "protected %s: 0x%x/0x%x",
		    nft_sets[i - RULE_MARK].name, p->mark, p->mask);
	else if (i == RULE_GUARD)
		(void)snprintf(comment, size, "guard: 0x%x/0x%x not to %s",
		    p->mark, p->mask, p->wan);
	else if (i < RULE_END)
		(void)snprintf(comment, size, "guard: protected %s not to %s",
		    nft_sets[i - RULE_GUARD_SET].name, p->wan);
	return i < RULE_END;
}

static void
rule_fill(struct nftnl_rule *r, const struct plan *p, int i)
{
	if (i == RULE_TUN) {
		name_is(r, NFT_META_IIFNAME, p->tun);
		verdict(r, NFT_RETURN);
		return;
	}
	if (i < RULE_GUARD) {
		source_in(r, i - RULE_MARK);
		mark_set(r, p);
		return;
	}
	name_is(r, NFT_META_OIFNAME, p->wan);
	if (i == RULE_GUARD)
		mark_is(r, p);
	else
		source_in(r, i - RULE_GUARD_SET);
	(void)expr_add(r, "counter");
	verdict(r, NF_DROP);
}

static void
rule_put(struct nft *n, struct netlink_batch *b, const struct plan *p, int i,
    const char *comment)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	struct nftnl_udata_buf *u = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	struct nlmsghdr *nlh;
	uint32_t seq;
	void *at = netlink_batch_next(&n->nl, b, &seq);

	if (r == NULL || u == NULL ||
	    !nftnl_udata_put_strz(u, NFTNL_UDATA_RULE_COMMENT, comment))
		fatal("nft: out of memory");
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, NFT_TABLE_NAME);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN,
	    i < RULE_GUARD ? NFT_CHAIN_MARK : NFT_CHAIN_GUARD);
	nftnl_rule_set_data(r, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(u),
	    nftnl_udata_buf_len(u));
	rule_fill(r, p, i);
	nlh = nftnl_nlmsg_build_hdr(at, NFT_MSG_NEWRULE, NFPROTO_INET,
	    NLM_F_CREATE | NLM_F_APPEND, seq);
	nftnl_rule_nlmsg_build_payload(nlh, r);
	netlink_batch_add(b, nlh);
	nftnl_udata_buf_free(u);
	nftnl_rule_free(r);
}

void
nft_rules_put(struct nft *n, struct netlink_batch *b, const struct plan *p)
{
	char comment[128];
	int i;

	for (i = 0; rule_describe(p, i, comment, sizeof(comment)); i++)
		rule_put(n, b, p, i, comment);
}

void
nft_rules_comments(const struct plan *p, char *buf, size_t size)
{
	char comment[128];
	size_t len = 0;
	int i;

	buf[0] = '\0';
	for (i = 0; rule_describe(p, i, comment, sizeof(comment)); i++)
		len += (size_t)snprintf(
		    buf + len, len < size ? size - len : 0, "%s\n", comment);
}
