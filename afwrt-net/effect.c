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

static const struct device *
device_of(const struct afw_key *k)
{
	const struct device *d = device_find(&net.devices, k);

	return d != NULL && d->route != 0 ? d : NULL;
}

static const struct device *
by_mac(const uint8_t mac[6])
{
	struct afw_key k = {.kind = AFW_KEY_MAC};

	memcpy(k.mac, mac, sizeof(k.mac));
	return device_of(&k);
}

static const struct device *
by_name(uint32_t ifindex)
{
	struct afw_key k = {.kind = AFW_KEY_IFACE};
	const struct links_if *l = links_find(ifindex);

	if (l == NULL)
		return NULL;
	memcpy(k.iface, l->name, sizeof(k.iface));
	return device_of(&k);
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

static const struct device *
by_iface(const struct station *s)
{
	const struct device *d;
	uint32_t port;

	if (net.devices.kinds[AFW_KEY_IFACE] == 0)
		return NULL;
	if ((port = port_of(s)) != 0 && (d = by_name(port)) != NULL)
		return d;
	return by_name(s->ifindex);
}

/* The rule that is about an address, NULL none. */
static const struct device *
rule_of(const struct afw_addr *a)
{
	const struct station *s = station_current(a);
	const struct device *d;
	struct afw_key k;

	if (s != NULL && s->has_mac && (d = by_mac(s->mac)) != NULL)
		return d;
	device_key(&k, a);
	if ((d = device_of(&k)) != NULL)
		return d;
	return s != NULL ? by_iface(s) : NULL;
}

uint32_t
effect_of(const struct afw_addr *a)
{
	const struct device *d = rule_of(a);

	return d != NULL ? d->route : 0;
}

static void
station_explain(const struct station *s, struct afw_m_explained *x)
{
	const struct links_if *l = links_find(s->ifindex);

	x->flags |= AFW_X_SEEN;
	if (l != NULL)
		memcpy(x->iface, l->name, sizeof(x->iface));
	if ((l = links_find(port_of(s))) != NULL)
		memcpy(x->port, l->name, sizeof(x->port));
	if (!s->has_mac)
		return;
	x->flags |= AFW_X_MAC;
	memcpy(x->mac, s->mac, sizeof(x->mac));
}

void
effect_explain(const struct afw_addr *a, struct afw_m_explained *x)
{
	const struct station *s = station_current(a);
	const struct device *d = rule_of(a);

	memset(x, 0, sizeof(*x));
	if (s != NULL)
		station_explain(s, x);
	if ((net.cfg.flags &
		(AFW_C_DEFAULT_GATEWAY | AFW_C_NO_IPTABLES | AFW_C_TUN_FD)) !=
	    0)
		x->flags |= AFW_X_CATCH_ALL;
	if (d == NULL)
		return;
	x->kind = d->key.kind;
	x->route = d->route;
	if (d->key.kind == AFW_KEY_IFACE && x->port[0] != '\0' &&
	    strcmp(d->key.iface, x->port) == 0)
		x->flags |= AFW_X_PORT;
	if (d->mark != 0)
		x->mark = d->mark;
	else if (net_selective())
		x->mark = net.cfg.fwmark;
}

static void
count_add(struct afw_m_addrs *n, const struct afw_addr *a)
{
	const struct device *d = rule_of(a);

	if (d != NULL)
		(a->family == 4 ? n->v4 : n->v6)[d->key.kind - 1]++;
}

/* One that is seen on several interfaces counts once. */
static void
count_cb(const struct station *s, void *arg)
{
	if (station_current(&s->addr) == s)
		count_add(arg, &s->addr);
}

void
effect_count(struct afw_m_addrs *n)
{
	struct device *d = NULL;
	size_t i = 0;

	memset(n, 0, sizeof(*n));
	station_all(count_cb, n);
	while (device_next(&net.devices, &i, &d))
		if (d->key.kind == AFW_KEY_IP &&
		    station_current(&d->key.addr) == NULL)
			count_add(n, &d->key.addr);
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

/*
 * One that is not there may come as a port, and its first packets are here
 * before we can look.
 */
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
	return there < net.devices.kinds[AFW_KEY_IFACE];
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
