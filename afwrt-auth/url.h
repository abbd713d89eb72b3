/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_URL_H
#define AFWRT_AUTH_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/wire/msg.h"

/* The address of a backend. */
struct url {
	enum { URL_HTTPS = 1, URL_HTTP, URL_FILE } scheme;
	char host[256]; /* a name, or an address without brackets */
	uint16_t port;
	char path[AFW_URL_SIZE]; /* "" or "/x", never ends in '/' */
	bool loopback;           /* host is the loopback itself */
};

/*
 * https://host[:port][/path], http:// the same for loopback only, or
 * file:/path. NULL, or a sentence that says what is wrong with text.
 */
const char *url_parse(struct url *u, const char *text);
/* The host is "localhost" or an address of the loopback. */
bool url_is_loopback(const char *host);
/* As a Host header has it: brackets around IPv6, no standard port. */
const char *url_host_print(
    const char *host, uint16_t port, uint16_t standard, char *buf, size_t size);

#endif
