/* SPDX-License-Identifier: ISC */
#ifndef AFW_TLS_TLS_PRIV_H
#define AFW_TLS_TLS_PRIV_H

/* What the files of this folder share. */
#include <stdint.h>

#include <mbedtls/ssl.h>
#include <mbedtls/version.h>

#include "record.h"
#include "tls.h"
#include "verify.h"

#define RECORD_MAX  16384 /* RFC 5246, 6.2.1 */
#define RECORD_COST 64    /* header, nonce and tag, rounded up */
#define OUT_LIMIT   (512 * 1024)
#define OUT_SLACK   (64 * 1024)
#define OUT_FIRST   (4 * 1024)
#define IN_SIZE     (32 * 1024)

struct afw_tls {
	int fd;
	bool up, lost; /* handshake done; nothing more to be had */
	int sys_errno; /* of recv or send, 0 none */
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config conf;
	mbedtls_x509_crt ca;
	struct tls_peer peer;
	const char *error;
	/* the records of TLS 1.2 once it is up; NULL: mbedTLS does them */
	struct record *record;
	struct record_keys keys;
	bool bye;                   /* close_notify came */
	unsigned int idle;          /* records without data, one on another */
	size_t plain_at, plain_len; /* decrypted in in[], not yet read */
	uint8_t *out;
	size_t out_head, out_tail, out_size;
	size_t in_head, in_tail;
	uint8_t in[IN_SIZE];
};

/* ---- io.c -------------------------------------------------------------- */

/* Makes room for len bytes at out + out_tail. */
bool io_out_room(struct afw_tls *t, size_t len);
/* mbedTLS's callbacks; arg is the struct afw_tls. */
int io_send_cb(void *arg, const unsigned char *buf, size_t len);
int io_recv_cb(void *arg, unsigned char *buf, size_t len);
/* Reads more behind what is there: 1, or what mbedTLS shall be told. */
int io_fill(struct afw_tls *t);

/* ---- error.c ----------------------------------------------------------- */

/* Notes why (a code of mbedTLS); the alert that was made goes out. */
void error_set(struct afw_tls *t, int code);

/* ---- fast.c ------------------------------------------------------------ */

/* Takes the finished handshake over, if its keys and suite are ours to use. */
void fast_start(struct afw_tls *t);
/* As the public functions of these names. */
ssize_t fast_read(struct afw_tls *t, void *buf, size_t size);
bool fast_pending(const struct afw_tls *t);
void fast_write(struct afw_tls *t, const void *data, size_t len);
void fast_bye(struct afw_tls *t);

#endif
