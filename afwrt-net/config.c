/* SPDX-License-Identifier: ISC */
/*
 * NET_CONFIG: everything but the rules. When a suite was killed as a whole,
 * its afwrt-tun may hold the TUN, and its afwrt-net own the nftables table,
 * for some milliseconds after the next start: what only needs a dying process
 * to be dead is tried again, whenever an interface goes and every few
 * milliseconds, for at most WAIT_MS.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "effect.h"
#include "lib/daemon/log.h"
#include "state.h"
#include "wg_mark.h"

#define WAIT_MS  3000
#define AGAIN_MS 20 /* the release of a table is no event */

/* The one that waits. */
static struct {
	bool active;
	uint32_t id;
	int fd;
	int64_t until;
	struct afw_m_config cfg;
} waiting = {.fd = -1};
static struct event *timer;

/* The TUN of the configuration; *fd is -1 afterwards if it was taken. */
static int
tun_take(int *fd, const struct afw_m_config *c, const struct afw_m_config *was,
    struct nerr *e)
{
	struct tun old = net.tun;
	bool foreign = (c->flags & AFW_C_TUN_FD) != 0;
	int rc;

	if (!net_hydra()) {
		if (old.fd != -1)
			tun_delete(&net.rt, &net.tun, was);
		return 0;
	}
	/* our own descriptor of that device is as good as any */
	if (!foreign && old.fd != -1 && !old.foreign &&
	    strcmp(old.name, c->tun_ifname) == 0)
		return tun_attach(&net.rt, &net.tun, old.fd, c->tun_ifname, e);
	if (*fd == -1)
		return nerr_set(e, AFW_EINVAL,
		    "interface %s: no descriptor "
		    "of %s was given",
		    c->tun_ifname, foreign ? "hydra_tun_fd" : "/dev/net/tun");
	rc = foreign ? tun_adopt(&net.rt, &net.tun, *fd, c->tun_mtu, e)
		     : tun_attach(&net.rt, &net.tun, *fd, c->tun_ifname, e);
	if (rc == -1)
		return -1;
	*fd = -1;
	if (old.fd != -1 && foreign && old.foreign)
		(void)close(old.fd);
	else if (old.ifindex != net.tun.ifindex || old.fd != -1)
		tun_delete(&net.rt, &old, was);
	return 0;
}

static void
tun_keep(void)
{
	int fd;

	if (net.tun.fd == -1)
		return;
	if ((fd = fcntl(net.tun.fd, F_DUPFD_CLOEXEC, 0)) == -1)
		log_err("interface %s: descriptor not copied", net.tun.name);
	else
		(void)afw_link_send(
		    afw_daemon_sup(), AFW_MSG_NET_KEEP, 0, NULL, fd);
}

static int
configure(int *fd, const struct afw_m_config *c, struct nerr *e)
{
	const struct afw_m_config old = net.cfg;
	enum net_mode before = net.mode;
	bool ours;

	net.cfg = *c;
	net.mode = NET_ON;
	if (reconcile_check(&ours, e) == -1 || tun_take(fd, c, &old, e) == -1) {
		net.cfg = old;
		net.mode = before;
		return -1;
	}
	tun_keep();
	wg_mark_renew(&old);
	(void)reconcile_wan_look(); /* the guard needs its name */
	/* no sets of an earlier life: ours are all there is to know */
	net.synced = net.synced || !ours;
	if (reconcile_run(SETS_IF_NEW, e) >= 0)
		return 0;
	if (!ours && before == NET_OFF) {
		/* nothing was there that must go on blocking */
		struct nerr other;

		(void)reconcile_clear(false, &other);
	}
	return -1;
}

static void
done(struct afw_link *l, uint32_t id)
{
	if (net_hydra())
		log_info("interface %s is up",
		    net.tun.name[0] != '\0' ? net.tun.name
					    : "(of the application)");
	afw_link_status(l, id, AFW_OK, NULL);
	flows_device(afw_daemon_peer(AFW_TUN));
	reconcile_wan_tell_all();
}

static void
failed(struct afw_link *l, uint32_t id, const struct nerr *e)
{
	log_err("configuration: %s", e->text);
	afw_link_status(l, id, e->code, "%s", e->text);
}

static void
again_in(int ms)
{
	const struct timeval tv = {.tv_usec = (suseconds_t)ms * 1000};

	(void)evtimer_add(timer, &tv);
}

static void
waiting_end(void)
{
	waiting.active = false;
	(void)evtimer_del(timer);
	if (waiting.fd != -1)
		(void)close(waiting.fd);
	waiting.fd = -1;
}

static void
attempt(void)
{
	struct afw_link *sup = afw_daemon_sup();
	struct nerr e = {.code = AFW_EIO};
	/* each attempt may use its descriptor up */
	int fd = waiting.fd == -1 ? -1 : fcntl(waiting.fd, F_DUPFD_CLOEXEC, 0),
	    rc;
	uint32_t id = waiting.id;

	rc = configure(&fd, &waiting.cfg, &e);
	if (fd != -1)
		(void)close(fd);
	if (rc == -1 && e.soon && afw_now_ms() < waiting.until) {
		if (!waiting.active)
			log_info("configuration: waiting: %s", e.text);
		waiting.active = true;
		again_in(AGAIN_MS);
		return;
	}
	waiting_end();
	if (rc == -1)
		failed(sup, id, &e);
	else
		done(sup, id);
}

static void
again_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	attempt();
}

void
config_kick(void)
{
	if (waiting.active)
		again_in(0);
}

void
config_drop(void)
{
	if (!waiting.active)
		return;
	afw_link_status(afw_daemon_sup(), waiting.id, AFW_EBUSY,
	    "given up for something else");
	waiting_end();
}

int
config_set(
    struct afw_link *l, uint32_t id, const struct afw_m_config *c, int fd)
{
	(void)l;
	config_drop();
	waiting.id = id;
	waiting.fd = fd;
	waiting.cfg = *c;
	waiting.until = afw_now_ms() + WAIT_MS;
	attempt();
	return 0;
}

void
config_init(void)
{
	if ((timer = evtimer_new(net.base, again_cb, NULL)) == NULL)
		fatal("configuration: out of memory");
}
