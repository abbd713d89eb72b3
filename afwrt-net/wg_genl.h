/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_WG_GENL_H
#define AFWRT_NET_WG_GENL_H

#include "wg_kernel.h"

/* The number of the family "wireguard". 0, or -1: AFW_ENOTSUP. */
int wg_genl_family(struct netlink *ge, uint16_t *family, struct nerr *e);
/* Keys, mark and peer; what is so already is not sent. */
int wg_genl_set(
    struct wg_kernel *k, const struct wg_kernel_conf *c, struct nerr *e);
/* More networks for this peer. */
int wg_genl_allow(struct wg_kernel *k, const char *ifname,
    const uint8_t *peer_key, const struct afw_wg_net *net, size_t n,
    struct nerr *e);
/* The peer's persistent keepalive alone. */
int wg_genl_keepalive(struct wg_kernel *k, const char *ifname,
    const uint8_t *peer_key, uint16_t interval, struct nerr *e);
/* The mark alone. */
int wg_genl_mark(
    struct wg_kernel *k, const char *ifname, uint32_t fwmark, struct nerr *e);
int wg_genl_no_peers(struct wg_kernel *k, const char *ifname, struct nerr *e);
/* Does not fill in mtu and up. */
int wg_genl_get(struct wg_kernel *k, const char *ifname,
    struct wg_kernel_state *st, struct nerr *e);

#endif
