/* SPDX-License-Identifier: ISC */
/*
 * nftables expressions, as our rules need them: each loads a register and
 * compares it, so that a rule is a sentence of these words.
 */
#include "nft_expr.h"

#include <netinet/in.h>

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>

#include <stddef.h>
#include <string.h>

#include <libnftnl/expr.h>

#include "lib/daemon/log.h"
#include "nft.h"

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
cmp(struct nftnl_rule *r, uint32_t op, const void *data, uint32_t len)
{
	struct nftnl_expr *x = expr_add(r, "cmp");

	nftnl_expr_set_u32(x, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(x, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(x, NFTNL_EXPR_CMP_DATA, data, len);
}

static void
cmp_equal(struct nftnl_rule *r, const void *data, uint32_t len)
{
	cmp(r, NFT_CMP_EQ, data, len);
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
bits(struct nftnl_rule *r, const void *and, const void * xor, uint32_t len)
{
	struct nftnl_expr *x = expr_add(r, "bitwise");

	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(x, NFTNL_EXPR_BITWISE_MASK, and, len);
	nftnl_expr_set(x, NFTNL_EXPR_BITWISE_XOR, xor, len);
}

static void
bitwise(struct nftnl_rule *r, uint32_t and, uint32_t xor)
{
	bits(r, &and, &xor, sizeof(and));
}

void
nft_expr_verdict(struct nftnl_rule *r, int v)
{
	struct nftnl_expr *x = expr_add(r, "immediate");

	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_VERDICT, (uint32_t)v);
}

void
nft_expr_name(struct nftnl_rule *r, uint32_t key, const char *ifname, bool not )
{
	char name[16] = "";

	memcpy(name, ifname, strnlen(ifname, sizeof(name) - 1));
	meta_get(r, key);
	cmp(r, not ? NFT_CMP_NEQ : NFT_CMP_EQ, name, sizeof(name));
}

/* "the packet's source is in this set" */
void
nft_expr_source(struct nftnl_rule *r, int set)
{
	static const uint8_t proto4 = NFPROTO_IPV4, proto6 = NFPROTO_IPV6;
	static const uint16_t ether = ARPHRD_ETHER;
	struct nftnl_expr *x;

	switch (nft_sets[set].base) {
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
	if (nft_sets[set].map)
		nftnl_expr_set_u32(x, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
}

void
nft_expr_mark_set(struct nftnl_rule *r, uint32_t mark, uint32_t mask)
{
	struct nftnl_expr *x;

	if (mask == UINT32_MAX) {
		x = expr_add(r, "immediate");
		nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
		nftnl_expr_set(x, NFTNL_EXPR_IMM_DATA, &mark, sizeof(mark));
	} else {
		meta_get(r, NFT_META_MARK);
		bitwise(r, ~mask, mark);
	}
	nft_expr_mark_value(r);
}

void
nft_expr_mark_value(struct nftnl_rule *r)
{
	struct nftnl_expr *x = expr_add(r, "meta");

	nftnl_expr_set_u32(x, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(x, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

void
nft_expr_value_is(struct nftnl_rule *r, uint32_t value)
{
	cmp_equal(r, &value, sizeof(value));
}

void
nft_expr_value_not(struct nftnl_rule *r, uint32_t value)
{
	cmp(r, NFT_CMP_NEQ, &value, sizeof(value));
}

void
nft_expr_mark_load(struct nftnl_rule *r, uint32_t mask)
{
	meta_get(r, NFT_META_MARK);
	if (mask != UINT32_MAX)
		bitwise(r, mask, 0);
}

void
nft_expr_mark_is(struct nftnl_rule *r, uint32_t mark, uint32_t mask)
{
	nft_expr_mark_load(r, mask);
	nft_expr_value_is(r, mark);
}

void
nft_expr_to(struct nftnl_rule *r, const struct prefix *to)
{
	static const uint8_t zero[16];
	uint32_t size = to->family == 4 ? 4 : 16, i;
	uint8_t proto = to->family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	uint8_t mask[16] = {0};

	for (i = 0; i < to->len; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	meta_get(r, NFT_META_NFPROTO);
	cmp_equal(r, &proto, 1);
	/* RFC 791: destination at 16; RFC 8200: at 24 */
	payload_get(
	    r, NFT_PAYLOAD_NETWORK_HEADER, to->family == 4 ? 16 : 24, size);
	if (to->len < size * 8)
		bits(r, mask, zero, size);
	cmp_equal(r, to->b, size);
}

void
nft_expr_family(struct nftnl_rule *r, uint8_t family)
{
	uint8_t nfproto = family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;

	meta_get(r, NFT_META_NFPROTO);
	cmp_equal(r, &nfproto, 1);
}

void
nft_expr_from(struct nftnl_rule *r, const struct afw_addr *from)
{
	bool four = from->family == 4;

	nft_expr_family(r, from->family);
	/* RFC 791: source at 12; RFC 8200: at 8 */
	payload_get(
	    r, NFT_PAYLOAD_NETWORK_HEADER, four ? 12 : 8, four ? 4 : 16);
	cmp_equal(r, from->b, four ? 4 : 16);
}

void
nft_expr_proto(struct nftnl_rule *r, uint8_t family, uint8_t proto)
{
	nft_expr_family(r, family);
	meta_get(r, NFT_META_L4PROTO);
	cmp_equal(r, &proto, 1);
}

void
nft_expr_transport(struct nftnl_rule *r, const void *data, uint32_t len)
{
	payload_get(r, NFT_PAYLOAD_TRANSPORT_HEADER, 0, len);
	cmp_equal(r, data, len);
}

void
nft_expr_port(struct nftnl_rule *r, uint16_t port)
{
	const uint8_t b[2] = {(uint8_t)(port >> 8), (uint8_t)port};

	payload_get(r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(b));
	cmp_equal(r, b, sizeof(b));
}

void
nft_expr_dnat(struct nftnl_rule *r, uint8_t family, const uint8_t *addr)
{
	struct nftnl_expr *x = expr_add(r, "immediate");

	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(x, NFTNL_EXPR_IMM_DATA, addr, family == 4 ? 4 : 16);
	x = expr_add(r, "nat");
	nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_FAMILY,
	    family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
	nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
}

void
nft_expr_stranger(struct nftnl_rule *r)
{
	struct nftnl_expr *x = expr_add(r, "ct");

	nftnl_expr_set_u32(x, NFTNL_EXPR_CT_KEY, NFT_CT_STATE);
	nftnl_expr_set_u32(x, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	bitwise(r,
	    NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED),
	    0);
	nft_expr_value_is(r, 0);
}

void
nft_expr_masquerade(struct nftnl_rule *r)
{
	(void)expr_add(r, "masq");
}

void
nft_expr_reject(struct nftnl_rule *r, uint8_t proto)
{
	struct nftnl_expr *x = expr_add(r, "reject");

	nftnl_expr_set_u32(x, NFTNL_EXPR_REJECT_TYPE,
	    proto == IPPROTO_TCP ? NFT_REJECT_TCP_RST
				 : NFT_REJECT_ICMPX_UNREACH);
	if (proto != IPPROTO_TCP)
		nftnl_expr_set_u8(
		    x, NFTNL_EXPR_REJECT_CODE, NFT_REJECT_ICMPX_PORT_UNREACH);
}

void
nft_expr_syn(struct nftnl_rule *r)
{
	/* RFC 9293: the flags at 13; SYN is 2, RST 4 */
	static const uint8_t tcp = IPPROTO_TCP, syn = 2, both = 6, zero = 0;

	meta_get(r, NFT_META_L4PROTO);
	cmp_equal(r, &tcp, 1);
	payload_get(r, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
	bits(r, &both, &zero, 1);
	cmp_equal(r, &syn, 1);
}

static void
route_mss(struct nftnl_rule *r)
{
	struct nftnl_expr *x = expr_add(r, "rt");

	nftnl_expr_set_u32(x, NFTNL_EXPR_RT_KEY, NFT_RT_TCPMSS);
	nftnl_expr_set_u32(x, NFTNL_EXPR_RT_DREG, NFT_REG_1);
	x = expr_add(r, "byteorder");
	nftnl_expr_set_u32(x, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	nftnl_expr_set_u32(x, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	nftnl_expr_set_u32(x, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(x, NFTNL_EXPR_BYTEORDER_LEN, 2);
	nftnl_expr_set_u32(x, NFTNL_EXPR_BYTEORDER_SIZE, 2);
}

/* The kernel only ever makes it smaller. */
void
nft_expr_mss(struct nftnl_rule *r, uint16_t mss)
{
	const uint8_t b[2] = {(uint8_t)(mss >> 8), (uint8_t)mss};
	struct nftnl_expr *x;

	if (mss == 0) {
		route_mss(r);
	} else {
		x = expr_add(r, "immediate");
		nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
		nftnl_expr_set(x, NFTNL_EXPR_IMM_DATA, b, sizeof(b));
	}
	x = expr_add(r, "exthdr");
	nftnl_expr_set_u32(x, NFTNL_EXPR_EXTHDR_SREG, NFT_REG_1);
	/* RFC 9293: option 2, its value behind kind and length */
	nftnl_expr_set_u8(x, NFTNL_EXPR_EXTHDR_TYPE, 2);
	nftnl_expr_set_u32(x, NFTNL_EXPR_EXTHDR_OFFSET, 2);
	nftnl_expr_set_u32(x, NFTNL_EXPR_EXTHDR_LEN, 2);
	nftnl_expr_set_u32(x, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
}

void
nft_expr_icmp6(struct nftnl_rule *r, uint8_t from, uint8_t to)
{
	nft_expr_proto(r, 6, IPPROTO_ICMPV6);
	payload_get(r, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
	cmp(r, NFT_CMP_GTE, &from, 1);
	cmp(r, NFT_CMP_LTE, &to, 1);
}

void
nft_expr_counter(struct nftnl_rule *r)
{
	(void)expr_add(r, "counter");
}
