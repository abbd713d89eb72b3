/* SPDX-License-Identifier: ISC */
#include "http_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/wire/channel.h"

enum { HEAD, LENGTH, SIZE, CHUNK, CHUNK_END, TRAILER, CLOSE, DONE };

#define TOKEN                                                 \
	"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"

void
http_parse_init(struct http_parse *p)
{
	memset(p, 0, sizeof(*p));
}

void
http_parse_free(struct http_parse *p)
{
	if (p->head != NULL)
		afw_wipe(p->head, HTTP_HEAD_MAX);
	if (p->body != NULL)
		afw_wipe(p->body, p->body_size);
	free(p->head);
	free(p->body);
	memset(p, 0, sizeof(*p));
}

const char *
http_parse_header(
    const struct http_parse *p, const char *name, unsigned int nth)
{
	size_t n = strlen(name);
	const char *s, *end;

	if (p->head == NULL || p->lines_at == 0)
		return NULL;
	end = p->head + p->head_len;
	for (s = p->head + p->lines_at; s < end; s += strlen(s) + 1)
		if (strncasecmp(s, name, n) == 0 && s[n] == ':' && nth-- == 0)
			return s + n + 1 + strspn(s + n + 1, " \t");
	return NULL;
}

static int
bad(struct http_parse *p, const char *why)
{
	p->why = why;
	return -1;
}

/* ---- the head ---------------------------------------------------------- */

/* HTTP/1.x SP digit digit digit [SP reason] */
static int
status_line(struct http_parse *p, const char *s)
{
	if ((strncmp(s, "HTTP/1.1 ", 9) != 0 &&
		strncmp(s, "HTTP/1.0 ", 9) != 0) ||
	    strspn(s + 9, "0123456789") != 3 || (s[12] != ' ' && s[12] != '\0'))
		return bad(p, "not an HTTP answer");
	p->keep_alive = s[7] == '1';
	p->status = atoi(s + 9);
	return p->status < 100 ? bad(p, "not an HTTP status") : 0;
}

/* Cuts the head into strings and looks at the form of each line. */
static int
split_head(struct http_parse *p)
{
	char *s = p->head, *end = p->head + p->head_len, *cr, *t;
	size_t n;

	for (; s < end; s = cr + 2) {
		cr = memchr(s, '\r', (size_t)(end - s));
		if (cr == NULL || cr[1] != '\n')
			return bad(p, "a header line does not end in CRLF");
		if (memchr(s, '\0', (size_t)(cr - s)) != NULL ||
		    memchr(s, '\n', (size_t)(cr - s)) != NULL)
			return bad(p, "a header line has a control character");
		/* trailing blanks go; LF becomes a NUL too */
		cr[0] = cr[1] = '\0';
		for (t = cr; t > s && (t[-1] == ' ' || t[-1] == '\t');)
			*--t = '\0';
		if (s == p->head)
			continue;
		n = strspn(s, TOKEN);
		if (n == 0 || s[n] != ':')
			return bad(p, "a header line has no name");
	}
	/* close the gaps, so that strings follow each other */
	for (s = t = p->head; s < end;) {
		n = strlen(s);
		memmove(t, s, n + 1);
		t += n + 1;
		for (s += n; s < end && *s == '\0'; s++)
			;
	}
	p->head_len = (size_t)(t - p->head);
	p->lines_at = strlen(p->head) + 1;
	return 0;
}

static int
content_length(struct http_parse *p, const char *v)
{
	unsigned int i;
	const char *more;

	if (*v == '\0' || strspn(v, "0123456789") != strlen(v))
		return bad(p, "Content-Length is not a number");
	for (i = 1; (more = http_parse_header(p, "Content-Length", i)); i++)
		if (strcmp(v, more) != 0)
			return bad(p, "two different Content-Lengths");
	errno = 0;
	p->want = strtoull(v, NULL, 10);
	if (errno != 0 || p->want > HTTP_BODY_MAX)
		return bad(p, "the answer is longer than 1 MiB");
	p->state = p->want == 0 ? DONE : LENGTH;
	return 0;
}

static int
body_kind(struct http_parse *p)
{
	const char *te = http_parse_header(p, "Transfer-Encoding", 0);
	const char *cl = http_parse_header(p, "Content-Length", 0);
	const char *ce = http_parse_header(p, "Content-Encoding", 0);
	const char *co = http_parse_header(p, "Connection", 0);

	if (co != NULL && strcasecmp(co, "close") == 0)
		p->keep_alive = false;
	else if (co != NULL && strcasecmp(co, "keep-alive") == 0)
		p->keep_alive = true;
	if (ce != NULL && strcasecmp(ce, "identity") != 0)
		return bad(p, "an encoding we did not ask for");
	if (te != NULL && cl != NULL)
		return bad(p, "Content-Length and Transfer-Encoding");
	if (te != NULL &&
	    (strcasecmp(te, "chunked") != 0 ||
		http_parse_header(p, "Transfer-Encoding", 1) != NULL))
		return bad(p, "an unknown Transfer-Encoding");
	if (p->status == 204 || p->status == 304)
		p->state = DONE;
	else if (te != NULL)
		p->state = SIZE;
	else if (cl != NULL)
		return content_length(p, cl);
	else
		p->state = CLOSE;
	if (p->state == CLOSE)
		p->keep_alive = false;
	return 0;
}

static int
head_done(struct http_parse *p)
{
	if (split_head(p) == -1 || status_line(p, p->head) == -1)
		return -1;
	if (p->status == 101)
		return bad(p, "an upgrade we did not ask for");
	if (p->status < 200) { /* interim: the real one follows */
		p->head_len = p->lines_at = 0;
		return 0;
	}
	return body_kind(p);
}

/* Takes bytes up to and with the empty line. */
static ssize_t
feed_head(struct http_parse *p, const char *d, size_t len)
{
	size_t i;

	if (p->head == NULL && (p->head = calloc(1, HTTP_HEAD_MAX)) == NULL)
		return bad(p, "out of memory");
	for (i = 0; i < len; i++) {
		if (p->head_len == HTTP_HEAD_MAX)
			return bad(p, "the head is longer than 16 KiB");
		p->head[p->head_len++] = d[i];
		if (p->head_len < 4 ||
		    memcmp(p->head + p->head_len - 4, "\r\n\r\n", 4) != 0)
			continue;
		p->head_len -= 2;
		return head_done(p) == -1 ? -1 : (ssize_t)i + 1;
	}
	/* refuse at once what will never be HTTP */
	if (memcmp(p->head, "HTTP/1.", p->head_len < 7 ? p->head_len : 7) != 0)
		return bad(p, "not an HTTP answer");
	return (ssize_t)len;
}

/* ---- the body ---------------------------------------------------------- */

static int
body_add(struct http_parse *p, const char *d, size_t len)
{
	size_t size = p->body_size == 0 ? 4096 : p->body_size;
	char *b;

	if (p->body_len + len > HTTP_BODY_MAX)
		return bad(p, "the answer is longer than 1 MiB");
	while (size < p->body_len + len + 1)
		size *= 2;
	if (size != p->body_size) {
		if ((b = malloc(size)) == NULL)
			return bad(p, "out of memory");
		if (p->body != NULL) {
			memcpy(b, p->body, p->body_len);
			afw_wipe(p->body, p->body_size);
			free(p->body);
		}
		p->body = b;
		p->body_size = size;
	}
	memcpy(p->body + p->body_len, d, len);
	p->body_len += len;
	p->body[p->body_len] = '\0';
	return 0;
}

static ssize_t
feed_length(struct http_parse *p, const char *d, size_t len, int next)
{
	if (len > p->want)
		len = (size_t)p->want;
	if (body_add(p, d, len) == -1)
		return -1;
	p->want -= len;
	if (p->want == 0)
		p->state = next;
	return (ssize_t)len;
}

/* chunk-size [;extension], in p->line. */
static int
chunk_size(struct http_parse *p)
{
	size_t n = strspn(p->line, "0123456789abcdefABCDEF");

	if (n == 0 || n > 8 ||
	    (p->line[n] != '\0' && strchr("; \t", p->line[n]) == NULL))
		return bad(p, "a chunk has no size");
	p->want = strtoull(p->line, NULL, 16);
	if (p->want + p->body_len > HTTP_BODY_MAX)
		return bad(p, "the answer is longer than 1 MiB");
	p->state = p->want == 0 ? TRAILER : CHUNK;
	return 0;
}

static int
line_done(struct http_parse *p)
{
	if (p->line_len == 0 || p->line[p->line_len - 1] != '\r')
		return bad(p, "a chunk line does not end in CRLF");
	p->line[--p->line_len] = '\0';
	if (strlen(p->line) != p->line_len)
		return bad(p, "a chunk line has a control character");
	if (p->state == SIZE)
		return chunk_size(p);
	if (p->state == CHUNK_END && p->line_len != 0)
		return bad(p, "a chunk is longer than its size");
	if (p->state == CHUNK_END)
		p->state = SIZE;
	else if (p->line_len == 0)
		p->state = DONE;
	return 0;
}

/* The lines between chunks and the trailer, which nobody reads. */
static ssize_t
feed_line(struct http_parse *p, const char *d, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (p->state == TRAILER && p->trailer_len++ > HTTP_HEAD_MAX)
			return bad(p, "the trailer is longer than 16 KiB");
		if (d[i] == '\n') {
			if (line_done(p) == -1)
				return -1;
			p->line_len = 0;
			return (ssize_t)i + 1;
		}
		if (p->line_len == sizeof(p->line) - 1)
			return bad(p, "a chunk line is too long");
		p->line[p->line_len++] = d[i];
	}
	return (ssize_t)len;
}

static ssize_t
feed_some(struct http_parse *p, const char *d, size_t len)
{
	switch (p->state) {
	case HEAD:
		return feed_head(p, d, len);
	case LENGTH:
		return feed_length(p, d, len, DONE);
	case CHUNK:
		return feed_length(p, d, len, CHUNK_END);
	case CLOSE:
		return body_add(p, d, len) == -1 ? -1 : (ssize_t)len;
	default:
		return feed_line(p, d, len);
	}
}

int
http_parse_feed(
    struct http_parse *p, const void *data, size_t len, size_t *used)
{
	const char *d = data;
	ssize_t n;

	*used = 0;
	while (*used < len && p->state != DONE) {
		if ((n = feed_some(p, d + *used, len - *used)) == -1)
			return -1;
		*used += (size_t)n;
	}
	return p->state == DONE;
}

int
http_parse_end(struct http_parse *p)
{
	if (p->state == CLOSE || p->state == DONE)
		return 1;
	return bad(p,
	    p->state == HEAD && p->head_len == 0
		? "the server closed the connection"
		: "the answer is cut off");
}
