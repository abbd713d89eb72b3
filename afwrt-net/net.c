/* SPDX-License-Identifier: ISC */
/*
 * The process with CAP_NET_ADMIN: its messages. It is asked for things ("this
 * address goes to route 3"), never for a rule text or a netlink message.
 */
#include "net.h"

#include <linux/capability.h>

#include <errno.h>
#include <string.h>

#include "effect.h"
#include "lib/daemon/log.h"
#include "links.h"
#include "neigh.h"
#include "source.h"
#include "state.h"
#include "station.h"
#include "wg_request.h"

static void
setup(struct event_base *base)
{
	net.base = base;
	net.tun.fd = -1;
	reconcile_init();
	if (netlink_open(&net.rt, NETLINK_ROUTE) == -1)
		fatal("netlink: route: %s", strerror(errno));
	if (netlink_open(&net.ct, NETLINK_NETFILTER) == -1 ||
	    nft_open(&net.nft) == -1)
		fatal("netlink: netfilter: %s", strerror(errno));
	links_init();
	station_init();
	source_init(base);
	config_init();
	wg_request_init(base);
	if (monitor_init() == -1 || neigh_init(base) == -1)
		fatal("netlink: monitor: %s", strerror(errno));
	/* only now, so that nothing is missed in between */
	if (links_dump(&net.rt) == -1 || neigh_dump(&net.rt) == -1)
		fatal("netlink: %s", net.rt.text);
}

static int
config_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_config *c = (const void *)m->payload;

	(void)arg;
	afw_log_level_set((int)c->log_level);
	return config_set(l, m->hdr.id, c, afw_msg_take_fd(m));
}

static int
sync_begin_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
	apply_begin();
	return 0;
}

static int
sync_commit_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	return apply_commit(l, m->hdr.id);
}

static int
rule_set_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	return apply_set(l, m->hdr.id, (const void *)m->payload);
}

static int
rule_del_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_key *k = (const void *)m->payload;

	(void)arg;
	return apply_del(l, m->hdr.id, &k->key);
}

static int
clear_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_shutdown *s = (const void *)m->payload;
	struct nerr e = {.code = AFW_OK};

	(void)arg;
	if (reconcile_clear(s->keep_blocked != 0, &e) == -1)
		afw_link_status(l, m->hdr.id, e.code, "%s", e.text);
	else
		afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

static int
wg_set_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	return wg_request_set(
	    l, m->hdr.id, (const void *)m->payload, afw_msg_take_fd(m));
}

static int
wg_del_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_route_id *r = (const void *)m->payload;

	(void)arg;
	return wg_request_del(l, m->hdr.id, r->route);
}

static int
wg_session_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	return wg_request_session(l, m->hdr.id, (const void *)m->payload);
}

static int
wg_state_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_route_id *r = (const void *)m->payload;

	(void)arg;
	return wg_request_state(l, m->hdr.id, r->route);
}

static int
socket_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	return sockets_get(l, m->hdr.id, (const void *)m->payload);
}

static int
source_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_source *s = (const void *)m->payload;

	(void)arg;
	return source_get(l, m->hdr.id, &s->addr);
}

static int
addrs_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct afw_m_addrs n;

	(void)arg;
	effect_count(&n);
	(void)afw_link_send(l, AFW_MSG_ADDRS, m->hdr.id, &n, -1);
	return 0;
}

static int
explain_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_source *s = (const void *)m->payload;
	struct afw_m_explained x;

	(void)arg;
	if (net.mode != NET_ON)
		return AFW_EINVAL;
	neigh_catch_up();
	effect_explain(&s->addr, &x);
	(void)afw_link_send(l, AFW_MSG_EXPLAINED, m->hdr.id, &x, -1);
	return 0;
}

static void
peer_up(enum afw_role role, struct afw_link *l)
{
	if (role == AFW_TUN) {
		flows_device(l);
		wg_request_tell(l);
	}
	reconcile_wan_tell(l);
}

static void
peer_down(enum afw_role role)
{
	if (role != AFW_TUN)
		return;
	source_reset();
	flows_down();
}

static void
shutdown_all(bool keep_blocked, void (*done)(void))
{
	struct nerr e;

	/* never configured: what is on the system is another's */
	if (net.mode != NET_OFF && reconcile_clear(keep_blocked, &e) == -1)
		log_err("shutdown: %s", e.text);
	done();
}

static const struct afw_handler handlers[] = {
    {AFW_MSG_NET_CONFIG, config_handle},
    {AFW_MSG_NET_SYNC_BEGIN, sync_begin_handle},
    {AFW_MSG_NET_SYNC_COMMIT, sync_commit_handle},
    {AFW_MSG_NET_RULE_SET, rule_set_handle},
    {AFW_MSG_NET_RULE_DEL, rule_del_handle},
    {AFW_MSG_NET_CLEAR, clear_handle},
    {AFW_MSG_NET_WG_SET, wg_set_handle},
    {AFW_MSG_NET_WG_DEL, wg_del_handle},
    {AFW_MSG_EXPLAIN, explain_handle},
    {AFW_MSG_ADDRS_GET, addrs_handle},
    {0, NULL},
};

static const struct afw_handler peer_handlers[] = {
    {AFW_MSG_SOCKET_GET, socket_handle},
    {AFW_MSG_SOURCE_GET, source_handle},
    {AFW_MSG_WG_SET, wg_session_handle},
    {AFW_MSG_WG_GET, wg_state_handle},
    {0, NULL},
};

int
net_run(void)
{
	static const struct afw_daemon d = {
	    .name = "net",
	    .role = AFW_NET,
	    .user = AFWRT_NET_USER,
	    .caps = UINT64_C(1) << CAP_NET_ADMIN,
	    .setup = setup,
	    .handlers = handlers,
	    .peer_handlers = peer_handlers,
	    .peer_up = peer_up,
	    .peer_down = peer_down,
	    .shutdown = shutdown_all,
	};

	return afw_daemon_run(&d);
}
