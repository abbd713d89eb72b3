/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_ROUTES_H
#define AFWRTD_ROUTES_H

#include "lib/daemon/link.h"

/*
 * The locations in use. A route is found by its location; its id is for the
 * other processes and is never used again in a life of afwrtd.
 */
struct route {
	uint32_t id;
	char location[AFW_LOCATION_SIZE]; /* its name in events, too */
	bool is_default;
	uint32_t type;   /* enum afw_type, that it is set up with */
	uint32_t listed; /* what the list says, 0 nothing */
	bool is_listed;  /* a list had the location */
	char chosen[AFW_LOCATION_SIZE]; /* by the backend, "" unknown */
	/* a WireGuard one's interface: wg.c */
	char ifname[AFW_IFNAME_SIZE]; /* "" none yet */
	unsigned int ifnum;           /* of a name of ours, 0 of another */
	bool wg;                      /* afwrt-net has it, or is to */
	uint32_t wg_impl;             /* 0 not known */
	int tun_fd, listen_fd;        /* kept for the next net and tun; -1 */
	bool set;          /* afwrt-tun has it, or will after its restart */
	bool kept;         /* set up while nothing is in force: RUN sets it */
	bool eager;        /* connects without waiting for a packet */
	bool resume;       /* was up when afwrt-tun died */
	bool busy;         /* a request about it runs */
	bool deleting;     /* ROUTE_DEL is under way */
	unsigned int held; /* by setup.c, while helpers are asked */
	uint32_t state;    /* enum afw_route_state */
	uint32_t seq;      /* of the last event */
	uint32_t uses;     /* rules, and requests that will make one */
	struct afw_m_route_stats stats; /* of this afwrt-tun, last known */
	struct afw_m_route_stats base;  /* sums of the former ones */
	uint64_t told_up, told_down;    /* in bandwidth reports so far */
	uint32_t owed_points;           /* samples not reported yet */
};

/* The default location's route; made with the configuration, set by RUN. */
void routes_default_make(const char *location);
/* Where sources without a rule go: 0, nowhere, in the selective mode. */
uint32_t routes_default_id(void);
struct route *routes_default(void);

struct route *routes_find(const char *location);
struct route *routes_find_id(uint32_t id);
/* Found or made; NULL when AFW_ROUTES_MAX are in use. */
struct route *routes_make(const char *location);
/* r is NULL at first; NULL after the last. */
struct route *routes_next(const struct route *r);
/* One use less; a route that nobody has or wants is forgotten. */
void routes_release(struct route *r);
/* Another id, for what is to replace it; the events of the old one are not
 * heard any more. */
void routes_id_renew(struct route *r);
/* Forgets it if nothing refers to it. */
void routes_collect(struct route *r);

/* What afwrt-tun is told. */
void routes_message(const struct route *r, struct afw_m_route *m);

/* Counters start at zero again: what they were is kept. */
void routes_counters_keep(struct route *r);

/* afwrt-tun is gone: what was connected is not any more. */
void routes_tun_died(void);
/* ROUTE_DEL was answered: not set; an end that was not reported is. */
void routes_deleted(struct route *r);

int routes_event_handle(void *arg, struct afw_link *l, struct afw_msg *m);

#endif
