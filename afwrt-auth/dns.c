/* SPDX-License-Identifier: ISC */
/*
 * DNS messages by the resolver library of libc. Its res_mkquery is not used:
 * that would read the system's files, which are not in this process's world.
 */
#include "dns.h"

#include <netinet/in.h>

#include <arpa/nameser.h>
#include <resolv.h>

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define CHAIN_MAX 8 /* CNAMEs in one answer */

static int
dns_type(unsigned int family)
{
	return family == 4 ? ns_t_a : ns_t_aaaa;
}

int
dns_query(uint8_t buf[DNS_QUERY_MAX], uint16_t id, const char *name,
    unsigned int family)
{
	uint8_t *p = buf + NS_HFIXEDSZ;
	int n;

	memset(buf, 0, NS_HFIXEDSZ);
	ns_put16(id, buf);
	buf[2] = 1; /* recursion desired */
	buf[5] = 1; /* one question */
	n = dn_comp(
	    name, p, DNS_QUERY_MAX - NS_HFIXEDSZ - NS_QFIXEDSZ, NULL, NULL);
	if (n == -1)
		return -1;
	p += n;
	ns_put16((unsigned int)dns_type(family), p);
	ns_put16(ns_c_in, p + 2);
	return (int)(p + 4 - buf);
}

/* Follows the CNAMEs from name; cur is where they end. False: a loop. */
static bool
dns_chain(ns_msg *h, char cur[DNS_NAME_MAX])
{
	ns_rr rr;
	int i, hops, n = ns_msg_count(*h, ns_s_an);
	bool moved = true;

	for (hops = 0; moved; hops++) {
		if (hops > CHAIN_MAX)
			return false;
		moved = false;
		for (i = 0; i < n && !moved; i++) {
			if (ns_parserr(h, ns_s_an, i, &rr) == -1)
				return false;
			if (ns_rr_type(rr) != ns_t_cname ||
			    ns_rr_class(rr) != ns_c_in ||
			    strcasecmp(ns_rr_name(rr), cur) != 0)
				continue;
			if (dn_expand(ns_msg_base(*h), ns_msg_end(*h),
				ns_rr_rdata(rr), cur, DNS_NAME_MAX) == -1)
				return false;
			moved = true;
		}
	}
	return true;
}

static bool
dns_collect(
    ns_msg *h, const char *owner, unsigned int family, struct dns_answer *a)
{
	size_t len = family == 4 ? 4 : 16;
	ns_rr rr;
	int i;

	for (i = 0; i < ns_msg_count(*h, ns_s_an); i++) {
		if (ns_parserr(h, ns_s_an, i, &rr) == -1)
			return false;
		if (ns_rr_class(rr) != ns_c_in)
			continue;
		if (ns_rr_ttl(rr) < a->ttl)
			a->ttl = ns_rr_ttl(rr);
		if ((int)ns_rr_type(rr) != dns_type(family) ||
		    ns_rr_rdlen(rr) != len || a->n == DNS_ADDRS_MAX ||
		    strcasecmp(ns_rr_name(rr), owner) != 0)
			continue;
		memset(&a->addrs[a->n], 0, sizeof(a->addrs[0]));
		a->addrs[a->n].family = (uint8_t)family;
		memcpy(a->addrs[a->n++].b, ns_rr_rdata(rr), len);
	}
	return true;
}

/* Is this the answer to that question? */
static bool
dns_matches(ns_msg *h, uint16_t id, const char *name, unsigned int family)
{
	ns_rr q;

	return ns_msg_id(*h) == id && ns_msg_getflag(*h, ns_f_qr) == 1 &&
	    ns_msg_getflag(*h, ns_f_opcode) == ns_o_query &&
	    ns_msg_count(*h, ns_s_qd) == 1 &&
	    ns_parserr(h, ns_s_qd, 0, &q) == 0 &&
	    (int)ns_rr_type(q) == dns_type(family) &&
	    ns_rr_class(q) == ns_c_in && strcasecmp(ns_rr_name(q), name) == 0;
}

enum dns_result
dns_parse(const uint8_t *msg, size_t len, uint16_t id, const char *name,
    unsigned int family, struct dns_answer *a)
{
	char owner[DNS_NAME_MAX];
	ns_msg h;
	int rcode;

	memset(a, 0, sizeof(*a));
	a->ttl = UINT32_MAX;
	if (len > 65535 || ns_initparse(msg, (int)len, &h) == -1)
		return DNS_FOREIGN;
	if (!dns_matches(&h, id, name, family))
		return DNS_FOREIGN;
	if (ns_msg_getflag(h, ns_f_tc))
		return DNS_TRUNCATED;
	rcode = (int)ns_msg_getflag(h, ns_f_rcode);
	if (rcode == ns_r_nxdomain)
		return DNS_NO_NAME;
	if (rcode != ns_r_noerror || strlen(name) >= sizeof(owner))
		return DNS_REFUSED;
	(void)strcpy(owner, name);
	if (!dns_chain(&h, owner) || !dns_collect(&h, owner, family, a))
		return DNS_REFUSED;
	if (a->n == 0 && strcasecmp(owner, name) != 0) {
		(void)strcpy(a->alias, owner);
		return DNS_ALIAS;
	}
	return DNS_ADDRS;
}
