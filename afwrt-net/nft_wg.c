/* SPDX-License-Identifier: ISC */
/*
 * The rules that managed routing adds for WireGuard routes. A packet of their
 * devices never passes the suite, so the kernel does all that afwrt-tun does
 * for the others:
 *
 *       chain afwrt_chain {    # behind each set its map: the route's mark
 *           iifname wg0 ct state != established,related drop
 *           iifname wg0 return
 *           meta mark set ether saddr map @wg_mac  (and iface, ip4, ip6)
 *       }
 *       chain afwrt_guard { oifname WAN meta mark 0x9 drop }
 *       chain afwrt_post {     # postrouting, after everybody's NAT
 *           oifname WAN ip saddr 10.1.0.2 drop     (each of wg0's addresses)
 *       }
 *       chain afwrt_nat {      # postrouting, srcnat
 *           oifname wg0 masquerade
 *       }
 *       chain afwrt_mss {      # forward
 *           oifname wg0 tcp flags syn tcp option maxseg size set rt mtu
 *           iifname wg0 tcp flags syn tcp option maxseg size set 1380
 *       }
 *
 * By a tunnel only answers come in, as through the NAT of afwrt-tun: a node
 * reaches no service of the router or the LAN, and a late packet of a
 * connection that was forgotten makes the router answer nobody.
 *
 * What has the tunnel's address as its source is the router's own, or of a
 * connection that was masqueraded and has lost its way; the uplink's side is
 * not to see it.
 *
 * Older kernels cannot combine two registers: where the mark is only a part
 * of the field (fwmark_mask) each route has a rule of its own behind a map.
 *
 * With "dns": "tunnel" the queries of each mark go to that route's server, of
 * a family that has none they are refused where the packet would leave or
 * arrive: a reject is not for chains of type nat.
 */
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <stdio.h>

#include "nft_expr.h"
#include "nft_rules.h"
#include "lib/wire/addr.h"

#define DNS_PORT 53
/* RFC 9293, 791, 8200: the least headers of TCP and of IP */
#define HEADERS4 40
#define HEADERS6 60

static const uint8_t families[] = {4, 6};
static const uint8_t protos[] = {IPPROTO_UDP, IPPROTO_TCP};

void
nft_wg_list_from(struct nft_list *l, const struct plan *p)
{
	uint32_t i;

	for (i = 0; i < p->n_wg; i++) {
		nft_list_add(l, WG_STRANGER, NFT_C_MARK)->wg = &p->wg[i];
		nft_list_add(l, WG_NOT_FROM, NFT_C_MARK)->wg = &p->wg[i];
	}
}

void
nft_wg_list_marks(struct nft_list *l, const struct plan *p, int map)
{
	struct nft_one *o;
	uint32_t i;

	if (p->mask == UINT32_MAX) {
		nft_list_add(l, WG_MARK, NFT_C_MARK)->set = map;
		return;
	}
	for (i = 0; i < p->n_wg; i++) {
		o = nft_list_add(l, WG_MARK_PART, NFT_C_MARK);
		o->set = map;
		o->wg = &p->wg[i];
	}
}

/* Of the unmarked (w NULL) it is the default location's. */
static const struct afw_addr *
server(const struct plan *p, const struct plan_wg *w, uint8_t family)
{
	if (w == NULL)
		w = &p->wg[p->wg_default];
	return family == 4 ? &w->dns4 : &w->dns6;
}

static void
list_dns_one(struct nft_list *l, enum nft_what what, enum nft_chain chain,
    const struct plan_wg *w, uint8_t family)
{
	struct nft_one *o;
	size_t i;

	for (i = 0; i < sizeof(protos); i++) {
		o = nft_list_add(l, what, chain);
		o->wg = w;
		o->family = family;
		o->proto = protos[i];
	}
}

static void
list_dns(struct nft_list *l, const struct plan *p, const struct plan_wg *w)
{
	size_t i;

	for (i = 0; i < sizeof(families); i++) {
		if (server(p, w, families[i])->family != 0) {
			list_dns_one(l, WG_DNS_TO, NFT_C_DNS, w, families[i]);
			continue;
		}
		list_dns_one(l, WG_DNS_REFUSE, NFT_C_GUARD, w, families[i]);
		list_dns_one(l, WG_DNS_REFUSE, NFT_C_INPUT, w, families[i]);
	}
	if (w != NULL && p->halves)
		nft_list_add(l, WG_DNS_NONE, NFT_C_DNS)->wg = w;
}

void
nft_wg_list_dns_default(struct nft_list *l, const struct plan *p)
{
	list_dns(l, p, NULL);
}

static void
list_mss_in(struct nft_list *l, const struct plan_wg *w)
{
	struct nft_one *o;
	size_t i;

	if (w->mtu <= HEADERS6)
		return;
	for (i = 0; i < sizeof(families); i++) {
		o = nft_list_add(l, WG_MSS_IN, NFT_C_MSS);
		o->wg = w;
		o->family = families[i];
	}
}

static void
list_guard(struct nft_list *l, const struct plan_wg *w)
{
	struct nft_one *o;
	uint32_t i;

	nft_list_add(l, WG_GUARD, NFT_C_GUARD)->wg = w;
	for (i = 0; i < w->n_own; i++) {
		o = nft_list_add(l, WG_OWN, NFT_C_POST);
		o->wg = w;
		o->own = &w->own[i];
	}
}

void
nft_wg_list(struct nft_list *l, const struct plan *p)
{
	const struct plan_wg *w;
	uint32_t i;

	for (i = 0; i < p->n_wg; i++) {
		w = &p->wg[i];
		if (p->wan[0] != '\0')
			list_guard(l, w);
		nft_list_add(l, WG_MASQUERADE, NFT_C_NAT)->wg = w;
		nft_list_add(l, WG_MSS_OUT, NFT_C_MSS)->wg = w;
		list_mss_in(l, w);
		if (p->dns)
			list_dns(l, p, w);
	}
}

static unsigned int
mss_in(const struct nft_one *o)
{
	return o->wg->mtu - (o->family == 4 ? HEADERS4 : HEADERS6);
}

/* "0x9/0xffffffff", or of those without a mark */
static const char *
who(const struct plan *p, const struct nft_one *o, char *buf, size_t size)
{
	if (o->wg == NULL)
		(void)snprintf(buf, size, "the others");
	else
		(void)snprintf(buf, size, "0x%x/0x%x", o->wg->mark, p->mask);
	return buf;
}

void
nft_wg_describe(
    const struct plan *p, const struct nft_one *o, char *buf, size_t size)
{
	char text[AFW_ADDR_TEXT], of[32];

	(void)who(p, o, of, sizeof(of));
	switch (o->what) {
	case WG_STRANGER:
		(void)snprintf(
		    buf, size, "only answers from %s", o->wg->ifname);
		break;
	case WG_NOT_FROM:
		(void)snprintf(
		    buf, size, "not from %s, which is %s", o->wg->ifname, of);
		break;
	case WG_MARK:
		(void)snprintf(
		    buf, size, "protected %s", nft_sets[o->set].name);
		break;
	case WG_MARK_PART:
		(void)snprintf(
		    buf, size, "protected %s: %s", nft_sets[o->set].name, of);
		break;
	case WG_GUARD:
		(void)snprintf(buf, size, "guard: %s not to %s", of, p->wan);
		break;
	case WG_OWN:
		(void)snprintf(buf, size, "guard: from %s not to %s",
		    afw_addr_print(o->own, text, sizeof(text)), p->wan);
		break;
	case WG_DNS_TO:
		(void)snprintf(buf, size, "dns: protocol %u of %s to %s",
		    o->proto, of,
		    afw_addr_print(
			server(p, o->wg, o->family), text, sizeof(text)));
		break;
	case WG_DNS_NONE:
		(void)snprintf(buf, size, "dns: nothing else of %s", of);
		break;
	case WG_DNS_REFUSE:
		(void)snprintf(buf, size,
		    "dns: IPv%u protocol %u of %s is refused", o->family,
		    o->proto, of);
		break;
	case WG_MASQUERADE:
		(void)snprintf(buf, size, "masquerade: %s", o->wg->ifname);
		break;
	case WG_MSS_OUT:
		(void)snprintf(buf, size, "mss: to %s", o->wg->ifname);
		break;
	default: /* WG_MSS_IN */
		(void)snprintf(buf, size, "mss: from %s at most %u",
		    o->wg->ifname, mss_in(o));
		break;
	}
}

void
nft_wg_unmarked(struct nftnl_rule *r, const struct plan *p)
{
	uint32_t i;

	nft_expr_mark_load(r, p->mask);
	nft_expr_value_not(r, p->mark);
	for (i = 0; i < p->n_wg; i++)
		nft_expr_value_not(r, p->wg[i].mark);
}

static void
fill_mark(struct nftnl_rule *r, const struct plan *p, const struct nft_one *o)
{
	/* as fill_source in nft_rules.c */
	if (o->set == NFT_WG + NFT_IFACE && p->bridge)
		nft_wg_unmarked(r, p);
	nft_expr_source(r, o->set);
	if (o->what == WG_MARK) {
		nft_expr_mark_value(r);
		return;
	}
	nft_expr_value_is(r, o->wg->mark);
	nft_expr_mark_set(r, o->wg->mark, p->mask);
}

/* Of the LAN: by no interface of the tunnels or the uplink. */
static void
fill_lan(struct nftnl_rule *r, const struct plan *p)
{
	const char *const from[] = {"lo", p->tun, p->wan};
	uint32_t i;

	for (i = 0; i < 3; i++)
		if (from[i][0] != '\0')
			nft_expr_name(r, NFT_META_IIFNAME, from[i], true);
	/* the tunnel's answers are no queries; p->wg may be many */
	nft_expr_name(r, NFT_META_IIFNAME, p->wg[p->wg_default].ifname, true);
	nft_wg_unmarked(r, p);
}

static void
fill_dns(struct nftnl_rule *r, const struct plan *p, const struct nft_one *o)
{
	if (o->wg != NULL)
		nft_expr_mark_is(r, o->wg->mark, p->mask);
	else if (o->what == WG_DNS_REFUSE)
		fill_lan(r, p);
	if (o->what == WG_DNS_NONE) {
		nft_expr_verdict(r, NFT_RETURN);
		return;
	}
	nft_expr_proto(r, o->family, o->proto);
	nft_expr_port(r, DNS_PORT);
	if (o->what == WG_DNS_TO)
		nft_expr_dnat(r, o->family, server(p, o->wg, o->family)->b);
	else
		nft_expr_reject(r, o->proto);
}

static void
fill_mss(struct nftnl_rule *r, const struct nft_one *o)
{
	bool in = o->what == WG_MSS_IN;

	nft_expr_name(
	    r, in ? NFT_META_IIFNAME : NFT_META_OIFNAME, o->wg->ifname, false);
	if (in)
		nft_expr_family(r, o->family);
	nft_expr_syn(r);
	nft_expr_mss(r, in ? (uint16_t)mss_in(o) : 0);
}

void
nft_wg_fill(struct nftnl_rule *r, const struct plan *p, const struct nft_one *o)
{
	switch (o->what) {
	case WG_STRANGER:
		nft_expr_name(r, NFT_META_IIFNAME, o->wg->ifname, false);
		nft_expr_stranger(r);
		nft_expr_counter(r);
		nft_expr_verdict(r, NF_DROP);
		break;
	case WG_NOT_FROM:
		nft_expr_name(r, NFT_META_IIFNAME, o->wg->ifname, false);
		nft_expr_verdict(r, NFT_RETURN);
		break;
	case WG_MARK:
	case WG_MARK_PART:
		fill_mark(r, p, o);
		break;
	case WG_GUARD:
	case WG_OWN:
		nft_expr_name(r, NFT_META_OIFNAME, p->wan, false);
		if (o->what == WG_GUARD)
			nft_expr_mark_is(r, o->wg->mark, p->mask);
		else
			nft_expr_from(r, o->own);
		nft_expr_counter(r);
		nft_expr_verdict(r, NF_DROP);
		break;
	case WG_MASQUERADE:
		nft_expr_name(r, NFT_META_OIFNAME, o->wg->ifname, false);
		nft_expr_masquerade(r);
		break;
	case WG_MSS_OUT:
	case WG_MSS_IN:
		fill_mss(r, o);
		break;
	default:
		fill_dns(r, p, o);
		break;
	}
}
