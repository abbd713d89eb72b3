/* SPDX-License-Identifier: ISC */
#include "answer.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/wire/channel.h"

#define MS_FROM UINT64_C(100000000000) /* above it a time is in ms */

static const struct {
	const char *code;
	enum result result;
	enum afw_reason reason;
} codes[] = {
    {"OK", RES_OK, AFW_REASON_NONE},
    {"NOT_AUTHORIZED", RES_NOT_AUTHORIZED, AFW_REASON_AUTH},
    {"UNAUTHORIZED", RES_NOT_AUTHORIZED, AFW_REASON_AUTH},
    {"OAUTH_ERROR", RES_OAUTH_ERROR, AFW_REASON_AUTH},
    {"DEVICES_EXCEED", RES_DEVICES_EXCEED, AFW_REASON_LIMIT},
    {"USER_SUSPENDED", RES_USER_SUSPENDED, AFW_REASON_AUTH},
    {"CARRIER_DISABLED", RES_CARRIER_DISABLED, AFW_REASON_AUTH},
    {"BAD_REQUEST", RES_BAD_REQUEST, AFW_REASON_PROTOCOL},
    {"TRAFFIC_EXCEED", RES_TRAFFIC_EXCEED, AFW_REASON_LIMIT},
    {"SESSIONS_EXCEED", RES_SESSIONS_EXCEED, AFW_REASON_LIMIT},
    {"SERVER_UNAVAILABLE", RES_SERVER_UNAVAILABLE, AFW_REASON_NO_SERVER},
    {"INVALID", RES_INVALID, AFW_REASON_NO_SERVER},
    {"UNLIMITED", RES_UNLIMITED, AFW_REASON_NONE},
    {"TOO_MANY_REQUESTS", RES_TOO_MANY_REQUESTS, AFW_REASON_CONNECT},
    {"INTERNAL_SERVER_ERROR", RES_INTERNAL_SERVER_ERROR, AFW_REASON_CONNECT},
};

/* ---- memory ------------------------------------------------------------ */

static void
free_wiped(void *p)
{
	if (p != NULL)
		afw_wipe(p, malloc_usable_size(p));
	free(p);
}

void
answer_setup(void)
{
	json_set_alloc_funcs(malloc, free_wiped);
}

/* ---- values ------------------------------------------------------------ */

bool
json_number(const json_t *obj, const char *key, uint64_t *v)
{
	const json_t *j = json_object_get(obj, key);
	const char *s;

	if (json_is_integer(j) && json_integer_value(j) >= 0) {
		*v = (uint64_t)json_integer_value(j);
		return true;
	}
	if (json_is_real(j) && json_real_value(j) >= 0 &&
	    json_real_value(j) < 1e18) {
		*v = (uint64_t)json_real_value(j);
		return true;
	}
	s = json_string_value(j);
	if (s == NULL || *s == '\0' || strlen(s) > 19 ||
	    strspn(s, "0123456789") != strlen(s))
		return false;
	*v = strtoull(s, NULL, 10);
	return true;
}

bool
json_time(const json_t *obj, const char *key, uint64_t *v)
{
	if (!json_number(obj, key, v))
		return false;
	if (*v > MS_FROM)
		*v /= 1000;
	return true;
}

bool
json_text(const json_t *obj, const char *key, char *buf, size_t size)
{
	const char *s = json_string_value(json_object_get(obj, key));
	size_t i;

	buf[0] = '\0';
	if (s == NULL || strlen(s) >= size)
		return false;
	for (i = 0; s[i] != '\0'; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	(void)strcpy(buf, s);
	return true;
}

static void
wipe_strings(json_t *j)
{
	const char *key;
	json_t *v;
	size_t i;

	if (json_is_string(j))
		afw_wipe((char *)(uintptr_t)json_string_value(j),
		    json_string_length(j));
	json_object_foreach (j, key, v)
		wipe_strings(v);
	json_array_foreach (j, i, v)
		wipe_strings(v);
}

void
json_wipe(json_t *j)
{
	if (j == NULL)
		return;
	wipe_strings(j);
	json_decref(j);
}

/* ---- answers ----------------------------------------------------------- */

static void
answer_code(struct answer *a, const char *code)
{
	char text[AFW_DETAIL_SIZE];
	size_t i, n = sizeof(codes) / sizeof(codes[0]);

	(void)json_text(a->json, "error", text, sizeof(text));
	for (i = 0; i < n; i++)
		if (strcasecmp(codes[i].code, code) == 0)
			break;
	a->result = i < n ? codes[i].result : RES_OTHER;
	if (a->result == RES_OK || a->result == RES_UNLIMITED)
		return;
	fail_set(&a->fail, i < n ? codes[i].reason : AFW_REASON_PROTOCOL,
	    "%.40s%s%s", code, text[0] != '\0' ? ": " : "", text);
}

static void
unreadable(struct answer *a, const char *what, int n)
{
	a->result = RES_UNREADABLE;
	fail_set(&a->fail, AFW_REASON_PROTOCOL, "%s %d", what, n);
}

static void
answer_body(struct answer *a)
{
	json_error_t e;
	const char *code;

	a->json = json_loadb(a->body, a->len, JSON_REJECT_DUPLICATES, &e);
	code = json_string_value(json_object_get(a->json, "result"));
	if (a->json == NULL)
		unreadable(a, "the answer is not JSON: line", e.line);
	else if (code == NULL)
		unreadable(a, "the answer has no result, length", (int)a->len);
	else
		answer_code(a, code);
}

void
answer_read(struct answer *a, int status, const char *body, size_t len)
{
	memset(a, 0, sizeof(*a));
	a->body = body != NULL ? body : "";
	a->len = body != NULL ? len : 0;
	if (status == 200 || status == 400)
		answer_body(a);
	if (status == 200 ||
	    (status == 400 && a->result != RES_UNREADABLE &&
		a->result != RES_OK))
		return;
	if (status == 401 || status == 403)
		answer_code(a, "NOT_AUTHORIZED");
	else if (status == 429)
		answer_code(a, "TOO_MANY_REQUESTS");
	else if (status >= 500)
		answer_code(a, "INTERNAL_SERVER_ERROR");
	else
		unreadable(a, "http status", status);
}

void
answer_transport(struct answer *a, const struct fail *why)
{
	memset(a, 0, sizeof(*a));
	a->body = "";
	a->result = RES_TRANSPORT;
	a->fail = *why;
}

void
answer_free(struct answer *a)
{
	json_wipe(a->json);
	memset(a, 0, sizeof(*a));
}

bool
answer_retry(const struct answer *a)
{
	return a->result == RES_TRANSPORT || a->result == RES_UNREADABLE ||
	    a->result == RES_TOO_MANY_REQUESTS ||
	    a->result == RES_INTERNAL_SERVER_ERROR;
}

bool
answer_permanent(const struct answer *a)
{
	return a->result >= RES_NOT_AUTHORIZED &&
	    a->result <= RES_SESSIONS_EXCEED;
}
