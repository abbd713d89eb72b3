/* SPDX-License-Identifier: ISC */
/*
 * XChaCha20-Poly1305 after draft-irtf-cfrg-xchacha: HChaCha20 makes a subkey
 * of the key and the first 16 bytes of the nonce, libcrypto does the rest.
 * For cookie replies only, so plain C will do.
 */
#include "afwrt-tun/wg_crypto.h"

#include <string.h>

static inline uint32_t
rotl(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

static void
quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = rotl(*d ^ *a, 16);
	*c += *d;
	*b = rotl(*b ^ *c, 12);
	*a += *b;
	*d = rotl(*d ^ *a, 8);
	*c += *d;
	*b = rotl(*b ^ *c, 7);
}

void
wg_hchacha20(
    uint8_t out[WG_KEY], const uint8_t key[WG_KEY], const uint8_t nonce[16])
{
	static const uint8_t sigma[] = "expand 32-byte k";
	uint32_t x[16];
	int i;

	for (i = 0; i < 4; i++) {
		x[i] = wg_get32(sigma + 4 * i);
		x[4 + i] = wg_get32(key + 4 * i);
		x[8 + i] = wg_get32(key + 16 + 4 * i);
		x[12 + i] = wg_get32(nonce + 4 * i);
	}
	for (i = 0; i < 10; i++) {
		quarter(&x[0], &x[4], &x[8], &x[12]);
		quarter(&x[1], &x[5], &x[9], &x[13]);
		quarter(&x[2], &x[6], &x[10], &x[14]);
		quarter(&x[3], &x[7], &x[11], &x[15]);
		quarter(&x[0], &x[5], &x[10], &x[15]);
		quarter(&x[1], &x[6], &x[11], &x[12]);
		quarter(&x[2], &x[7], &x[8], &x[13]);
		quarter(&x[3], &x[4], &x[9], &x[14]);
	}
	for (i = 0; i < 4; i++) {
		wg_put32(out + 4 * i, x[i]);
		wg_put32(out + 16 + 4 * i, x[12 + i]);
	}
	wg_wipe(x, sizeof(x));
}

/* A context for the subkey, and the 12 bytes of nonce that remain. */
static EVP_CIPHER_CTX *
xchacha_ctx(const uint8_t key[WG_KEY], const uint8_t nonce[WG_XNONCE],
    uint8_t rest[12], bool seal)
{
	uint8_t sub[WG_KEY];
	EVP_CIPHER_CTX *ctx;

	wg_hchacha20(sub, key, nonce);
	ctx = wg_aead_new(sub, seal);
	wg_wipe(sub, sizeof(sub));
	memset(rest, 0, 4);
	memcpy(rest + 4, nonce + 16, 8);
	return ctx;
}

int
wg_xseal(const uint8_t key[WG_KEY], const uint8_t nonce[WG_XNONCE],
    uint8_t *out, const uint8_t *in, size_t len, const uint8_t *aad,
    size_t aad_len)
{
	uint8_t rest[12];
	EVP_CIPHER_CTX *ctx = xchacha_ctx(key, nonce, rest, true);
	int r = -1;

	if (ctx != NULL)
		r = wg_aead_seal(ctx, rest, out, in, len, aad, aad_len);
	EVP_CIPHER_CTX_free(ctx);
	return r;
}

int
wg_xopen(const uint8_t key[WG_KEY], const uint8_t nonce[WG_XNONCE],
    uint8_t *out, const uint8_t *in, size_t len, const uint8_t *aad,
    size_t aad_len)
{
	uint8_t rest[12];
	EVP_CIPHER_CTX *ctx = xchacha_ctx(key, nonce, rest, false);
	int r = -1;

	if (ctx != NULL)
		r = wg_aead_open(ctx, rest, out, in, len, aad, aad_len);
	EVP_CIPHER_CTX_free(ctx);
	return r;
}
