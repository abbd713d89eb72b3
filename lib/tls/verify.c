/* SPDX-License-Identifier: ISC */
/*
 * What mbedTLS leaves to us of checking a certificate: 2.28 does not compare
 * iPAddress names (RFC 5280, 4.2.1.6), and its flags want words.
 */
#include "verify.h"

#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/x509.h>

#define TAG_IP (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_X509_SAN_IP_ADDRESS)

#ifndef MBEDTLS_X509_SAN_IP_ADDRESS
#define MBEDTLS_X509_SAN_IP_ADDRESS 7
#endif

static bool
verify_addr(const mbedtls_x509_crt *crt, const struct afw_addr *a)
{
	size_t len = a->family == 4 ? 4 : 16;
	const mbedtls_x509_sequence *s;

	for (s = &crt->subject_alt_names; s != NULL; s = s->next)
		if (s->buf.tag == TAG_IP && s->buf.len == len &&
		    memcmp(s->buf.p, a->b, len) == 0)
			return true;
	return false;
}

int
tls_verify_cb(void *arg, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct tls_peer *p = arg;

	if (depth == 0 && p->is_addr && !verify_addr(crt, &p->addr))
		*flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
	p->flags |= *flags;
	return 0;
}

const char *
tls_verify_text(uint32_t flags)
{
	static const struct {
		uint32_t flags;
		const char *text;
	} words[] = {
	    {MBEDTLS_X509_BADCERT_REVOKED, "revoked"},
	    {MBEDTLS_X509_BADCERT_MISSING, "no certificate"},
	    {MBEDTLS_X509_BADCERT_BAD_KEY | MBEDTLS_X509_BADCERT_BAD_PK,
		"weak key"},
	    {MBEDTLS_X509_BADCERT_BAD_MD, "weak signature"},
	    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, "unknown authority"},
	    {MBEDTLS_X509_BADCERT_FUTURE, "not yet valid"},
	    {MBEDTLS_X509_BADCERT_EXPIRED, "expired"},
	    {MBEDTLS_X509_BADCERT_CN_MISMATCH, "wrong name"},
	    {MBEDTLS_X509_BADCERT_KEY_USAGE |
		    MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
		    MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
		"not a server certificate"},
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((flags & words[i].flags) != 0)
			return words[i].text;
	return "bad certificate";
}
