/* SPDX-License-Identifier: ISC */
#ifndef CTL_EXPLAIN_H
#define CTL_EXPLAIN_H

#include <jansson.h>

/*
 * What would happen to a packet from an address now, and why: the rule of
 * afwrt-net, the route of afwrt-tun, the last event about it. An object with
 * "verdict" and "why", or NULL: see afwrt_last_error.
 */
json_t *explain_address(const char *addr);

#endif
