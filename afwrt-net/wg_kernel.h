/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_WG_KERNEL_H
#define AFWRT_NET_WG_KERNEL_H

#include "lib/wire/msg.h"
#include "link.h"
#include "netlink.h"

/*
 * WireGuard done by the kernel: a link of that kind with one peer. No packet
 * enters userspace, and the outer UDP socket is the kernel's too: unlike the
 * sockets of sockets.c it cannot be bound to the uplink. All it has is
 * `fwmark`, which stands on every packet it sends, and the namespace in which
 * the link was made. With fwmark = the mark of the outer sockets:
 *
 * - Where main has no route into a tunnel (wireguard_routing "manual" without
 *   the user's own, or "managed" without default_gateway) nothing is needed.
 * - Where it has (default_gateway's halves, or the user's default through the
 *   interface), the outer packets have to be led past it, or they loop: a
 *   rule `fwmark OUTER lookup T` with a priority before all of ours, T with a
 *   copy of the uplink's default (`default via GATEWAY dev WAN`) and, so that
 *   nothing falls through to main while the uplink is away, `unreachable
 *   default metric 4294967295` behind it; the same for IPv6. A rule with
 *   suppress_ifgroup is no replacement: what it suppresses is not looked up
 *   again less specifically. Or the other way about, as wg-quick does: the
 *   tunnel's default in a table of its own, `not fwmark OUTER lookup` it.
 * - Answers arrive without the mark. With strict rp_filter on the uplink the
 *   check of their source asks main, finds the tunnel there and drops them:
 *   the uplink needs rp_filter 2, or the mark given back by conntrack and
 *   src_valid_mark 1.
 * - Devices' packets keep their own mark inside; the outer one is new, so the
 *   mark of a rule on the inner packet is never seen on the outer.
 */

#define WG_KEY_SIZE       AFW_WG_KEY_SIZE
#define WG_KERNEL_ALLOWED AFW_WG_ALLOWED_MAX /* wg_kernel_allow: no limit */

/* A link and its peer. */
struct wg_kernel_conf {
	char ifname[AFW_IFNAME_SIZE];
	uint8_t private_key[WG_KEY_SIZE];
	uint8_t peer_key[WG_KEY_SIZE];
	uint8_t preshared_key[WG_KEY_SIZE]; /* all zero: none */
	struct afw_addr endpoint;           /* none: only the peer can begin */
	uint16_t endpoint_port;
	uint16_t listen_port; /* 0: the one the kernel has chosen stays */
	uint32_t fwmark;
	uint16_t keepalive; /* seconds, 0: off */
	uint32_t allowed;   /* how many */
	struct afw_wg_net allow[WG_KERNEL_ALLOWED];
};

/* What the kernel says of a link. No private and no preshared key in it. */
struct wg_kernel_state {
	uint32_t ifindex, fwmark, mtu;
	bool up;
	uint16_t listen_port, keepalive;
	uint32_t peers, allowed;         /* how many */
	uint8_t public_key[WG_KEY_SIZE]; /* of the link itself */
	uint8_t peer_key[WG_KEY_SIZE];   /* of the first peer, as all below */
	struct afw_addr endpoint;        /* where it was last heard of */
	uint16_t endpoint_port;
	/*
	 * Of the last completed handshake, on the wall clock, 0: none yet. To
	 * be compared for "another one", not for its age: the clock may jump.
	 */
	int64_t handshake_s;
	uint32_t handshake_ns;
	uint64_t rx_bytes, tx_bytes; /* with the headers of WireGuard */
};

struct wg_kernel {
	struct netlink *rt; /* the caller's */
	struct netlink ge;
	uint16_t family; /* of generic netlink, 0: not asked yet */
};

/* 0, or -1 and e; so do all below. */
int wg_kernel_open(struct wg_kernel *k, struct netlink *rt, struct nerr *e);
void wg_kernel_close(struct wg_kernel *k);

/*
 * Makes the link (1), or finds it (0). One made here carries an alias; one of
 * that name without it is another's, and refused (AFW_EBUSY). AFW_ENOTSUP: the
 * kernel has no WireGuard. On failure a link made by this call is gone again.
 */
int wg_kernel_make(struct wg_kernel *k, const char *ifname,
    struct link_info *info, struct nerr *e);
/*
 * Makes the link, if it has to, and gives it keys and peer: nothing that is so
 * already is touched, and as long as both keys and the endpoint stay, neither
 * is the session.
 */
int wg_kernel_set(
    struct wg_kernel *k, const struct wg_kernel_conf *c, struct nerr *e);
/*
 * A handshake now, or (there is a session) a keepalive: by itself the kernel
 * begins with the first packet only. The link has to be up.
 */
int wg_kernel_wake(
    struct wg_kernel *k, const struct wg_kernel_conf *c, struct nerr *e);
/*
 * The uplink has changed: the kernel forgets the source address that it keeps
 * for the peer, as for any change of the mark, and finds another.
 */
int wg_kernel_roam(
    struct wg_kernel *k, const char *ifname, uint32_t fwmark, struct nerr *e);
/* No peer any more: whatever is sent into the link is dropped. */
int wg_kernel_block(struct wg_kernel *k, const char *ifname, struct nerr *e);
/* More networks for the peer, behind those that it has. */
int wg_kernel_allow(struct wg_kernel *k, const char *ifname,
    const uint8_t peer_key[WG_KEY_SIZE], const struct afw_wg_net *net, size_t n,
    struct nerr *e);
/* AFW_ENOENT: there is no such link. */
int wg_kernel_get(struct wg_kernel *k, const char *ifname,
    struct wg_kernel_state *st, struct nerr *e);
/* Only a link of ours; AFW_ENOENT: there is none of that name. */
int wg_kernel_remove(struct wg_kernel *k, const char *ifname, struct nerr *e);

#endif
