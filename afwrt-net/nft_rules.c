/* SPDX-License-Identifier: ISC */
/*
 * The constant rules. The cost of a packet does not grow with the number of
 * devices: those are in the sets. Each rule has a comment that names all that
 * it depends on; equal comments are equal rules. The selective mode:
 *
 *   table inet afwrt {
 *       chain afwrt_chain {    # prerouting, mangle: who is protected
 *           iifname TUN return
 *           iifname @iface meta mark set 0x8       (and ip4, ip6, mac)
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
#include "nft_rules.h"

/* nft's numbers of data types, for its listings: ether_addr, ipv4_addr... */
#define SET(name, len, type, family, base)                     \
	{                                                      \
		name, len, type, NFPROTO_##family, base, false \
	}
#define MAP(name, len, type, family, base)                    \
	{                                                     \
		name, len, type, NFPROTO_##family, base, true \
	}
const struct nft_set nft_sets[NFT_SETS] = {
    [NFT_MAC] = SET("mac", 6, 9, INET, NFT_MAC),
    [NFT_IP4] = SET("ip4", 4, 7, INET, NFT_IP4),
    [NFT_IP6] = SET("ip6", 16, 8, INET, NFT_IP6),
    [NFT_IFACE] = SET("iface", 16, NFT_TYPE_IFNAME, INET, NFT_IFACE),
    [NFT_PORT] = SET("iface", 16, NFT_TYPE_IFNAME, BRIDGE, NFT_IFACE),
    [NFT_WG + NFT_MAC] = MAP("wg_mac", 6, 9, INET, NFT_MAC),
    [NFT_WG + NFT_IP4] = MAP("wg_ip4", 4, 7, INET, NFT_IP4),
    [NFT_WG + NFT_IP6] = MAP("wg_ip6", 16, 8, INET, NFT_IP6),
    [NFT_WG + NFT_IFACE] =
	MAP("wg_iface", 16, NFT_TYPE_IFNAME, INET, NFT_IFACE),
    [NFT_WG_PORT] = MAP("wg_iface", 16, NFT_TYPE_IFNAME, BRIDGE, NFT_IFACE),
};

const char *const nft_chains[NFT_CHAINS] = {
    [NFT_C_MARK] = NFT_CHAIN_MARK,
    [NFT_C_GUARD] = NFT_CHAIN_GUARD,
    [NFT_C_OUTPUT] = NFT_CHAIN_OUTPUT,
    [NFT_C_DNS] = NFT_CHAIN_DNS,
    [NFT_C_NAT] = NFT_CHAIN_NAT,
    [NFT_C_MSS] = NFT_CHAIN_MSS,
    [NFT_C_INPUT] = NFT_CHAIN_INPUT,
    [NFT_C_POST] = NFT_CHAIN_POST,
};

/* What is of link scope by its very address. */
static const struct prefix link_scope[] = {{4, 32, {255, 255, 255, 255}},
    {4, 24, {224, 0, 0, 0}}, {4, 16, {169, 254}}, {6, 10, {0xfe, 0x80}},
    {6, 16, {0xff, 0x01}}, {6, 16, {0xff, 0x02}}};

struct nft_one *
nft_list_add(struct nft_list *l, enum nft_what what, enum nft_chain chain)
{
	struct nft_one *o = &l->one[l->n];

	if (l->n < NFT_RULES_MAX - 1)
		l->n++;
	memset(o, 0, sizeof(*o));
	o->what = what;
	o->chain = chain;
	return o;
}

/*
 * A bridge's port goes before the bridge, and its mark is on the packet when
 * that comes up here as the bridge's.
 */
static bool
beside_ports(const struct plan *p, int set)
{
	return set == NFT_IFACE && p->managed && p->bridge;
}

/*
 * The last that matches has its way: so the priority of rules by MAC over
 * those by address over those by interface, whatever their routes are.
 */
static void
list_marks(struct nft_list *l, const struct plan *p, int set)
{
	/* then only what has no mark yet gets one: the other way round */
	bool first = beside_ports(p, set);

	if (p->managed && first)
		nft_wg_list_marks(l, p, NFT_WG + set);
	nft_list_add(l, MARK_SOURCE, NFT_C_MARK)->set = set;
	if (p->managed && !first)
		nft_wg_list_marks(l, p, NFT_WG + set);
}

static void
list_selective(struct nft_list *l, const struct plan *p)
{
	static const int order[] = {NFT_IFACE, NFT_IP4, NFT_IP6, NFT_MAC};
	int i;

	if (p->tun[0] != '\0')
		(void)nft_list_add(l, NOT_FROM_TUN, NFT_C_MARK);
	nft_wg_list_from(l, p);
	for (i = 0; i < NFT_INET_SETS; i++)
		list_marks(l, p, order[i]);
	if (p->wan[0] == '\0')
		return;
	(void)nft_list_add(l, GUARD_MARK, NFT_C_GUARD);
	for (i = 0; i < NFT_INET_SETS; i++)
		nft_list_add(l, GUARD_SOURCE, NFT_C_GUARD)->set = i;
}

static void
list_guard(struct nft_list *l, const struct plan *p)
{
	size_t i;

	if (p->wan[0] == '\0')
		return;
	(void)nft_list_add(l, GUARD_ALL, NFT_C_GUARD);
	(void)nft_list_add(l, OUT_ELSEWHERE, NFT_C_OUTPUT);
	(void)nft_list_add(l, OUT_OURS, NFT_C_OUTPUT);
	for (i = 0; i < sizeof(link_scope) / sizeof(link_scope[0]); i++)
		nft_list_add(l, OUT_TO, NFT_C_OUTPUT)->to = &link_scope[i];
	(void)nft_list_add(l, OUT_IGMP, NFT_C_OUTPUT);
	(void)nft_list_add(l, OUT_ND, NFT_C_OUTPUT);
	(void)nft_list_add(l, OUT_DHCP, NFT_C_OUTPUT);
	for (i = 0; i < p->n_near; i++)
		nft_list_add(l, OUT_TO, NFT_C_OUTPUT)->to = &p->near[i];
	(void)nft_list_add(l, OUT_DROP, NFT_C_OUTPUT);
}

static void
list_dns_to(struct nft_list *l)
{
	static const uint8_t families[] = {4, 6};
	static const uint8_t protos[] = {IPPROTO_UDP, IPPROTO_TCP};
	struct nft_one *o;
	int i;

	for (i = 0; i < 4; i++) {
		o = nft_list_add(l, DNS_TO, NFT_C_DNS);
		o->family = families[i / 2];
		o->proto = protos[i % 2];
	}
}

/* What comes from elsewhere than the LAN, with default_gateway. */
static void
list_dns_not_from(struct nft_list *l, const struct plan *p)
{
	const char *const from[] = {"lo", p->tun, p->wan};
	uint32_t i;

	for (i = 0; i < 3; i++)
		if (from[i][0] != '\0')
			nft_list_add(l, DNS_NOT_FROM, NFT_C_DNS)->from =
			    from[i];
	for (i = 0; i < p->n_wg; i++)
		nft_list_add(l, DNS_NOT_FROM, NFT_C_DNS)->from =
		    p->wg[i].ifname;
}

/* Everybody's queries, not only those of the marked. */
static bool
dns_all(const struct plan *p)
{
	return p->halves && p->wg_default == -1;
}

/* The TUN's; those of WireGuard routes are done already. */
static void
list_dns(struct nft_list *l, const struct plan *p)
{
	if (p->hydra && !dns_all(p))
		list_dns_to(l);
	if (!p->halves)
		return;
	list_dns_not_from(l, p);
	if (p->wg_default != -1)
		nft_wg_list_dns_default(l, p);
	else
		list_dns_to(l);
}

/* The rules of a plan in one table; of a chain in its order. */
static void
list(const struct plan *p, uint8_t family, struct nft_list *l)
{
	l->n = 0;
	if (family == NFPROTO_BRIDGE) {
		list_marks(l, p, NFT_PORT);
		return;
	}
	if (p->selective)
		list_selective(l, p);
	if (p->guard)
		list_guard(l, p);
	nft_wg_list(l, p);
	if (p->dns)
		list_dns(l, p);
}

static void
describe(const struct plan *p, const struct nft_one *r, char *buf, size_t size)
{
	char text[AFW_ADDR_TEXT];
	struct afw_addr a;

	switch (r->what) {
	case NOT_FROM_TUN:
		(void)snprintf(buf, size, "not from %s", p->tun);
		break;
	case MARK_SOURCE:
		(void)snprintf(buf, size, "protected %s: 0x%x/0x%x%s",
		    nft_sets[r->set].name, p->mark, p->mask,
		    beside_ports(p, r->set) ? ", no port's" : "");
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
		if (!dns_all(p))
			(void)snprintf(buf, size,
			    "dns: IPv%u protocol %u of 0x%x/0x%x", r->family,
			    r->proto, p->mark, p->mask);
		else
			(void)snprintf(buf, size, "dns: IPv%u protocol %u",
			    r->family, r->proto);
		break;
	default:
		nft_wg_describe(p, r, buf, size);
		break;
	}
}

static void
fill_out(struct nftnl_rule *r, const struct plan *p, const struct nft_one *o)
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
fill_dns(struct nftnl_rule *r, const struct plan *p, const struct nft_one *o)
{
	static const uint8_t dns4[] = {AFW_DNS4}, dns6[] = {AFW_DNS6};

	if (o->what == DNS_NOT_FROM) {
		nft_expr_name(r, NFT_META_IIFNAME, o->from, false);
		nft_expr_verdict(r, NFT_RETURN);
		return;
	}
	if (!dns_all(p))
		nft_expr_mark_is(r, p->mark, p->mask);
	nft_expr_proto(r, o->family, o->proto);
	nft_expr_port(r, 53);
	nft_expr_dnat(r, o->family, o->family == 4 ? dns4 : dns6);
}

static void
fill(struct nftnl_rule *r, const struct plan *p, const struct nft_one *o)
{
	if (o->what >= WG_STRANGER) {
		nft_wg_fill(r, p, o);
		return;
	}
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
		if (beside_ports(p, o->set))
			nft_wg_unmarked(r, p);
		nft_expr_source(r, o->set);
		nft_expr_mark_set(r, p->mark, p->mask);
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
    uint8_t family, const struct nft_one *o)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	struct nftnl_udata_buf *u = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	struct nlmsghdr *nlh;
	char comment[NFT_COMMENT_SIZE];
	uint32_t seq;
	void *at = netlink_batch_next(&n->nl, b, &seq);

	describe(p, o, comment, sizeof(comment));
	if (r == NULL || u == NULL ||
	    !nftnl_udata_put_strz(u, NFTNL_UDATA_RULE_COMMENT, comment))
		fatal("nft: out of memory");
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, family);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, NFT_TABLE_NAME);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, nft_chains[o->chain]);
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
	struct nft_list l;
	int i;

	list(p, family, &l);
	for (i = 0; i < l.n; i++)
		rule_put(n, b, p, family, &l.one[i]);
}

void
nft_sums_add(struct nft_sums *s, const char *chain, const char *comment)
{
	uint64_t *h;
	int i;

	for (i = 0; i < NFT_CHAINS && strcmp(chain, nft_chains[i]) != 0; i++)
		;
	if (i == NFT_CHAINS || comment == NULL) {
		s->others = true;
		return;
	}
	h = &s->sum[i];
	if (s->rules[i]++ == 0)
		*h = UINT64_C(14695981039346656037); /* FNV-1a */
	do
		*h = (*h ^ (uint8_t)*comment) * UINT64_C(1099511628211);
	while (*comment++ != '\0');
}

void
nft_rules_sums(const struct plan *p, uint8_t family, struct nft_sums *s)
{
	char comment[NFT_COMMENT_SIZE];
	struct nft_list l;
	int i;

	memset(s, 0, sizeof(*s));
	list(p, family, &l);
	for (i = 0; i < l.n; i++) {
		describe(p, &l.one[i], comment, sizeof(comment));
		nft_sums_add(s, nft_chains[l.one[i].chain], comment);
	}
}
