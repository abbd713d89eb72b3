/* SPDX-License-Identifier: ISC */
#ifndef AFW_TLS_TLS_H
#define AFW_TLS_TLS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * One TLS client connection by mbedTLS over a non-blocking socket. TLS 1.2 or
 * newer, AEAD suites only, certificate chain, name and dates always checked.
 * No event loop in here: the owner polls the fd for afw_tls_events().
 */
struct afw_tls;

/*
 * Takes fd (connecting or connected). host is used for SNI and is what the
 * certificate must be for: a name, or an IP address as text (then no SNI, and
 * the certificate's iPAddress is compared). ca is PEM, one or more
 * certificates; it is copied. NULL with errno ENOMEM or EINVAL (no usable
 * certificate in ca); fd is closed then.
 */
struct afw_tls *afw_tls_new(
    int fd, const char *host, const char *ca, size_t ca_len);
/* Closes the fd without a word (afw_tls_bye sends close_notify). */
void afw_tls_free(struct afw_tls *t);

/* 1 done, 0 not yet (see events), -1 failed (see error). */
int afw_tls_handshake(struct afw_tls *t);
/* Why the last call failed; text for `tls: <text>`: "expired",
 * "not yet valid", "unknown authority", "wrong name", "handshake failed",
 * "connection closed" ... Static or inside t. */
const char *afw_tls_error(const struct afw_tls *t);

/*
 * Bytes read (at most one record at a time); 0 the peer closed in order
 * (close_notify); -1 with errno EAGAIN, ECONNRESET (also an end of file
 * without close_notify) or EPROTO. Input is read ahead: go on until EAGAIN,
 * or come back without waiting for the fd while afw_tls_pending.
 */
ssize_t afw_tls_read(struct afw_tls *t, void *buf, size_t size);
bool afw_tls_pending(const struct afw_tls *t);
/*
 * Encrypts data (at most 16 KiB) as exactly one record into the output
 * buffer; nothing is sent before afw_tls_flush, so that many records leave in
 * one system call. 0, or -1: ENOBUFS the buffer is over its limit, EPROTO.
 */
int afw_tls_write(struct afw_tls *t, const void *data, size_t len);
/* 1 all is out, 0 more to send (see events), -1 the connection is lost. */
int afw_tls_flush(struct afw_tls *t);
/* Bytes encrypted and not yet taken by the kernel. */
size_t afw_tls_queued(const struct afw_tls *t);
/* close_notify into the output buffer. */
void afw_tls_bye(struct afw_tls *t);

int afw_tls_fd(const struct afw_tls *t);
/* POLLIN and, while something waits to be sent, POLLOUT. */
short afw_tls_events(const struct afw_tls *t);

#endif
