/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_STATION_H
#define AFWRT_NET_STATION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/wire/msg.h"
#include "list.h"

/* An address that was seen on an interface, and whose it is. */
struct station {
	struct list by_addr, by_mac, by_if, age;
	struct afw_addr addr;
	uint32_t ifindex;
	uint8_t mac[6];
	bool has_mac;
	bool kernel;     /* the kernel has it now, or it is a memory */
	bool used;       /* a rule gives it a route */
	bool seen;       /* scratch: met in a dump */
	uint64_t serial; /* of its last sign of life: the highest is right */
};

#define STATION_MAX     16384
#define STATION_MAC_MAX 256 /* addresses of one MAC */

void station_init(void);
struct station *station_find(const struct afw_addr *a, uint32_t ifindex);
/* The one that counts of all with this address, or NULL. */
const struct station *station_current(const struct afw_addr *a);
/* What a message says: it is alive; it is known (news, if it was not); it was
 * heard on an interface by which nobody would answer it (never news). */
enum station_sign { STATION_ALIVE, STATION_KNOWN, STATION_HEARSAY };
/*
 * It is there, with this mac (NULL: not known). True: what counts may have
 * changed.
 */
bool station_learn(const struct afw_addr *a, uint32_t ifindex,
    const uint8_t *mac, enum station_sign sign, bool kernel);
/* Away; the address' flow is corrected. */
void station_forget(struct station *s);
/* All of an interface that is no more. */
void station_flush(uint32_t ifindex);
void station_used(const struct afw_addr *a, bool used);
/* For each; cb must not learn or forget any. */
void station_of_mac(const uint8_t mac[6],
    void (*cb)(const struct station *, void *), void *arg);
void station_of_if(
    uint32_t ifindex, void (*cb)(const struct station *, void *), void *arg);
void station_all(void (*cb)(const struct station *, void *), void *arg);
/* Around a dump of the kernel's: what it did not show is a memory now. */
void station_dump_begin(void);
void station_dump_end(void);
unsigned int station_count(void);

#endif
