/* SPDX-License-Identifier: ISC */
/*
 * The supervisor's rules. One that is new: tun learns the flow and says so,
 * then the kernel captures the device: never the other way round, or a packet
 * would find no route. One that goes: the other way round. A rule that only
 * changes its route changes only the flow.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack.h"
#include "lib/daemon/log.h"
#include "state.h"

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

/* The four sets have rules for all kinds; what is missing is the source. */
static int
kind_refused(struct afw_link *l, uint32_t id, const struct afw_key *k)
{
	char name[64];

	if (k->kind == AFW_KEY_IP)
		return 0;
	afw_link_status(l, id, AFW_ENOSYS, "rule %s: only addresses yet",
	    afw_key_print(k, name, sizeof(name)));
	return -1;
}

static int
not_configured(struct afw_link *l, uint32_t id)
{
	afw_link_status(l, id, AFW_EINVAL, "there is no configuration yet");
	return 0;
}

static void
forget(const struct afw_key *k, size_t n)
{
	if (net_selective())
		(void)conntrack_forget(&net.ct, k, n);
}

static void
op_undo(const struct op *op)
{
	struct device *d = device_find(&net.devices, &op->key);

	if (d == NULL)
		return;
	d->pending = false;
	if (op->had) {
		d->route = op->old;
		(void)flows_set(&op->key.addr, op->old, NULL, NULL);
	} else {
		device_del(&net.devices, d);
		flows_del(&op->key.addr);
	}
}

/* One element; a table that somebody deleted a moment ago is made anew. */
static int
element(const struct afw_key *k, bool in, struct nerr *e)
{
	if (!net_selective())
		return 0;
	if (nft_element(&net.nft, k, in, e) == 0)
		return 0;
	if (e->code != AFW_ENOENT)
		return -1;
	return reconcile_run(net.synced, e) == -1 ? -1
	    : !in                                 ? 0
		  : nft_element(&net.nft, k, in, e);
}

static void
op_commit(const struct op *op)
{
	struct device *d = device_find(&net.devices, &op->key);
	struct afw_link *sup = afw_daemon_sup();
	struct nerr e = {.code = AFW_EIO};

	if (!op->had && element(&op->key, true, &e) == -1) {
		op_undo(op);
		afw_link_status(sup, op->id, e.code, "%s", e.text);
		return;
	}
	d->pending = d->fresh = false;
	forget(&op->key, 1);
	afw_link_status(sup, op->id, AFW_OK, NULL);
}

static void
flow_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct op *op = arg;

	(void)m;
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
	struct device *d;
	struct op *op;
	bool had;

	if (kind_refused(l, id, &m->key) != 0)
		return 0;
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
	if (!flows_set(&m->key.addr, m->route, flow_cb, op)) {
		op_commit(op);
		free(op);
	}
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
		if (element(k, false, &e) == -1) {
			afw_link_status(l, id, e.code, "%s", e.text);
			return 0;
		}
		flows_del(&k->addr);
		forget(k, 1);
	}
	device_del(t, d);
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
commit_finish(unsigned int code, const char *text)
{
	struct afw_link *sup = afw_daemon_sup();
	struct nft_touched touched = {.n = 0};
	struct nerr e;
	uint32_t id = commit_id;

	if (id == 0)
		return; /* cleared meanwhile, and answered */
	commit_id = 0;
	if (net_selective() &&
	    (reconcile_run(false, &e) == -1 ||
		nft_sync(&net.nft, &net.devices, &touched, &e) == -1)) {
		afw_link_status(sup, id, e.code, "%s", e.text);
		return;
	}
	forget(touched.key, touched.n);
	forget(rerouted, n_rerouted);
	free(touched.key);
	log_info("rules: %zu in force, %zu of them changed on the system",
	    net.devices.n, touched.n);
	if (code == AFW_OK)
		afw_link_status(sup, id, AFW_OK, NULL);
	else
		afw_link_status(sup, id, code, "tun: %s", text);
}

int
apply_commit(struct afw_link *l, uint32_t id)
{
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
	if (!flows_replay(commit_finish))
		fatal("apply: two commits at once");
	return 0;
}

void
apply_reset(void)
{
	if (commit_id != 0)
		afw_link_status(afw_daemon_sup(), commit_id, AFW_EBUSY,
		    "everything was cleared meanwhile");
	commit_id = 0;
	flows_detach();
	collecting = false;
	device_clear(&coming);
	device_clear(&net.devices);
	net.epoch++;
}
