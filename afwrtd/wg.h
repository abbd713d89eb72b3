/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_WG_H
#define AFWRTD_WG_H

#include "child.h"
#include "routes.h"

/*
 * The interfaces of WireGuard routes: what they are called, that afwrt-net
 * has them, the descriptors that outlive a helper (the TUN, the configuration
 * socket).
 */

/* The name that r is to have. AFW_OK, or AFW_EBUSY: another route or the
 * suite itself has it. */
unsigned int wg_name_set(struct route *r, const char *ifname);
void wg_name_forget(struct route *r);
/* Gives it one if it has none: tun_ifname for the default location of an
 * instance of that type, else the first free TUN-N. False: none is free. */
bool wg_name_choose(struct route *r);

/* The interface at afwrt-net; the answer as of ask(), m is NET_WG or STATUS. */
void wg_up(struct route *r, unsigned int ms, afw_reply_cb cb, void *arg);
/* Takes it away again; cb may be NULL. The route must have left afwrt-tun. */
void wg_down(struct route *r, unsigned int ms, afw_reply_cb cb, void *arg);
/* An unused one with this id, of which r knows nothing any more. */
void wg_drop_id(uint32_t id);
/* Nobody has the interface any more: closes and removes what is ours. */
void wg_forget(struct route *r);

/* NET_WG_SET for all to a new afwrt-net; returns how many answers will come,
 * each to cb with arg once it has been seen to. */
unsigned int wg_replay_net(
    struct child *net, unsigned int ms, afw_reply_cb cb, void *arg);
/* WG_LISTEN, if the route has a configuration socket. */
void wg_replay_tun(const struct route *r);

/* For NET_WG_SET of a route: the kept TUN, or tun_dev_path; -1 and errno. */
int wg_tun_open(uint32_t id);
/* NET_KEEP of a route; fd is taken. */
void wg_tun_keep(uint32_t id, int fd);

#endif
