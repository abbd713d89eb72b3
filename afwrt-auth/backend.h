/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_BACKEND_H
#define AFWRT_AUTH_BACKEND_H

#include "answer.h"
#include "params.h"

struct backend_call;

enum call {
	CALL_LOGIN,
	CALL_LOCATIONS,
	CALL_COUNTRIES,
	CALL_PROVIDE,
	CALL_VERIFY
};

/* The answer is good during the call only. */
typedef void (*backend_cb)(void *arg, const struct answer *a);

void backend_configure(const struct afw_m_auth_config *c);
/* The i-th of the list. NULL, or a sentence that says what is wrong. */
const char *backend_set(uint32_t i, const char *url);
bool backend_is_configured(void);
const struct afw_m_auth_config *backend_config(void);
/*
 * Of the connections to backends. v4v6_policy is about nodes, so it excludes
 * nothing here, but it says which family comes first.
 */
enum afw_v4v6 backend_policy(void);
/* The list starts with a file: backend. */
bool backend_is_file(void);

/*
 * Makes a call at the configured backends, with repetitions; takes the
 * contents of p. cb runs once, from the loop.
 */
struct backend_call *backend_call(
    enum call call, struct params *p, backend_cb cb, void *arg);
/* The same at one other place. NULL and *why: url is no good. */
struct backend_call *backend_call_at(const char *url, enum call call,
    struct params *p, const char **why, backend_cb cb, void *arg);
void backend_cancel(struct backend_call *c);

#endif
