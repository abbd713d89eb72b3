/* SPDX-License-Identifier: ISC */
#include "wg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afwrtd.h"
#include "ask.h"
#include "files.h"
#include "lib/daemon/log.h"
#include "run.h"
#include "wg_listen.h"

#define NAMES_MAX 64
#define DROP_MS   10000

struct request {
	struct route *r;
	int64_t deadline;
	afw_reply_cb cb;
	void *arg;
};

/* ---- names --------------------------------------------------------------- */

/* The suite's TUN, or the interface that the default location will have. */
static bool
tun_name_is_free_for(const struct route *r)
{
	const struct route *d = routes_default();

	return run_config()->type == AFW_TYPE_WIREGUARD &&
	    (d == NULL || d == r || d->ifname[0] != '\0');
}

static bool
name_is_taken(const struct route *but, const char *name)
{
	const struct afw_m_config *c = run_config();
	const struct route *r = NULL;

	if (strcmp(name, c->wan_ifname) == 0 ||
	    (strcmp(name, c->tun_ifname) == 0 && !tun_name_is_free_for(but)))
		return true;
	while ((r = routes_next(r)) != NULL)
		if (r != but && strcmp(r->ifname, name) == 0)
			return true;
	return false;
}

static void
name_put(struct route *r, const char *name)
{
	memset(r->ifname, 0, sizeof(r->ifname));
	(void)afw_str_set(r->ifname, sizeof(r->ifname), name);
}

unsigned int
wg_name_set(struct route *r, const char *ifname)
{
	if (name_is_taken(r, ifname))
		return AFW_EBUSY;
	r->ifnum = 0;
	name_put(r, ifname);
	return AFW_OK;
}

/* The first number behind the last one tried. */
static bool
name_next(struct route *r)
{
	char name[AFW_IFNAME_SIZE];

	while (r->ifnum < NAMES_MAX) {
		(void)snprintf(name, sizeof(name), "%.12s-%u",
		    run_config()->tun_ifname, ++r->ifnum);
		if (name_is_taken(r, name))
			continue;
		name_put(r, name);
		return true;
	}
	return false;
}

bool
wg_name_choose(struct route *r)
{
	if (r->ifname[0] != '\0')
		return true;
	if (!r->is_default || run_config()->type != AFW_TYPE_WIREGUARD)
		return name_next(r);
	name_put(r, run_config()->tun_ifname);
	return true;
}

void
wg_name_forget(struct route *r)
{
	memset(r->ifname, 0, sizeof(r->ifname));
	r->ifnum = 0;
}

/* ---- descriptors ----------------------------------------------------------
 */

int
wg_tun_open(uint32_t id)
{
	const struct route *r = routes_find_id(id);
	int fd;

	if (r != NULL && r->tun_fd != -1)
		return fcntl(r->tun_fd, F_DUPFD_CLOEXEC, 0);
	fd = files_tun_open_new();
	if (fd != -1 || run_config()->wg_impl == AFW_WG_USERSPACE)
		return fd;
	/* the kernel's needs no TUN, but the message a descriptor */
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static void
tun_close(struct route *r)
{
	if (r->tun_fd != -1)
		(void)close(r->tun_fd);
	r->tun_fd = -1;
}

void
wg_tun_keep(uint32_t id, int fd)
{
	struct route *r = routes_find_id(id);

	if (r == NULL || r->type != AFW_TYPE_WIREGUARD) {
		log_debug("net: keeps the TUN of route %u, which is gone", id);
		(void)close(fd);
		return;
	}
	tun_close(r);
	r->tun_fd = fd;
}

static void
listen_close(struct route *r)
{
	wg_listen_close(r->listen_fd, r->ifname);
	r->listen_fd = -1;
}

void
wg_replay_tun(const struct route *r)
{
	struct afw_m_route_id id = {.route = r->id};
	int fd;

	if (r->listen_fd == -1 ||
	    (fd = fcntl(r->listen_fd, F_DUPFD_CLOEXEC, 0)) == -1)
		return;
	(void)afw_link_send(
	    &child_get(AFW_TUN)->link, AFW_MSG_WG_LISTEN, 0, &id, fd);
}

/* A tun that is being started gets it before its ROUTE_SET, by the replay. */
static void
listen_settle(struct route *r)
{
	if (r->wg_impl != AFW_WG_USERSPACE) {
		listen_close(r);
	} else if (r->listen_fd == -1) {
		r->listen_fd = wg_listen_open(r->ifname);
		if (child_get(AFW_TUN)->state == CHILD_UP ||
		    child_get(AFW_TUN)->state == CHILD_REPLAY)
			wg_replay_tun(r);
	}
}

/* ---- at afwrt-net ---------------------------------------------------------
 */

static void
message_make(const struct route *r, struct afw_m_net_wg_set *m)
{
	memset(m, 0, sizeof(*m));
	m->route = r->id;
	m->impl = r->wg_impl != 0 ? r->wg_impl : run_config()->wg_impl;
	m->flags = r->is_default ? AFW_W_DEFAULT : 0;
	memcpy(m->ifname, r->ifname, sizeof(m->ifname));
}

static void
is_up(struct route *r, const struct afw_msg *m)
{
	const struct afw_m_net_wg *w = (const void *)m->payload;

	r->wg = true;
	r->wg_impl = w->impl;
	log_info("route %s: interface %s, %s", r->location, r->ifname,
	    w->impl == AFW_WG_KERNEL ? "of the kernel's" : "userspace");
	listen_settle(r);
}

static void
down_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	(void)arg;
	(void)m;
	if (code != AFW_OK && code != AFW_ENOENT)
		log_warn("net: an interface was not removed: %s", text);
}

void
wg_drop_id(uint32_t id)
{
	struct afw_m_route_id del = {.route = id};

	ask(AFW_NET, AFW_MSG_NET_WG_DEL, &del, DROP_MS, false, down_reply,
	    NULL);
}

static void
up_end(
    struct request *q, unsigned int code, const char *text, struct afw_msg *m)
{
	if (code != AFW_OK) {
		if (m == NULL)
			wg_drop_id(q->r->id); /* it may have it after all */
		wg_forget(q->r);
		wg_name_forget(q->r);
	}
	q->cb(q->arg, code, text, m);
	free(q);
}

static void up_send(struct request *q);

static void
up_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct request *q = arg;

	if (code == AFW_OK && m->hdr.type == AFW_MSG_NET_WG) {
		is_up(q->r, m);
	} else if (code == AFW_EBUSY && m != NULL && q->r->ifnum > 0 &&
	    name_next(q->r)) {
		up_send(q);
		return;
	}
	up_end(q, code, text, m);
}

static void
up_send(struct request *q)
{
	struct afw_m_net_wg_set set;
	int64_t left = q->deadline - afw_now_ms();

	message_make(q->r, &set);
	ask_with_tun(&set, left > 0 ? (unsigned int)left : 1, up_reply, q);
}

void
wg_up(struct route *r, unsigned int ms, afw_reply_cb cb, void *arg)
{
	struct request *q;

	if (!wg_name_choose(r)) {
		cb(arg, AFW_EBUSY, "no name for its interface is free", NULL);
		return;
	}
	q = afwrtd_alloc(sizeof(*q));
	q->r = r;
	q->deadline = afw_now_ms() + ms;
	q->cb = cb;
	q->arg = arg;
	up_send(q);
}

void
wg_down(struct route *r, unsigned int ms, afw_reply_cb cb, void *arg)
{
	struct afw_m_route_id del = {.route = r->id};

	listen_close(r);
	ask(AFW_NET, AFW_MSG_NET_WG_DEL, &del, ms, false,
	    cb != NULL ? cb : down_reply, arg);
}

void
wg_forget(struct route *r)
{
	listen_close(r);
	tun_close(r);
	r->wg = false;
	r->wg_impl = 0;
}

/* ---- replay ---------------------------------------------------------------
 */

struct replayed {
	uint32_t id;
	struct child *net;
	unsigned int ms;
	afw_reply_cb cb;
	void *arg;
};

static bool replay_send(struct replayed *p);

/*
 * A TUN that cannot be adopted is no reason to go without one; nor is a name
 * of ours that is somebody else's by now.
 */
static bool
replay_again(struct replayed *p, struct route *r, unsigned int code)
{
	if (r->tun_fd != -1) {
		tun_close(r);
		return replay_send(p);
	}
	if (code != AFW_EBUSY || r->ifnum == 0)
		return false;
	listen_close(r);
	return name_next(r) && replay_send(p);
}

/* One interface that is refused must not keep the others down. */
static void
replay_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct replayed *p = arg;
	struct route *r = routes_find_id(p->id);

	if (m != NULL && r != NULL) {
		if (m->hdr.type == AFW_MSG_NET_WG)
			is_up(r, m);
		else if (replay_again(p, r, code))
			return;
		else
			log_err("route %s: interface %s: %s", r->location,
			    r->ifname, text);
	}
	p->cb(p->arg, m != NULL ? AFW_OK : code, text, m);
	free(p);
}

static bool
replay_send(struct replayed *p)
{
	const struct route *r = routes_find_id(p->id);
	struct afw_m_net_wg_set set;
	int fd = wg_tun_open(p->id);

	if (fd == -1) {
		log_err("route %s: %s", r->location, files_last_error());
		return false;
	}
	message_make(r, &set);
	return afw_link_request(&p->net->link, AFW_MSG_NET_WG_SET, &set, fd,
		   p->ms, false, replay_reply, p) != 0;
}

unsigned int
wg_replay_net(struct child *net, unsigned int ms, afw_reply_cb cb, void *arg)
{
	const struct route *r = NULL;
	struct replayed *p;
	unsigned int n = 0;

	while ((r = routes_next(r)) != NULL) {
		if (!r->wg)
			continue;
		p = afwrtd_alloc(sizeof(*p));
		*p = (struct replayed){r->id, net, ms, cb, arg};
		if (replay_send(p))
			n++;
		else
			free(p);
	}
	return n;
}
