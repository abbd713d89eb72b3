/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_HTTP_PARSE_H
#define AFWRT_AUTH_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX (16 * 1024)
#define HTTP_BODY_MAX (1024 * 1024)

/*
 * One HTTP/1.1 answer, fed piece by piece as it arrives (RFC 9112). Strict:
 * what two readers could understand in two ways is an error.
 */
struct http_parse {
	int state; /* enum in http_parse.c */
	int status;
	bool keep_alive, until_close;
	char *head; /* header lines, each a string; head_len bytes */
	size_t head_len, lines_at;
	char *body;
	size_t body_len, body_size;
	uint64_t want;  /* bytes left of the body or of this chunk */
	char line[256]; /* of a chunk's size */
	size_t line_len, trailer_len;
	const char *why; /* after an error: what is wrong */
};

void http_parse_init(struct http_parse *p);
/* Wipes and frees: an answer may hold a token. */
void http_parse_free(struct http_parse *p);
/*
 * 1 the answer is complete (*used bytes belong to it), 0 more is needed,
 * -1 it is no good, see why.
 */
int http_parse_feed(
    struct http_parse *p, const void *data, size_t len, size_t *used);
/* The connection ended. 1 the answer is complete by that, -1 it is not. */
int http_parse_end(struct http_parse *p);
/* The nth value of a header, without case; NULL if there is none. */
const char *http_parse_header(
    const struct http_parse *p, const char *name, unsigned int nth);

#endif
