/* SPDX-License-Identifier: ISC */
/* --with-aead=openssl: records by libcrypto. */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/wire/channel.h"
#include "record.h"

#define TAG       16
#define NONCE     12
#define AAD       13
#define BLOCK_MAX (2 * 32 + 2 * NONCE)

struct way {
	EVP_CIPHER_CTX *ctx;
	uint8_t iv[NONCE];
	uint64_t seq;
};

struct record {
	struct way out, in;
	size_t explicit; /* bytes of the nonce that stand in the record */
};

/* How a suite is known by its name, and what it needs. */
static const struct suite {
	const char *name;
	const EVP_CIPHER *(*cipher)(void);
	size_t key, iv; /* of the key block */
} suites[] = {
    {"AES-128-GCM", EVP_aes_128_gcm, 16, 4},
    {"AES-256-GCM", EVP_aes_256_gcm, 32, 4},
    {"CHACHA20-POLY1305", EVP_chacha20_poly1305, 32, NONCE},
};

static const struct suite *
suite_find(const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < sizeof(suites) / sizeof(suites[0]); i++)
		if (strstr(name, suites[i].name) != NULL)
			return &suites[i];
	return NULL;
}

/* ---- life -------------------------------------------------------------- */

static int
way_init(struct way *w, const struct suite *s, const uint8_t *key,
    const uint8_t *iv, int encrypt)
{
	memcpy(w->iv, iv, s->iv);
	w->seq = 1; /* 0 was Finished */
	w->ctx = EVP_CIPHER_CTX_new();
	if (w->ctx == NULL ||
	    EVP_CipherInit_ex(w->ctx, s->cipher(), NULL, key, NULL, encrypt) !=
		1)
		return -1;
	return 0;
}

/* RFC 5246, 6.3; an AEAD has no MAC keys. */
static int
keys_expand(const struct record_keys *k, uint8_t *block, size_t len)
{
	uint8_t seed[64];

	memcpy(seed, k->server_random, 32);
	memcpy(seed + 32, k->client_random, 32);
	return mbedtls_ssl_tls_prf(k->prf, k->master, sizeof(k->master),
		   "key expansion", seed, sizeof(seed), block, len) == 0
	    ? 0
	    : -1;
}

void
record_free(struct record *r)
{
	if (r == NULL)
		return;
	EVP_CIPHER_CTX_free(r->out.ctx);
	EVP_CIPHER_CTX_free(r->in.ctx);
	afw_wipe(r, sizeof(*r));
	free(r);
}

struct record *
record_new(const struct record_keys *k, const char *suite)
{
	const struct suite *s = suite_find(suite);
	uint8_t block[BLOCK_MAX], *iv;
	struct record *r;

	/* no configuration file: this process can open none */
	if (s == NULL || !k->there ||
	    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
	    (r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	r->explicit = NONCE - s->iv;
	iv = block + 2 * s->key;
	if (keys_expand(k, block, 2 * s->key + 2 * s->iv) == -1 ||
	    way_init(&r->out, s, block, iv, 1) == -1 ||
	    way_init(&r->in, s, block + s->key, iv + s->iv, 0) == -1) {
		record_free(r);
		r = NULL;
	}
	afw_wipe(block, sizeof(block));
	return r;
}

/* ---- records ----------------------------------------------------------- */

static void
put64(uint8_t *p, uint64_t v)
{
	int i;

	for (i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

/* The number of the record, its type, version and length without cost. */
static void
aad_make(uint8_t aad[AAD], uint64_t seq, const uint8_t *head, size_t len)
{
	put64(aad, seq);
	memcpy(aad + 8, head, 3);
	aad[11] = (uint8_t)(len >> 8);
	aad[12] = (uint8_t)len;
}

/* RFC 7905, 2: the number of the record is mixed into the fixed part. */
static void
nonce_make(const struct record *r, const struct way *w, const uint8_t *body,
    uint8_t nonce[NONCE])
{
	uint8_t seq[8];
	size_t i;

	memcpy(nonce, w->iv, NONCE);
	if (r->explicit > 0) {
		memcpy(nonce + NONCE - r->explicit, body, r->explicit);
		return;
	}
	put64(seq, w->seq);
	for (i = 0; i < 8; i++)
		nonce[4 + i] ^= seq[i];
}

size_t
record_seal(struct record *r, enum record_type type, const void *data,
    size_t len, uint8_t *out)
{
	struct way *w = &r->out;
	size_t body = r->explicit + len + TAG;
	uint8_t aad[AAD], nonce[NONCE], *text;
	int n;

	out[0] = (uint8_t)type;
	out[1] = out[2] = 3;
	out[3] = (uint8_t)(body >> 8);
	out[4] = (uint8_t)body;
	text = out + RECORD_HEAD + r->explicit;
	if (r->explicit > 0)
		put64(out + RECORD_HEAD, w->seq);
	aad_make(aad, w->seq, out, len);
	nonce_make(r, w, out + RECORD_HEAD, nonce);
	w->seq++;
	if (EVP_EncryptInit_ex(w->ctx, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_EncryptUpdate(w->ctx, NULL, &n, aad, AAD) != 1 ||
	    EVP_EncryptUpdate(w->ctx, text, &n, data, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(w->ctx, text + len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(
		w->ctx, EVP_CTRL_AEAD_GET_TAG, TAG, text + len) != 1)
		abort(); /* a keyed context cannot fail at this */
	return RECORD_HEAD + body;
}

ssize_t
record_plain_len(const struct record *r, size_t len)
{
	return len < r->explicit + TAG ? -1
				       : (ssize_t)(len - r->explicit - TAG);
}

int
record_open(struct record *r, const uint8_t *rec, size_t len, uint8_t *out)
{
	struct way *w = &r->in;
	const uint8_t *body = rec + RECORD_HEAD;
	const uint8_t *text = body + r->explicit;
	size_t plain = len - r->explicit - TAG;
	uint8_t aad[AAD], nonce[NONCE], tag[TAG];
	int n;

	aad_make(aad, w->seq, rec, plain);
	nonce_make(r, w, body, nonce);
	memcpy(tag, text + plain, TAG);
	w->seq++;
	if (EVP_DecryptInit_ex(w->ctx, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_CIPHER_CTX_ctrl(w->ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1 ||
	    EVP_DecryptUpdate(w->ctx, NULL, &n, aad, AAD) != 1 ||
	    EVP_DecryptUpdate(w->ctx, out, &n, text, (int)plain) != 1 ||
	    EVP_DecryptFinal_ex(w->ctx, out + n, &n) != 1)
		return -1;
	return 0;
}
