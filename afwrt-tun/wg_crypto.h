/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_CRYPTO_H
#define AFWRT_TUN_WG_CRYPTO_H

#include <openssl/evp.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WG_KEY    32
#define WG_HASH   32
#define WG_TAG    16
#define WG_MAC    16
#define WG_XNONCE 24

/*
 * The primitives of WireGuard. All that can fail return 0, or -1: out of
 * memory, or (open, x25519) not authentic, not a usable key. Nothing is
 * written to `out` that a caller may use after -1.
 */

/* Fetches the algorithms; once is enough, again does no harm. 0, or -1. */
int wg_crypto_init(void);

/* The source of all randomness; tests put their own here. 0, or -1. */
extern int (*wg_random)(void *buf, size_t n);

int wg_x25519(uint8_t out[WG_KEY], const uint8_t private_key[WG_KEY],
    const uint8_t peer_key[WG_KEY]);
int wg_x25519_public(uint8_t out[WG_KEY], const uint8_t private_key[WG_KEY]);

/* BLAKE2s of a then b. */
int wg_hash(uint8_t out[WG_HASH], const void *a, size_t a_len, const void *b,
    size_t b_len);
/* Keyed BLAKE2s with an output of 16 bytes. */
int wg_mac(uint8_t out[WG_MAC], const uint8_t *key, size_t key_len,
    const void *data, size_t len);
int wg_hmac(uint8_t out[WG_HASH], const uint8_t *key, size_t key_len,
    const void *data, size_t len);
/* HKDF of the whitepaper with n (1 to 3) outputs; key may be out[0]. */
int wg_kdf(uint8_t *const out[], unsigned int n, const uint8_t key[WG_HASH],
    const void *data, size_t len);

/* A ChaCha20-Poly1305 context with its key; EVP_CIPHER_CTX_free wipes it. */
EVP_CIPHER_CTX *wg_aead_new(const uint8_t key[WG_KEY], bool seal);
/* Seals len bytes to out (may be in), the tag behind them. */
int wg_aead_seal(EVP_CIPHER_CTX *ctx, const uint8_t nonce[12], uint8_t *out,
    const uint8_t *in, size_t len, const uint8_t *aad, size_t aad_len);
/* len is with the tag; len - WG_TAG bytes go to out (may be in). */
int wg_aead_open(EVP_CIPHER_CTX *ctx, const uint8_t nonce[12], uint8_t *out,
    const uint8_t *in, size_t len, const uint8_t *aad, size_t aad_len);
/* The nonce of WireGuard: four zero bytes, the counter little-endian. */
void wg_nonce(uint8_t nonce[12], uint64_t counter);

/* With a key for one message only, counter 0. */
int wg_seal_once(const uint8_t key[WG_KEY], uint8_t *out, const uint8_t *in,
    size_t len, const uint8_t *aad, size_t aad_len);
int wg_open_once(const uint8_t key[WG_KEY], uint8_t *out, const uint8_t *in,
    size_t len, const uint8_t *aad, size_t aad_len);

/* XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), in wg_xchacha.c */
void wg_hchacha20(
    uint8_t out[WG_KEY], const uint8_t key[WG_KEY], const uint8_t nonce[16]);
int wg_xseal(const uint8_t key[WG_KEY], const uint8_t nonce[WG_XNONCE],
    uint8_t *out, const uint8_t *in, size_t len, const uint8_t *aad,
    size_t aad_len);
int wg_xopen(const uint8_t key[WG_KEY], const uint8_t nonce[WG_XNONCE],
    uint8_t *out, const uint8_t *in, size_t len, const uint8_t *aad,
    size_t aad_len);

/* In time that does not depend on the content. */
bool wg_same(const void *a, const void *b, size_t n);
bool wg_is_zero(const void *p, size_t n);
/* memset that is not optimised away */
void wg_wipe(void *p, size_t n);

static inline uint32_t
wg_get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static inline uint64_t
wg_get64(const uint8_t *p)
{
	return wg_get32(p) | (uint64_t)wg_get32(p + 4) << 32;
}

static inline void
wg_put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

static inline void
wg_put64(uint8_t *p, uint64_t v)
{
	wg_put32(p, (uint32_t)v);
	wg_put32(p + 4, (uint32_t)(v >> 32));
}

#endif
