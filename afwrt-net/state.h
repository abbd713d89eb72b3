/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_STATE_H
#define AFWRT_NET_STATE_H

#include <event2/event.h>

#include "device.h"
#include "lib/daemon/daemon.h"
#include "flows.h"
#include "nft.h"
#include "tun.h"
#include "wan.h"

enum net_mode {
	NET_OFF,     /* nothing of ours is on the system, or we know of none */
	NET_ON,      /* configured */
	NET_BLOCKED, /* cleared, but what blocks was to stay */
};

/* Everything this process knows. */
struct net {
	struct event_base *base;
	enum net_mode mode;
	struct afw_m_config cfg;
	struct netlink rt, ct;
	struct nft nft;
	struct tun tun;
	struct wan wan;
	struct devices devices; /* in force, or pending */
	/* what the sets hold is what devices says; not so after a restart,
	 * until the supervisor has told all */
	bool synced;
	bool bridge;    /* a rule names a bridge's port */
	uint32_t epoch; /* counts the times devices was replaced */
	/* "auto" without a default route: the guard stays at the last uplink */
	char guarded[AFW_IFNAME_SIZE];
};
extern struct net net;

/* We may touch netfilter. */
static inline bool
net_filters(void)
{
	return (net.cfg.flags & AFW_C_NO_IPTABLES) == 0;
}

/* There is the suite's own TUN. */
static inline bool
net_hydra(void)
{
	return net.cfg.type != AFW_TYPE_WIREGUARD;
}

/* The routing of WireGuard's locations is ours, too. */
static inline bool
net_managed(void)
{
	return net_filters() && (net.cfg.flags & AFW_C_WG_MANAGED) != 0;
}

/* Default_gateway is, and it is ours to do. */
static inline bool
net_halves(void)
{
	return (net.cfg.flags & AFW_C_DEFAULT_GATEWAY) != 0 &&
	    (net_hydra() || net_managed());
}

/* Devices are marked, one by one. */
static inline bool
net_selective(void)
{
	return net_managed() || (net_filters() && net_hydra() && !net_halves());
}

/* ---- reconcile.c: the system against what it should be ----------------- */

void reconcile_init(void);
/* Who else uses our numbers; *ours: something of an earlier life is there. */
int reconcile_check(bool *ours, struct nerr *e);
/* The sets' content: looked at, or only when the tables had to be made, or
 * not at all, as the caller does it. */
enum reconcile_sets { SETS_SKIP, SETS_IF_NEW, SETS_LOOK };
/* Makes it so. How many changes, or -1. */
int reconcile_run(enum reconcile_sets how, struct nerr *e);
/* Somebody touched what is ours: put it back, now but not too often. */
void reconcile_soon(const char *what);
/* Everything away, or (keep) all that lets a protected device through. */
int reconcile_clear(bool keep, struct nerr *e);
/* The uplink may have changed. */
void reconcile_wan_soon(void);
/* The TUN, or the interface of a WireGuard route. */
bool net_is_tunnel(uint32_t ifindex);
/* A routing table that nobody else has. */
bool net_is_table(uint32_t table);
/* Looks at the uplink; true if something is new. */
bool reconcile_wan_look(void);
void reconcile_wan_tell(struct afw_link *l);
void reconcile_wan_tell_all(void);

/* ---- config.c: NET_CONFIG ---------------------------------------------- */

int config_set(
    struct afw_link *l, uint32_t id, const struct afw_m_config *c, int fd);
/* Something went that one may be waiting for. */
void config_kick(void);
/* One that waits is given up. */
void config_drop(void);
void config_init(void);

/* ---- monitor.c: what others do to the system --------------------------- */

int monitor_init(void);

/* ---- sockets.c: sockets to the outside --------------------------------- */

/* The bit that marks them. */
uint32_t sockets_mark(void);
int sockets_get(struct afw_link *l, uint32_t id, const struct afw_m_socket *m);

/* ---- apply.c: the supervisor's rules ----------------------------------- */

int apply_set(struct afw_link *l, uint32_t id, const struct afw_m_rule *m);
int apply_del(struct afw_link *l, uint32_t id, const struct afw_key *k);
void apply_begin(void);
int apply_commit(struct afw_link *l, uint32_t id);
/* Whether rules name ports of bridges may have changed. 0, or -1. */
int apply_ports(struct nerr *e);
/* Forgets every device and every request under way. */
void apply_reset(void);

#endif
