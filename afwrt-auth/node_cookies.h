/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_NODE_COOKIES_H
#define AFWRT_AUTH_NODE_COOKIES_H

#include <stdbool.h>
#include <stddef.h>

#define COOKIES_MAX 12

/* The cookies of one login at one node. */
struct cookies {
	struct cookie {
		char *name, *value;
	} c[COOKIES_MAX];
	size_t n;
};

/* From the value of a Set-Cookie header; attributes are not looked at. An
 * empty value removes the cookie. */
void cookies_set(struct cookies *c, const char *header);
const char *cookies_get(const struct cookies *c, const char *name);
/* A Cookie header line with its CRLF, or "" if there are none. */
void cookies_print(const struct cookies *c, char *buf, size_t size);
/* Wipes and forgets them all. */
void cookies_clear(struct cookies *c);
/* Only characters that RFC 6265 allows in a value, and not too many. */
bool cookies_value_ok(const char *v);

#endif
