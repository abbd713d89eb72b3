/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_ANSWER_H
#define AFWRT_AUTH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "fail.h"

/* What a backend's answer comes to; codes of the table in the contract. */
enum result {
	RES_OK,
	RES_NOT_AUTHORIZED, /* also UNAUTHORIZED, 401, 403 */
	RES_OAUTH_ERROR,
	RES_DEVICES_EXCEED,
	RES_USER_SUSPENDED,
	RES_CARRIER_DISABLED,
	RES_BAD_REQUEST,
	RES_TRAFFIC_EXCEED,
	RES_SESSIONS_EXCEED,
	RES_SERVER_UNAVAILABLE,
	RES_INVALID,
	RES_UNLIMITED,
	RES_TOO_MANY_REQUESTS,
	RES_INTERNAL_SERVER_ERROR,
	RES_OTHER,     /* a code nobody told us of */
	RES_TRANSPORT, /* no answer, see fail */
	RES_UNREADABLE /* no JSON object with a result, see fail */
};

struct answer {
	enum result result;
	struct fail fail; /* NONE for RES_OK */
	json_t *json;     /* the object, or NULL */
	const char *body; /* as it came */
	size_t len;
};

/* Before all else: what jansson frees is wiped, also what its parser copied on
 * the way. */
void answer_setup(void);
/* Reads an HTTP answer. Free with answer_free. */
void answer_read(struct answer *a, int status, const char *body, size_t len);
/* There was no answer. */
void answer_transport(struct answer *a, const struct fail *why);
/* Wipes every string. */
void answer_free(struct answer *a);
/* The backend can be asked again, or another one can. */
bool answer_retry(const struct answer *a);
/* Repeating the call with the same data cannot cure it. */
bool answer_permanent(const struct answer *a);

/* A number, or a string of digits. False: absent or neither. */
bool json_number(const json_t *obj, const char *key, uint64_t *v);
/* The same as Unix seconds; milliseconds are told by their size. */
bool json_time(const json_t *obj, const char *key, uint64_t *v);
/* A string that fits and has no control characters; else "" and false. */
bool json_text(const json_t *obj, const char *key, char *buf, size_t size);
/* Overwrites all strings in it and lets go of it. */
void json_wipe(json_t *j);

#endif
