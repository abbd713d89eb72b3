/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_SESSION_H
#define AFWRT_TUN_SESSION_H

#include "lib/wire/channel.h"

/*
 * What afwrt-auth hands out for a route: a server and the cookie it takes, or
 * of a WireGuard location its keys and addresses.
 * Kept while it is good, so that a broken connection resumes by it.
 */
struct session {
	struct afw_addr server;
	uint16_t port;
	uint64_t expire_time; /* Unix seconds, 0 unknown */
	char host[256];
	char cookie[2048];
	char chosen[AFW_LOCATION_SIZE]; /* the backend's choice, or "" */
	char *ca;                       /* PEM */
	size_t ca_len;
	struct afw_m_wg_session *wg; /* WireGuard's, else NULL */
};

/* From a SESSION message, whose fd is read, or from a WG_SESSION. NULL:
 * unreadable, see errno. */
struct session *session_new(struct afw_msg *m);
/* Wipes and frees; NULL is fine. */
void session_free(struct session *s);
/* Its time is over by the wall clock. */
bool session_expired(const struct session *s);

#endif
