/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/dns.h"

#include <string.h>

#include "afwrt-tun/nat_rewrite.h"

#define DNS_PORT 53

static const uint8_t virtual4[4] = {AFW_DNS4}, virtual6[16] = {AFW_DNS6};

static const uint8_t *
dns_virtual(uint8_t family)
{
	return family == 4 ? virtual4 : virtual6;
}

static bool
is_virtual(const struct packet *p, const uint8_t *addr)
{
	return memcmp(addr, dns_virtual(p->family), p->alen) == 0;
}

static bool
is_server(const struct conn *c, const struct packet *p, const uint8_t *addr)
{
	const uint8_t *server = dns_server(c, p->family);

	return server != NULL && memcmp(addr, server, p->alen) == 0;
}

/* One port of a packet that has ports: at 0 or 2. */
static bool
is_port(const struct packet *p, uint32_t at)
{
	return (p->proto == PACKET_UDP || p->proto == PACKET_TCP) &&
	    get16(p->data + p->l4 + at) == DNS_PORT;
}

bool
dns_asked(const struct packet *p)
{
	return is_virtual(p, p->dst) && (p->frag_off != 0 || is_port(p, 2));
}

const uint8_t *
dns_server(const struct conn *c, uint8_t family)
{
	const struct afw_addr *a = family == 4 ? &c->dns4 : &c->dns6;

	return a->family == family ? a->b : NULL;
}

void
dns_out(const struct conn *c, struct packet *p)
{
	const uint8_t *server = dns_server(c, p->family);

	if (server != NULL)
		nat_rewrite(p, false, server, DNS_PORT);
}

void
dns_in(const struct conn *c, struct packet *p)
{
	if (is_server(c, p, p->src) && is_port(p, 0))
		nat_rewrite(p, true, dns_virtual(p->family), DNS_PORT);
}

void
dns_error_out(const struct conn *c, struct packet *p, struct packet *q)
{
	const uint8_t *server = dns_server(c, q->family);

	if (server == NULL || !is_virtual(q, q->src) || !is_port(q, 0))
		return;
	nat_rewrite(q, true, server, DNS_PORT);
	if (is_virtual(p, p->dst))
		nat_rewrite_address(p, false, server);
}

void
dns_error_in(const struct conn *c, struct packet *p, struct packet *q)
{
	if (!is_server(c, q, q->dst) || !is_port(q, 2))
		return;
	nat_rewrite(q, false, dns_virtual(q->family), DNS_PORT);
	if (is_server(c, p, p->src))
		nat_rewrite_address(p, true, dns_virtual(p->family));
}
