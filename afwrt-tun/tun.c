/* SPDX-License-Identifier: ISC */
/*
 * afwrt-tun: what the other processes say, handed to those whom it concerns.
 * When this process dies nothing is said to any node, so that the cookies
 * stay good for the next one.
 */
#include "tun.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "afwrt-tun/forward.h"
#include "afwrt-tun/route_private.h"
#include "afwrt-tun/stats.h"
#include "afwrt-tun/wg_device.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

static struct tun_env env;

const struct tun_env *
tun_env(void)
{
	return &env;
}

bool
tun_wan_usable(void)
{
	return !env.wan_known || env.wan.up != 0;
}

/* ---- C: the supervisor ------------------------------------------------- */

static int
config_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_tun_config *c = (const void *)m->payload;

	(void)arg;
	if (nat_open(afw_msg_take_fd(m), c->fresh != 0) == -1) {
		log_err("nat: table: %s", strerror(errno));
		return AFW_EIO;
	}
	env.conf = *c;
	forward_default_set(c->default_route);
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

static int
route_set_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_route *conf = (const void *)m->payload;
	int rc = route_set(conf);

	(void)arg;
	if (rc == 0)
		afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return rc;
}

static int
route_up_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_route_id *id = (const void *)m->payload;
	int rc = route_up(id->route);

	(void)arg;
	if (rc == 0)
		afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return rc;
}

/* The request's number travels as the argument. */
static void
route_deleted(void *arg)
{
	if (afw_link_is_open(afw_daemon_sup()))
		afw_link_status(
		    afw_daemon_sup(), (uint32_t)(uintptr_t)arg, AFW_OK, NULL);
}

static int
route_del_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_route_id *id = (const void *)m->payload;

	(void)arg;
	(void)l;
	return route_delete(
	    id->route, route_deleted, (void *)(uintptr_t)m->hdr.id);
}

/* ---- E: afwrt-net ------------------------------------------------------ */

static int
device_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	forward_device_set(afw_msg_take_fd(m), (const void *)m->payload);
	return 0;
}

static int
flow_sync_begin_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
	flow_sync_begin();
	forward_source_forget(); /* another afwrt-net may know better */
	return 0;
}

static int
flow_sync_end_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
	flow_sync_end();
	return 0;
}

static int
flow_set_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_flow *f = (const void *)m->payload;
	int rc = flow_set(&f->addr, f->route);

	(void)arg;
	if (rc == 0) {
		forward_source_flow(&f->addr);
		afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	}
	return rc;
}

static int
flow_del_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_flow *f = (const void *)m->payload;

	(void)arg;
	flow_del(&f->addr);
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

static int
wan_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct afw_m_wan before = env.wan;
	bool known = env.wan_known;

	(void)arg;
	(void)l;
	memcpy(&env.wan, m->payload, sizeof(env.wan));
	env.wan_known = true;
	if (env.wan.up == 0) { /* a connection may survive it */
		wg_device_wan();
		return 0;
	}
	if (known && memcmp(&before, &env.wan, sizeof(before)) == 0)
		return 0;
	route_wan(known && strcmp(before.ifname, env.wan.ifname) != 0);
	return 0;
}

/* ---- the process ------------------------------------------------------- */

static void
setup(struct event_base *base)
{
	env.base = base;
	forward_init(base);
}

static void
peer_up(enum afw_role role, struct afw_link *l)
{
	(void)role;
	(void)l;
	route_kick();
}

static void
shutdown_all(bool keep_blocked, void (*done)(void))
{
	(void)keep_blocked;
	route_delete_all(done);
}

static const struct afw_handler handlers[] = {
    {AFW_MSG_TUN_CONFIG, config_handle},
    {AFW_MSG_ROUTE_SET, route_set_handle},
    {AFW_MSG_ROUTE_UP, route_up_handle},
    {AFW_MSG_ROUTE_DEL, route_del_handle},
    {AFW_MSG_ROUTE_STATS, stats_handle},
    {AFW_MSG_WG_LISTEN, wg_listen_handle},
    {0, NULL},
};

static const struct afw_handler peer_handlers[] = {
    {AFW_MSG_DEVICE, device_handle},
    {AFW_MSG_FLOW_SYNC_BEGIN, flow_sync_begin_handle},
    {AFW_MSG_FLOW_SYNC_END, flow_sync_end_handle},
    {AFW_MSG_FLOW_SET, flow_set_handle},
    {AFW_MSG_FLOW_DEL, flow_del_handle},
    {AFW_MSG_WAN, wan_handle},
    {AFW_MSG_WG_DEVICE, wg_device_handle},
    {0, NULL},
};

int
tun_run(void)
{
	static const struct afw_daemon d = {
	    .name = "tun",
	    .role = AFW_TUN,
	    .user = AFWRT_TUN_USER,
	    .caps = 0,
	    .privileged = wg_device_init,
	    .setup = setup,
	    .handlers = handlers,
	    .peer_handlers = peer_handlers,
	    .peer_up = peer_up,
	    .shutdown = shutdown_all,
	};

	return afw_daemon_run(&d);
}
