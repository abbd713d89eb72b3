/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_HTTP_H
#define AFWRT_AUTH_HTTP_H

#include "fail.h"
#include "http_parse.h"

struct http;

/* A server to speak to; all text is copied. */
struct http_opts {
	const char *host;  /* what is connected to; "": host6 only */
	const char *host6; /* one more address of it; NULL: none */
	uint16_t port;
	enum afw_v4v6 policy;
	bool tls;
	const char *name; /* SNI, certificate and Host header; NULL: host */
	const char *ca;   /* PEM */
	size_t ca_len;
};

/*
 * p is NULL when there was no answer, and why says the reason; an answer of
 * any status comes as p. Good during the call only. http_free and http_call
 * are allowed in it.
 */
typedef void (*http_cb)(
    void *arg, const struct http_parse *p, const struct fail *why);

struct http *http_new(const struct http_opts *o);
void http_free(struct http *h);
/*
 * One call at a time. headers: lines that end in CRLF. body NULL: GET, else
 * POST. target is the path with its query. All are copied.
 */
void http_call(struct http *h, const char *target, const char *headers,
    const char *body, http_cb cb, void *arg);
/* The address that is connected; NULL if none is. */
const struct afw_addr *http_addr(const struct http *h);

#endif
