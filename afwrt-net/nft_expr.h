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
/* the packet's source is in this set */
void nft_expr_source(struct nftnl_rule *r, int set);
void nft_expr_mark_set(struct nftnl_rule *r, const struct plan *p);
void nft_expr_mark_is(struct nftnl_rule *r, uint32_t mark, uint32_t mask);
/* the destination is in this network */
void nft_expr_to(struct nftnl_rule *r, const struct prefix *to);
void nft_expr_proto(struct nftnl_rule *r, uint8_t family, uint8_t proto);
/* these bytes stand at the start of the transport header */
void nft_expr_transport(struct nftnl_rule *r, const void *data, uint32_t len);
/* the destination port of TCP or UDP */
void nft_expr_port(struct nftnl_rule *r, uint16_t port);
/* goes to this address instead; only in a chain of type nat */
void nft_expr_dnat(struct nftnl_rule *r, uint8_t family, const uint8_t *addr);
/* the ICMPv6 type is one of a range */
void nft_expr_icmp6(struct nftnl_rule *r, uint8_t from, uint8_t to);

#endif
