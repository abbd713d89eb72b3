/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_TYPES_H
#define AFWRTD_TYPES_H

#include "routes.h"

/*
 * Of what type a location is: what the list of afwrt-auth says, else the
 * configuration's "type". A route that is set keeps the type it has.
 */

/* Asks for it and notes it in r, which the caller holds; silence is consent.
 * cb gets AFW_ENOENT, with m, when the backend has no such location. */
void types_ask(
    struct route *r, unsigned int ms, bool rules, afw_reply_cb cb, void *arg);
/* Notes what an answer to LOCATION_CHECK says. */
void types_note(struct route *r, const struct afw_msg *m);
/* The type that r is set up with; rules: some use it, or will. */
void types_settle(struct route *r, bool rules);
/* AFW_OK, or a code and why a location of this type cannot be had. */
unsigned int types_refuse(const struct route *r, bool rules, const char **why);

bool types_is_wg(const struct route *r);

#endif
