/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_FLOW_H
#define AFWRT_TUN_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#define FLOW_MAX 131072

/* The route of a source address, 0 when it has none. */
uint32_t flow_lookup(uint8_t family, const uint8_t *addr);
/* This very address has a flow: it is a protected device. */
bool flow_known(uint8_t family, const uint8_t *addr);
uint32_t flow_count(void);
void flow_each(void (*fn)(uint32_t route, void *arg), void *arg);

#endif
