/* SPDX-License-Identifier: ISC */
/* Why a connection failed, in the words of `tls: <text>`. */
#include <errno.h>

#include "tls_priv.h"

static const char *
errno_text(int e)
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
code_text(int code, bool up)
{
	switch (code) {
	case MBEDTLS_ERR_SSL_CONN_EOF:
	case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
		return "connection closed";
	case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
		return "refused by the server";
	case MBEDTLS_ERR_SSL_INVALID_RECORD:
		return up ? "bad record" : "not a tls server";
#if MBEDTLS_VERSION_NUMBER < 0x03000000
	case MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION:
#else
	case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
#endif
		return "protocol version too old";
	case MBEDTLS_ERR_SSL_ALLOC_FAILED:
		return "out of memory";
	default:
		return up ? "bad record" : "handshake failed";
	}
}

void
error_set(struct afw_tls *t, int code)
{
	uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);

	if (flags == UINT32_MAX)
		flags = 0;
	flags |= t->peer.flags;
	if (t->sys_errno != 0)
		t->error = errno_text(t->sys_errno);
	else if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED)
		t->error = tls_verify_text(flags);
	else if (!t->up && (-code & 0xf000) == 0x2000)
		t->error = "bad certificate"; /* X.509 module, unreadable */
	else
		t->error = code_text(code, t->up);
	if (!t->lost && t->sys_errno == 0)
		(void)afw_tls_flush(t);
	t->lost = true;
}

const char *
afw_tls_error(const struct afw_tls *t)
{
	return t->error;
}
