/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/nat_port.h"

#include <string.h>

#include "afwrt-tun/hash.h"
#include "afwrt-tun/nat.h"
#include "afwrt-tun/nat_user.h"

#define TRIES 128 /* for each of parity kept and not */

struct range {
	uint32_t low, n;
};

static struct range
range_of(const struct nat_key *k)
{
	if (k->proto != 6 && k->proto != 17) /* an echo id is any number */
		return (struct range){0, 65536};
	if (k->port < 1024)
		return (struct range){1, 1023};
	return (struct range){1024, 64512};
}

/* What a search has come by. */
struct search {
	struct nat_key node;
	struct nat_entry *oldest; /* of those who have more than we do */
	uint32_t own;             /* entries of this device */
};

static bool
is_free(struct search *s, uint16_t port)
{
	struct nat_entry *e;

	s->node.port = port;
	e = nat_table_find_node(&s->node);
	if (e != NULL && (s->oldest == NULL || e->used < s->oldest->used) &&
	    nat_user_count(e->lan.family, e->lan.addr) > s->own)
		s->oldest = e;
	return e == NULL;
}

/* From a random start in steps through the range. */
static bool
search(struct search *s, struct range r, uint16_t port, bool parity)
{
	uint32_t at, p, step = parity ? 2 : 1;
	int i;

	at = hash_random() % r.n;
	for (i = 0; i < TRIES; i++, at = (at + step) % r.n) {
		p = r.low + at;
		if (parity && ((p ^ port) & 1) != 0)
			p = p + 1 < r.low + r.n ? p + 1 : p - 1;
		if (is_free(s, (uint16_t)p))
			return true;
	}
	return false;
}

/* The port of somebody who has more than we do. */
static bool
take_over(struct search *s)
{
	if (s->oldest == NULL)
		return false;
	s->node.port = s->oldest->port;
	nat_table_remove(s->oldest);
	return true;
}

struct nat_entry *
nat_port_entry(const struct nat_key *lan, const struct conn *c, uint8_t flags)
{
	const uint8_t *inner = nat_inner(c, lan->family);
	struct range r = range_of(lan), high = {1024, 64512};
	struct search s = {.node = *lan};

	s.own = nat_user_count(lan->family, lan->addr);
	memset(s.node.addr, 0, sizeof(s.node.addr));
	memcpy(s.node.addr, inner, lan->family == 4 ? 4 : 16);
	s.node.conn = (uint16_t)c->index;
	if (!is_free(&s, lan->port) && !search(&s, r, lan->port, true) &&
	    !search(&s, r, lan->port, false) &&
	    (r.low != 1 || !search(&s, high, lan->port, true)) &&
	    !take_over(&s))
		return NULL;
	return nat_table_add(
	    lan, (uint8_t)c->index, s.node.addr, s.node.port, flags);
}
