/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_WG_REQUEST_H
#define AFWRT_NET_WG_REQUEST_H

#include <event2/event.h>

#include "lib/daemon/link.h"
#include "netlink.h"

void wg_request_init(struct event_base *base);

/* ---- of afwrtd: NET_WG_SET (the fd is taken), NET_WG_DEL ----------------- */

int wg_request_set(
    struct afw_link *l, uint32_t id, const struct afw_m_net_wg_set *m, int fd);
int wg_request_del(struct afw_link *l, uint32_t id, uint32_t route);

/* ---- of afwrt-tun: WG_SET, WG_GET ---------------------------------------- */

int wg_request_session(
    struct afw_link *l, uint32_t id, const struct afw_m_wg_set *m);
int wg_request_state(struct afw_link *l, uint32_t id, uint32_t route);

/* ---- what else happens --------------------------------------------------- */

/* An afwrt-tun came: it is told all interfaces. */
void wg_request_tell(struct afw_link *l);
/* Something went that a NET_WG_SET may be waiting for. */
void wg_request_kick(void);
/* All interfaces as they should be, as far as it goes. How many changes. */
int wg_request_repair(void);
/* All rules are in force: what an earlier life left, and nobody has asked for
 * since, goes. */
void wg_request_commit(void);
/* Everything goes, or (keep) all but what blocks. */
void wg_request_clear(bool keep);
/* The uplink has changed. */
void wg_request_wan(void);

#endif
