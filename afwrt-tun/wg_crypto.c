/* SPDX-License-Identifier: ISC */
/*
 * libcrypto behind the few calls that WireGuard needs. The algorithms are
 * fetched once: a fetch by name costs more than sealing a packet.
 */
#include "afwrt-tun/wg_crypto.h"

#include <sys/random.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <errno.h>
#include <string.h>

static EVP_CIPHER *chacha;
static EVP_MD *blake;
static EVP_MAC *blake_mac;

static int
crypto_random(void *buf, size_t n)
{
	uint8_t *p = buf;
	ssize_t r;

	while (n > 0) {
		r = getrandom(p, n, 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return -1;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

int (*wg_random)(void *buf, size_t n) = crypto_random;

int
wg_crypto_init(void)
{
	if (chacha == NULL)
		chacha = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
	if (blake == NULL)
		blake = EVP_MD_fetch(NULL, "BLAKE2S-256", NULL);
	if (blake_mac == NULL)
		blake_mac = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL);
	return chacha && blake && blake_mac ? 0 : -1;
}

int
wg_x25519(uint8_t out[WG_KEY], const uint8_t private_key[WG_KEY],
    const uint8_t peer_key[WG_KEY])
{
	EVP_PKEY *ours, *theirs;
	EVP_PKEY_CTX *ctx = NULL;
	size_t n = WG_KEY;
	int ok = 0;

	ours = EVP_PKEY_new_raw_private_key_ex(
	    NULL, "X25519", NULL, private_key, WG_KEY);
	theirs = EVP_PKEY_new_raw_public_key_ex(
	    NULL, "X25519", NULL, peer_key, WG_KEY);
	if (ours != NULL && theirs != NULL)
		ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
	/* derive refuses an all-zero result: a key of small order */
	if (ctx != NULL)
		ok = EVP_PKEY_derive_init(ctx) == 1 &&
		    EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
		    EVP_PKEY_derive(ctx, out, &n) == 1 && n == WG_KEY;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(ours);
	return ok ? 0 : -1;
}

int
wg_x25519_public(uint8_t out[WG_KEY], const uint8_t private_key[WG_KEY])
{
	EVP_PKEY *key;
	size_t n = WG_KEY;
	int ok;

	key = EVP_PKEY_new_raw_private_key_ex(
	    NULL, "X25519", NULL, private_key, WG_KEY);
	if (key == NULL)
		return -1;
	ok = EVP_PKEY_get_raw_public_key(key, out, &n) == 1 && n == WG_KEY;
	EVP_PKEY_free(key);
	return ok ? 0 : -1;
}

int
wg_hash(uint8_t out[WG_HASH], const void *a, size_t a_len, const void *b,
    size_t b_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned int n = 0;
	int ok;

	ok = ctx != NULL && EVP_DigestInit_ex2(ctx, blake, NULL) == 1 &&
	    EVP_DigestUpdate(ctx, a, a_len) == 1 &&
	    EVP_DigestUpdate(ctx, b, b_len) == 1 &&
	    EVP_DigestFinal_ex(ctx, out, &n) == 1 && n == WG_HASH;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -1;
}

int
wg_mac(uint8_t out[WG_MAC], const uint8_t *key, size_t key_len,
    const void *data, size_t len)
{
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(blake_mac);
	size_t size = WG_MAC, n = 0;
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
	    OSSL_PARAM_construct_end(),
	};
	int ok;

	ok = ctx != NULL && EVP_MAC_init(ctx, key, key_len, params) == 1 &&
	    EVP_MAC_update(ctx, data, len) == 1 &&
	    EVP_MAC_final(ctx, out, &n, WG_MAC) == 1 && n == WG_MAC;
	EVP_MAC_CTX_free(ctx);
	return ok ? 0 : -1;
}

int
wg_hmac(uint8_t out[WG_HASH], const uint8_t *key, size_t key_len,
    const void *data, size_t len)
{
	unsigned int n = 0;

	if (HMAC(blake, key, (int)key_len, data, len, out, &n) == NULL)
		return -1;
	return n == WG_HASH ? 0 : -1;
}

int
wg_kdf(uint8_t *const out[], unsigned int n, const uint8_t key[WG_HASH],
    const void *data, size_t len)
{
	uint8_t prk[WG_HASH], in[WG_HASH + 1];
	size_t have = 0;
	unsigned int i;
	int r;

	r = wg_hmac(prk, key, WG_HASH, data, len);
	for (i = 0; i < n && r == 0; i++) {
		in[have] = (uint8_t)(i + 1);
		r = wg_hmac(out[i], prk, WG_HASH, in, have + 1);
		memcpy(in, out[i], WG_HASH);
		have = WG_HASH;
	}
	wg_wipe(prk, sizeof(prk));
	wg_wipe(in, sizeof(in));
	return r;
}

EVP_CIPHER_CTX *
wg_aead_new(const uint8_t key[WG_KEY], bool seal)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx == NULL)
		return NULL;
	if (EVP_CipherInit_ex2(ctx, chacha, key, NULL, seal, NULL) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

void
wg_nonce(uint8_t nonce[12], uint64_t counter)
{
	memset(nonce, 0, 4);
	wg_put64(nonce + 4, counter);
}

int
wg_aead_seal(EVP_CIPHER_CTX *ctx, const uint8_t nonce[12], uint8_t *out,
    const uint8_t *in, size_t len, const uint8_t *aad, size_t aad_len)
{
	int n;

	if (EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) != 1)
		return -1;
	if (aad_len > 0 &&
	    EVP_EncryptUpdate(ctx, NULL, &n, aad, (int)aad_len) != 1)
		return -1;
	if (len > 0 && EVP_EncryptUpdate(ctx, out, &n, in, (int)len) != 1)
		return -1;
	if (EVP_EncryptFinal_ex(ctx, out + len, &n) != 1)
		return -1;
	return EVP_CIPHER_CTX_ctrl(
		   ctx, EVP_CTRL_AEAD_GET_TAG, WG_TAG, out + len) == 1
	    ? 0
	    : -1;
}

int
wg_aead_open(EVP_CIPHER_CTX *ctx, const uint8_t nonce[12], uint8_t *out,
    const uint8_t *in, size_t len, const uint8_t *aad, size_t aad_len)
{
	uint8_t tag[WG_TAG];
	int n;

	if (len < WG_TAG)
		return -1;
	len -= WG_TAG;
	memcpy(tag, in + len, WG_TAG);
	if (EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, WG_TAG, tag) != 1)
		return -1;
	if (aad_len > 0 &&
	    EVP_DecryptUpdate(ctx, NULL, &n, aad, (int)aad_len) != 1)
		return -1;
	if (len > 0 && EVP_DecryptUpdate(ctx, out, &n, in, (int)len) != 1)
		return -1;
	return EVP_DecryptFinal_ex(ctx, tag, &n) == 1 ? 0 : -1;
}

int
wg_seal_once(const uint8_t key[WG_KEY], uint8_t *out, const uint8_t *in,
    size_t len, const uint8_t *aad, size_t aad_len)
{
	EVP_CIPHER_CTX *ctx = wg_aead_new(key, true);
	uint8_t nonce[12] = {0};
	int r = -1;

	if (ctx != NULL)
		r = wg_aead_seal(ctx, nonce, out, in, len, aad, aad_len);
	EVP_CIPHER_CTX_free(ctx);
	return r;
}

int
wg_open_once(const uint8_t key[WG_KEY], uint8_t *out, const uint8_t *in,
    size_t len, const uint8_t *aad, size_t aad_len)
{
	EVP_CIPHER_CTX *ctx = wg_aead_new(key, false);
	uint8_t nonce[12] = {0};
	int r = -1;

	if (ctx != NULL)
		r = wg_aead_open(ctx, nonce, out, in, len, aad, aad_len);
	EVP_CIPHER_CTX_free(ctx);
	return r;
}

bool
wg_same(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

bool
wg_is_zero(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint8_t any = 0;

	while (n-- > 0)
		any |= *b++;
	return any == 0;
}

void
wg_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}
