/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_SOURCE_H
#define AFWRT_NET_SOURCE_H

#include "lib/daemon/link.h"

void source_init(struct event_base *base);
/* SOURCE_GET of afwrt-tun, answered now or soon. */
int source_get(struct afw_link *l, uint32_t id, const struct afw_addr *a);
/* A neighbour is known: who waits for it? */
void source_seen(uint32_t ifindex, const struct afw_addr *a);
/* Nobody waits any more: afwrt-tun is gone. */
void source_reset(void);

#endif
