/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_PROBE_H
#define AFWRT_TUN_PROBE_H

#include <stdbool.h>

#include "lib/wire/addr.h"

#define PROBE_SIZE 36

/*
 * An echo request that goes no further than the node: to its own address, and
 * with no hops left. Whatever the node's kernel says to it comes back by the
 * connection that the node takes for ours. IPv4.
 */
struct probe {
	uint8_t src[4], dst[4];
	uint8_t mark[12]; /* id, sequence, payload: nobody can guess them */
};

/* False: no probe can be made of these addresses. */
bool probe_init(
    struct probe *p, const struct afw_addr *inner, const struct afw_addr *node);
void probe_build(const struct probe *p, uint8_t packet[PROBE_SIZE]);
/* What a packet is to it. Kernels limit the rate of errors, so a node that
 * gave one may not give the next. */
enum probe_answer { PROBE_NO, PROBE_ERROR, PROBE_ECHO };
enum probe_answer probe_answered(
    const struct probe *p, const uint8_t *packet, size_t len);

#endif
