/* SPDX-License-Identifier: ISC */
#ifndef AFW_TLS_VERIFY_H
#define AFW_TLS_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include <mbedtls/x509_crt.h>

#include "lib/wire/addr.h"

/* Whom a certificate must be for, and what was wrong with the chain so far. */
struct tls_peer {
	bool is_addr;
	struct afw_addr addr; /* compared with iPAddress names */
	uint32_t flags;       /* MBEDTLS_X509_BADCERT_, of the whole chain */
};

/* For mbedtls_ssl_conf_verify; arg is a struct tls_peer. */
int tls_verify_cb(void *arg, mbedtls_x509_crt *crt, int depth, uint32_t *flags);
/* The gravest of the flags in a few words; static. */
const char *tls_verify_text(uint32_t flags);

#endif
