/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_SOURCE_H
#define AFWRT_TUN_SOURCE_H

#include "afwrt-tun/packet.h"

#define SOURCE_ASKS    256           /* questions under way */
#define SOURCE_RATE    512           /* questions a second */
#define SOURCE_BYTES   (1024 * 1024) /* held in all */
#define SOURCE_WAIT_MS 250
#define SOURCE_TTL     5 /* s that "the default route" is good for */

/* What afwrt-net said about a source. */
enum source_answer {
	SOURCE_FLOW, /* a FLOW_SET went before */
	SOURCE_NONE, /* no rule is about it */
	SOURCE_LATE, /* nothing in time, or nothing useful */
};

/* fn gets what was held, when its route is known. */
void source_init(void (*fn)(uint32_t route, struct packet *p));
/*
 * The route of a packet's source; 0: the packet is held until there is an
 * answer, or was dropped.
 */
uint32_t source_route(const struct packet *p);
/* The source has a flow from now on: what is held goes there. */
void source_flow(const struct afw_addr *a);
/* The answer to question n. */
void source_answer(uint32_t n, enum source_answer answer);
/* The route of sources that no rule is about; 0 none. */
void source_default_set(uint32_t route);
uint32_t source_default(void);
/* Asks about every source anew, and drops what is held. */
void source_forget(void);

/*
 * Asks afwrt-net: source_answer(n, ...) follows within SOURCE_WAIT_MS, never
 * before this returns. False: it is not there to be asked. source_ask.c has
 * it, and the tests have another.
 */
bool source_ask(const struct afw_addr *a, uint32_t n);

#endif
