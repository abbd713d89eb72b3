/* SPDX-License-Identifier: ISC */
/*
 * What afwrtd and afwrt-tun ask about WireGuard routes. When a suite was
 * killed as a whole its afwrt-tun may hold a TUN for some milliseconds more:
 * as in config.c that is waited for, for at most WAIT_MS.
 */
#include "wg_request.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "state.h"
#include "wg_iface.h"
#include "wg_mark.h"

#define WAIT_MS   3000
#define AGAIN_MS  20
#define RETRY_S   1 /* of an interface that could not be put right */
#define MTU_LEAST 576
#define MTU_MOST  65456 /* the kernel's, with its overhead */

/* A NET_WG_SET that is not answered yet; id 0: free. */
struct asked {
	uint32_t id;
	int fd;
	int64_t until;
	bool waits;
	struct afw_m_net_wg_set m;
};

static struct asked asked[AFW_ROUTES_MAX];
static struct event *timer, *retry;

static void
again_in(int ms)
{
	const struct timeval tv = {.tv_usec = (suseconds_t)ms * 1000};

	(void)evtimer_add(timer, &tv);
}

static void
asked_end(struct asked *a)
{
	if (a->fd != -1)
		(void)close(a->fd);
	memset(a, 0, sizeof(*a));
	a->fd = -1;
}

/* Route 0: of all. */
static void
asked_drop(uint32_t route)
{
	size_t n;

	for (n = 0; n < AFW_ROUTES_MAX; n++) {
		if (asked[n].id == 0 ||
		    (route != 0 && asked[n].m.route != route))
			continue;
		afw_link_status(afw_daemon_sup(), asked[n].id, AFW_EBUSY,
		    "given up for something else");
		asked_end(&asked[n]);
	}
}

/* ---- NET_WG_SET ---------------------------------------------------------- */

/* Is the name that of another interface of ours? */
static int
name_check(const struct afw_m_net_wg_set *m, struct nerr *e)
{
	const struct wg_route *w = NULL;

	if (net.tun.ifindex != 0 && strcmp(net.tun.name, m->ifname) == 0)
		return nerr_set(e, AFW_EBUSY,
		    "interface %s is the TUN of the suite; choose another name",
		    m->ifname);
	while ((w = wg_route_next(w)) != NULL)
		if (w->route != m->route && strcmp(w->ifname, m->ifname) == 0)
			return nerr_set(e, AFW_EBUSY,
			    "interface %s is that of another location; choose "
			    "another name",
			    m->ifname);
	return 0;
}

/* Has it all that was asked for already? */
static bool
is_as_asked(const struct wg_iface *i, const struct afw_m_net_wg_set *m)
{
	return i->claimed && strcmp(i->w.ifname, m->ifname) == 0 &&
	    (m->impl == AFW_WG_AUTO || m->impl == i->w.impl);
}

static int
iface_make(struct wg_iface *i, struct asked *a, struct nerr *e)
{
	/* each attempt may use its descriptor up */
	int fd = fcntl(a->fd, F_DUPFD_CLOEXEC, 0), rc;

	if (i->claimed)
		wg_iface_delete(i);
	memcpy(i->w.ifname, a->m.ifname, sizeof(i->w.ifname));
	rc = wg_iface_make(i, a->m.impl, &fd, e);
	if (fd != -1)
		(void)close(fd);
	if (rc == -1)
		return -1;
	i->claimed = true;
	return 0;
}

static int
make(struct asked *a, struct nerr *e)
{
	struct wg_iface *i;

	if (name_check(&a->m, e) == -1)
		return -1;
	if ((i = wg_route_add(a->m.route)) == NULL)
		return nerr_set(e, AFW_ENOSPC,
		    "there are %d WireGuard locations already", AFW_ROUTES_MAX);
	i->w.flags = a->m.flags;
	if (wg_mark_give(&i->w, e) == 0 &&
	    (is_as_asked(i, &a->m) || iface_make(i, a, e) == 0) &&
	    wg_iface_repair(i, e) != -1 && reconcile_run(SETS_LOOK, e) != -1)
		return 0;
	return -1;
}

static void
failed(const struct asked *a, const struct nerr *e)
{
	struct wg_iface *i = wg_route_iface(a->m.route);

	log_err("%s", e->text);
	if (i != NULL) {
		wg_iface_delete(i);
		wg_route_drop(i);
		reconcile_soon("a WireGuard interface that could not be");
	}
	afw_link_status(afw_daemon_sup(), a->id, e->code, "%s", e->text);
}

static void
made(const struct asked *a)
{
	const struct wg_iface *i = wg_route_iface(a->m.route);
	struct afw_m_net_wg m = {.impl = i->w.impl};

	log_info("interface %s: WireGuard %s", i->w.ifname,
	    i->w.impl == AFW_WG_KERNEL ? "of the kernel" : "in userspace");
	wg_iface_keep(i);
	wg_iface_tell(i, afw_daemon_peer(AFW_TUN));
	(void)afw_link_send(afw_daemon_sup(), AFW_MSG_NET_WG, a->id, &m, -1);
}

static void
attempt(struct asked *a)
{
	struct nerr e = {.code = AFW_EIO};

	if (make(a, &e) == 0) {
		made(a);
		asked_end(a);
		return;
	}
	if (e.soon && afw_now_ms() < a->until) {
		if (!a->waits)
			log_info("waiting: %s", e.text);
		a->waits = true;
		again_in(AGAIN_MS);
		return;
	}
	failed(a, &e);
	asked_end(a);
}

static void
again_cb(evutil_socket_t fd, short what, void *arg)
{
	size_t n;

	(void)fd;
	(void)what;
	(void)arg;
	for (n = 0; n < AFW_ROUTES_MAX; n++)
		if (asked[n].id != 0)
			attempt(&asked[n]);
}

int
wg_request_set(
    struct afw_link *l, uint32_t id, const struct afw_m_net_wg_set *m, int fd)
{
	struct asked *a = asked;

	asked_drop(m->route);
	while (a < asked + AFW_ROUTES_MAX && a->id != 0)
		a++;
	if (net.mode != NET_ON || a == asked + AFW_ROUTES_MAX) {
		(void)close(fd);
		if (net.mode == NET_ON)
			return AFW_ENOSPC;
		afw_link_status(
		    l, id, AFW_EINVAL, "there is no configuration yet");
		return 0;
	}
	*a = (struct asked){
	    .id = id, .fd = fd, .until = afw_now_ms() + WAIT_MS, .m = *m};
	attempt(a);
	return 0;
}

int
wg_request_del(struct afw_link *l, uint32_t id, uint32_t route)
{
	struct wg_iface *i;
	struct nerr e;

	asked_drop(route);
	if ((i = wg_route_iface(route)) == NULL)
		return AFW_ENOENT;
	wg_iface_delete(i);
	wg_route_drop(i);
	if (reconcile_run(SETS_LOOK, &e) == -1) {
		log_err("%s", e.text);
		reconcile_soon("again");
	}
	afw_link_status(l, id, AFW_OK, NULL);
	return 0;
}

/* ---- WG_SET, WG_GET ------------------------------------------------------ */

/* What the plan reads of it. */
static bool
plan_changed(const struct wg_route *a, const struct wg_route *b)
{
	return a->ifindex != b->ifindex || a->mtu != b->mtu ||
	    a->has4 != b->has4 || a->has6 != b->has6 || a->n_own != b->n_own ||
	    memcmp(a->own, b->own, a->n_own * sizeof(a->own[0])) != 0 ||
	    !afw_addr_equal(&a->dns4, &b->dns4) ||
	    !afw_addr_equal(&a->dns6, &b->dns6);
}

int
wg_request_session(
    struct afw_link *l, uint32_t id, const struct afw_m_wg_set *m)
{
	struct wg_iface *i = wg_route_iface(m->route);
	struct wg_route was;
	struct nerr e;

	if (i == NULL || !i->claimed)
		return AFW_ENOENT;
	if (m->mtu != 0 && (m->mtu < MTU_LEAST || m->mtu > MTU_MOST)) {
		afw_link_status(l, id, AFW_EINVAL,
		    "interface %s: an MTU of %u is out of range", i->w.ifname,
		    m->mtu);
		return 0;
	}
	was = i->w;
	if (wg_iface_session(i, m, &e) == -1 ||
	    (plan_changed(&i->w, &was) &&
		reconcile_run(SETS_IF_NEW, &e) == -1)) {
		log_err("%s", e.text);
		afw_link_status(l, id, e.code, "%s", e.text);
		return 0;
	}
	afw_link_status(l, id, AFW_OK, NULL);
	return 0;
}

int
wg_request_state(struct afw_link *l, uint32_t id, uint32_t route)
{
	struct wg_iface *i = wg_route_iface(route);
	struct afw_m_wg_state m;
	struct nerr e;

	if (i == NULL || !i->claimed)
		return AFW_ENOENT;
	if (i->w.impl != AFW_WG_KERNEL)
		return AFW_ENOTSUP;
	if (wg_iface_state(i, &m, &e) == -1)
		afw_link_status(l, id, e.code, "%s", e.text);
	else
		(void)afw_link_send(l, AFW_MSG_WG_STATE, id, &m, -1);
	return 0;
}

/* ---- what else happens --------------------------------------------------- */

void
wg_request_tell(struct afw_link *l)
{
	struct wg_iface *i = NULL;

	while ((i = wg_route_each(i)) != NULL)
		wg_iface_tell(i, l);
}

void
wg_request_kick(void)
{
	if (evtimer_pending(timer, NULL))
		again_in(0);
}

/* One that cannot be is no reason to leave the others, or the rest. */
static void
repair_failed(const struct nerr *e)
{
	const struct timeval tv = {.tv_sec = RETRY_S};
	static struct afw_ratelimit limit;

	if (afw_ratelimit_ok(&limit, 5))
		log_err("%s", e->text);
	(void)evtimer_add(retry, &tv);
}

static void
retry_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	reconcile_soon("a WireGuard interface");
}

int
wg_request_repair(void)
{
	struct wg_iface *i = NULL;
	struct nerr e;
	int changed = 0, rc;

	while (net.mode == NET_ON && (i = wg_route_each(i)) != NULL) {
		if (!i->claimed)
			continue;
		if ((rc = wg_iface_repair(i, &e)) == -1)
			repair_failed(&e);
		else
			changed += rc;
	}
	return changed;
}

void
wg_request_commit(void)
{
	struct wg_iface *i = NULL;
	bool dropped = false;
	struct nerr e;

	while ((i = wg_route_each(i)) != NULL)
		if (!i->claimed) {
			wg_route_drop(i);
			dropped = true;
		}
	wg_iface_sweep();
	if (dropped && reconcile_run(SETS_IF_NEW, &e) == -1)
		log_err("%s", e.text);
}

void
wg_request_clear(bool keep)
{
	struct wg_iface *i = NULL;

	asked_drop(0);
	while ((i = wg_route_each(i)) != NULL)
		if (keep) {
			wg_iface_block(i);
		} else {
			wg_iface_delete(i);
			wg_route_drop(i);
		}
	if (!keep)
		wg_iface_sweep();
}

void
wg_request_wan(void)
{
	struct wg_iface *i = NULL;

	while ((i = wg_route_each(i)) != NULL)
		if (i->claimed)
			wg_iface_roam(i);
}

void
wg_request_init(struct event_base *base)
{
	size_t n;

	for (n = 0; n < AFW_ROUTES_MAX; n++)
		asked[n].fd = -1;
	timer = evtimer_new(base, again_cb, NULL);
	retry = evtimer_new(base, retry_cb, NULL);
	if (timer == NULL || retry == NULL)
		fatal("wireguard: out of memory");
}
