/* SPDX-License-Identifier: ISC */
#ifndef AFW_TESTS_AUTH_DNS_H
#define AFW_TESTS_AUTH_DNS_H

#include <sys/types.h>

#define AUTH_DNS_SERVER "127.0.0.77"

/*
 * A nameserver on loopback, UDP and TCP. Every name is 127.0.0.1; by its
 * first label: gone (no such name), cut (by TCP only), alias (a CNAME to
 * else.test alone), chain (that and its address), forged (two lies first).
 */
pid_t auth_dns_start(void);

#endif
