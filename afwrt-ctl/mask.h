/* SPDX-License-Identifier: ISC */
#ifndef CTL_MASK_H
#define CTL_MASK_H

#include <jansson.h>

#include <stddef.h>

/*
 * Secrets out of what others will read. First by the name of the key; what
 * was found there is then looked for everywhere else.
 */

#define MASK "***"

/* Replaces what a key's name gives away, and user:password@ in addresses;
 * what it was is remembered. */
void mask_json(json_t *o);
/* One more that is known. */
void mask_remember(const char *secret);
/* Replaces what is remembered, wherever it stands; for free(). */
char *mask_text(const char *text);
/* Wipes what is remembered. */
void mask_forget(void);

#endif
