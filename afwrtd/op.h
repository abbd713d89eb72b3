/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_OP_H
#define AFWRTD_OP_H

#include <sys/queue.h>

#include "rules.h"

enum op_kind { OP_PROTECT, OP_UNPROTECT, OP_SETUP, OP_TEARDOWN, OP_RETYPE };

/* One request of the library, or of ours (from is NULL), in several steps. */
struct op {
	TAILQ_ENTRY(op) link;
	enum op_kind kind;
	struct afw_link *from;
	uint32_t id;
	int64_t deadline;
	struct afw_key key;
	char location[AFW_LOCATION_SIZE];
	char iface[AFW_IFNAME_SIZE]; /* of TUNNEL_SETUP, "" none */
	struct rule *rule;
	struct route *route; /* counted in its uses, or busy */
	bool made_route;     /* ROUTE_SET was sent for this request */
};

/* Milliseconds until the deadline, at least 1. */
unsigned int op_left(const struct op *op);
/* Answers the library, frees the op and lets others run. */
void op_end(struct op *op, unsigned int code, const char *text);

/* The first step of each kind: protect.c, tunnel.c and retype.c. */
void protect_begin(struct op *op);
void unprotect_begin(struct op *op);
void tunnel_setup_begin(struct op *op);
void tunnel_teardown_begin(struct op *op);
void retype_begin(struct op *op);
/* While nothing is in force: for the next RUN; answers. */
void tunnel_record(bool setup, struct afw_link *l, uint32_t id,
    const char *location, const char *iface);

/*
 * Steps that both take. op->route is found or made and in use; then next runs
 * with AFW_OK when afwrt-tun has the route, or with the reason why not.
 */
void op_route_get(struct op *op,
    void (*next)(struct op *op, unsigned int code, const char *text));
/* The route is not wanted by this op after all. */
void op_route_drop(struct op *op);

#endif
