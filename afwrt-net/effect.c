/* SPDX-License-Identifier: ISC */
/*
 * From rules and neighbours to the route of an address: a rule by MAC before
 * one by address before one by interface, of these the bridge's port before
 * the bridge. The order in which anything became known has no influence:
 * what an event may have touched is computed anew.
 */
#include "effect.h"

#include <stdlib.h>
#include <string.h>

#include "fdb.h"
#include "lib/daemon/log.h"
#include "links.h"
#include "source.h"
#include "state.h"
#include "station.h"

static uint32_t
route_of(const struct afw_key *k)
{
	const struct device *d = device_find(&net.devices, k);

	return d != NULL ? d->route : 0;
}

static uint32_t
mac_route(const uint8_t mac[6])
{
	struct afw_key k = {.kind = AFW_KEY_MAC};

	memcpy(k.mac, mac, sizeof(k.mac));
	return route_of(&k);
}

static uint32_t
name_route(uint32_t ifindex)
{
	struct afw_key k = {.kind = AFW_KEY_IFACE};
	const struct links_if *l = links_find(ifindex);

	if (l == NULL)
		return 0;
	memcpy(k.iface, l->name, sizeof(k.iface));
	return route_of(&k);
}

/* The station's port, if its interface is a bridge or a VLAN on one. */
static uint32_t
port_of(const struct station *s)
{
	const struct links_if *l;
	uint32_t port;

	if (!net.bridge || !s->has_mac)
		return 0;
	if ((port = fdb_port(s->ifindex, s->mac)) != 0)
		return port;
	l = links_find(s->ifindex);
	return l != NULL && l->lower != 0 ? fdb_port(l->lower, s->mac) : 0;
}

static uint32_t
iface_route(const struct station *s)
{
	uint32_t route, port;

	if (net.devices.kinds[AFW_KEY_IFACE] == 0)
		return 0;
	if ((port = port_of(s)) != 0 && (route = name_route(port)) != 0)
		return route;
	return name_route(s->ifindex);
}

uint32_t
effect_of(const struct afw_addr *a)
{
	const struct station *s = station_current(a);
	struct afw_key k;
	uint32_t route;

	if (s != NULL && s->has_mac && (route = mac_route(s->mac)) != 0)
		return route;
	device_key(&k, a);
	if ((route = route_of(&k)) != 0)
		return route;
	return s != NULL ? iface_route(s) : 0;
}

void
effect_addr(const struct afw_addr *a, struct flows_wait *w)
{
	uint32_t route = effect_of(a);

	station_used(a, route != 0);
	flows_want(a, route, w);
}

static void
station_cb(const struct station *s, void *arg)
{
	effect_addr(&s->addr, arg);
}

void
effect_mac(const uint8_t mac[6], struct flows_wait *w)
{
	station_of_mac(mac, station_cb, w);
}

/* For each station that a rule by interface may be about. */
static void
iface_walk(
    const char *name, void (*cb)(const struct station *, void *), void *arg)
{
	const struct links_if *l = links_named(name), *on = NULL;

	if (l == NULL)
		return;
	station_of_if(l->ifindex, cb, arg);
	if (l->master == 0)
		return;
	station_of_if(l->master, cb, arg);
	while ((on = links_next(on)) != NULL)
		if (on->lower == l->master)
			station_of_if(on->ifindex, cb, arg);
}

void
effect_key(const struct afw_key *k, struct flows_wait *w)
{
	switch (k->kind) {
	case AFW_KEY_IP:
		effect_addr(&k->addr, w);
		break;
	case AFW_KEY_MAC:
		effect_mac(k->mac, w);
		break;
	case AFW_KEY_IFACE:
		iface_walk(k->iface, station_cb, w);
		break;
	}
}

void
effect_all(struct flows_wait *w)
{
	struct device *d = NULL;
	size_t i = 0;

	flows_all_begin();
	station_all(station_cb, w);
	while (device_next(&net.devices, &i, &d))
		if (d->key.kind == AFW_KEY_IP)
			effect_addr(&d->key.addr, w);
	flows_all_end(w);
}

/* With a killswitch one that is not there may come as a port after our end. */
bool
effect_ports(void)
{
	const struct links_if *l = NULL;
	struct afw_key k = {.kind = AFW_KEY_IFACE};
	size_t there = 0;

	if (net.devices.kinds[AFW_KEY_IFACE] == 0)
		return false;
	while ((l = links_next(l)) != NULL) {
		memcpy(k.iface, l->name, sizeof(k.iface));
		if (device_find(&net.devices, &k) == NULL)
			continue;
		if (l->master != 0)
			return true;
		there++;
	}
	return (net.cfg.flags & AFW_C_KILLSWITCH) != 0 &&
	    there < net.devices.kinds[AFW_KEY_IFACE];
}

bool
effect_is_port(const struct afw_key *k)
{
	const struct links_if *l = links_named(k->iface);

	return l != NULL && l->master != 0;
}

void
effect_links(void)
{
	struct nerr e;

	if (net.mode == NET_ON && apply_ports(&e) == -1)
		log_err("rules of a bridge's port: %s", e.text);
	effect_all(NULL);
}

struct addrs {
	struct afw_key *key;
	size_t n, size;
};

static void
addrs_add(struct addrs *t, const struct afw_addr *a)
{
	if (t->n == t->size) {
		t->size = t->size * 2 + 16;
		t->key = realloc(t->key, t->size * sizeof(*t->key));
		if (t->key == NULL)
			fatal("rules: out of memory");
	}
	device_key(&t->key[t->n++], a);
}

static void
addrs_cb(const struct station *s, void *arg)
{
	addrs_add(arg, &s->addr);
}

struct afw_key *
effect_addrs(const struct afw_key *k, size_t n, size_t *count)
{
	struct addrs t = {.n = 0};
	size_t i;

	for (i = 0; i < n; i++)
		if (k[i].kind == AFW_KEY_IP)
			addrs_add(&t, &k[i].addr);
		else if (k[i].kind == AFW_KEY_MAC)
			station_of_mac(k[i].mac, addrs_cb, &t);
		else
			iface_walk(k[i].iface, addrs_cb, &t);
	*count = t.n;
	return t.key;
}
