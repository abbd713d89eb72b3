/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_NFT_RULES_H
#define AFWRT_NET_NFT_RULES_H

#include <libnftnl/rule.h>

#include "nft.h"

/* How nft_rules.c and nft_wg.c list the rules of a plan. */
enum nft_what {
	NOT_FROM_TUN,
	MARK_SOURCE,
	GUARD_MARK,
	GUARD_SOURCE,
	GUARD_ALL,
	OUT_ELSEWHERE,
	OUT_OURS,
	OUT_TO,
	OUT_IGMP,
	OUT_ND,
	OUT_DHCP,
	OUT_DROP,
	DNS_NOT_FROM,
	DNS_TO,
	/* of WireGuard routes: */
	WG_STRANGER, /* comes by it, and nobody here began */
	WG_NOT_FROM,
	WG_MARK,       /* the map's value */
	WG_MARK_PART,  /* the map's value is this one: within a mask */
	WG_GUARD,      /* what has the mark, to the uplink */
	WG_OWN,        /* with an address of the tunnel's, to the uplink */
	WG_DNS_TO,     /* to the route's server */
	WG_DNS_NONE,   /* it has one of neither family: on as it came */
	WG_DNS_REFUSE, /* of a family that has none */
	WG_MASQUERADE,
	WG_MSS_OUT,
	WG_MSS_IN
};

struct nft_one {
	enum nft_what what;
	enum nft_chain chain;
	int set;
	const struct prefix *to;
	const struct afw_addr *own;
	const char *from;
	const struct plan_wg *wg; /* NULL with DNS: those without a mark */
	uint8_t family, proto;
};

#define NFT_RULES_MAX (48 + (24 + AFW_WG_ADDRS_MAX) * PLAN_WG_MAX)
struct nft_list {
	struct nft_one one[NFT_RULES_MAX];
	int n;
};

struct nft_one *nft_list_add(
    struct nft_list *l, enum nft_what what, enum nft_chain chain);

/* nft_wg.c */
void nft_wg_list_from(struct nft_list *l, const struct plan *p);
void nft_wg_list_marks(struct nft_list *l, const struct plan *p, int map);
/* All that is not about marking. */
void nft_wg_list(struct nft_list *l, const struct plan *p);
/* The server of those without a mark: of the default location. */
void nft_wg_list_dns_default(struct nft_list *l, const struct plan *p);
void nft_wg_describe(
    const struct plan *p, const struct nft_one *o, char *buf, size_t size);
void nft_wg_fill(
    struct nftnl_rule *r, const struct plan *p, const struct nft_one *o);
/* The packet has none of our marks. */
void nft_wg_unmarked(struct nftnl_rule *r, const struct plan *p);

#endif
