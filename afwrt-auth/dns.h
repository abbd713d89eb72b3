/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_DNS_H
#define AFWRT_AUTH_DNS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/wire/addr.h"

#define DNS_QUERY_MAX 512
#define DNS_NAME_MAX  256
#define DNS_ADDRS_MAX 8

enum dns_result {
	DNS_FOREIGN,   /* not an answer to this question: ignore it */
	DNS_TRUNCATED, /* ask by TCP */
	DNS_REFUSED,   /* this server cannot say */
	DNS_NO_NAME,
	DNS_ALIAS, /* only a CNAME: alias is to be asked for */
	DNS_ADDRS  /* n may be 0: the name has none of this family */
};

struct dns_answer {
	struct afw_addr addrs[DNS_ADDRS_MAX];
	size_t n;
	uint32_t ttl; /* the smallest, in s */
	char alias[DNS_NAME_MAX];
};

/* A query for the addresses (4 or 6) of name. Its length, or -1: no name. */
int dns_query(uint8_t buf[DNS_QUERY_MAX], uint16_t id, const char *name,
    unsigned int family);
enum dns_result dns_parse(const uint8_t *msg, size_t len, uint16_t id,
    const char *name, unsigned int family, struct dns_answer *a);

#endif
