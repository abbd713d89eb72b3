/* SPDX-License-Identifier: ISC */
/*
 * The constant rules. The cost of a packet does not grow with the number of
 * devices: those are in the sets. Each rule has a comment that names all that
 * it depends on; equal comments are equal rules. The selective mode:
 *
 *   table inet afwrt {
 *       chain afwrt_chain {    # prerouting, mangle: who is protected
 *           iifname TUN return
 *           ether saddr @mac meta mark set 0x8     (and ip4, ip6, iface)
 *       }
 *       chain afwrt_guard {    # forward: whatever happens to routes and marks
 *           oifname WAN meta mark 0x8 drop
 *           oifname WAN ether saddr @mac drop      (and ip4, ip6, iface)
 *       }
 *   }
 *   table bridge afwrt {       # only while a rule names a bridge's port:
 *       chain afwrt_chain {    # above, iifname is the bridge already
 *           iifname @iface meta mark set 0x8
 *       }
 *   }
 *
 * With default_gateway nobody is marked. The two halves in main are routes
 * like any other: one that is more specific, as a hostile DHCP server may push
 * it, goes before them. So what leaves by the uplink is decided here. Of what
 * is forwarded: nothing. Of the router's own: our outer sockets, known by
 * their mark (only CAP_NET_ADMIN can set one), and what keeps the link itself
 * alive and is never routed further: link scope, ND and MLD, IGMP, DHCP, and
 * (lan_bypass) the networks the uplink is connected to. ARP does not pass
 * here. A connected network must be a private one, or small: else a lease
 * with a very short prefix would be a hole again (wan.c).
 *
 *       chain afwrt_guard { oifname WAN drop }
 *       chain afwrt_output {   # output, after everybody's NAT
 *           oifname != WAN return
 *           meta mark & OUTER == OUTER return
 *           ip daddr 224.0.0.0/24 return  (and so on)
 *           drop
 *       }
 *
 * With "dns": "tunnel" also queries of those who are marked (default_gateway:
 * of all that come by another interface than these), whomever they ask:
 *
 *       chain afwrt_dns {      # prerouting, before everybody's dstnat
 *           iifname lo return  # and TUN, WAN; default_gateway only
 *           meta mark 0x8 meta nfproto ipv4 udp dport 53 dnat to AFW_DNS4
 *       }                      # and tcp; IPv6
 */
#include <netinet/in.h>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <stdio.h>
#include <string.h>

#include <libnftnl/rule.h>
#include <libnftnl/udata.h>

#include "lib/daemon/log.h"
#include "lib/wire/addr.h"
#include "nft.h"
#include "nft_expr.h"

#define RULES_MAX 40

/* nft's numbers of data types, for its listings: ether_addr, ipv4_addr... */
const struct nft_set nft_sets[NFT_SETS] = {
    [NFT_MAC] = {"mac", 6, 9, NFPROTO_INET},
    [NFT_IP4] = {"ip4", 4, 7, NFPROTO_INET},
    [NFT_IP6] = {"ip6", 16, 8, NFPROTO_INET},
    [NFT_IFACE] = {"iface", 16, NFT_TYPE_IFNAME, NFPROTO_INET},
    [NFT_PORT] = {"iface", 16, NFT_TYPE_IFNAME, NFPROTO_BRIDGE},
};

enum what {
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
	DNS_TO
};

struct one {
	enum what what;
	int set;
	const struct prefix *to;
	const char *from;
	uint8_t family, proto;
};

/* What is of link scope by its very address. */
static const struct prefix link_scope[] = {{4, 32, {255, 255, 255, 255}},
    {4, 24, {224, 0, 0, 0}}, {4, 16, {169, 254}}, {6, 10, {0xfe, 0x80}},
    {6, 16, {0xff, 0x01}}, {6, 16, {0xff, 0x02}}};

static int
list_selective(const struct plan *p, struct one *r)
{
	int n = 0, i;

	r[n++].what = NOT_FROM_TUN;
	for (i = 0; i < NFT_INET_SETS; i++)
		r[n++] = (struct one){.what = MARK_SOURCE, .set = i};
	if (p->wan[0] == '\0')
		return n;
	r[n++].what = GUARD_MARK;
	for (i = 0; i < NFT_INET_SETS; i++)
		r[n++] = (struct one){.what = GUARD_SOURCE, .set = i};
	return n;
}

static int
list_guard(const struct plan *p, struct one *r)
{
	int n = 0;
	size_t i;

	if (p->wan[0] == '\0')
		return 0;
	r[n++].what = GUARD_ALL;
	r[n++].what = OUT_ELSEWHERE;
	r[n++].what = OUT_OURS;
	for (i = 0; i < sizeof(link_scope) / sizeof(link_scope[0]); i++)
		r[n++] = (struct one){.what = OUT_TO, .to = &link_scope[i]};
	r[n++].what = OUT_IGMP;
	r[n++].what = OUT_ND;
	r[n++].what = OUT_DHCP;
	for (i = 0; i < p->n_near; i++)
		r[n++] = (struct one){.what = OUT_TO, .to = &p->near[i]};
	r[n++].what = OUT_DROP;
	return n;
}

static int
list_dns(const struct plan *p, struct one *r)
{
	static const uint8_t families[] = {4, 6};
	static const uint8_t protos[] = {IPPROTO_UDP, IPPROTO_TCP};
	const char *const from[] = {"lo", p->tun, p->wan};
	int n = 0, i;

	for (i = 0; i < 3 && !p->selective; i++)
		if (from[i][0] != '\0')
			r[n++] =
			    (struct one){.what = DNS_NOT_FROM, .from = from[i]};
	for (i = 0; i < 4; i++)
		r[n++] = (struct one){.what = DNS_TO,
		    .family = families[i / 2],
		    .proto = protos[i % 2]};
	return n;
}

/* The rules of a plan in one table, in order of their chains. */
static int
list(const struct plan *p, uint8_t family, struct one r[RULES_MAX])
{
	int n = 0;

	memset(r, 0, RULES_MAX * sizeof(*r));
	if (family == NFPROTO_BRIDGE) {
		r[0] = (struct one){.what = MARK_SOURCE, .set = NFT_PORT};
		return 1;
	}
	if (p->selective)
		n = list_selective(p, r);
	else if (p->guard)
		n = list_guard(p, r);
	return p->dns ? n + list_dns(p, r + n) : n;
}

static const char *
chain_of(const struct one *r)
{
	if (r->what <= MARK_SOURCE)
		return NFT_CHAIN_MARK;
	if (r->what <= GUARD_ALL)
		return NFT_CHAIN_GUARD;
	return r->what <= OUT_DROP ? NFT_CHAIN_OUTPUT : NFT_CHAIN_DNS;
}

static void
describe(const struct plan *p, const struct one *r, char *buf, size_t size)
{
	char text[AFW_ADDR_TEXT];
	struct afw_addr a;

	switch (r->what) {
	case NOT_FROM_TUN:
		(void)snprintf(buf, size, "not from %s", p->tun);
		break;
	case MARK_SOURCE:
		(void)snprintf(buf, size, "protected %s: 0x%x/0x%x",
		    nft_sets[r->set].name, p->mark, p->mask);
		break;
	case GUARD_MARK:
		(void)snprintf(buf, size, "guard: 0x%x/0x%x not to %s", p->mark,
		    p->mask, p->wan);
		break;
	case GUARD_SOURCE:
		(void)snprintf(buf, size, "guard: protected %s not to %s",
		    nft_sets[r->set].name, p->wan);
		break;
	case GUARD_ALL:
		(void)snprintf(buf, size, "guard: nothing to %s", p->wan);
		break;
	case OUT_ELSEWHERE:
		(void)snprintf(buf, size, "only to %s", p->wan);
		break;
	case OUT_OURS:
		(void)snprintf(buf, size, "ours: 0x%x", p->outer);
		break;
	case OUT_TO:
		memset(&a, 0, sizeof(a));
		a.family = r->to->family;
		memcpy(a.b, r->to->b, sizeof(a.b));
		(void)snprintf(buf, size, "near: %s/%u",
		    afw_addr_print(&a, text, sizeof(text)), r->to->len);
		break;
	case OUT_IGMP:
		(void)snprintf(buf, size, "IGMP");
		break;
	case OUT_ND:
		(void)snprintf(buf, size, "ND and MLD");
		break;
	case OUT_DHCP:
		(void)snprintf(buf, size, "DHCP");
		break;
	case OUT_DROP:
		(void)snprintf(buf, size, "guard: nothing else to %s", p->wan);
		break;
	case DNS_NOT_FROM:
		(void)snprintf(buf, size, "dns: not from %s", r->from);
		break;
	case DNS_TO:
		if (p->selective)
			(void)snprintf(buf, size,
			    "dns: IPv%u protocol %u of 0x%x/0x%x", r->family,
			    r->proto, p->mark, p->mask);
		else
			(void)snprintf(buf, size, "dns: IPv%u protocol %u",
			    r->family, r->proto);
		break;
	}
}

static void
fill_out(struct nftnl_rule *r, const struct plan *p, const struct one *o)
{
	/* RFC 2131: from the client's port 68 to the server's 67 */
	static const uint8_t dhcp[] = {0, 68, 0, 67};

	switch (o->what) {
	case OUT_ELSEWHERE:
		nft_expr_name(r, NFT_META_OIFNAME, p->wan, true);
		break;
	case OUT_OURS:
		nft_expr_mark_is(r, p->outer, p->outer);
		break;
	case OUT_TO:
		nft_expr_to(r, o->to);
		break;
	case OUT_IGMP:
		nft_expr_proto(r, 4, IPPROTO_IGMP);
		break;
	case OUT_ND: /* RFC 2710 and RFC 4861: MLD 130 to 132, ND to 137 */
		nft_expr_icmp6(r, 130, 137);
		break;
	case OUT_DHCP:
		nft_expr_proto(r, 4, IPPROTO_UDP);
		nft_expr_transport(r, dhcp, sizeof(dhcp));
		break;
	default:
		nft_expr_counter(r);
		nft_expr_verdict(r, NF_DROP);
		return;
	}
	nft_expr_verdict(r, NFT_RETURN);
}

static void
fill_dns(struct nftnl_rule *r, const struct plan *p, const struct one *o)
{
	static const uint8_t dns4[] = {AFW_DNS4}, dns6[] = {AFW_DNS6};

	if (o->what == DNS_NOT_FROM) {
		nft_expr_name(r, NFT_META_IIFNAME, o->from, false);
		nft_expr_verdict(r, NFT_RETURN);
		return;
	}
	if (p->selective)
		nft_expr_mark_is(r, p->mark, p->mask);
	nft_expr_proto(r, o->family, o->proto);
	nft_expr_port(r, 53);
	nft_expr_dnat(r, o->family, o->family == 4 ? dns4 : dns6);
}

static void
fill(struct nftnl_rule *r, const struct plan *p, const struct one *o)
{
	if (o->what >= DNS_NOT_FROM) {
		fill_dns(r, p, o);
		return;
	}
	if (o->what >= OUT_ELSEWHERE) {
		fill_out(r, p, o);
		return;
	}
	if (o->what == NOT_FROM_TUN) {
		nft_expr_name(r, NFT_META_IIFNAME, p->tun, false);
		nft_expr_verdict(r, NFT_RETURN);
		return;
	}
	if (o->what == MARK_SOURCE) {
		nft_expr_source(r, o->set);
		nft_expr_mark_set(r, p);
		return;
	}
	nft_expr_name(r, NFT_META_OIFNAME, p->wan, false);
	if (o->what == GUARD_MARK)
		nft_expr_mark_is(r, p->mark, p->mask);
	else if (o->what == GUARD_SOURCE)
		nft_expr_source(r, o->set);
	nft_expr_counter(r);
	nft_expr_verdict(r, NF_DROP);
}

static void
rule_put(struct nft *n, struct netlink_batch *b, const struct plan *p,
    uint8_t family, const struct one *o)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	struct nftnl_udata_buf *u = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	struct nlmsghdr *nlh;
	char comment[128];
	uint32_t seq;
	void *at = netlink_batch_next(&n->nl, b, &seq);

	describe(p, o, comment, sizeof(comment));
	if (r == NULL || u == NULL ||
	    !nftnl_udata_put_strz(u, NFTNL_UDATA_RULE_COMMENT, comment))
		fatal("nft: out of memory");
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, family);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, NFT_TABLE_NAME);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain_of(o));
	nftnl_rule_set_data(r, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(u),
	    nftnl_udata_buf_len(u));
	fill(r, p, o);
	nlh = nftnl_nlmsg_build_hdr(
	    at, NFT_MSG_NEWRULE, family, NLM_F_CREATE | NLM_F_APPEND, seq);
	nftnl_rule_nlmsg_build_payload(nlh, r);
	netlink_batch_add(b, nlh);
	nftnl_udata_buf_free(u);
	nftnl_rule_free(r);
}

void
nft_rules_put(struct nft *n, struct netlink_batch *b, const struct plan *p,
    uint8_t family)
{
	struct one r[RULES_MAX];
	int i, count = list(p, family, r);

	for (i = 0; i < count; i++)
		rule_put(n, b, p, family, &r[i]);
}

void
nft_rules_comments(const struct plan *p, uint8_t family, char *buf, size_t size)
{
	struct one r[RULES_MAX];
	int i, count = list(p, family, r);
	char comment[128];
	size_t len = 0;

	buf[0] = '\0';
	for (i = 0; i < count; i++) {
		describe(p, &r[i], comment, sizeof(comment));
		len += (size_t)snprintf(
		    buf + len, len < size ? size - len : 0, "%s\n", comment);
	}
}
