/* SPDX-License-Identifier: ISC */
/*
 * The handshake Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s as section 5.4 of the
 * WireGuard whitepaper has it, both roles. Only the mathematics: timestamps,
 * indices, MACs and what follows from them are decided elsewhere.
 */
#include "afwrt-tun/wg_noise.h"

#include <string.h>

static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

/* Offsets in the initiation: type and sender come first. */
#define I_EPHEMERAL 8
#define I_STATIC    40
#define I_STAMP     88
/* Offsets in the response: type, sender and receiver come first. */
#define R_EPHEMERAL 12
#define R_EMPTY     44

int
wg_identity_complete(struct wg_identity *id)
{
	if (wg_is_zero(id->private_key, WG_KEY) ||
	    wg_is_zero(id->peer_key, WG_KEY))
		return -1;
	if (wg_x25519_public(id->public_key, id->private_key) != 0)
		return -1;
	return wg_x25519(id->shared, id->private_key, id->peer_key);
}

static int
mix_hash(struct wg_noise *n, const void *data, size_t len)
{
	return wg_hash(n->hash, n->hash, WG_HASH, data, len);
}

/* Into the chain, and into a key for one message unless it is NULL. */
static int
mix_key(struct wg_noise *n, uint8_t *key, const void *data, size_t len)
{
	uint8_t *const out[] = {n->chain, key};

	return wg_kdf(out, key == NULL ? 1 : 2, n->chain, data, len);
}

static int
mix_dh(struct wg_noise *n, uint8_t *key, const uint8_t private_key[WG_KEY],
    const uint8_t peer_key[WG_KEY])
{
	uint8_t dh[WG_KEY];
	int r;

	r = wg_x25519(dh, private_key, peer_key);
	if (r == 0)
		r = mix_key(n, key, dh, sizeof(dh));
	wg_wipe(dh, sizeof(dh));
	return r;
}

static int
mix_psk(struct wg_noise *n, uint8_t *key, const uint8_t psk[WG_KEY])
{
	uint8_t tau[WG_HASH];
	uint8_t *const out[] = {n->chain, tau, key};
	int r;

	r = wg_kdf(out, 3, n->chain, psk, WG_KEY);
	if (r == 0)
		r = mix_hash(n, tau, sizeof(tau));
	wg_wipe(tau, sizeof(tau));
	return r;
}

/* Seals with the hash so far as associated data, then mixes the result. */
static int
seal_and_mix(struct wg_noise *n, const uint8_t key[WG_KEY], uint8_t *out,
    const uint8_t *in, size_t len)
{
	if (wg_seal_once(key, out, in, len, n->hash, WG_HASH) != 0)
		return -1;
	return mix_hash(n, out, len + WG_TAG);
}

static int
open_and_mix(struct wg_noise *n, const uint8_t key[WG_KEY], uint8_t *out,
    const uint8_t *in, size_t len)
{
	if (wg_open_once(key, out, in, len, n->hash, WG_HASH) != 0)
		return -1;
	return mix_hash(n, in, len);
}

/* The state before the first message to the owner of `responder`. */
static int
noise_begin(struct wg_noise *n, const uint8_t responder[WG_KEY])
{
	memset(n, 0, sizeof(*n));
	if (wg_hash(n->chain, construction, sizeof(construction) - 1, "", 0))
		return -1;
	if (wg_hash(
		n->hash, n->chain, WG_HASH, identifier, sizeof(identifier) - 1))
		return -1;
	return mix_hash(n, responder, WG_KEY);
}

/* Our new ephemeral key; its public part goes to `out` and is mixed. */
static int
noise_ephemeral(struct wg_noise *n, uint8_t out[WG_KEY])
{
	if (wg_random(n->ephemeral, WG_KEY) != 0 ||
	    wg_x25519_public(out, n->ephemeral) != 0 ||
	    mix_key(n, NULL, out, WG_KEY) != 0)
		return -1;
	return mix_hash(n, out, WG_KEY);
}

static int
noise_peer_ephemeral(struct wg_noise *n, const uint8_t in[WG_KEY])
{
	memcpy(n->peer_ephemeral, in, WG_KEY);
	if (mix_key(n, NULL, in, WG_KEY) != 0)
		return -1;
	return mix_hash(n, in, WG_KEY);
}

int
wg_noise_make_initiation(struct wg_noise *n, const struct wg_identity *id,
    uint8_t msg[WG_INITIATION_SIZE], uint32_t index,
    const uint8_t stamp[WG_STAMP])
{
	uint8_t key[WG_KEY];
	int bad;

	memset(msg, 0, WG_INITIATION_SIZE);
	wg_put32(msg, WG_M_INITIATION);
	wg_put32(msg + 4, index);
	bad = noise_begin(n, id->peer_key) ||
	    noise_ephemeral(n, msg + I_EPHEMERAL) ||
	    mix_dh(n, key, n->ephemeral, id->peer_key) ||
	    seal_and_mix(n, key, msg + I_STATIC, id->public_key, WG_KEY) ||
	    mix_key(n, key, id->shared, WG_KEY) ||
	    seal_and_mix(n, key, msg + I_STAMP, stamp, WG_STAMP);
	wg_wipe(key, sizeof(key));
	if (bad)
		wg_wipe(n, sizeof(*n));
	return bad ? -1 : 0;
}

int
wg_noise_take_initiation(struct wg_noise *n, const struct wg_identity *id,
    const uint8_t msg[WG_INITIATION_SIZE], uint8_t stamp[WG_STAMP])
{
	uint8_t key[WG_KEY], who[WG_KEY];
	int bad;

	bad = noise_begin(n, id->public_key) ||
	    noise_peer_ephemeral(n, msg + I_EPHEMERAL) ||
	    mix_dh(n, key, id->private_key, n->peer_ephemeral) ||
	    open_and_mix(n, key, who, msg + I_STATIC, WG_KEY + WG_TAG) ||
	    !wg_same(who, id->peer_key, WG_KEY) ||
	    mix_key(n, key, id->shared, WG_KEY) ||
	    open_and_mix(n, key, stamp, msg + I_STAMP, WG_STAMP + WG_TAG);
	n->peer_index = wg_get32(msg + 4);
	wg_wipe(key, sizeof(key));
	if (bad)
		wg_wipe(n, sizeof(*n));
	return bad ? -1 : 0;
}

int
wg_noise_make_response(struct wg_noise *n, const struct wg_identity *id,
    uint8_t msg[WG_RESPONSE_SIZE], uint32_t index)
{
	uint8_t key[WG_KEY];
	int bad;

	memset(msg, 0, WG_RESPONSE_SIZE);
	wg_put32(msg, WG_M_RESPONSE);
	wg_put32(msg + 4, index);
	wg_put32(msg + 8, n->peer_index);
	bad = noise_ephemeral(n, msg + R_EPHEMERAL) ||
	    mix_dh(n, NULL, n->ephemeral, n->peer_ephemeral) ||
	    mix_dh(n, NULL, n->ephemeral, id->peer_key) ||
	    mix_psk(n, key, id->psk) ||
	    seal_and_mix(n, key, msg + R_EMPTY, msg, 0);
	wg_wipe(key, sizeof(key));
	if (bad)
		wg_wipe(n, sizeof(*n));
	return bad ? -1 : 0;
}

int
wg_noise_take_response(struct wg_noise *n, const struct wg_identity *id,
    const uint8_t msg[WG_RESPONSE_SIZE])
{
	struct wg_noise t = *n;
	uint8_t key[WG_KEY], none[1];
	int bad;

	bad = noise_peer_ephemeral(&t, msg + R_EPHEMERAL) ||
	    mix_dh(&t, NULL, t.ephemeral, t.peer_ephemeral) ||
	    mix_dh(&t, NULL, id->private_key, t.peer_ephemeral) ||
	    mix_psk(&t, key, id->psk) ||
	    open_and_mix(&t, key, none, msg + R_EMPTY, WG_TAG);
	t.peer_index = wg_get32(msg + 4);
	if (!bad)
		*n = t;
	wg_wipe(key, sizeof(key));
	wg_wipe(&t, sizeof(t));
	return bad ? -1 : 0;
}

int
wg_noise_split(struct wg_noise *n, bool initiator, struct wg_keys *k)
{
	uint8_t *const out[] = {
	    initiator ? k->send : k->recv,
	    initiator ? k->recv : k->send,
	};
	int r;

	r = wg_kdf(out, 2, n->chain, "", 0);
	wg_wipe(n, sizeof(*n));
	return r;
}
