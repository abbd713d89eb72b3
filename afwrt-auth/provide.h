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
	uint8_t public_key[AFW_WG_KEY_SIZE]; /* WireGuard */
};

/* What WireGuard needs beside that; the same for all servers. */
struct provide_wg {
	uint8_t private_key[AFW_WG_KEY_SIZE];   /* zero: the location's own */
	uint8_t preshared_key[AFW_WG_KEY_SIZE]; /* zero: none */
	struct afw_addr dns4, dns6;             /* family 0: none */
	uint32_t mtu;                           /* 0: not said */
	uint16_t keepalive;                     /* s, 0 off */
	uint32_t addrs, allowed;                /* how many */
	struct afw_wg_net addr[AFW_WG_ADDRS_MAX];
	struct afw_wg_net allow[AFW_WG_ALLOWED_MAX];
};

/* What is wanted, and what may be used. */
struct provide_want {
	enum afw_type type;
	enum afw_v4v6 policy;
	bool ipv6_exit; /* servers said to have no IPv6 exit are left out */
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
	struct provide_wg wg;
};

/* From an answer with result OK. NULL and *why (static): it is no good. */
struct provide *provide_read(
    const json_t *answer, const struct provide_want *want, const char **why);
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

/* ---- provide_wg.c ------------------------------------------------------ */

/* The object "wireguard"; NULL, or what is wrong with it (static). */
const char *provide_wg_read(struct provide_wg *w, const json_t *j);
/* The server's public key; false: there is none that could be one. */
bool provide_wg_key(const json_t *server, uint8_t key[AFW_WG_KEY_SIZE]);

#endif
