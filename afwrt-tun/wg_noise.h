/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_NOISE_H
#define AFWRT_TUN_WG_NOISE_H

#include "afwrt-tun/wg_crypto.h"
#include "afwrt-tun/wg_stamp.h"

/* Types and sizes of messages, whitepaper 5.4. */
enum wg_message {
	WG_M_INITIATION = 1,
	WG_M_RESPONSE,
	WG_M_COOKIE,
	WG_M_DATA,
};

#define WG_INITIATION_SIZE 148
#define WG_RESPONSE_SIZE   92
#define WG_COOKIE_SIZE     64

/* Who we are and whom we talk to. */
struct wg_identity {
	uint8_t private_key[WG_KEY];
	uint8_t public_key[WG_KEY];
	uint8_t peer_key[WG_KEY];
	uint8_t psk[WG_KEY];    /* zero: none */
	uint8_t shared[WG_KEY]; /* X25519 of both static keys */
};

/* One handshake between its two messages. */
struct wg_noise {
	uint8_t chain[WG_HASH];
	uint8_t hash[WG_HASH];
	uint8_t ephemeral[WG_KEY]; /* our private one */
	uint8_t peer_ephemeral[WG_KEY];
	uint32_t peer_index;
};

struct wg_keys {
	uint8_t send[WG_KEY], recv[WG_KEY];
};

/* Fills in the public key and the shared secret. 0, or -1: bad keys. */
int wg_identity_complete(struct wg_identity *id);

/*
 * The four steps; messages without their MACs (see wg_cookie.h). 0, or -1: not
 * authentic or not our peer. A response that is refused leaves *n as it was,
 * so that the right one may still come.
 */
int wg_noise_make_initiation(struct wg_noise *n, const struct wg_identity *id,
    uint8_t msg[WG_INITIATION_SIZE], uint32_t index,
    const uint8_t stamp[WG_STAMP]);
int wg_noise_take_initiation(struct wg_noise *n, const struct wg_identity *id,
    const uint8_t msg[WG_INITIATION_SIZE], uint8_t stamp[WG_STAMP]);
int wg_noise_make_response(struct wg_noise *n, const struct wg_identity *id,
    uint8_t msg[WG_RESPONSE_SIZE], uint32_t index);
int wg_noise_take_response(struct wg_noise *n, const struct wg_identity *id,
    const uint8_t msg[WG_RESPONSE_SIZE]);
/* After the second message: the keys; *n is wiped. */
int wg_noise_split(struct wg_noise *n, bool initiator, struct wg_keys *k);

#endif
