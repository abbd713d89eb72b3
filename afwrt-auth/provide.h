/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_PROVIDE_H
#define AFWRT_AUTH_PROVIDE_H

#include <jansson.h>

#include "fail.h"

#define PROVIDE_SERVERS 10 /* five servers of two addresses each */

/* A way to a node. */
struct provide_server {
	char address[256]; /* a name, or an address as text */
	char host[256];    /* SNI, certificate, Host header */
	uint16_t port;
};

/* Credentials for the nodes of a location, as the backend provided them. */
struct provide {
	char *username, *password;
	char location[AFW_LOCATION_SIZE]; /* that was chosen, "" unknown */
	char *group;                      /* NULL: the node's choice */
	char *ca;                         /* PEM, NULL: the system's */
	uint64_t expire_time;             /* Unix seconds, 0 never */
	int64_t life_ms;   /* from when it was read, 0 no limit */
	int64_t expire_ms; /* CLOCK_BOOTTIME, 0 never */
	struct provide_server servers[PROVIDE_SERVERS];
	size_t n;
};

/* From an answer with result OK. NULL and *why (static): it is no good. */
struct provide *provide_read(
    const json_t *answer, enum afw_v4v6 policy, const char **why);
/* Wipes; NULL is fine. */
void provide_free(struct provide *p);
bool provide_expired(const struct provide *p);
bool provide_same_servers(const struct provide *a, const struct provide *b);

#endif
