/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TESTS_NEIGH_ENV_H
#define AFWRT_TESTS_NEIGH_ENV_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "net_env.h"

/* The real afwrt-net, and neighbours as the test says. */
#define MAC_A "02:00:00:00:00:0a"
#define MAC_B "02:00:00:00:00:0b"

extern struct env e;
extern pid_t lan; /* holds a namespace, 0 none */

void neigh_up(void);
void neigh_down(void);
unsigned int neigh_rule(const char *text, uint32_t route);
unsigned int neigh_unrule(const char *text);
void neigh_set(
    const char *addr, const char *mac, const char *dev, const char *state);
bool neigh_flow_is(const char *addr, uint32_t route);

/* Waits for the flow; 0: for none. */
#define FLOW(addr, route)                                           \
	ck_assert_msg(neigh_flow_is((addr), (route)),               \
	    "flow of %s is %u, not %u", (addr), env_flow(&e, addr), \
	    (unsigned int)(route))

#endif
