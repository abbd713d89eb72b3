/* SPDX-License-Identifier: ISC */
/*
 * SOURCE_GET: whose is this address? Asked when a packet came before we heard
 * of its sender: a privacy address in use for the first time, or a station
 * the kernel forgot. The neighbours are looked at once more; if the kernel
 * has none, it is made to ask on the link, and the answer waits for that, a
 * little shorter than the packet does. A source behind a router of the LAN is
 * that router's, as the kernel's sets see it too. Spoofed sources cost little:
 * such looks are limited in rate, those under way in number.
 */
#include "source.h"

#include <stdlib.h>
#include <string.h>

#include "effect.h"
#include "lib/daemon/log.h"
#include "neigh.h"
#include "state.h"
#include "station.h"

#define ANSWER_MS   200 /* HACKING.md, "Sources": tun waits 250 */
#define WAITING_MAX 128
#define LOOKS_MAX   200 /* a second */

struct waiting {
	bool active;
	struct afw_addr addr, target; /* target: itself, or its gateway */
	uint32_t ifindex, id;
	int64_t due;
};

static struct waiting waiting[WAITING_MAX];
static unsigned int n_waiting;
static struct event *timer;

static bool
look_allowed(void)
{
	static int64_t second;
	static unsigned int n;
	int64_t now = afw_now_ms() / 1000;

	if (now != second) {
		second = now;
		n = 0;
	}
	return n++ < LOOKS_MAX;
}

/* What the rules say of it now. */
static int
answer(struct afw_link *l, uint32_t id, const struct afw_addr *a)
{
	uint32_t route = effect_of(a);

	if (route == 0)
		return AFW_ENOENT;
	flows_tell(a, route);
	afw_link_status(l, id, AFW_OK, NULL);
	return 0;
}

static void
waiting_end(struct waiting *w)
{
	struct afw_link *l = afw_daemon_peer(AFW_TUN);

	w->active = false;
	n_waiting--;
	if (afw_link_is_open(l) && answer(l, w->id, &w->addr) != 0)
		afw_link_status(l, w->id, AFW_ENOENT, NULL);
}

/* It is there, or behind the gateway that is. */
static void
learn(const struct afw_addr *a, uint32_t ifindex, const uint8_t *mac)
{
	static const uint8_t none[6];
	const struct station *s = station_find(a, ifindex);

	if (mac != NULL && memcmp(mac, none, sizeof(none)) == 0)
		mac = NULL;
	if (mac == NULL && s != NULL && s->has_mac)
		return; /* what we remember is more than nothing */
	if (station_learn(a, ifindex, mac, STATION_ALIVE, false))
		effect_addr(a, NULL);
}

void
source_seen(uint32_t ifindex, const struct afw_addr *a)
{
	uint8_t mac[6] = {0};
	size_t i;

	for (i = 0; n_waiting > 0 && i < WAITING_MAX; i++) {
		struct waiting *w = &waiting[i];

		if (!w->active || w->ifindex != ifindex ||
		    !afw_addr_equal(&w->target, a))
			continue;
		if (!afw_addr_equal(&w->target, &w->addr) &&
		    neigh_get(&net.rt, ifindex, a, mac) == 1)
			learn(&w->addr, ifindex, mac);
		waiting_end(w);
	}
}

static void
timer_set(void)
{
	int64_t now = afw_now_ms(), first = INT64_MAX;
	struct timeval tv;
	size_t i;

	for (i = 0; i < WAITING_MAX; i++)
		if (waiting[i].active && waiting[i].due < first)
			first = waiting[i].due;
	if (first == INT64_MAX)
		return;
	first = first > now ? first - now : 0;
	tv.tv_sec = 0;
	tv.tv_usec = (suseconds_t)first * 1000;
	(void)evtimer_add(timer, &tv);
}

/* Its interface is known even so. */
static void
timer_cb(evutil_socket_t fd, short what, void *arg)
{
	int64_t now = afw_now_ms();
	size_t i;

	(void)fd;
	(void)what;
	(void)arg;
	for (i = 0; i < WAITING_MAX; i++)
		if (waiting[i].active && waiting[i].due <= now) {
			if (net.devices.kinds[AFW_KEY_IFACE] > 0)
				learn(
				    &waiting[i].addr, waiting[i].ifindex, NULL);
			waiting_end(&waiting[i]);
		}
	timer_set();
}

/* The kernel is to find out. False: no room, or it cannot. */
static bool
probe(uint32_t id, const struct afw_addr *a, uint32_t ifindex,
    const struct afw_addr *target)
{
	size_t i;

	for (i = 0; i < WAITING_MAX && waiting[i].active; i++)
		;
	if (i == WAITING_MAX || neigh_probe(&net.rt, ifindex, target) == -1)
		return false;
	waiting[i] = (struct waiting){.active = true,
	    .addr = *a,
	    .target = *target,
	    .ifindex = ifindex,
	    .id = id,
	    .due = afw_now_ms() + ANSWER_MS};
	n_waiting++;
	timer_set();
	return true;
}

/* 0 it will be answered, 1 all is known that can be. */
static int
look(uint32_t id, const struct afw_addr *a)
{
	struct afw_addr gateway, target;
	uint8_t mac[6] = {0};
	uint32_t ifindex;

	if (neigh_path(&net.rt, a, &ifindex, &gateway) == -1 ||
	    ifindex == net.tun.ifindex || ifindex == net.wan.ifindex)
		return 1;
	target = gateway.family != 0 ? gateway : *a;
	if (neigh_get(&net.rt, ifindex, &target, mac) == 1)
		learn(a, ifindex, mac);
	else if (net.devices.kinds[AFW_KEY_MAC] > 0 || net.bridge) {
		if (probe(id, a, ifindex, &target))
			return 0;
	} else {
		learn(a, ifindex, NULL);
	}
	return 1;
}

int
source_get(struct afw_link *l, uint32_t id, const struct afw_addr *a)
{
	bool by_neighbour = net.devices.kinds[AFW_KEY_MAC] > 0 ||
	    net.devices.kinds[AFW_KEY_IFACE] > 0;
	const struct station *s;

	if (net.mode != NET_ON || !afw_addr_is_host(a))
		return AFW_ENOENT;
	neigh_catch_up();
	s = station_current(a);
	if (effect_of(a) == 0 && by_neighbour && (s == NULL || !s->kernel) &&
	    look_allowed() && look(id, a) == 0)
		return 0;
	return answer(l, id, a);
}

void
source_reset(void)
{
	memset(waiting, 0, sizeof(waiting));
	n_waiting = 0;
	(void)evtimer_del(timer);
}

void
source_init(struct event_base *base)
{
	if ((timer = evtimer_new(base, timer_cb, NULL)) == NULL)
		fatal("sources: out of memory");
}
