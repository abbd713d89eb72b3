/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_UAPI_H
#define AFWRT_TUN_WG_UAPI_H

#include <time.h>

#include "afwrt-tun/wg.h"
#include "lib/wire/msg.h"

/*
 * The text of WireGuard's cross-platform configuration protocol, as `wg`
 * speaks it: lines KEY=VALUE up to an empty one. Strict: what is not known or
 * not well formed is an error.
 */
#define WG_UAPI_KEY      32
#define WG_UAPI_PEERS    4  /* named in one request */
#define WG_UAPI_ENDPOINT 64 /* as text, with its NUL */

struct wg_uapi_peer {
	uint8_t key[WG_UAPI_KEY];
	bool remove, update_only, replace_allowed;
	bool has_psk, has_endpoint, has_keepalive;
	uint8_t psk[WG_UAPI_KEY];
	union wg_endpoint endpoint;
	uint16_t keepalive;
	uint32_t allowed;
	struct afw_wg_net allow[AFW_WG_ALLOWED_MAX];
};

struct wg_uapi_set {
	bool has_private, has_port, has_fwmark, replace_peers;
	uint8_t private_key[WG_UAPI_KEY];
	uint16_t port;
	uint32_t fwmark;
	unsigned int n_peers;
	struct wg_uapi_peer peer[WG_UAPI_PEERS];
};

/* What `get=1` answers. */
struct wg_uapi_device {
	uint8_t private_key[WG_UAPI_KEY];
	uint16_t port;
	bool has_peer;
	uint8_t peer_key[WG_UAPI_KEY], psk[WG_UAPI_KEY];
	union wg_endpoint endpoint;
	uint16_t keepalive;
	uint32_t allowed;
	struct afw_wg_net allow[AFW_WG_ALLOWED_MAX];
	struct timespec handshake;
	uint64_t rx_bytes, tx_bytes;
};

/*
 * The lines behind "set=1", without the empty one; the text is used up. 0, or
 * an errno; key is then the name at fault (a static text), or "".
 */
int wg_uapi_parse(char *text, struct wg_uapi_set *s, const char **key);
/* The lines of an answer, without errno=. The length, or 0: no room. */
size_t wg_uapi_print(const struct wg_uapi_device *d, char *buf, size_t size);
/* 192.0.2.1:51820, [2001:db8::1]:51820. */
const char *wg_uapi_endpoint_print(
    const union wg_endpoint *e, char *buf, size_t size);

#endif
