/* SPDX-License-Identifier: ISC */
/*
 * The table of routes. There are at most AFW_ROUTES_MAX of them, so a list
 * does.
 */
#include "route.h"

#include <stdlib.h>
#include <string.h>

#include "afwrt-tun/forward.h"
#include "afwrt-tun/goodbye.h"
#include "afwrt-tun/route_private.h"
#include "afwrt-tun/standby.h"
#include "afwrt-tun/tun.h"
#include "afwrt-tun/wg_device.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

static struct route *routes;

const struct transport_ops *
transport_find(uint32_t type)
{
	switch (type) {
	case AFW_TYPE_HYDRA_TCP:
		return &hydra_tcp_ops;
	case AFW_TYPE_WIREGUARD:
		return &wg_ops;
	default:
		return NULL;
	}
}

struct route *
route_find(uint32_t id)
{
	struct route *r;

	for (r = routes; r != NULL; r = r->next)
		if (r->id == id)
			return r;
	return NULL;
}

void
route_each(void (*fn)(struct route *r, void *arg), void *arg)
{
	struct route *r, *next;

	for (r = routes; r != NULL; r = next) {
		next = r->next;
		fn(r, arg);
	}
}

/* ---- packets ----------------------------------------------------------- */

bool
route_ready(const struct route *r)
{
	return r->state == AFW_ROUTE_CONNECTED;
}

void
route_want(struct route *r)
{
	if (r->state == AFW_ROUTE_IDLE)
		route_state_connect(r);
}

/* ---- the table --------------------------------------------------------- */

/* A WireGuard peer has one endpoint; so more than one is for TCP. */
static unsigned int
conns_wanted(const struct afw_m_route *conf)
{
	return conf->type == AFW_TYPE_HYDRA_TCP ? tun_env()->conf.connections
						: 1;
}

static struct route *
route_new(const struct afw_m_route *conf)
{
	struct route *r = calloc(1, sizeof(*r));
	unsigned int i;

	if (r == NULL || (r->priv = calloc(1, sizeof(*r->priv))) == NULL)
		fatal("%s: out of memory", afw_log_name());
	r->id = conf->route;
	r->conf = *conf;
	r->priv->seq = conf->seq;
	r->state = AFW_ROUTE_IDLE;
	r->n_conns = conns_wanted(conf);
	for (i = 0; i < r->n_conns; i++)
		conn_init(r, i);
	r->next = routes;
	routes = r;
	return r;
}

/* The policy of a route may change, its place may not. */
static int
route_change(struct route *r, const struct afw_m_route *conf)
{
	if (r->conf.type != conf->type ||
	    strcmp(r->conf.location, conf->location) != 0)
		return AFW_EEXIST;
	r->conf = *conf;
	if (r->priv->seq < conf->seq)
		r->priv->seq = conf->seq;
	return 0;
}

int
route_set(const struct afw_m_route *conf)
{
	struct route *r = route_find(conf->route);
	size_t n = 0;
	int rc;

	if (transport_find(conf->type) == NULL)
		return AFW_ENOTSUP;
	if (r != NULL) {
		if ((rc = route_change(r, conf)) != 0)
			return rc;
	} else {
		for (r = routes; r != NULL; r = r->next)
			n++;
		if (n >= AFW_ROUTES_MAX)
			return AFW_ENOSPC;
		r = route_new(conf);
	}
	if (r->state == AFW_ROUTE_IDLE &&
	    (conf->flags & (AFW_R_RESUME | AFW_R_EAGER)) != 0)
		route_state_connect(r);
	return 0;
}

int
route_up(uint32_t id)
{
	struct route *r = route_find(id);

	if (r == NULL)
		return AFW_ENOENT;
	r->conns[0].priv->retries = 0;
	route_state_connect(r);
	return 0;
}

static void
route_unlink(struct route *r)
{
	struct route **pp;

	for (pp = &routes; *pp != NULL; pp = &(*pp)->next)
		if (*pp == r) {
			*pp = r->next;
			return;
		}
}

/* One word for all of its connections. */
static void
session_end(const struct route *r)
{
	struct afw_m_route_id m = {.route = r->id};
	struct afw_link *l = afw_daemon_peer(AFW_AUTH);
	bool asked = false;
	unsigned int i;

	for (i = 0; i < r->n_conns; i++)
		asked |= r->conns[i].priv->mem.asked;
	if (asked && afw_link_is_open(l))
		(void)afw_link_send(l, AFW_MSG_SESSION_END, 0, &m, -1);
}

/* What a deletion waits for. */
struct leave {
	unsigned int left; /* goodbyes */
	void (*done)(void *arg);
	void *arg;
};

static void
leave_one(void *arg)
{
	struct leave *l = arg;

	if (--l->left > 0)
		return;
	l->done(l->arg);
	free(l);
}

static struct leave *
leave_new(void (*done)(void *arg), void *arg)
{
	struct leave *l = malloc(sizeof(*l));

	if (l == NULL)
		fatal("%s: out of memory", afw_log_name());
	*l = (struct leave){1, done, arg};
	return l;
}

int
route_delete(uint32_t id, void (*done)(void *arg), void *arg)
{
	struct route *r = route_find(id);
	struct transport *t[AFW_CONNS_MAX];
	struct leave *l;
	unsigned int i, n = 0;

	if (r == NULL)
		return AFW_ENOENT;
	for (i = 0; i < r->n_conns; i++)
		if ((t[n] = conn_end(&r->conns[i])) != NULL)
			n++;
	route_state_end(r);
	session_end(r);
	nat_route_drop(id);
	standby_drop(&r->conns[0]);
	wg_device_drop(id);
	route_unlink(r);
	for (i = 0; i < r->n_conns; i++)
		conn_free(&r->conns[i]);
	free(r->priv);
	free(r);
	l = leave_new(done, arg);
	for (i = 0; i < n; i++) {
		l->left++;
		goodbye_start(t[i], "client logout", leave_one, l);
	}
	leave_one(l); /* the first was so that it is not done too early */
	return 0;
}

/* ---- all of them ------------------------------------------------------- */

static unsigned int leaving;
static void (*all_done)(void);

static void
one_done(void *arg)
{
	(void)arg;
	if (--leaving == 0)
		all_done();
}

void
route_delete_all(void (*done)(void))
{
	all_done = done;
	leaving = 1; /* so that it is not done before the last was begun */
	while (routes != NULL) {
		leaving++;
		(void)route_delete(routes->id, one_done, NULL);
	}
	one_done(NULL);
}

static void
kick_one(struct route *r, void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < r->n_conns; i++)
		if (r->conns[i].priv->attempt != NULL)
			attempt_kick(r->conns[i].priv->attempt);
}

void
route_kick(void)
{
	route_each(kick_one, NULL);
}

static void
wan_conn(struct conn *c, bool moved)
{
	struct transport *t = c->priv->cur;

	if (c->r->conf.type != AFW_TYPE_WIREGUARD) {
		if (t != NULL)
			t->ops->probe(t);
		if (c->up && moved)
			handover_start(c);
	}
	if (c->priv->attempt != NULL)
		attempt_kick(c->priv->attempt);
	conn_hurry(c);
}

static void
wan_one(struct route *r, void *arg)
{
	unsigned int i;

	for (i = 0; i < r->n_conns; i++)
		wan_conn(&r->conns[i], *(bool *)arg);
}

void
route_wan(bool moved)
{
	route_each(wan_one, &moved);
	wg_device_wan();
}
