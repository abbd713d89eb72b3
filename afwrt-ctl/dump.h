/* SPDX-License-Identifier: ISC */
#ifndef CTL_DUMP_H
#define CTL_DUMP_H

#include <jansson.h>

#include <stddef.h>

/*
 * The configuration as it is now: the file that was read, with the rules and
 * the account in use. Started again it is the same.
 */

/* Takes the reference of config, which was read from path. */
void dump_begin(const char *path, json_t *config);
/* The file that was read, with its whole path; "" before begin. */
const char *dump_path(void);
/* An event of the library: a new token is noted. */
void dump_event(const char *json);
/* afwrt_register_device was successful; auth_token may be NULL. */
void dump_registered(
    const char *method, const char *auth_token, const char *token);
/* The file was read again: c is in it, former is what was in force of it. */
void dump_reloaded(const json_t *former, const json_t *c);
/* To path, or to the file that was read if that is NULL. 0, or -1 and a
 * sentence. */
int dump_write(const char *path, char *why, size_t size);
void dump_forget(void);

#endif
