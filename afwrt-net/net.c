/* SPDX-License-Identifier: ISC */
/*
 * The process with CAP_NET_ADMIN: its messages. It is asked for things ("this
 * address goes to route 3"), never for a rule text or a netlink message.
 */
#include "net.h"

#include <linux/capability.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "state.h"

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
	if (monitor_init() == -1)
		fatal("netlink: monitor: %s", strerror(errno));
}

/* The TUN of the configuration; *fd is -1 afterwards if it was taken. */
static int
tun_take(int *fd, const struct afw_m_config *c, struct nerr *e)
{
	struct link_tun old = net.tun;

	/* our own descriptor of that device is as good as any */
	if (old.fd != -1 && strcmp(old.name, c->tun_ifname) == 0)
		return link_attach(&net.rt, &net.tun, old.fd, c->tun_ifname, e);
	if (*fd == -1)
		return nerr_set(e, AFW_EINVAL,
		    "interface %s: no descriptor "
		    "of /dev/net/tun was given",
		    c->tun_ifname);
	if (link_attach(&net.rt, &net.tun, *fd, c->tun_ifname, e) == -1)
		return -1;
	*fd = -1;
	if (old.fd != -1)
		link_delete(&net.rt, &old, &c->tun_addr);
	return 0;
}

static void
tun_keep(void)
{
	int fd = fcntl(net.tun.fd, F_DUPFD_CLOEXEC, 0);

	if (fd == -1)
		log_err("interface %s: descriptor not copied", net.tun.name);
	else
		(void)afw_link_send(
		    afw_daemon_sup(), AFW_MSG_NET_KEEP, 0, NULL, fd);
}

/* Everything of the configuration but its rules. */
static int
configure(int *fd, const struct afw_m_config *c, struct nerr *e)
{
	const struct afw_m_config old = net.cfg;
	enum net_mode before = net.mode;
	bool ours;

	net.cfg = *c;
	net.mode = NET_ON;
	if (reconcile_check(&ours, e) == -1 || tun_take(fd, c, e) == -1) {
		net.cfg = old;
		net.mode = before;
		return -1;
	}
	tun_keep();
	(void)reconcile_wan_look(); /* the guard needs its name */
	/* no sets of an earlier life: ours are all there is to know */
	net.synced = net.synced || !ours;
	if (reconcile_run(false, e) >= 0)
		return 0;
	if (!ours && before == NET_OFF) {
		/* nothing was there that must go on blocking */
		struct nerr other;

		(void)reconcile_clear(false, &other);
	}
	return -1;
}

static int
config_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_config *c = (const void *)m->payload;
	struct nerr e = {.code = AFW_EIO};
	int fd = afw_msg_take_fd(m), rc;

	(void)arg;
	afw_log_level_set((int)c->log_level);
	rc = configure(&fd, c, &e);
	if (fd != -1)
		(void)close(fd);
	if (rc == -1) {
		log_err("configuration: %s", e.text);
		afw_link_status(l, m->hdr.id, e.code, "%s", e.text);
		return 0;
	}
	log_info("interface %s is up", net.tun.name);
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	flows_device(afw_daemon_peer(AFW_TUN));
	reconcile_wan_tell_all();
	return 0;
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
socket_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	return sockets_get(l, m->hdr.id, (const void *)m->payload);
}

static void
peer_up(enum afw_role role, struct afw_link *l)
{
	if (role == AFW_TUN)
		flows_device(l);
	reconcile_wan_tell(l);
}

static void
shutdown_all(bool keep_blocked, void (*done)(void))
{
	struct nerr e;

	if (reconcile_clear(keep_blocked, &e) == -1)
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
    {0, NULL},
};

static const struct afw_handler peer_handlers[] = {
    {AFW_MSG_SOCKET_GET, socket_handle},
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
	    .shutdown = shutdown_all,
	};

	return afw_daemon_run(&d);
}
