/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_ATTEMPT_H
#define AFWRT_TUN_ATTEMPT_H

#include "afwrt-tun/route.h"
#include "afwrt-tun/transport.h"

/*
 * One try to bring a connection of a route up: a session from afwrt-auth, a
 * socket from afwrt-net, a transport; and the next server while afwrt-auth
 * knows one.
 */
struct attempt;

/* What lasts from one attempt of a connection to the next. */
struct attempt_memory {
	struct session *session; /* good as far as is known, or NULL */
	enum afw_why why;        /* what to tell afwrt-auth when asking */
	bool asked;              /* afwrt-auth keeps something for us */
	bool quiet;              /* its failures are known, and no news */
};

/* No function is called from within a call into attempt.c. */
struct attempt_owner {
	/* the node proved who it is: attempt_begin, now or later */
	void (*secured)(struct conn *c);
	/* the end: t is the owner's, the attempt is to be freed */
	void (*up)(struct conn *c, struct transport *t,
	    const struct transport_params *p);
	/* the end: the attempt is to be freed */
	void (*failed)(struct conn *c, enum afw_reason reason,
	    const char *detail, bool permanent);
};

/*
 * own_only: by the session at hand or not at all, for a tunnel beside one
 * that is up.
 */
struct attempt *attempt_start(struct conn *c, struct attempt_memory *mem,
    bool own_only, const struct attempt_owner *owner);
void attempt_begin(struct attempt *a);
/* Forgets everything that is under way; NULL is fine. */
void attempt_free(struct attempt *a);
/* A helper or the uplink is back: go on if that was waited for. */
void attempt_kick(struct attempt *a);

#endif
