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
 * Makes the sets those of t (devices that are fresh are left as they are), in
 * one transaction, touching only differences, which go to *touched. The
 * caller frees touched->key. How many, or -1.
 */
int nft_sync(struct nft *n, const struct devices *t,
    struct nft_touched *touched, struct nerr *e);
/* One element in or out; that it is so already is no error. */
int nft_element(
    struct nft *n, const struct afw_key *k, bool in, struct nerr *e);

/* for nft.c: one transaction's messages, made in nft_rules.c */
void nft_rules_put(struct nft *n, struct netlink_batch *b, const struct plan *p,
    uint8_t family);
/* The comments of the rules that a plan has, in order, one a line. */
#define NFT_COMMENTS_SIZE 4096
void nft_rules_comments(
    const struct plan *p, uint8_t family, char *buf, size_t size);

#define NFT_TYPE_IFNAME 41

/* The sets: name, key length, nft's number for the key type, family. */
struct nft_set {
	const char *name;
	uint32_t len, type;
	uint8_t family;
};
/* NFT_PORT is the bridge table's copy of NFT_IFACE. */
enum {
	NFT_MAC,
	NFT_IP4,
	NFT_IP6,
	NFT_IFACE,
	NFT_INET_SETS,
	NFT_PORT = NFT_INET_SETS,
	NFT_SETS
};
extern const struct nft_set nft_sets[NFT_SETS];

#endif
