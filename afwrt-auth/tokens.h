/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_TOKENS_H
#define AFWRT_AUTH_TOKENS_H

#include "backend.h"

struct tokens_call;

void tokens_set(const char *token);
bool tokens_have(void);
/* What logins made by the suite use; method "" is "anonymous". */
void tokens_set_credentials(const char *method, const char *token);

/*
 * Logs in with the stored credentials. One login at a time: who asks while
 * one is on its way gets its answer. The new token is told to afwrtd, a
 * refusal too. cb runs once, from the loop. anew: the credentials changed, so
 * one on its way is begun again.
 */
void tokens_login(bool anew, backend_cb cb, void *arg);
void tokens_forget(const void *arg); /* cb of a login will not run */
/* The token of the last good login, "" if there is none. */
const char *tokens_get(void);

/*
 * A call with the access token: logs in first if there is none, and once
 * more when the backend does not take the one we have.
 */
struct tokens_call *tokens_call(
    enum call call, struct params *p, backend_cb cb, void *arg);
void tokens_cancel(struct tokens_call *c);

#endif
