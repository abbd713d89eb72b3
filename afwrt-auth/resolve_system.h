/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_RESOLVE_SYSTEM_H
#define AFWRT_AUTH_RESOLVE_SYSTEM_H

#include <stddef.h>

#include "lib/wire/addr.h"

/* The nameservers of resolv.conf, at least one; how many. */
size_t system_servers(const struct afw_addr **servers);
/* Addresses that need no server: text, localhost, /etc/hosts. How many. */
size_t system_lookup(const char *name, struct afw_addr *found, size_t max);

#endif
