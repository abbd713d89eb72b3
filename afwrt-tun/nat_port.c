/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/nat_port.h"

#include <string.h>

#include "afwrt-tun/hash.h"

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

static bool
is_free(struct nat_key *node, uint16_t port)
{
	node->port = port;
	return nat_table_find_node(node) == NULL;
}

/* From a random start in steps through the range. */
static bool
search(struct nat_key *node, struct range r, uint16_t port, bool parity)
{
	uint32_t at, step = parity ? 2 : 1;
	int i;

	at = hash_random() % r.n;
	for (i = 0; i < TRIES; i++, at = (at + step) % r.n) {
		uint32_t p = r.low + at;

		if (parity && (p ^ port) & 1)
			p = p + 1 < r.low + r.n ? p + 1 : p - 1;
		if (is_free(node, (uint16_t)p))
			return true;
	}
	return false;
}

struct nat_entry *
nat_port_entry(const struct nat_key *lan, const uint8_t *inner, uint8_t flags)
{
	struct range r = range_of(lan), high = {1024, 64512};
	struct nat_key node = *lan;

	memset(node.addr, 0, sizeof(node.addr));
	memcpy(node.addr, inner, lan->family == 4 ? 4 : 16);
	if (!is_free(&node, lan->port) && !search(&node, r, lan->port, true) &&
	    !search(&node, r, lan->port, false) &&
	    (r.low != 1 || !search(&node, high, lan->port, true)))
		return NULL;
	return nat_table_add(lan, node.addr, node.port, flags);
}
