/* SPDX-License-Identifier: ISC */
/*
 * The supervisor's rules. One that is new: tun learns the flow and says so,
 * then the kernel captures the device: never the other way round, or a packet
 * would find no route. One that goes: the other way round. A rule that only
 * changes its route changes only the flow, and where that of a WireGuard
 * location is involved its mark.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack.h"
#include "effect.h"
#include "fdb.h"
#include "lib/daemon/log.h"
#include "neigh.h"
#include "state.h"
#include "wg_request.h"

/* A NET_RULE_SET under way. */
struct op {
	uint32_t id, epoch;
	struct afw_key key;
	bool had;     /* it was in force, */
	uint32_t old; /* with this route */
};

static struct devices coming; /* between NET_SYNC_BEGIN and COMMIT */
static bool collecting;
static struct afw_key *rerouted; /* a commit's changes of route */
static size_t n_rerouted;
static uint32_t commit_id; /* 0: no commit under way */

static int
not_configured(struct afw_link *l, uint32_t id)
{
	afw_link_status(l, id, AFW_EINVAL, "there is no configuration yet");
	return 0;
}

/* Their connections, by the addresses that these rules mean now. */
static void
forget(const struct afw_key *k, size_t n)
{
	struct afw_key *addr;
	size_t count;

	if (!net_selective())
		return;
	addr = effect_addrs(k, n, &count);
	(void)conntrack_forget(&net.ct, addr, count);
	free(addr);
}

int
apply_ports(struct nerr *e)
{
	bool ports = effect_ports();
	int rc;

	if (ports == net.bridge)
		return 0;
	net.bridge = ports;
	rc = reconcile_run(net.synced ? SETS_LOOK : SETS_IF_NEW, e);
	if (rc == -1)
		reconcile_soon("the ports of bridges");
	if (fdb_enable(&net.rt, ports) == -1) {
		neigh_again_soon();
		rc = nerr_set(e, AFW_EIO, "stations: %s", net.rt.text);
	}
	return rc == -1 ? -1 : 0;
}

/* A rule that names a bridge's port: can it work here? */
static int
port_check(const struct afw_key *k, struct nerr *e)
{
	if (k->kind != AFW_KEY_IFACE)
		return 0;
	if (apply_ports(e) == -1)
		return -1;
	if (!effect_is_port(k) || !net_selective() || !net.nft.no_bridge)
		return 0;
	return nerr_set(e, AFW_ENOSYS,
	    "%s is a port of a bridge, and this kernel has no nftables for "
	    "bridges",
	    k->iface);
}

static void
op_undo(const struct op *op)
{
	struct device *d = device_find(&net.devices, &op->key);
	struct nerr e;

	if (d == NULL)
		return;
	d->pending = false;
	if (op->had)
		d->route = op->old;
	else
		device_del(&net.devices, d);
	effect_key(&op->key, NULL);
	if (op->key.kind == AFW_KEY_IFACE)
		(void)apply_ports(&e);
}

/* A table that somebody deleted or changed a moment ago is made anew. */
static bool
curable(const struct nerr *e)
{
	return e->code == AFW_ENOENT || e->code == AFW_EEXIST ||
	    e->code == AFW_EBUSY;
}

/* One element, and in managed routing its mark. */
static int
element(struct device *d, bool in, struct nerr *e)
{
	if (!net_selective())
		return 0;
	if (nft_element(&net.nft, d, in, e) == 0)
		return 0;
	if (!curable(e))
		return -1;
	/* which also puts back one that is to go; what else fails is not ours
	 */
	(void)reconcile_run(net.synced ? SETS_LOOK : SETS_IF_NEW, e);
	if (nft_element(&net.nft, d, in, e) == 0)
		return 0;
	return !in && e->code == AFW_ENOENT ? 0 : -1;
}

/* Whether the sets and maps do not have it yet as it should be. */
static bool
is_new(const struct op *op, const struct device *d)
{
	return !op->had || (net.nft.maps && d->mark != nft_map_mark(d));
}

static void
op_commit(const struct op *op)
{
	struct device *d = device_find(&net.devices, &op->key);
	struct afw_link *sup = afw_daemon_sup();
	struct nerr e = {.code = AFW_EIO};

	if (is_new(op, d) && element(d, true, &e) == -1) {
		op_undo(op);
		afw_link_status(sup, op->id, e.code, "%s", e.text);
		return;
	}
	d->pending = d->fresh = false;
	forget(&op->key, 1);
	afw_link_status(sup, op->id, AFW_OK, NULL);
}

static void
flow_cb(void *arg, unsigned int code, const char *text)
{
	struct op *op = arg;

	if (op->epoch != net.epoch) {
		afw_link_status(afw_daemon_sup(), op->id, AFW_EBUSY,
		    "all rules were replaced meanwhile");
	} else if (code == AFW_OK || code == AFW_EPIPE) {
		/* tun is gone: the next one gets all flows */
		op_commit(op);
	} else {
		op_undo(op);
		afw_link_status(
		    afw_daemon_sup(), op->id, code, "tun: %s", text);
	}
	free(op);
}

static int
collect(struct afw_link *l, uint32_t id, const struct afw_m_rule *m)
{
	struct device *d = device_add(&coming, &m->key);

	if (d == NULL)
		return AFW_ENOSPC;
	d->route = m->route;
	afw_link_status(l, id, AFW_OK, NULL);
	return 0;
}

int
apply_set(struct afw_link *l, uint32_t id, const struct afw_m_rule *m)
{
	struct nerr e = {.code = AFW_EIO};
	struct flows_wait *w;
	struct device *d;
	struct op *op;
	bool had;

	if (collecting)
		return collect(l, id, m);
	if (net.mode != NET_ON)
		return not_configured(l, id);
	had = device_find(&net.devices, &m->key) != NULL;
	if ((d = device_add(&net.devices, &m->key)) == NULL)
		return AFW_ENOSPC;
	if (d->pending)
		return AFW_EBUSY;
	if (had && d->route == m->route) {
		afw_link_status(l, id, AFW_OK, NULL);
		return 0;
	}
	if ((op = calloc(1, sizeof(*op))) == NULL)
		fatal("apply: out of memory");
	*op = (struct op){.id = id,
	    .epoch = net.epoch,
	    .key = m->key,
	    .had = had,
	    .old = d->route};
	d->route = m->route;
	d->pending = true;
	d->fresh = !had;
	if (!had && port_check(&m->key, &e) == -1) {
		op_undo(op);
		free(op);
		afw_link_status(l, id, e.code, "%s", e.text);
		return 0;
	}
	neigh_catch_up(); /* a neighbour known before counts before */
	w = flows_wait_new(flow_cb, op);
	effect_key(&m->key, w);
	flows_wait_go(w);
	return 0;
}

int
apply_del(struct afw_link *l, uint32_t id, const struct afw_key *k)
{
	struct devices *t = collecting ? &coming : &net.devices;
	struct device *d = device_find(t, k);
	struct nerr e = {.code = AFW_EIO};

	if (d == NULL)
		return AFW_ENOENT;
	if (d->pending)
		return AFW_EBUSY;
	if (!collecting) {
		if (element(d, false, &e) == -1) {
			afw_link_status(l, id, e.code, "%s", e.text);
			return 0;
		}
	}
	device_del(t, d);
	if (!collecting) {
		effect_key(k, NULL);
		if (k->kind == AFW_KEY_IFACE && apply_ports(&e) == -1)
			log_warn("rules of a bridge's port: %s", e.text);
		forget(k, 1);
	}
	afw_link_status(l, id, AFW_OK, NULL);
	return 0;
}

void
apply_begin(void)
{
	device_clear(&coming);
	collecting = true;
}

/* Known before with another route: their connections start anew. */
static void
rerouted_collect(void)
{
	struct device *d = NULL, *old;
	size_t i = 0;

	free(rerouted);
	n_rerouted = 0;
	rerouted = calloc(coming.n + 1, sizeof(*rerouted));
	if (rerouted == NULL)
		fatal("apply: out of memory");
	while (device_next(&coming, &i, &d)) {
		old = device_find(&net.devices, &d->key);
		if (old != NULL && old->route != d->route)
			rerouted[n_rerouted++] = d->key;
	}
}

/* tun knows all flows (or is not there): now the kernel. */
static void
commit_finish(void *arg, unsigned int code, const char *text)
{
	struct afw_link *sup = afw_daemon_sup();
	struct nft_touched touched = {.n = 0};
	struct nerr e, other;
	uint32_t id = commit_id;
	int rc = 0;

	(void)arg;
	if (id == 0)
		return; /* cleared meanwhile, and answered */
	commit_id = 0;
	if (net_selective()) {
		rc = reconcile_run(SETS_SKIP, &e);
		/* whatever that says: who is captured is at least blocked */
		if (nft_sync(&net.nft, &net.devices, &touched,
			rc != -1 ? &e : &other) == -1)
			rc = -1;
	}
	if (rc == -1) {
		free(touched.key);
		reconcile_soon("rules not in force");
		afw_link_status(sup, id, e.code, "%s", e.text);
		return;
	}
	forget(touched.key, touched.n);
	forget(rerouted, n_rerouted);
	free(touched.key);
	wg_request_commit();
	log_info("rules: %zu in force, %zu of them changed on the system",
	    net.devices.n, touched.n);
	if (code == AFW_OK || code == AFW_EPIPE)
		afw_link_status(sup, id, AFW_OK, NULL);
	else
		afw_link_status(sup, id, code, "tun: %s", text);
}

int
apply_commit(struct afw_link *l, uint32_t id)
{
	struct flows_wait *w;

	if (net.mode != NET_ON)
		return not_configured(l, id);
	if (!collecting)
		return AFW_EINVAL;
	if (commit_id != 0)
		return AFW_EBUSY;
	rerouted_collect();
	device_clear(&net.devices);
	net.devices = coming;
	memset(&coming, 0, sizeof(coming));
	collecting = false;
	net.synced = true;
	net.epoch++;
	commit_id = id;
	net.bridge = effect_ports();
	if (fdb_enable(&net.rt, net.bridge) == -1) {
		log_err("stations of bridges: %s", net.rt.text);
		neigh_again_soon();
	}
	neigh_catch_up();
	w = flows_wait_new(commit_finish, NULL);
	effect_all(w);
	flows_exact();
	flows_wait_go(w);
	return 0;
}

void
apply_reset(void)
{
	if (commit_id != 0)
		afw_link_status(afw_daemon_sup(), commit_id, AFW_EBUSY,
		    "everything was cleared meanwhile");
	commit_id = 0;
	collecting = false;
	device_clear(&coming);
	device_clear(&net.devices);
	net.epoch++;
}
