/* SPDX-License-Identifier: ISC */
#ifndef AFW_TLS_RECORD_H
#define AFW_TLS_RECORD_H

/*
 * The AEAD protection of TLS 1.2 records (RFC 5246, 5288, 7905) for a client,
 * both directions: keyed once, then a nonce a record, no allocation.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mbedtls/ssl.h>

#define RECORD_HEAD     5
#define RECORD_OVERHEAD 24 /* at most: explicit nonce and tag */

enum record_type {
	RECORD_CHANGE_CIPHER_SPEC = 20,
	RECORD_ALERT,
	RECORD_HANDSHAKE,
	RECORD_DATA
};

/* What the handshake left. */
struct record_keys {
	bool there;
	mbedtls_tls_prf_types prf;
	uint8_t master[48], client_random[32], server_random[32];
};

struct record;

/*
 * For the suite of mbedTLS's name; the two Finished messages are taken to
 * have been the first records. NULL: this build or suite has none.
 */
struct record *record_new(const struct record_keys *k, const char *suite);
void record_free(struct record *r);
/*
 * Writes a whole record with len bytes of data to out, which has room for
 * RECORD_HEAD + RECORD_OVERHEAD more. Returns its size.
 */
size_t record_seal(struct record *r, enum record_type type, const void *data,
    size_t len, uint8_t *out);
/* Bytes of plaintext in a record with len bytes after its head, -1 none. */
ssize_t record_plain_len(const struct record *r, size_t len);
/*
 * Opens the record at rec, len bytes after its head, into out (which may be
 * the record's own body): 0, or -1 it is forged.
 */
int record_open(struct record *r, const uint8_t *rec, size_t len, uint8_t *out);

#endif
