/* SPDX-License-Identifier: ISC */
/*
 * The system against what it should be. Everything is looked at and only
 * differences are touched, so that running this at any time is right: after
 * our own restart, and whenever the monitor says that somebody else was here.
 */
#include <linux/if.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <errno.h>

#include "conntrack.h"
#include "effect.h"
#include "lib/daemon/log.h"
#include "link.h"
#include "route.h"
#include "rule.h"
#include "state.h"
#include "wg_request.h"
#include "wg_route.h"

#define RETRY_MS   800 /* longer, after a failure */
#define SPACING_MS 100 /* between two repairs, if somebody fights us */

struct net net;

/* NET_BLOCKED: the devices that stay in the sets. */
static struct devices blocked;
static struct event *repair_ev, *wan_ev;
static int64_t repaired_ms;
static uint64_t repairs;
static struct afw_ratelimit repair_limit;
/* the uplink whose rp_filter we made loose, and what it was */
static struct {
	uint32_t ifindex;
	int was;
	uint32_t noted; /* the interface that has the note */
} loose;

int
reconcile_check(bool *ours, struct nerr *e)
{
	struct plan p;

	plan_make(&p);
	if (rule_check(&net.rt, &p, ours, e) == -1)
		return -1;
	if (net_filters()) {
		if (nft_free(&net.nft, e) == -1)
			return -1;
		if (nft_there(&net.nft))
			*ours = true;
	}
	return route_check(&net.rt, &p, e);
}

/* No interface, or one whose settings are not ours to touch. */
static bool
hands_off(void)
{
	return net.tun.foreign &&
	    (net.tun.ifindex == 0 ||
		(net.cfg.flags & AFW_C_NO_SOCKET_SETUP) != 0);
}

/* The TUN: there and set up. */
static int
link_repair(struct nerr *e)
{
	struct link_info info;
	int rc, changed = 0;

	if (net.mode != NET_ON || net.tun.fd == -1)
		return 0;
	if (hands_off()) {
		net.tun.down = net.tun.ifindex != 0 &&
		    (link_get(&net.rt, NULL, net.tun.ifindex, &info) == -1 ||
			(info.flags & IFF_UP) == 0);
		return 0;
	}
	if (net.tun.ifindex == 0 ||
	    link_get(&net.rt, NULL, net.tun.ifindex, &info) == -1) {
		if (tun_revive(&net.rt, &net.tun, e) == -1)
			return -1;
		changed = 1;
	}
	if ((rc = link_setup(
		 &net.rt, net.tun.ifindex, &net.cfg, &net.tun.mtu, e)) == -1)
		return -1;
	if (tun_hold(&net.tun, (net.cfg.flags & AFW_C_DEFAULT_GATEWAY) != 0) ==
	    -1)
		log_warn("interface %s: not persistent: %s", net.tun.name,
		    strerror(errno));
	if (changed)
		flows_device(afw_daemon_peer(AFW_TUN));
	return changed + rc;
}

/*
 * What the uplink's filter was stands in the alias of the interface that the
 * halves lead to, which outlives us in the mode that loosens it: so the next
 * life can restore it.
 */
#define LOOSE_NOTE "afwrt: rp_filter of %s was %d"

static uint32_t
halves_ifindex(void)
{
	const struct wg_route *w = NULL;

	while ((w = wg_route_next(w)) != NULL)
		if ((w->flags & AFW_W_DEFAULT) != 0)
			return w->ifindex;
	return net.tun.ifindex;
}

static void
loose_note(void)
{
	char text[LINK_ALIAS_SIZE];
	uint32_t on = halves_ifindex();

	if (on == 0 || on == loose.noted)
		return;
	(void)snprintf(
	    text, sizeof(text), LOOSE_NOTE, net.wan.msg.ifname, loose.was);
	if (link_alias(&net.rt, on, text) == -1)
		log_warn("uplink: rp_filter: no note of it: %s", net.rt.text);
	loose.noted = on;
}

/* An earlier life made it loose. */
static void
loose_recall(void)
{
	char text[LINK_ALIAS_SIZE];
	struct link_info info;
	uint32_t on = halves_ifindex();
	int was;

	if (on == 0 || link_get(&net.rt, NULL, on, &info) == -1)
		return;
	for (was = 0; was < LINK_RPF_LOOSE; was++) {
		(void)snprintf(
		    text, sizeof(text), LOOSE_NOTE, net.wan.msg.ifname, was);
		if (strcmp(info.alias, text) != 0)
			continue;
		loose.ifindex = net.wan.ifindex;
		loose.was = was;
		loose.noted = on;
	}
}

/*
 * With the halves every way back is by the tunnel, and a strict reverse-path
 * filter would drop all that comes in by the uplink.
 */
static void
uplink_loosen(bool on)
{
	if (loose.ifindex == 0 && net.wan.ifindex != 0 &&
	    net.wan.rp_filter == LINK_RPF_LOOSE)
		loose_recall();
	if (loose.ifindex != 0 && (!on || loose.ifindex != net.wan.ifindex)) {
		(void)link_rp_filter(&net.rt, loose.ifindex, loose.was);
		loose.ifindex = loose.noted = 0;
	}
	if (!on)
		return;
	if (loose.ifindex != 0) {
		loose_note();
		return;
	}
	if (net.wan.ifindex == 0 || net.wan.rp_filter == LINK_RPF_LOOSE ||
	    net.wan.rp_filter == -1)
		return;
	if (link_rp_filter(&net.rt, net.wan.ifindex, LINK_RPF_LOOSE) == -1) {
		log_warn("uplink: rp_filter: %s", net.rt.text);
		return;
	}
	loose.ifindex = net.wan.ifindex;
	loose.was = net.wan.rp_filter;
	loose_note();
}

/* Those who are in the sets; NULL: we do not know (yet). */
static const struct devices *
devices_known(void)
{
	static const struct devices none;

	if (!net_selective())
		return &none;
	if (net.mode == NET_BLOCKED)
		return blocked.n > 0 ? &blocked : NULL;
	return net.synced ? &net.devices : NULL;
}

static int
sets_repair(struct nerr *e)
{
	const struct devices *d = devices_known();
	struct nft_touched touched;
	int rc;

	if (d == NULL)
		return 0;
	rc = nft_sync(&net.nft, d, &touched, e);
	free(touched.key);
	return rc;
}

/*
 * A step that fails is no reason to leave out those behind it: what blocks is
 * needed all the more then. The first failure is told.
 */
struct steps {
	struct nerr *first, other;
	int changed;
	bool failed;
};

static struct nerr *
step_error(struct steps *s)
{
	return s->failed ? &s->other : s->first;
}

static void
step(struct steps *s, int rc)
{
	if (rc == -1)
		s->failed = true;
	else
		s->changed += rc;
}

int
reconcile_run(enum reconcile_sets how, struct nerr *e)
{
	struct steps s = {.first = e};
	int table;
	struct plan p;

	if (net.mode == NET_OFF)
		return 0;
	step(&s, link_repair(step_error(&s)));
	step(&s, wg_request_repair());
	plan_make(&p);
	uplink_loosen(p.halves);
	step(&s, route_sync(&net.rt, &p, step_error(&s)));
	step(&s, rule_sync(&net.rt, &p, step_error(&s)));
	if (p.selective || p.guard) {
		table = nft_ensure(&net.nft, &p, step_error(&s));
		step(&s, table);
		if (how == SETS_LOOK || (how == SETS_IF_NEW && table > 0))
			step(&s, sets_repair(step_error(&s)));
	}
	return s.failed ? -1 : s.changed;
}

static void
repair_cb(evutil_socket_t fd, short what, void *arg)
{
	struct nerr e = {.code = AFW_OK};
	int n;

	(void)fd;
	(void)what;
	(void)arg;
	repaired_ms = afw_now_ms();
	if ((n = reconcile_run(SETS_LOOK, &e)) == -1) {
		if (afw_ratelimit_ok(&repair_limit, 5))
			log_err("what another program changed could not be "
				"put back: %s",
			    e.text);
		repaired_ms += RETRY_MS;
		reconcile_soon("again");
		return;
	}
	if (n == 0)
		return;
	repairs++;
	if (afw_ratelimit_ok(&repair_limit, 5))
		log_warn("another program removed or changed what is ours: "
			 "%d put back, %llu times so far",
		    n, (unsigned long long)repairs);
}

void
reconcile_soon(const char *what)
{
	int64_t wait = repaired_ms + SPACING_MS - afw_now_ms();
	struct timeval tv = {
	    .tv_usec = wait > 0 ? (suseconds_t)wait * 1000 : 0};

	if (net.mode == NET_OFF || evtimer_pending(repair_ev, NULL))
		return;
	log_debug("reconcile: %s", what);
	(void)evtimer_add(repair_ev, &tv);
}

/* Each step is tried, the first failure is told. */
static int
remove_all(struct nerr *e)
{
	const struct plan none = {.wg_default = -1};
	struct nerr other;
	int rc = 0;

	e->code = AFW_OK;
	if (rule_sync(&net.rt, &none, e) == -1)
		rc = -1;
	if (net_filters() && nft_remove(&net.nft, rc == 0 ? e : &other) == -1)
		rc = -1;
	if (route_sync(&net.rt, &none, rc == 0 ? e : &other) == -1)
		rc = -1;
	uplink_loosen(false);
	return rc;
}

/* tun forgets all flows, in one stroke. */
static void
devices_forget(bool connections)
{
	struct device *d = NULL;
	struct afw_key *keys = calloc(net.devices.n + 1, sizeof(*keys)), *addr;
	size_t i = 0, n = 0;

	if (keys == NULL)
		fatal("reconcile: out of memory");
	while (device_next(&net.devices, &i, &d))
		keys[n++] = d->key;
	addr = effect_addrs(keys, n, &n);
	apply_reset();
	net.synced = false;
	flows_forget();
	if (connections && net_selective())
		(void)conntrack_forget(&net.ct, addr, n);
	free(addr);
	free(keys);
}

static int
clear_keep(struct nerr *e)
{
	int rc;

	if (net.mode == NET_ON && net.synced) {
		device_clear(&blocked);
		blocked = net.devices;
		memset(&net.devices, 0, sizeof(net.devices));
	}
	devices_forget(false);
	net.mode = NET_BLOCKED;
	wg_request_clear(true);
	rc = reconcile_run(SETS_IF_NEW, e);
	if (net.tun.held)
		tun_leave(&net.tun);
	else
		tun_delete(&net.rt, &net.tun, &net.cfg);
	return rc == -1 ? -1 : 0;
}

int
reconcile_clear(bool keep, struct nerr *e)
{
	int rc;

	config_drop();
	/* off: what an earlier life left, which is what is to stay */
	if (keep)
		return net.mode != NET_OFF ? clear_keep(e) : 0;
	rc = remove_all(e);
	devices_forget(true);
	device_clear(&blocked);
	wg_request_clear(false);
	tun_delete(&net.rt, &net.tun, &net.cfg);
	if (tun_sweep(&net.rt) == -1 && rc == 0)
		rc = nerr_set(e, AFW_EIO, "interface: %s", net.rt.text);
	net.mode = NET_OFF;
	net.bridge = false;
	net.guarded[0] = '\0';
	return rc;
}

void
reconcile_wan_tell(struct afw_link *l)
{
	if (net.mode != NET_OFF && afw_link_is_open(l) &&
	    l->chan.phase == AFW_PH_R)
		(void)afw_link_send(l, AFW_MSG_WAN, 0, &net.wan.msg, -1);
}

bool
net_is_tunnel(uint32_t ifindex)
{
	return ifindex == net.tun.ifindex || wg_route_has(ifindex);
}

bool
net_is_table(uint32_t table)
{
	struct plan p;
	uint32_t i;

	plan_make(&p);
	if (p.selective && p.hydra && table == p.table)
		return true;
	if (p.outer_way && table == p.outer_table)
		return true;
	for (i = 0; i < p.n_wg && p.wg[i].table != table; i++)
		;
	return i < p.n_wg;
}

bool
reconcile_wan_look(void)
{
	struct wan w;

	if (wan_look(&net.rt, net.cfg.wan_ifname, net_is_tunnel, &w) == -1) {
		log_warn("uplink: %s", net.rt.text);
		reconcile_wan_soon();
		return false;
	}
	if (w.msg.ifname[0] != '\0')
		memcpy(net.guarded, w.msg.ifname, sizeof(net.guarded));
	if (memcmp(&w.msg, &net.wan.msg, sizeof(w.msg)) == 0 &&
	    w.ifindex == net.wan.ifindex && w.sum == net.wan.sum)
		return false;
	net.wan = w;
	log_info("uplink %s: %s, IPv4 %s, IPv6 %s, mtu %u",
	    w.msg.ifname[0] != '\0' ? w.msg.ifname : "(none)",
	    w.msg.up ? "up" : "down", w.msg.has4 ? "yes" : "no",
	    w.msg.has6 ? "yes" : "no", w.msg.mtu);
	return true;
}

void
reconcile_wan_tell_all(void)
{
	reconcile_wan_tell(afw_daemon_sup());
	reconcile_wan_tell(afw_daemon_peer(AFW_TUN));
	reconcile_wan_tell(afw_daemon_peer(AFW_AUTH));
}

static void
wan_cb(evutil_socket_t fd, short what, void *arg)
{
	struct plan before, now;
	struct nerr e;

	(void)fd;
	(void)what;
	(void)arg;
	plan_make(&before);
	if (net.mode == NET_OFF || !reconcile_wan_look())
		return;
	plan_make(&now);
	if ((now.halves || memcmp(&before, &now, sizeof(before)) != 0) &&
	    reconcile_run(SETS_IF_NEW, &e) == -1)
		log_err("guard of %s: %s", net.guarded, e.text);
	wg_request_wan();
	reconcile_wan_tell_all();
}

void
reconcile_wan_soon(void)
{
	const struct timeval tv = {.tv_usec = 20 * 1000};

	/* one look for a burst of events */
	if (net.mode != NET_OFF && !evtimer_pending(wan_ev, NULL))
		(void)evtimer_add(wan_ev, &tv);
}

void
reconcile_init(void)
{
	repair_ev = evtimer_new(net.base, repair_cb, NULL);
	wan_ev = evtimer_new(net.base, wan_cb, NULL);
	if (repair_ev == NULL || wan_ev == NULL)
		fatal("reconcile: out of memory");
}
