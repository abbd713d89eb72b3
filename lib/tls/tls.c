/* SPDX-License-Identifier: ISC */
/*
 * mbedTLS between a socket and its owner. mbedTLS never sees the socket: its
 * send callback appends to an output buffer, so that many records leave in
 * one send(), and its receive callback takes from an input buffer that is
 * filled by large recv() calls. The output buffer grows to OUT_LIMIT for
 * records of the owner; what mbedTLS says on its own (handshake, alerts) may
 * go OUT_SLACK beyond it.
 */
#include "tls.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include "lib/wire/addr.h"
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
	uint8_t *out;
	size_t out_head, out_tail, out_size;
	size_t in_head, in_tail;
	uint8_t in[IN_SIZE];
};

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

/* ---- between mbedTLS and the socket ------------------------------------ */

static bool
tls_out_room(struct afw_tls *t, size_t len)
{
	size_t have = t->out_tail - t->out_head, size;
	uint8_t *p;

	if (have + len > OUT_LIMIT + OUT_SLACK)
		return false;
	if (t->out_tail + len <= t->out_size)
		return true;
	if (t->out_head > 0) {
		memmove(t->out, t->out + t->out_head, have);
		t->out_head = 0;
		t->out_tail = have;
		if (have + len <= t->out_size / 2)
			return true;
	}
	size = t->out_size == 0 ? OUT_FIRST : t->out_size;
	while (size < have + len)
		size *= 2;
	if (size == t->out_size)
		return true;
	if ((p = realloc(t->out, size)) == NULL)
		return false;
	t->out = p;
	t->out_size = size;
	return true;
}

static int
tls_send_cb(void *arg, const unsigned char *buf, size_t len)
{
	struct afw_tls *t = arg;

	if (!tls_out_room(t, len))
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	memcpy(t->out + t->out_tail, buf, len);
	t->out_tail += len;
	return (int)len;
}

/* 1 there are bytes, or what mbedTLS shall be told. */
static int
tls_fill(struct afw_tls *t)
{
	ssize_t n;

	if (t->in_head < t->in_tail)
		return 1;
	do
		n = recv(t->fd, t->in, sizeof(t->in), 0);
	while (n == -1 && errno == EINTR);
	if (n == 0)
		return MBEDTLS_ERR_SSL_CONN_EOF;
	if (n == -1 && (errno == EAGAIN || errno == ENOTCONN))
		return MBEDTLS_ERR_SSL_WANT_READ;
	if (n == -1) {
		t->sys_errno = errno;
		return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
	}
	t->in_head = 0;
	t->in_tail = (size_t)n;
	return 1;
}

static int
tls_recv_cb(void *arg, unsigned char *buf, size_t len)
{
	struct afw_tls *t = arg;
	int r = tls_fill(t);

	if (r != 1)
		return r;
	if (len > t->in_tail - t->in_head)
		len = t->in_tail - t->in_head;
	memcpy(buf, t->in + t->in_head, len);
	t->in_head += len;
	return (int)len;
}

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
	mbedtls_ssl_set_bio(&t->ssl, t, tls_send_cb, tls_recv_cb, NULL);
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
	mbedtls_ssl_free(&t->ssl);
	mbedtls_ssl_config_free(&t->conf);
	mbedtls_x509_crt_free(&t->ca);
	free(t->out);
	free(t);
}

/* ---- errors ------------------------------------------------------------ */

static const char *
tls_errno_text(int e)
{
	switch (e) {
	case ECONNREFUSED:
		return "connection refused";
	case ETIMEDOUT:
		return "timed out";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "unreachable";
	default:
		return "connection reset";
	}
}

static const char *
tls_code_text(int code)
{
	switch (code) {
	case MBEDTLS_ERR_SSL_CONN_EOF:
	case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
		return "connection closed";
	case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
		return "refused by the server";
	case MBEDTLS_ERR_SSL_INVALID_RECORD:
		return "not a tls server";
#if MBEDTLS_VERSION_NUMBER < 0x03000000
	case MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION:
#else
	case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
#endif
		return "protocol version too old";
	case MBEDTLS_ERR_SSL_ALLOC_FAILED:
		return "out of memory";
	default:
		return "handshake failed";
	}
}

/* Notes why; whatever alert mbedTLS has made goes out if it can. */
static void
tls_fail(struct afw_tls *t, int code)
{
	uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);

	if (flags == UINT32_MAX)
		flags = 0;
	flags |= t->peer.flags;
	if (t->sys_errno != 0)
		t->error = tls_errno_text(t->sys_errno);
	else if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED)
		t->error = tls_verify_text(flags);
	else if (!t->up && (-code & 0xf000) == 0x2000)
		t->error = "bad certificate"; /* X.509 module, unreadable */
	else
		t->error = tls_code_text(code);
	if (!t->lost && t->sys_errno == 0)
		(void)afw_tls_flush(t);
	t->lost = true;
}

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

const char *
afw_tls_error(const struct afw_tls *t)
{
	return t->error;
}

/* ---- use --------------------------------------------------------------- */

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
		tls_fail(t, r);
		return -1;
	}
	if (afw_tls_flush(t) == -1)
		return -1;
	if (r != 0)
		return 0;
	t->up = true;
	t->error = "connection lost";
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
	tls_fail(t, r);
	errno = t->sys_errno != 0 || r == MBEDTLS_ERR_SSL_CONN_EOF ? ECONNRESET
								   : EPROTO;
	return -1;
}

bool
afw_tls_pending(const struct afw_tls *t)
{
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
	    !tls_out_room(t, len + RECORD_COST)) {
		errno = ENOBUFS;
		return -1;
	}
	r = mbedtls_ssl_write(&t->ssl, data, len);
	if (r >= 0 && (size_t)r == len)
		return 0;
	tls_fail(t, r);
	errno = EPROTO;
	return -1;
}

int
afw_tls_flush(struct afw_tls *t)
{
	ssize_t n;

	while (t->out_head < t->out_tail) {
		n = send(t->fd, t->out + t->out_head, t->out_tail - t->out_head,
		    MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == ENOTCONN))
			return 0;
		if (n == -1) {
			t->sys_errno = errno;
			t->error = tls_errno_text(errno);
			t->lost = true;
			return -1;
		}
		t->out_head += (size_t)n;
	}
	t->out_head = t->out_tail = 0;
	return 1;
}

size_t
afw_tls_queued(const struct afw_tls *t)
{
	return t->out_tail - t->out_head;
}

void
afw_tls_bye(struct afw_tls *t)
{
	if (t->up && !t->lost)
		(void)mbedtls_ssl_close_notify(&t->ssl);
}

int
afw_tls_fd(const struct afw_tls *t)
{
	return t->fd;
}

short
afw_tls_events(const struct afw_tls *t)
{
	return afw_tls_queued(t) > 0 ? POLLIN | POLLOUT : POLLIN;
}
