/* SPDX-License-Identifier: ISC */
/*
 * The kernel's neighbour tables, watched. The states that count are those
 * that router-sdk.txt lists; FAILED is a finding (nobody is there), others
 * say nothing. A neighbour that the kernel drops without having found it
 * gone stays as a memory (station.c). The socket is one of its own, so that
 * a flood of neighbours loses no event of links or routes.
 */
#include "neigh.h"

#include <sys/socket.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "effect.h"
#include "fdb.h"
#include "lib/daemon/log.h"
#include "source.h"
#include "state.h"
#include "station.h"

#define COUNTS \
	(NUD_REACHABLE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_STALE)
#define ALIVE     (NUD_REACHABLE | NUD_PERMANENT)
#define READS_MAX 256 /* in one go */

static struct netlink mon;
static struct event *again_ev;
static _Alignas(8) uint8_t rx[64 * 1024];

struct neigh {
	struct afw_addr addr;
	uint8_t mac[6];
	bool has_mac;
	uint32_t ifindex;
	unsigned int state;
};

/* False: not one that a device could be. */
static bool
parse(const struct nlmsghdr *nlh, struct neigh *n)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	size_t len = ndm->ndm_family == AF_INET ? 4 : 16, got;
	const struct nlattr *a;

	memset(n, 0, sizeof(*n));
	if ((ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6) ||
	    (ndm->ndm_flags & NTF_PROXY) != 0)
		return false;
	n->ifindex = (uint32_t)ndm->ndm_ifindex;
	n->state = ndm->ndm_state;
	mnl_attr_for_each (a, nlh, sizeof(*ndm)) {
		got = mnl_attr_get_payload_len(a);
		if (mnl_attr_get_type(a) == NDA_DST && got == len) {
			n->addr.family = ndm->ndm_family == AF_INET ? 4 : 6;
			memcpy(n->addr.b, mnl_attr_get_payload(a), len);
		} else if (mnl_attr_get_type(a) == NDA_LLADDR && got == 6) {
			memcpy(n->mac, mnl_attr_get_payload(a), got);
			n->has_mac = afw_mac_is_host(n->mac);
		}
	}
	return n->ifindex != net.tun.ifindex && n->addr.family != 0 &&
	    afw_addr_is_host(&n->addr);
}

/* fe80::/10 is never forwarded. */
static bool
is_link_local(const struct afw_addr *a)
{
	return a->family == 6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/*
 * An address that is known on another interface, too: a broadcast is heard by
 * every interface in the same network. What the router itself would answer by
 * is right then, unless the device proves to be here.
 */
static enum station_sign
sign_of(const struct neigh *n)
{
	const struct station *s = station_find(&n->addr, n->ifindex);
	const struct station *now = station_current(&n->addr);
	struct afw_addr gateway;
	uint32_t ifindex;

	if ((n->state & ALIVE) != 0)
		return STATION_ALIVE;
	if (now == NULL || now->ifindex == n->ifindex || !now->kernel ||
	    (s != NULL && s->kernel && s->has_mac == n->has_mac &&
		memcmp(s->mac, n->mac, sizeof(s->mac)) == 0) ||
	    neigh_path(&net.rt, &n->addr, &ifindex, &gateway) == -1)
		return STATION_KNOWN;
	return ifindex == now->ifindex ? STATION_HEARSAY : STATION_KNOWN;
}

static void
take(const struct neigh *n)
{
	bool changed = station_learn(
	    &n->addr, n->ifindex, n->has_mac ? n->mac : NULL, sign_of(n), true);

	if (changed)
		effect_addr(&n->addr, NULL);
	source_seen(n->ifindex, &n->addr);
}

static void
news_take(const struct neigh *n, bool gone)
{
	struct station *s;

	if (!gone && (n->state & COUNTS) != 0) {
		if (!is_link_local(&n->addr))
			take(n);
		else /* a gateway that a packet's source is behind */
			source_seen(n->ifindex, &n->addr);
		return;
	}
	if ((s = station_find(&n->addr, n->ifindex)) == NULL)
		return;
	if (n->state == NUD_FAILED)
		station_forget(s);
	else if (gone)
		s->kernel = false;
}

static void
event_take(const struct nlmsghdr *nlh)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct neigh n;

	if (nlh->nlmsg_type != RTM_NEWNEIGH && nlh->nlmsg_type != RTM_DELNEIGH)
		return;
	if (ndm->ndm_family == AF_BRIDGE)
		fdb_event(nlh);
	else if (parse(nlh, &n))
		news_take(&n, nlh->nlmsg_type == RTM_DELNEIGH);
}

void
neigh_again_soon(void)
{
	const struct timeval tv = {.tv_usec = 50 * 1000};

	if (!evtimer_pending(again_ev, NULL))
		(void)evtimer_add(again_ev, &tv);
}

void
neigh_catch_up(void)
{
	const struct nlmsghdr *nlh;
	ssize_t got;
	int i, n;

	for (i = 0; i < READS_MAX; i++) {
		got = mnl_socket_recvfrom(mon.sk, rx, sizeof(rx));
		if (got == -1 && (errno == ENOBUFS || errno == ENOSPC)) {
			neigh_again_soon();
			continue;
		}
		if (got <= 0)
			return;
		n = (int)got;
		for (nlh = (void *)rx; mnl_nlmsg_ok(nlh, n);
		     nlh = mnl_nlmsg_next(nlh, &n))
			event_take(nlh);
	}
}

static void
read_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	neigh_catch_up();
}

/* What a dump has shown; looked at when it is over, as that may ask again. */
struct dump {
	struct neigh *v;
	size_t n, size;
};

static void
dump_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct dump *d = arg;

	if (d->n == d->size) {
		d->size = d->size * 2 + 64;
		if ((d->v = realloc(d->v, d->size * sizeof(*d->v))) == NULL)
			fatal("neighbours: out of memory");
	}
	if (nlh->nlmsg_type == RTM_NEWNEIGH && parse(nlh, &d->v[d->n]))
		d->n++;
}

/* First all, then those that are alive: they win. */
static void
dump_take(const struct dump *d)
{
	size_t i;

	station_dump_begin();
	for (i = 0; i < d->n; i++)
		news_take(&d->v[i], false);
	for (i = 0; i < d->n; i++)
		if ((d->v[i].state & ALIVE) != 0)
			news_take(&d->v[i], false);
	station_dump_end();
}

int
neigh_dump(struct netlink *nl)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct dump d = {.n = 0};
	int rc = 0;
	size_t i;

	/* one that is repeated shows some twice: that does no harm */
	for (i = 0; i < 2 && rc == 0; i++) {
		struct ndmsg ndm = {.ndm_family = families[i]};

		if (netlink_dump(nl,
			netlink_msg(buf, RTM_GETNEIGH, 0, &ndm, sizeof(ndm)),
			dump_cb, NULL, &d) == -1 &&
		    errno != EAFNOSUPPORT && errno != EOPNOTSUPP)
			rc = -1;
	}
	if (rc == 0)
		dump_take(&d);
	free(d.v);
	return rc;
}

static void
again_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (neigh_dump(&net.rt) == -1) {
		log_warn("neighbours: %s", net.rt.text);
		neigh_again_soon();
	}
	if (net.bridge && fdb_dump(&net.rt) == -1) {
		log_warn("stations of bridges: %s", net.rt.text);
		neigh_again_soon();
	}
}

int
neigh_init(struct event_base *base)
{
	static const unsigned int groups[] = {RTNLGRP_NEIGH, 0};
	struct event *ev;

	if (netlink_listen(&mon, NETLINK_ROUTE, groups) == -1)
		return -1;
	ev = event_new(base, mnl_socket_get_fd(mon.sk), EV_READ | EV_PERSIST,
	    read_cb, NULL);
	again_ev = evtimer_new(base, again_cb, NULL);
	if (ev == NULL || again_ev == NULL) {
		errno = ENOMEM;
		return -1;
	}
	return event_add(ev, NULL);
}

/* ---- one neighbour ------------------------------------------------------ */

static struct nlmsghdr *
one_msg(void *buf, uint16_t type, uint16_t flags, uint8_t ntf, uint32_t ifindex,
    const struct afw_addr *a)
{
	const struct ndmsg ndm = {
	    .ndm_family = a->family == 4 ? AF_INET : AF_INET6,
	    .ndm_ifindex = (int)ifindex,
	    .ndm_flags = ntf};
	struct nlmsghdr *nlh = netlink_msg(buf, type, flags, &ndm, sizeof(ndm));

	mnl_attr_put(nlh, NDA_DST, a->family == 4 ? 4 : 16, a->b);
	return nlh;
}

static void
one_cb(const struct nlmsghdr *nlh, void *arg)
{
	(void)parse(nlh, arg);
}

int
neigh_get(struct netlink *nl, uint32_t ifindex, const struct afw_addr *a,
    uint8_t mac[6])
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct neigh n = {.state = 0};

	if (netlink_get(nl, one_msg(buf, RTM_GETNEIGH, 0, 0, ifindex, a),
		one_cb, &n) == -1)
		return errno == ENOENT ? 0 : -1;
	if ((n.state & COUNTS) == 0)
		return 0;
	memcpy(mac, n.mac, sizeof(n.mac));
	return 1;
}

int
neigh_probe(struct netlink *nl, uint32_t ifindex, const struct afw_addr *a)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];

	return netlink_talk(
	    nl, one_msg(buf, RTM_NEWNEIGH, NLM_F_CREATE, NTF_USE, ifindex, a));
}

struct path {
	uint32_t ifindex;
	struct afw_addr gateway;
};

static void
path_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	size_t len = rtm->rtm_family == AF_INET ? 4 : 16;
	struct path *p = arg;
	const struct nlattr *a;

	if (rtm->rtm_type != RTN_UNICAST)
		return;
	mnl_attr_for_each (a, nlh, sizeof(*rtm))
		if (mnl_attr_get_type(a) == RTA_OIF) {
			p->ifindex = mnl_attr_get_u32(a);
		} else if (mnl_attr_get_type(a) == RTA_GATEWAY &&
		    mnl_attr_get_payload_len(a) == len) {
			p->gateway.family = rtm->rtm_family == AF_INET ? 4 : 6;
			memcpy(p->gateway.b, mnl_attr_get_payload(a), len);
		}
}

int
neigh_path(struct netlink *nl, const struct afw_addr *a, uint32_t *ifindex,
    struct afw_addr *gateway)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	const struct rtmsg rtm = {
	    .rtm_family = a->family == 4 ? AF_INET : AF_INET6,
	    .rtm_dst_len = a->family == 4 ? 32 : 128};
	struct path p = {.ifindex = 0};
	struct nlmsghdr *nlh;

	nlh = netlink_msg(buf, RTM_GETROUTE, 0, &rtm, sizeof(rtm));
	mnl_attr_put(nlh, RTA_DST, a->family == 4 ? 4 : 16, a->b);
	if (netlink_get(nl, nlh, path_cb, &p) == -1)
		return -1;
	*ifindex = p.ifindex;
	*gateway = p.gateway;
	return p.ifindex != 0 ? 0 : -1;
}
