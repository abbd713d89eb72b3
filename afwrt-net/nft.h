/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_NFT_H
#define AFWRT_NET_NFT_H

#include "device.h"
#include "netlink.h"
#include "plan.h"

#define NFT_TABLE_NAME   "afwrt"
#define NFT_CHAIN_MARK   "afwrt_chain"
#define NFT_CHAIN_GUARD  "afwrt_guard"
#define NFT_CHAIN_OUTPUT "afwrt_output"
#define NFT_CHAIN_DNS    "afwrt_dns"
/* in managed routing: */
#define NFT_CHAIN_NAT   "afwrt_nat"
#define NFT_CHAIN_MSS   "afwrt_mss"
#define NFT_CHAIN_INPUT "afwrt_input"
#define NFT_CHAIN_POST  "afwrt_post"

enum nft_chain {
	NFT_C_MARK,
	NFT_C_GUARD,
	NFT_C_OUTPUT,
	NFT_C_DNS,
	NFT_C_NAT,
	NFT_C_MSS,
	NFT_C_INPUT,
	NFT_C_POST,
	NFT_CHAINS
};

/*
 * Our table. The socket must stay the same: where the kernel can (6.9), the
 * table is owned by it, so that nobody else's "flush ruleset" touches it, and
 * it outlives us.
 */
struct nft {
	struct netlink nl;
	bool plain;     /* no ownership: an old kernel, or said so by a test */
	bool bridge;    /* table bridge afwrt is there */
	bool no_bridge; /* this kernel has no tables of that family */
	bool maps;      /* the maps of WireGuard's marks are there */
};

int nft_open(struct nft *n);
void nft_close(struct nft *n);

/*
 * Table, sets, chains and rules as the plan has them, the sets' content
 * untouched. 0 nothing was to be done, 1 it was, -1. The table of the bridge
 * is there afterwards if the plan has it and the kernel can (no_bridge).
 */
int nft_ensure(struct nft *n, const struct plan *p, struct nerr *e);
/* Whether it may be made: not while another's; e->soon: wait a moment. */
int nft_free(struct nft *n, struct nerr *e);
/* Whether the table is there. */
bool nft_there(struct nft *n);
/* The table goes. 0 also when there is none. */
int nft_remove(struct nft *n, struct nerr *e);

/* What a change of the sets touched. */
struct nft_touched {
	struct afw_key *key;
	size_t n, size;
};

/*
 * Makes the sets and maps those of t (devices that are fresh are left as they
 * are), in one transaction, touching only differences, which go to *touched.
 * The caller frees touched->key. How many, or -1.
 */
int nft_sync(struct nft *n, const struct devices *t,
    struct nft_touched *touched, struct nerr *e);
/*
 * One device in, with the mark of its route, or out; that it is so already is
 * no error. In one transaction, also from one mark to another.
 */
int nft_element(struct nft *n, struct device *d, bool in, struct nerr *e);
/* The mark that a device has by a map, 0: none, the sets' mark is its. */
uint32_t nft_map_mark(const struct device *d);

/* for nft.c: one transaction's messages, made in nft_rules.c */
void nft_rules_put(struct nft *n, struct netlink_batch *b, const struct plan *p,
    uint8_t family);
/*
 * The comments of the rules that a plan has. Equal sums of all chains are
 * equal rules: for those that are there the same sums are made.
 */
struct nft_sums {
	uint64_t sum[NFT_CHAINS];
	unsigned int rules[NFT_CHAINS];
	bool others; /* something that is not ours is there */
};
#define NFT_COMMENT_SIZE 128
void nft_sums_add(struct nft_sums *s, const char *chain, const char *comment);
void nft_rules_sums(const struct plan *p, uint8_t family, struct nft_sums *s);
extern const char *const nft_chains[NFT_CHAINS];

#define NFT_TYPE_MARK   19
#define NFT_TYPE_IFNAME 41

/* The sets: name, key length, nft's number for the key type, family. */
struct nft_set {
	const char *name;
	uint32_t len, type;
	uint8_t family;
	uint8_t base; /* of a map: the set with the same keys */
	bool map;     /* to the mark of the device's WireGuard route */
};
/* NFT_PORT is the bridge table's copy of NFT_IFACE. */
enum {
	NFT_MAC,
	NFT_IP4,
	NFT_IP6,
	NFT_IFACE,
	NFT_INET_SETS,
	NFT_PORT = NFT_INET_SETS,
	NFT_WG, /* the map of each set stands this far behind it */
	NFT_WG_PORT = NFT_WG + NFT_PORT,
	NFT_SETS
};
extern const struct nft_set nft_sets[NFT_SETS];

#endif
