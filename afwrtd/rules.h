/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_RULES_H
#define AFWRTD_RULES_H

#include "routes.h"

/*
 * The rules: which key goes to which route. Desired state; `route` is what is
 * in force (NULL: nothing yet), `next` what an open batch wants instead.
 */
struct rule {
	struct rule *chain;
	struct afw_key key;
	struct route *route, *next;
	bool busy;    /* a request about it runs */
	bool refused; /* by afwrt-net, when all were told last */
};

struct rule *rules_find(const struct afw_key *key);
/* A new rule without a route; NULL when AFW_RULES_MAX are there. */
struct rule *rules_add(const struct afw_key *key);
/* Forgets it; its routes are released. */
void rules_del(struct rule *r);
/* What is in force from now on: the route's use becomes the rule's. */
void rules_route_set(struct rule *r, struct route *route);
size_t rules_count(void);
/* Calls fn for each; fn may delete the one it was called for. */
void rules_each(void (*fn)(struct rule *r, void *arg), void *arg);

#endif
