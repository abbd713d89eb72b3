/* SPDX-License-Identifier: ISC */
/*
 * The records of TLS 1.2 once mbedTLS has made the handshake: application
 * data and alerts, protected by record_*.c. A record is opened in the input
 * buffer or into the reader's own. There is no renegotiation.
 */
#include <errno.h>
#include <string.h>

#include "lib/wire/channel.h"
#include "tls_priv.h"

#define BODY_MAX (RECORD_MAX + 2048) /* RFC 5246, 6.2.3 */
#define IDLE_MAX 32                  /* records without data in a row */

enum alert {
	CLOSE_NOTIFY = 0,
	UNEXPECTED_MESSAGE = 10,
	BAD_RECORD_MAC = 20,
	RECORD_OVERFLOW = 22,
	DECODE_ERROR = 50,
	PROTOCOL_VERSION = 70,
	NO_RENEGOTIATION = 100
};
enum level { WARNING = 1, FATAL };

void
fast_start(struct afw_tls *t)
{
	t->record = record_new(&t->keys, mbedtls_ssl_get_ciphersuite(&t->ssl));
	afw_wipe(&t->keys, sizeof(t->keys));
	if (t->record != NULL)
		mbedtls_ssl_free(&t->ssl); /* its buffers are not small */
}

/* ---- out --------------------------------------------------------------- */

void
fast_write(struct afw_tls *t, const void *data, size_t len)
{
	t->out_tail += record_seal(
	    t->record, RECORD_DATA, data, len, t->out + t->out_tail);
}

static void
fast_alert(struct afw_tls *t, enum level level, enum alert alert)
{
	uint8_t text[2] = {(uint8_t)level, (uint8_t)alert};

	if (io_out_room(t, RECORD_COST))
		t->out_tail += record_seal(t->record, RECORD_ALERT, text,
		    sizeof(text), t->out + t->out_tail);
}

void
fast_bye(struct afw_tls *t)
{
	fast_alert(t, WARNING, CLOSE_NOTIFY);
}

/* ---- in ---------------------------------------------------------------- */

/* Bytes after the head of the record at the front; -1: no whole head. */
static ssize_t
body_len(const struct afw_tls *t)
{
	const uint8_t *p = t->in + t->in_head;

	if (t->in_tail - t->in_head < RECORD_HEAD)
		return -1;
	return (ssize_t)p[3] << 8 | p[4];
}

static bool
whole_record(const struct afw_tls *t)
{
	ssize_t len = body_len(t);

	/* one that is too long is to be refused, not waited for */
	return len > BODY_MAX ||
	    (len != -1 && t->in_tail - t->in_head >= RECORD_HEAD + (size_t)len);
}

bool
fast_pending(const struct afw_tls *t)
{
	return t->plain_len > 0 || whole_record(t);
}

/* The peer broke the rules. */
static ssize_t
fast_refuse(struct afw_tls *t, enum alert alert)
{
	fast_alert(t, FATAL, alert);
	error_set(t,
	    alert == BAD_RECORD_MAC ? MBEDTLS_ERR_SSL_INVALID_MAC
				    : MBEDTLS_ERR_SSL_INVALID_RECORD);
	errno = EPROTO;
	return -1;
}

/* The connection ended, or (1) there is more to decrypt. */
static int
fast_fill(struct afw_tls *t)
{
	int r;

	if (t->in_head > 0) {
		memmove(t->in, t->in + t->in_head, t->in_tail - t->in_head);
		t->in_tail -= t->in_head;
		t->in_head = 0;
	}
	r = io_fill(t);
	if (r == 1)
		return 1;
	if (r == MBEDTLS_ERR_SSL_WANT_READ) {
		errno = EAGAIN;
		return -1;
	}
	error_set(t, r);
	errno = ECONNRESET;
	return -1;
}

/* 1 go on, 0 the peer said good bye, -1 with errno. */
static int
fast_alert_came(struct afw_tls *t, const uint8_t *text, size_t len)
{
	if (len != 2)
		return (int)fast_refuse(t, DECODE_ERROR);
	if (text[1] == CLOSE_NOTIFY) {
		t->bye = true;
		return 0;
	}
	if (text[0] != FATAL)
		return 1;
	error_set(t, MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
	errno = EPROTO;
	return -1;
}

/* What is no data, opened; as fast_alert_came. */
static int
fast_other(struct afw_tls *t, int type, const uint8_t *text, size_t len)
{
	static const uint8_t hello_request[4];

	if (type == RECORD_ALERT)
		return fast_alert_came(t, text, len);
	if (type == RECORD_HANDSHAKE && len == sizeof(hello_request) &&
	    memcmp(text, hello_request, len) == 0) {
		fast_alert(t, WARNING, NO_RENEGOTIATION);
		return 1;
	}
	return (int)fast_refuse(t, UNEXPECTED_MESSAGE);
}

/*
 * The record at the front. Data goes into buf if it fits, else it stays in
 * in[]. Bytes of it; 0 none, go on; -1 the end, as errno and bye say.
 */
static ssize_t
fast_record(struct afw_tls *t, uint8_t *buf, size_t size)
{
	uint8_t *rec = t->in + t->in_head;
	size_t len = (size_t)body_len(t);
	ssize_t plain = record_plain_len(t->record, len);
	bool direct = rec[0] == RECORD_DATA && plain <= (ssize_t)size;
	uint8_t *to = direct ? buf : rec + RECORD_HEAD;

	if (rec[1] != 3 || rec[2] != 3)
		return fast_refuse(t, PROTOCOL_VERSION);
	if (plain > RECORD_MAX || len > BODY_MAX)
		return fast_refuse(t, RECORD_OVERFLOW);
	if (plain == -1 || record_open(t->record, rec, len, to) == -1)
		return fast_refuse(t, BAD_RECORD_MAC);
	t->in_head += RECORD_HEAD + len;
	t->idle = rec[0] == RECORD_DATA && plain > 0 ? 0 : t->idle + 1;
	if (t->idle > IDLE_MAX) /* they keep us busy with nothing */
		return fast_refuse(t, UNEXPECTED_MESSAGE);
	if (rec[0] != RECORD_DATA)
		return fast_other(t, rec[0], to, (size_t)plain) == 1 ? 0 : -1;
	if (!direct) {
		t->plain_at = (size_t)(to - t->in);
		t->plain_len = (size_t)plain;
	}
	return plain;
}

/* What is left of a record that did not fit. */
static ssize_t
fast_rest(struct afw_tls *t, void *buf, size_t size)
{
	size_t n = size < t->plain_len ? size : t->plain_len;

	memcpy(buf, t->in + t->plain_at, n);
	t->plain_at += n;
	t->plain_len -= n;
	return (ssize_t)n;
}

ssize_t
fast_read(struct afw_tls *t, void *buf, size_t size)
{
	ssize_t n;

	if (t->plain_len > 0)
		return fast_rest(t, buf, size);
	while (!t->bye) {
		if (!whole_record(t)) {
			if (fast_fill(t) == -1)
				return -1;
			continue;
		}
		n = fast_record(t, buf, size);
		if (n > 0 && t->plain_len > 0)
			return fast_rest(t, buf, size);
		if (n > 0 || (n == -1 && !t->bye))
			return n;
	}
	return 0;
}
