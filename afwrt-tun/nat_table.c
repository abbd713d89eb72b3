/* SPDX-License-Identifier: ISC */
/*
 * The NAT table. The entries lie in a memfd that outlives the process; all
 * that leads to them (hash chains, free list, users) is private and rebuilt.
 * An entry counts only when its check value is right, which is written last
 * when it is made and cleared first when it goes: a process that dies at any
 * instruction leaves a table that can be adopted.
 */
#include "afwrt-tun/nat_table.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afwrt-tun/clock.h"
#include "afwrt-tun/hash.h"
#include "afwrt-tun/nat_adopt.h"
#include "afwrt-tun/nat_user.h"

#define HEADS      NAT_ENTRIES
#define ROUTES_MAX 256 /* routes with entries at one time */

_Static_assert(sizeof(struct nat_key) == 48, "no padding");
_Static_assert(sizeof(struct nat_entry) == 80, "no padding");

struct chain {
	uint32_t lan, node; /* number of the next entry + 1; 0 ends */
};

static struct nat_map *map;
static struct chain *chains, *heads;
static uint32_t free_first;  /* + 1, through chains[].lan */
static uint32_t fresh_first; /* from here on never used */
static uint32_t total, cursor;
static struct {
	uint32_t route, count;
} routes[ROUTES_MAX];

static uint32_t *
route_count(uint32_t route, bool make)
{
	unsigned int i, unused = ROUTES_MAX;

	for (i = 0; i < ROUTES_MAX; i++) {
		if (routes[i].count != 0 && routes[i].route == route)
			return &routes[i].count;
		if (routes[i].count == 0 && unused == ROUTES_MAX)
			unused = i;
	}
	if (!make || unused == ROUTES_MAX)
		return NULL;
	routes[unused].route = route;
	return &routes[unused].count;
}

static struct nat_key
node_key(const struct nat_entry *e)
{
	struct nat_key k = e->lan;

	k.port = e->port;
	k.conn = e->conn;
	memcpy(k.addr, e->inner, sizeof(k.addr));
	return k;
}

static uint32_t
head_of(const struct nat_key *k)
{
	return hash_words(k, sizeof(*k)) & (HEADS - 1);
}

static uint32_t
number_of(const struct nat_entry *e)
{
	return (uint32_t)(e - map->entries);
}

uint32_t
nat_table_limit(const struct nat_entry *e)
{
	switch (e->lan.proto) {
	case 6: /* RFC 5382, REQ-5: 2 h 4 min, and 4 min while opening and
		   closing */
		if ((e->flags & NAT_F_UP) == 0 ||
		    (e->flags & (NAT_F_FIN_LAN | NAT_F_FIN_NODE | NAT_F_RST)))
			return 240;
		return 7440;
	case 17: /* RFC 4787, REQ-5: 5 min; well-known ports may be shorter */
		return (e->flags & NAT_F_SHORT) != 0 ? 60 : 300;
	default: /* RFC 5508, REQ-2 */
		return 60;
	}
}

/* Puts entry i, whose content stands, under both its keys. */
static bool
entry_link(uint32_t i)
{
	struct nat_entry *e = &map->entries[i];
	struct nat_key node = node_key(e);
	uint32_t *count, h;

	if (nat_table_find_lan(&e->lan) != NULL ||
	    nat_table_find_node(&node) != NULL)
		return false;
	count = route_count(e->lan.route, true);
	if (count == NULL || nat_user_add(i, e->lan.family, e->lan.addr) == -1)
		return false;
	h = head_of(&e->lan);
	chains[i].lan = heads[h].lan;
	heads[h].lan = i + 1;
	h = head_of(&node);
	chains[i].node = heads[h].node;
	heads[h].node = i + 1;
	(*count)++;
	total++;
	return true;
}

static void
entry_unlink(uint32_t i)
{
	struct nat_entry *e = &map->entries[i];
	struct nat_key node = node_key(e);
	uint32_t *at;

	for (at = &heads[head_of(&e->lan)].lan; *at != i + 1;)
		at = &chains[*at - 1].lan;
	*at = chains[i].lan;
	for (at = &heads[head_of(&node)].node; *at != i + 1;)
		at = &chains[*at - 1].node;
	*at = chains[i].node;
	(*route_count(e->lan.route, false))--;
	nat_user_remove(i);
	total--;
}

static void
slot_free(uint32_t i)
{
	chains[i].lan = free_first;
	free_first = i + 1;
}

static uint32_t
slot_take(void)
{
	uint32_t i;

	if (free_first != 0) {
		i = free_first - 1;
		free_first = chains[i].lan;
		return i;
	}
	return fresh_first < NAT_ENTRIES ? fresh_first++ : NAT_NONE;
}

/* Entries that are good come under their keys, oldest first. */
static void
table_adopt(void)
{
	static uint32_t order[NAT_ENTRIES];
	uint32_t i, n;

	n = nat_adopt_order(map, order);
	fresh_first = nat_adopt_end(map);
	for (i = 0; i < n; i++)
		if (nat_user_count(map->entries[order[i]].lan.family,
			map->entries[order[i]].lan.addr) >= NAT_SHARE ||
		    !entry_link(order[i]))
			map->entries[order[i]].check = 0;
	for (i = fresh_first; i-- > 0;)
		if (map->entries[i].check == 0)
			slot_free(i);
}

int
nat_table_open(int memfd, bool fresh)
{
	int e;

	nat_table_close();
	map = nat_adopt_map(memfd, fresh);
	e = errno;
	(void)close(memfd);
	if (map == NULL) {
		errno = e;
		return -1;
	}
	chains = calloc(NAT_ENTRIES, sizeof(*chains));
	heads = calloc(HEADS, sizeof(*heads));
	if (chains == NULL || heads == NULL ||
	    nat_user_init(NAT_ENTRIES) == -1) {
		nat_table_close();
		errno = ENOMEM;
		return -1;
	}
	table_adopt();
	return 0;
}

void
nat_table_close(void)
{
	if (map != NULL)
		(void)munmap(map, sizeof(*map));
	map = NULL;
	free(chains);
	free(heads);
	chains = heads = NULL;
	nat_user_free();
	memset(routes, 0, sizeof(routes));
	free_first = fresh_first = total = cursor = 0;
}

/* NULL, too, when its time is over: then it goes now. */
static struct nat_entry *
entry_alive(struct nat_entry *e)
{
	if (clock_now - e->used < nat_table_limit(e))
		return e;
	nat_table_remove(e);
	return NULL;
}

struct nat_entry *
nat_table_find_lan(const struct nat_key *k)
{
	uint32_t i;

	if (map == NULL)
		return NULL;
	for (i = heads[head_of(k)].lan; i != 0; i = chains[i - 1].lan)
		if (memcmp(&map->entries[i - 1].lan, k, sizeof(*k)) == 0)
			return entry_alive(&map->entries[i - 1]);
	return NULL;
}

static bool
node_matches(const struct nat_entry *e, const struct nat_key *k)
{
	return e->port == k->port && e->conn == k->conn &&
	    e->lan.route == k->route && e->lan.proto == k->proto &&
	    e->lan.family == k->family &&
	    e->lan.remote_port == k->remote_port &&
	    memcmp(e->lan.remote, k->remote, sizeof(k->remote)) == 0 &&
	    memcmp(e->inner, k->addr, sizeof(k->addr)) == 0;
}

struct nat_entry *
nat_table_find_node(const struct nat_key *k)
{
	uint32_t i;

	if (map == NULL)
		return NULL;
	for (i = heads[head_of(k)].node; i != 0; i = chains[i - 1].node)
		if (node_matches(&map->entries[i - 1], k))
			return entry_alive(&map->entries[i - 1]);
	return NULL;
}

/* A slot within this device's share, at the cost of older entries. */
static uint32_t
slot_for(uint8_t family, const uint8_t *addr)
{
	uint32_t victim = NAT_NONE;

	if (nat_user_count(family, addr) >= NAT_SHARE)
		victim = nat_user_oldest(family, addr);
	else if (total >= NAT_ENTRIES)
		victim = nat_user_oldest_biggest();
	if (victim != NAT_NONE)
		nat_table_remove(&map->entries[victim]);
	return slot_take();
}

struct nat_entry *
nat_table_add(const struct nat_key *lan, uint8_t conn, const uint8_t *inner,
    uint16_t port, uint8_t flags)
{
	struct nat_entry *e;
	uint32_t i;

	if (map == NULL)
		return NULL;
	i = slot_for(lan->family, lan->addr);
	if (i == NAT_NONE)
		return NULL;
	e = &map->entries[i];
	e->used = clock_now;
	e->lan = *lan;
	memcpy(e->inner, inner, sizeof(e->inner));
	e->port = port;
	e->flags = flags;
	e->conn = conn;
	memset(e->pad, 0, sizeof(e->pad));
	if (!entry_link(i)) {
		slot_free(i);
		return NULL;
	}
	__atomic_store_n(&e->check, nat_adopt_check(e), __ATOMIC_RELEASE);
	return e;
}

void
nat_table_remove(struct nat_entry *e)
{
	uint32_t i = number_of(e);

	e->check = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* before anything else */
	entry_unlink(i);
	slot_free(i);
}

void
nat_table_touch(struct nat_entry *e)
{
	if (e->used == clock_now)
		return;
	e->used = clock_now;
	nat_user_touch(number_of(e));
}

void
nat_table_sweep(uint32_t n)
{
	for (; n > 0 && fresh_first != 0; n--) {
		if (cursor >= fresh_first)
			cursor = 0;
		if (map->entries[cursor].check != 0)
			(void)entry_alive(&map->entries[cursor]);
		cursor++;
	}
}

uint32_t
nat_table_count(uint32_t route)
{
	uint32_t *count = route_count(route, false);

	return count == NULL ? 0 : *count;
}

uint32_t
nat_table_total(void)
{
	return total;
}

/* The next entry of a route from slot *at on, which moves behind it. */
static struct nat_entry *
route_next(uint32_t route, uint32_t *at)
{
	struct nat_entry *e;

	while (*at < fresh_first && nat_table_count(route) != 0) {
		e = &map->entries[(*at)++];
		if (e->check != 0 && e->lan.route == route)
			return e;
	}
	return NULL;
}

void
nat_table_drop(uint32_t route)
{
	struct nat_entry *e;
	uint32_t at = 0;

	while ((e = route_next(route, &at)) != NULL)
		nat_table_remove(e);
}

void
nat_table_drop_other(
    uint32_t route, uint8_t conn, uint8_t family, const uint8_t *inner)
{
	struct nat_entry *e;
	uint32_t at = 0;

	while ((e = route_next(route, &at)) != NULL)
		if (e->conn == conn && e->lan.family == family &&
		    memcmp(e->inner, inner, sizeof(e->inner)) != 0)
			nat_table_remove(e);
}
