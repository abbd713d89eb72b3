/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_PARAMS_H
#define AFWRT_AUTH_PARAMS_H

#include <stddef.h>

#define PARAMS_MAX 12

/* The named values of a call; copied, wiped when cleared. */
struct params {
	struct {
		const char *key; /* static text */
		char *value;
	} p[PARAMS_MAX];
	size_t n;
};

/* NULL and "" are left out; a key that is there gets the new value. */
void params_set(struct params *p, const char *key, const char *value);
/* "" if there is none. */
const char *params_get(const struct params *p, const char *key);
/* key=value&… with everything escaped that is not unreserved; malloced. */
char *params_encode(const struct params *p);
void params_clear(struct params *p);

#endif
