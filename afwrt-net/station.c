/* SPDX-License-Identifier: ISC */
/*
 * Who has which address: the neighbours, found by address, by MAC and by
 * interface. The kernel forgets neighbours when it likes (too many, the
 * carrier was lost for a moment) while the device goes on sending; so what
 * the kernel dropped without a finding is kept as a memory. The table is
 * bounded: STATION_MAC_MAX addresses of one MAC, STATION_MAX in all; what no
 * rule uses goes first, the oldest before others.
 */
#include "station.h"

#include <stdlib.h>
#include <string.h>

#include "effect.h"
#include "lib/daemon/log.h"
#include "seed.h"

#define HEADS    4096 /* powers of two */
#define IF_HEADS 256

static struct list by_addr[HEADS], by_mac[HEADS], by_if[IF_HEADS];
static struct list used, unused; /* oldest first */
static unsigned int n_stations;
static uint64_t serial;

static struct list *
addr_head(const struct afw_addr *a)
{
	return &by_addr[seed_hash(a, sizeof(*a)) & (HEADS - 1)];
}

static struct list *
mac_head(const uint8_t mac[6])
{
	return &by_mac[seed_hash(mac, 6) & (HEADS - 1)];
}

static struct list *
if_head(uint32_t ifindex)
{
	return &by_if[ifindex & (IF_HEADS - 1)];
}

struct station *
station_find(const struct afw_addr *a, uint32_t ifindex)
{
	struct list *h = addr_head(a), *x;
	struct station *s;

	for (x = h->next; x != h; x = x->next) {
		s = LIST_OF(x, struct station, by_addr);
		if (s->ifindex == ifindex && afw_addr_equal(&s->addr, a))
			return s;
	}
	return NULL;
}

const struct station *
station_current(const struct afw_addr *a)
{
	struct list *h = addr_head(a), *x;
	const struct station *s, *best = NULL;

	for (x = h->next; x != h; x = x->next) {
		s = LIST_OF(x, struct station, by_addr);
		if (afw_addr_equal(&s->addr, a) &&
		    (best == NULL || s->serial > best->serial))
			best = s;
	}
	return best;
}

static void
drop(struct station *s)
{
	list_del(&s->by_addr);
	list_del(&s->by_mac);
	list_del(&s->by_if);
	list_del(&s->age);
	free(s);
	n_stations--;
}

void
station_forget(struct station *s)
{
	const struct afw_addr a = s->addr;

	drop(s);
	effect_addr(&a, NULL);
}

static void
age_put(struct station *s)
{
	list_del(&s->age);
	list_add(s->used ? &used : &unused, &s->age);
}

/* One MAC with very many addresses pays for them itself. */
static void
mac_bound(const uint8_t mac[6])
{
	struct list *h = mac_head(mac), *x;
	struct station *s, *oldest = NULL;
	unsigned int n = 0;

	for (x = h->next; x != h; x = x->next) {
		s = LIST_OF(x, struct station, by_mac);
		if (!s->has_mac || memcmp(s->mac, mac, 6) != 0)
			continue;
		n++;
		if (oldest == NULL || s->serial < oldest->serial)
			oldest = s;
	}
	if (n >= STATION_MAC_MAX)
		station_forget(oldest);
}

static struct station *
make(const struct afw_addr *a, uint32_t ifindex)
{
	struct station *s;

	if (n_stations >= STATION_MAX)
		station_forget(
		    LIST_OF(list_empty(&unused) ? used.next : unused.next,
			struct station, age));
	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("stations: out of memory");
	s->addr = *a;
	s->ifindex = ifindex;
	list_add(addr_head(a), &s->by_addr);
	list_init(&s->by_mac);
	list_add(if_head(ifindex), &s->by_if);
	list_add(&unused, &s->age);
	n_stations++;
	return s;
}

static void
mac_set(struct station *s, const uint8_t *mac)
{
	list_del(&s->by_mac);
	s->has_mac = false;
	if (mac == NULL)
		return;
	mac_bound(mac);
	memcpy(s->mac, mac, sizeof(s->mac));
	s->has_mac = true;
	list_add(mac_head(mac), &s->by_mac);
}

bool
station_learn(const struct afw_addr *a, uint32_t ifindex, const uint8_t *mac,
    enum station_sign sign, bool kernel)
{
	struct station *s = station_find(a, ifindex);
	bool fresh = s == NULL, other, news;

	if (fresh)
		s = make(a, ifindex);
	other = fresh || s->has_mac != (mac != NULL) ||
	    (mac != NULL && memcmp(s->mac, mac, sizeof(s->mac)) != 0);
	if (other)
		mac_set(s, mac);
	s->seen = true;
	news = other || (kernel && !s->kernel);
	s->kernel = kernel;
	if (sign == STATION_HEARSAY || (sign == STATION_KNOWN && !news))
		return false;
	other = other || station_current(a) != s;
	s->serial = ++serial;
	age_put(s);
	return other;
}

void
station_flush(uint32_t ifindex)
{
	struct list *h = if_head(ifindex), *x, *next;

	for (x = h->next; x != h; x = next) {
		next = x->next;
		if (LIST_OF(x, struct station, by_if)->ifindex == ifindex)
			station_forget(LIST_OF(x, struct station, by_if));
	}
}

void
station_used(const struct afw_addr *a, bool is_used)
{
	struct list *h = addr_head(a), *x;
	struct station *s;

	for (x = h->next; x != h; x = x->next) {
		s = LIST_OF(x, struct station, by_addr);
		if (s->used == is_used || !afw_addr_equal(&s->addr, a))
			continue;
		s->used = is_used;
		age_put(s);
	}
}

void
station_of_mac(
    const uint8_t mac[6], void (*cb)(const struct station *, void *), void *arg)
{
	struct list *h = mac_head(mac), *x;
	struct station *s;

	for (x = h->next; x != h; x = x->next) {
		s = LIST_OF(x, struct station, by_mac);
		if (memcmp(s->mac, mac, sizeof(s->mac)) == 0)
			cb(s, arg);
	}
}

void
station_of_if(
    uint32_t ifindex, void (*cb)(const struct station *, void *), void *arg)
{
	struct list *h = if_head(ifindex), *x;
	struct station *s;

	for (x = h->next; x != h; x = x->next) {
		s = LIST_OF(x, struct station, by_if);
		if (s->ifindex == ifindex)
			cb(s, arg);
	}
}

void
station_all(void (*cb)(const struct station *, void *), void *arg)
{
	struct list *x;
	size_t i;

	for (i = 0; i < IF_HEADS; i++)
		for (x = by_if[i].next; x != &by_if[i]; x = x->next)
			cb(LIST_OF(x, struct station, by_if), arg);
}

void
station_dump_begin(void)
{
	struct list *x;
	size_t i;

	for (i = 0; i < IF_HEADS; i++)
		for (x = by_if[i].next; x != &by_if[i]; x = x->next)
			LIST_OF(x, struct station, by_if)->seen = false;
}

void
station_dump_end(void)
{
	struct list *x;
	struct station *s;
	size_t i;

	for (i = 0; i < IF_HEADS; i++)
		for (x = by_if[i].next; x != &by_if[i]; x = x->next) {
			s = LIST_OF(x, struct station, by_if);
			if (!s->seen)
				s->kernel = false;
		}
}

unsigned int
station_count(void)
{
	return n_stations;
}

void
station_init(void)
{
	size_t i;

	for (i = 0; i < HEADS; i++) {
		list_init(&by_addr[i]);
		list_init(&by_mac[i]);
	}
	for (i = 0; i < IF_HEADS; i++)
		list_init(&by_if[i]);
	list_init(&used);
	list_init(&unused);
}
