/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_NFT_EXPR_H
#define AFWRT_NET_NFT_EXPR_H

#include <libnftnl/rule.h>

#include "plan.h"

/* The words that our rules are made of; each adds to the end of a rule. */
void nft_expr_verdict(struct nftnl_rule *r, int v);
void nft_expr_counter(struct nftnl_rule *r);
/* meta iifname or oifname (NFT_META_...) is, or (not) is not, this one */
void nft_expr_name(
    struct nftnl_rule *r, uint32_t key, const char *ifname, bool not );
/*
 * the packet's source is in this set; or in this map, and its value is in the
 * register from then on
 */
void nft_expr_source(struct nftnl_rule *r, int set);
void nft_expr_mark_set(struct nftnl_rule *r, uint32_t mark, uint32_t mask);
/* the value of a map: becomes the mark, or is this one */
void nft_expr_mark_value(struct nftnl_rule *r);
void nft_expr_value_is(struct nftnl_rule *r, uint32_t value);
void nft_expr_mark_is(struct nftnl_rule *r, uint32_t mark, uint32_t mask);
/* none of these; the mark is loaded once */
void nft_expr_mark_load(struct nftnl_rule *r, uint32_t mask);
void nft_expr_value_not(struct nftnl_rule *r, uint32_t value);
/* the destination is in this network */
void nft_expr_to(struct nftnl_rule *r, const struct prefix *to);
/* the source is this address */
void nft_expr_from(struct nftnl_rule *r, const struct afw_addr *from);
void nft_expr_proto(struct nftnl_rule *r, uint8_t family, uint8_t proto);
/* these bytes stand at the start of the transport header */
void nft_expr_transport(struct nftnl_rule *r, const void *data, uint32_t len);
/* the destination port of TCP or UDP */
void nft_expr_port(struct nftnl_rule *r, uint16_t port);
/* goes to this address instead; only in a chain of type nat */
void nft_expr_dnat(struct nftnl_rule *r, uint8_t family, const uint8_t *addr);
/* of no connection that conntrack knows, and not about one */
void nft_expr_stranger(struct nftnl_rule *r);
void nft_expr_masquerade(struct nftnl_rule *r);
/* a TCP packet is refused with RST, others with "port unreachable" */
void nft_expr_reject(struct nftnl_rule *r, uint8_t proto);
/* the first packet of a TCP connection, of either side */
void nft_expr_syn(struct nftnl_rule *r);
/* its maximum segment size is at most this; 0: what the route allows */
void nft_expr_mss(struct nftnl_rule *r, uint16_t mss);
void nft_expr_family(struct nftnl_rule *r, uint8_t family);
/* the ICMPv6 type is one of a range */
void nft_expr_icmp6(struct nftnl_rule *r, uint8_t from, uint8_t to);

#endif
