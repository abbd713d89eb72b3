/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_PROVIDE_H
#define AFWRT_AUTH_PROVIDE_H

#include <jansson.h>

#include "fail.h"

#define PROVIDE_SERVERS 10

/* A node. Addresses that the policy excludes are left out. */
struct provide_server {
	char address[256]; /* a name, or an address as text, or "" */
	char address6[64]; /* an address, or "" */
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
	unsigned int refs; /* besides the first */
};

/*
 * From an answer with result OK. NULL and *why (static): it is no good.
 * ipv6_exit: servers that are said to have no IPv6 exit are left out.
 */
struct provide *provide_read(const json_t *answer, enum afw_v4v6 policy,
    bool ipv6_exit, const char **why);
/* The same, to be freed once more. */
struct provide *provide_ref(struct provide *p);
/* Wipes with the last of them; NULL is fine. */
void provide_free(struct provide *p);
bool provide_expired(const struct provide *p);
/* There is more than one address to try for the server. */
bool provide_has_choice(const struct provide_server *s);
/* Where the same server stands in p, or p->n. */
size_t provide_find(const struct provide *p, const struct provide_server *s);
bool provide_same_servers(const struct provide *a, const struct provide *b);

#endif
