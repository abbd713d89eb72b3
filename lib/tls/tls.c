/* SPDX-License-Identifier: ISC */
/*
 * A TLS client connection: mbedTLS makes the handshake and checks the
 * certificate. The records after it are protected by fast.c where it can,
 * for mbedTLS is slow at that, else by mbedTLS too.
 */
#include "tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include "lib/wire/addr.h"
#include "lib/wire/channel.h"
#include "tls_priv.h"

/* AEAD with forward secrecy; AES first, the smaller key before the larger. */
static const int suites[] = {
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_DHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,
    0,
};

/* ---- random numbers, one generator a process --------------------------- */

static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context drbg;

static int
tls_seed(void)
{
	static bool seeded;

	if (seeded)
		return 0;
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	if (psa_crypto_init() != PSA_SUCCESS)
		return -1;
#endif
	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&drbg);
	if (mbedtls_ctr_drbg_seed(&drbg, mbedtls_entropy_func, &entropy,
		(const unsigned char *)"afwrt", 5) != 0) {
		mbedtls_ctr_drbg_free(&drbg);
		mbedtls_entropy_free(&entropy);
		return -1;
	}
	seeded = true;
	return 0;
}

/* ---- the keys of the handshake ----------------------------------------- */

#if MBEDTLS_VERSION_NUMBER >= 0x03000000 || defined(MBEDTLS_SSL_EXPORT_KEYS)
static void
tls_keys_keep(struct afw_tls *t, const unsigned char *master,
    const unsigned char *client, const unsigned char *server,
    mbedtls_tls_prf_types prf)
{
	memcpy(t->keys.master, master, sizeof(t->keys.master));
	memcpy(t->keys.client_random, client, sizeof(t->keys.client_random));
	memcpy(t->keys.server_random, server, sizeof(t->keys.server_random));
	t->keys.prf = prf;
	t->keys.there = true;
}
#endif

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
static void
tls_keys_cb(void *arg, mbedtls_ssl_key_export_type type,
    const unsigned char *secret, size_t len, const unsigned char client[32],
    const unsigned char server[32], mbedtls_tls_prf_types prf)
{
	if (type == MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET && len == 48)
		tls_keys_keep(arg, secret, client, server, prf);
}
#elif defined(MBEDTLS_SSL_EXPORT_KEYS)
static int
tls_keys_cb(void *arg, const unsigned char *master, const unsigned char *block,
    size_t mac_len, size_t key_len, size_t iv_len,
    const unsigned char client[32], const unsigned char server[32],
    mbedtls_tls_prf_types prf)
{
	(void)block;
	(void)mac_len;
	(void)key_len;
	(void)iv_len;
	tls_keys_keep(arg, master, client, server, prf);
	return 0;
}
#endif

/* ---- life -------------------------------------------------------------- */

static void
tls_configure(struct afw_tls *t)
{
	mbedtls_ssl_conf_authmode(&t->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(&t->conf, &t->ca, NULL);
	mbedtls_ssl_conf_verify(&t->conf, tls_verify_cb, &t->peer);
	mbedtls_ssl_conf_rng(&t->conf, mbedtls_ctr_drbg_random, &drbg);
	mbedtls_ssl_conf_ciphersuites(&t->conf, suites);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	mbedtls_ssl_conf_min_tls_version(&t->conf, MBEDTLS_SSL_VERSION_TLS1_2);
#else
	mbedtls_ssl_conf_min_version(
	    &t->conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
	mbedtls_ssl_conf_session_tickets(
	    &t->conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION)
	mbedtls_ssl_conf_renegotiation(
	    &t->conf, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
#if MBEDTLS_VERSION_NUMBER < 0x03000000 && defined(MBEDTLS_SSL_EXPORT_KEYS)
	mbedtls_ssl_conf_export_keys_ext_cb(&t->conf, tls_keys_cb, t);
#endif
	mbedtls_ssl_conf_legacy_renegotiation(
	    &t->conf, MBEDTLS_SSL_LEGACY_NO_RENEGOTIATION);
}

/* SNI and the name to check; an address is checked by tls_verify_cb. */
static int
tls_set_host(struct afw_tls *t, const char *host)
{
	if (host[0] == '\0') {
		errno = EINVAL;
		return -1;
	}
	t->peer.is_addr = afw_addr_parse(&t->peer.addr, host) == 0;
	switch (
	    mbedtls_ssl_set_hostname(&t->ssl, t->peer.is_addr ? NULL : host)) {
	case 0:
		return 0;
	case MBEDTLS_ERR_SSL_ALLOC_FAILED:
		errno = ENOMEM;
		return -1;
	default:
		errno = EINVAL;
		return -1;
	}
}

static int
tls_set_ca(struct afw_tls *t, const char *ca, size_t len)
{
	char *pem;
	int r;

	/* the parser takes PEM only with the NUL counted in */
	if ((pem = malloc(len + 1)) == NULL)
		return -1;
	memcpy(pem, ca, len);
	pem[len] = '\0';
	r = mbedtls_x509_crt_parse(&t->ca, (unsigned char *)pem, len + 1);
	free(pem);
	if (r == MBEDTLS_ERR_X509_ALLOC_FAILED) {
		errno = ENOMEM;
		return -1;
	}
	if (r < 0 || t->ca.raw.p == NULL) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

static int
tls_setup(struct afw_tls *t, const char *host, const char *ca, size_t ca_len)
{
	if (tls_set_ca(t, ca, ca_len) == -1)
		return -1;
	if (tls_seed() == -1 ||
	    mbedtls_ssl_config_defaults(&t->conf, MBEDTLS_SSL_IS_CLIENT,
		MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0)
		goto nomem;
	tls_configure(t);
	if (mbedtls_ssl_setup(&t->ssl, &t->conf) != 0)
		goto nomem;
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	mbedtls_ssl_set_export_keys_cb(&t->ssl, tls_keys_cb, t);
#endif
	mbedtls_ssl_set_bio(&t->ssl, t, io_send_cb, io_recv_cb, NULL);
	return tls_set_host(t, host);
nomem:
	errno = ENOMEM;
	return -1;
}

struct afw_tls *
afw_tls_new(int fd, const char *host, const char *ca, size_t ca_len)
{
	struct afw_tls *t = calloc(1, sizeof(*t));
	int e;

	if (t == NULL) {
		(void)close(fd);
		errno = ENOMEM;
		return NULL;
	}
	t->fd = fd;
	t->error = "handshake failed";
	mbedtls_ssl_init(&t->ssl);
	mbedtls_ssl_config_init(&t->conf);
	mbedtls_x509_crt_init(&t->ca);
	if (tls_setup(t, host, ca, ca_len) == -1) {
		e = errno;
		afw_tls_free(t);
		errno = e;
		return NULL;
	}
	return t;
}

void
afw_tls_free(struct afw_tls *t)
{
	if (t == NULL)
		return;
	(void)close(t->fd);
	record_free(t->record);
	afw_wipe(&t->keys, sizeof(t->keys));
	mbedtls_ssl_free(&t->ssl);
	mbedtls_ssl_config_free(&t->conf);
	mbedtls_x509_crt_free(&t->ca);
	free(t->out);
	afw_wipe(t->in, sizeof(t->in)); /* what was read is decrypted here */
	free(t);
}

/* ---- use --------------------------------------------------------------- */

/* Codes after which the same call is simply made again. */
static bool
tls_again(int code)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	if (code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
		return true;
#endif
	return code == MBEDTLS_ERR_SSL_WANT_READ ||
	    code == MBEDTLS_ERR_SSL_WANT_WRITE;
}

int
afw_tls_handshake(struct afw_tls *t)
{
	int r;

	if (t->up)
		return 1;
	if (t->lost)
		return -1;
	r = mbedtls_ssl_handshake(&t->ssl);
	if (r != 0 && !tls_again(r)) {
		error_set(t, r);
		return -1;
	}
	if (afw_tls_flush(t) == -1)
		return -1;
	if (r != 0)
		return 0;
	t->up = true;
	t->error = "connection lost";
	fast_start(t);
	return 1;
}

ssize_t
afw_tls_read(struct afw_tls *t, void *buf, size_t size)
{
	int r;

	if (!t->up || size == 0) {
		errno = EPROTO;
		return -1;
	}
	if (t->lost) {
		errno = ECONNRESET;
		return -1;
	}
	if (t->record != NULL)
		return fast_read(t, buf, size);
	do
		r = mbedtls_ssl_read(&t->ssl, buf, size);
	while (tls_again(r) && r != MBEDTLS_ERR_SSL_WANT_WRITE &&
	    t->in_head < t->in_tail);
	if (r > 0)
		return r;
	if (r == 0) /* so mbedTLS says it here */
		r = MBEDTLS_ERR_SSL_CONN_EOF;
	if (tls_again(r)) {
		errno = EAGAIN;
		return -1;
	}
	if (r == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		return 0;
	error_set(t, r);
	errno = t->sys_errno != 0 || r == MBEDTLS_ERR_SSL_CONN_EOF ? ECONNRESET
								   : EPROTO;
	return -1;
}

bool
afw_tls_pending(const struct afw_tls *t)
{
	if (t->record != NULL)
		return fast_pending(t);
	return t->in_head < t->in_tail ||
	    mbedtls_ssl_get_bytes_avail(&t->ssl) > 0;
}

int
afw_tls_write(struct afw_tls *t, const void *data, size_t len)
{
	int r;

	if (!t->up || t->lost || len > RECORD_MAX) {
		errno = EPROTO;
		return -1;
	}
	if (afw_tls_queued(t) + len + RECORD_COST > OUT_LIMIT ||
	    !io_out_room(t, len + RECORD_COST)) {
		errno = ENOBUFS;
		return -1;
	}
	if (t->record != NULL) {
		fast_write(t, data, len);
		return 0;
	}
	r = mbedtls_ssl_write(&t->ssl, data, len);
	if (r >= 0 && (size_t)r == len)
		return 0;
	error_set(t, r);
	errno = EPROTO;
	return -1;
}

void
afw_tls_bye(struct afw_tls *t)
{
	if (!t->up || t->lost)
		return;
	if (t->record != NULL)
		fast_bye(t);
	else
		(void)mbedtls_ssl_close_notify(&t->ssl);
}

int
afw_tls_fd(const struct afw_tls *t)
{
	return t->fd;
}
