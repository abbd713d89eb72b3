/* SPDX-License-Identifier: ISC */
/*
 * The interface of a WireGuard route, of either kind: made, put right when
 * somebody else was at it, removed. A link of the kernel's outlives us; a TUN
 * lives as long as one holds it, so afwrtd has a duplicate of each, or (the
 * default location with default_gateway) it is persistent.
 */
#include "wg_iface.h"

#include <linux/rtnetlink.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "addrs.h"
#include "lib/daemon/log.h"
#include "state.h"
#include "wg_kernel.h"
#include "wg_link.h"

#define MTU_DEFAULT 1420
#define SWEEP_MAX   128

static struct wg_kernel kernel;
static bool kernel_open;

static struct wg_kernel *
kernel_get(struct nerr *e)
{
	if (!kernel_open)
		kernel_open = wg_kernel_open(&kernel, &net.rt, e) == 0;
	return kernel_open ? &kernel : NULL;
}

/* Must it be there for the halves of default_gateway to drop what comes? */
static bool
is_gateway(const struct wg_iface *i)
{
	return (i->w.flags & AFW_W_DEFAULT) != 0 && net_halves() &&
	    net_managed();
}

/* ---- making ------------------------------------------------------------- */

/* Until tun has said what the session is: what an earlier life gave it. */
static void
adopted(struct wg_iface *i)
{
	struct wg_route *w = &i->w;
	uint32_t n;

	w->has4 = w->has6 = false;
	if (addrs_list(&net.rt, w->ifindex, w->own, &w->n_own) == -1)
		log_warn("interface %s: addresses: %s", w->ifname, net.rt.text);
	for (n = 0; n < w->n_own; n++)
		if (w->own[n].family == 4)
			w->has4 = true;
		else
			w->has6 = true;
}

static int
kernel_make(struct wg_iface *i, struct nerr *e)
{
	struct wg_kernel *k = kernel_get(e);
	struct link_info info;
	int made;

	if (k == NULL ||
	    (made = wg_kernel_make(k, i->w.ifname, &info, e)) == -1)
		return -1;
	i->w.impl = AFW_WG_KERNEL;
	i->w.ifindex = info.ifindex;
	i->mtu = made == 1 ? MTU_DEFAULT : info.mtu;
	if (made == 0 && i->set.route == 0)
		adopted(i);
	return 0;
}

static int
userspace_make(struct wg_iface *i, int *fd, struct nerr *e)
{
	bool kept = tun_is(*fd, i->w.ifname);
	struct wg_kernel *k = kernel_get(e);
	struct nerr ignored;

	if (k != NULL) /* of an earlier life that had the kernel do it */
		(void)wg_kernel_remove(k, i->w.ifname, &ignored);
	if (tun_attach(&net.rt, &i->tun, *fd, i->w.ifname, e) == -1)
		return -1;
	*fd = -1;
	i->w.impl = AFW_WG_USERSPACE;
	i->w.ifindex = i->tun.ifindex;
	i->mtu = MTU_DEFAULT;
	if (kept || i->tun.held) {
		i->mtu = i->tun.mtu;
		adopted(i);
	}
	return 0;
}

/* Ours of an earlier life that did it in userspace: kept, or persistent. */
static void
tun_leftover_delete(const char *name, int fd)
{
	struct link_info info;
	struct nerr ignored;

	if (link_get(&net.rt, name, 0, &info) == 0 &&
	    (tun_is(fd, name) || tun_is_held(&info)))
		(void)wg_link_delete(&net.rt, &info, &ignored);
}

int
wg_iface_make(struct wg_iface *i, uint32_t impl, int *fd, struct nerr *e)
{
	i->tun.fd = -1;
	if (impl == AFW_WG_AUTO && tun_is(*fd, i->w.ifname))
		impl = AFW_WG_USERSPACE;
	if (impl == AFW_WG_KERNEL)
		tun_leftover_delete(i->w.ifname, *fd);
	if (impl != AFW_WG_USERSPACE) {
		if (kernel_make(i, e) == 0)
			return 0;
		if (impl == AFW_WG_KERNEL)
			return -1;
		/* a TUN of ours, left to block, may have the name */
		if (e->code != AFW_ENOTSUP && e->code != AFW_EBUSY)
			log_warn("%s: userspace does it", e->text);
	}
	return userspace_make(i, fd, e);
}

/* ---- what it should be --------------------------------------------------- */

static struct addrs
addrs_of(const struct afw_m_wg_set *m)
{
	return (struct addrs){m->addr, m->route != 0 ? m->addrs : 0};
}

static int
setup(struct wg_iface *i, const struct addrs *was, struct nerr *e)
{
	uint32_t mtu = net.cfg.tun_mtu != 0 ? net.cfg.tun_mtu : i->mtu;
	struct addrs want = addrs_of(&i->set);
	int changed, rc;

	if ((changed = link_prepare(
		 &net.rt, i->w.ifindex, mtu, &i->w.mtu, e)) == -1)
		return -1;
	if (i->w.impl == AFW_WG_USERSPACE &&
	    tun_hold(&i->tun, is_gateway(i)) == -1)
		log_warn("interface %s: not persistent: %s", i->w.ifname,
		    strerror(errno));
	if ((net.cfg.flags & AFW_C_NO_SOCKET_SETUP) != 0 || i->set.route == 0)
		return changed;
	rc = addrs_sync(&net.rt, i->w.ifindex, i->w.ifname, &want, was, e);
	return rc == -1 ? -1 : changed + rc;
}

static void
conf_make(struct wg_kernel_conf *c, const struct wg_iface *i,
    const struct afw_m_wg_set *m)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->ifname, i->w.ifname, sizeof(c->ifname));
	memcpy(c->private_key, m->private_key, sizeof(c->private_key));
	memcpy(c->peer_key, m->peer_key, sizeof(c->peer_key));
	memcpy(c->preshared_key, m->preshared_key, sizeof(c->preshared_key));
	c->endpoint = m->endpoint;
	c->endpoint_port = m->port;
	c->fwmark = sockets_mark();
	c->keepalive = m->keepalive;
	c->allowed = m->allowed;
	memcpy(c->allow, m->allow, sizeof(c->allow));
}

/* Keys and peer, in the kernel; nothing to do for a TUN. */
static int
keys_set(struct wg_iface *i, const struct afw_m_wg_set *m, struct nerr *e)
{
	struct wg_kernel *k;
	struct wg_kernel_conf c;
	int rc;

	if (i->w.impl != AFW_WG_KERNEL || m->route == 0)
		return 0;
	if ((k = kernel_get(e)) == NULL)
		return -1;
	conf_make(&c, i, m);
	rc = wg_kernel_set(k, &c, e);
	afw_wipe(&c, sizeof(c));
	return rc;
}

static void
wake(struct wg_iface *i)
{
	struct wg_kernel *k;
	struct wg_kernel_conf c;
	struct nerr e;

	if (i->w.impl != AFW_WG_KERNEL || i->set.route == 0 ||
	    i->set.endpoint.family == 0 || (k = kernel_get(&e)) == NULL)
		return;
	conf_make(&c, i, &i->set);
	if (wg_kernel_wake(k, &c, &e) == -1)
		log_warn("%s", e.text);
	afw_wipe(&c, sizeof(c));
}

static bool
is_there(const struct wg_iface *i)
{
	struct link_info info;

	return i->w.ifindex != 0 &&
	    link_get(&net.rt, NULL, i->w.ifindex, &info) == 0;
}

/* Removed by somebody else. */
static int
revive(struct wg_iface *i, struct nerr *e)
{
	uint32_t mtu = i->mtu;
	int rc;

	i->w.ifindex = 0;
	if (i->w.impl == AFW_WG_KERNEL) {
		rc = kernel_make(i, e) == 0 ? keys_set(i, &i->set, e) : -1;
		i->mtu = mtu;
		return rc;
	}
	rc = tun_revive(&net.rt, &i->tun, e);
	i->w.ifindex = i->tun.ifindex;
	return rc;
}

int
wg_iface_repair(struct wg_iface *i, struct nerr *e)
{
	bool gone = !is_there(i);
	int changed;

	if (gone && revive(i, e) == -1)
		return -1;
	if ((changed = setup(i, NULL, e)) == -1)
		return -1;
	if (!gone)
		return changed;
	wake(i);
	wg_iface_tell(i, afw_daemon_peer(AFW_TUN));
	return changed + 1;
}

/* ---- sessions ------------------------------------------------------------ */

static void
plan_facts(struct wg_route *w, const struct afw_m_wg_set *m)
{
	uint32_t n;

	w->has4 = w->has6 = false;
	for (n = 0; n < m->addrs; n++)
		if (m->addr[n].addr.family == 4)
			w->has4 = true;
		else
			w->has6 = true;
	for (w->n_own = 0; w->n_own < m->addrs; w->n_own++)
		w->own[w->n_own] = m->addr[w->n_own].addr;
	w->dns4 = m->dns4;
	w->dns6 = m->dns6;
}

int
wg_iface_session(
    struct wg_iface *i, const struct afw_m_wg_set *m, struct nerr *e)
{
	struct afw_wg_net old[AFW_WG_ADDRS_MAX];
	struct addrs was = addrs_of(&i->set);

	memcpy(old, i->set.addr, sizeof(old));
	was.net = old;
	if ((!is_there(i) && wg_iface_repair(i, e) == -1) ||
	    keys_set(i, m, e) == -1)
		return -1;
	i->set = *m;
	i->mtu = m->mtu != 0 ? m->mtu : MTU_DEFAULT;
	plan_facts(&i->w, m);
	if (setup(i, &was, e) == -1)
		return -1;
	wake(i);
	return 0;
}

void
wg_iface_roam(struct wg_iface *i)
{
	struct wg_kernel *k;
	struct nerr e;

	if (i->w.impl != AFW_WG_KERNEL || i->w.ifindex == 0 ||
	    i->set.route == 0 || (k = kernel_get(&e)) == NULL)
		return;
	if (wg_kernel_roam(k, i->w.ifname, sockets_mark(), &e) == -1)
		log_warn("%s", e.text);
	else
		wake(i);
}

static void
stats_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct rtnl_link_stats64 st;
	struct afw_m_wg_state *m = arg;
	const struct nlattr *a;
	size_t len;

	mnl_attr_for_each (a, nlh, sizeof(struct ifinfomsg)) {
		if (mnl_attr_get_type(a) != IFLA_STATS64)
			continue;
		memset(&st, 0, sizeof(st));
		len = mnl_attr_get_payload_len(a);
		memcpy(&st, mnl_attr_get_payload(a),
		    len < sizeof(st) ? len : sizeof(st));
		m->rx_bytes = st.rx_bytes;
		m->tx_bytes = st.tx_bytes;
		m->rx_packets = st.rx_packets;
		m->tx_packets = st.tx_packets;
	}
}

int
wg_iface_state(
    const struct wg_iface *i, struct afw_m_wg_state *m, struct nerr *e)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct ifinfomsg ifi = {.ifi_index = (int)i->w.ifindex};
	struct wg_kernel *k = kernel_get(e);
	struct wg_kernel_state st;

	memset(m, 0, sizeof(*m));
	m->route = i->w.route;
	if (k == NULL || wg_kernel_get(k, i->w.ifname, &st, e) == -1)
		return -1;
	if (netlink_get(&net.rt,
		netlink_msg(buf, RTM_GETLINK, 0, &ifi, sizeof(ifi)), stats_cb,
		m) == -1)
		return nerr_set(e, afw_error_from_errno(errno),
		    "interface %s: counters: %s", i->w.ifname, net.rt.text);
	m->handshake_s = st.handshake_s;
	m->handshake_ns = st.handshake_ns;
	m->endpoint = st.endpoint;
	m->port = st.endpoint_port;
	return 0;
}

/* ---- who is told --------------------------------------------------------- */

void
wg_iface_tell(const struct wg_iface *i, struct afw_link *l)
{
	struct afw_m_wg_device m = {.route = i->w.route,
	    .impl = i->w.impl,
	    .ifindex = i->w.ifindex,
	    .mtu = i->w.mtu};
	int fd = -1;

	if (!i->claimed || i->w.ifindex == 0 || !afw_link_is_open(l))
		return;
	memcpy(m.ifname, i->w.ifname, sizeof(m.ifname));
	if (i->w.impl == AFW_WG_USERSPACE) {
		m.vnet_hdr = i->tun.vnet_hdr;
		if ((fd = fcntl(i->tun.fd, F_DUPFD_CLOEXEC, 0)) == -1) {
			log_err(
			    "interface %s: descriptor not copied", i->w.ifname);
			return;
		}
	}
	(void)afw_link_send(l, AFW_MSG_WG_DEVICE, 0, &m, fd);
}

void
wg_iface_keep(const struct wg_iface *i)
{
	struct afw_m_keep m = {.route = i->w.route};
	int fd;

	if (i->w.impl != AFW_WG_USERSPACE)
		return;
	if ((fd = fcntl(i->tun.fd, F_DUPFD_CLOEXEC, 0)) == -1)
		log_err("interface %s: descriptor not copied", i->w.ifname);
	else
		(void)afw_link_send(
		    afw_daemon_sup(), AFW_MSG_NET_KEEP, 0, &m, fd);
}

/* ---- the end ------------------------------------------------------------- */

static void
session_forget(struct wg_iface *i)
{
	afw_wipe(&i->set, sizeof(i->set));
	i->w.has4 = i->w.has6 = false;
	i->w.n_own = 0;
	memset(&i->w.dns4, 0, sizeof(i->w.dns4));
	memset(&i->w.dns6, 0, sizeof(i->w.dns6));
}

/* A TUN that was there before us stays, as it was. */
static void
tun_end(struct wg_iface *i)
{
	static const struct addrs none;
	const struct afw_m_config no = {.flags = AFW_C_NO_SOCKET_SETUP};
	struct addrs was = addrs_of(&i->set);
	struct nerr e;

	if (i->tun.persistent && i->tun.ifindex != 0 &&
	    addrs_sync(&net.rt, i->tun.ifindex, i->w.ifname, &none, &was, &e) ==
		-1)
		log_warn("%s", e.text);
	tun_delete(&net.rt, &i->tun, &no);
}

void
wg_iface_delete(struct wg_iface *i)
{
	struct wg_kernel *k;
	struct nerr e;

	if (i->w.impl == AFW_WG_USERSPACE)
		tun_end(i);
	else if (i->w.impl == AFW_WG_KERNEL && (k = kernel_get(&e)) != NULL &&
	    wg_kernel_remove(k, i->w.ifname, &e) == -1 && e.code != AFW_ENOENT)
		log_warn("%s", e.text);
	session_forget(i);
	i->w.impl = i->w.ifindex = 0;
	i->claimed = false;
}

void
wg_iface_block(struct wg_iface *i)
{
	struct wg_kernel *k;
	struct nerr e;

	if (!i->claimed)
		return;
	if (i->w.impl == AFW_WG_USERSPACE && i->tun.held) {
		tun_leave(&i->tun);
	} else if (i->w.impl == AFW_WG_KERNEL && is_gateway(i) &&
	    (k = kernel_get(&e)) != NULL) {
		if (wg_kernel_block(k, i->w.ifname, &e) == -1)
			log_warn("%s", e.text);
	} else {
		wg_iface_delete(i);
	}
	session_forget(i);
	i->claimed = false;
}

struct sweep {
	struct link_info info[SWEEP_MAX];
	size_t n;
};

static void
sweep_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct sweep *s = arg;
	struct link_info info;

	link_parse(nlh, &info);
	if (info.ifindex != net.tun.ifindex && !wg_route_has(info.ifindex) &&
	    (wg_link_ours(&info) || tun_is_held(&info)) && s->n < SWEEP_MAX)
		s->info[s->n++] = info;
}

static void
sweep_again(void *arg)
{
	struct sweep *s = arg;

	s->n = 0;
}

void
wg_iface_sweep(void)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	const struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	static struct sweep s;
	struct nerr e;
	size_t n;

	s.n = 0;
	if (netlink_dump(&net.rt,
		netlink_msg(buf, RTM_GETLINK, 0, &ifi, sizeof(ifi)), sweep_cb,
		sweep_again, &s) == -1)
		log_warn("interfaces of an earlier life: %s", net.rt.text);
	for (n = 0; n < s.n; n++) {
		log_info("interface %s: of an earlier life, removed",
		    s.info[n].name);
		if (wg_link_delete(&net.rt, &s.info[n], &e) == -1)
			log_warn("%s", e.text);
	}
}
