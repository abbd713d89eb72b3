/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TESTS_MANAGED_ENV_H
#define AFWRT_TESTS_MANAGED_ENV_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "net_env.h"

/*
 * wireguard_routing "managed": the real afwrt-net, devices in namespaces of
 * their own, and the interfaces of WireGuard routes, whose other end is the
 * test: what comes out of the descriptor was routed there.
 */
#define MAC_A     "02:00:00:00:00:10"
#define VNET      12

#define DEV       "192.168.50.10"
#define FAR       "198.51.100.1"
#define DEV6      "fd00:50::10"
#define FAR6      "2001:db8:51::1"
#define WHERE(r)  ck_assert_int_eq(managed_where(DEV, FAR), (r))
#define WHERE6(r) ck_assert_int_eq(managed_where(DEV6, FAR6), (r))

extern struct env e;
extern pid_t lan, world;
/* the packet that managed_came_out saw last */
extern uint8_t last[2048];
extern ssize_t last_len;

void managed_up(void);
void managed_down(void);
unsigned int managed_wg_set(uint32_t route, uint32_t flags);
/* dns4 NULL: it names no server */
unsigned int managed_wg_session(uint32_t route, bool v6, const char *dns4);
void managed_wg_up(uint32_t route);
unsigned int managed_rule(const char *what, uint32_t route);
unsigned int managed_unrule(const char *what);
/* A datagram from the device (or pid 0: the router), to port 9. */
void managed_send_one(pid_t from, const char *src, const char *to);
/* UDP to that port that came out of a route's interface. */
int managed_came_out(uint32_t route, unsigned int port);
int managed_came_to_world(void);
/* Where a packet of the device goes: the route, 0 the uplink, -1 nowhere. */
int managed_where(const char *src, const char *to);

#endif
