/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_CONN_H
#define AFWRT_AUTH_CONN_H

#include <stdbool.h>
#include <stddef.h>

#include "fail.h"

struct event_base;
struct conn;

/* Where to. Pointers must stay good until up() or closed() was called. */
struct conn_opts {
	const char *host;  /* a name, or an address as text; "": host6 only */
	const char *host6; /* one more address of it; NULL: none */
	uint16_t port;
	enum afw_v4v6 policy; /* which addresses, in which order */
	const char *tls_name; /* NULL: no TLS */
	const char *ca;       /* PEM */
	size_t ca_len;
	unsigned int timeout_ms; /* until it is up */
};

/*
 * Callbacks come from the loop. After closed() the connection is gone and
 * must not be touched; any callback may call conn_close.
 */
struct conn_cbs {
	void (*up)(void *arg);
	void (*data)(void *arg, const void *data, size_t len);
	/* AFW_REASON_NONE: the peer ended it in order */
	void (*closed)(void *arg, const struct fail *why);
};

/* The loop everything in this process runs in; once, before all else. */
void conn_init(struct event_base *base);
struct event_base *conn_base(void);

struct conn *conn_open(
    const struct conn_opts *o, const struct conn_cbs *cbs, void *arg);
/* No callback runs any more. NULL is fine. */
void conn_close(struct conn *c);
/* 0, or -1: more than a few hundred KiB wait already. */
int conn_send(struct conn *c, const void *data, size_t len);
/* The address in use; after up(). */
const struct afw_addr *conn_addr(const struct conn *c);

#endif
