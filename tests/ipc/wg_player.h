/* SPDX-License-Identifier: ISC */
#ifndef AFW_TESTS_WG_PLAYER_H
#define AFW_TESTS_WG_PLAYER_H

#include "player.h"

/* Up to a configuration of this type; managed: wireguard_routing. */
void wg_begin(uint32_t type, bool managed);
/* As above, with this vl_default. */
void wg_begin_with(uint32_t type, bool managed, const char *vl_default);
void wg_run(void);
/* A rule for 10.0.0.N by a batch. */
void wg_batch(unsigned int n, const char *location);
/* What QUERY says of the location; the test fails if it is not there. */
struct afw_m_route_info wg_query(const char *location);
/* The configuration socket's file: there, for root only, and somebody listens;
 * or not there. */
bool wg_socket_is_there(const char *ifname);
void helper_kill(enum afw_role role);

#endif
