/* SPDX-License-Identifier: ISC */
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/wire/addr.h"

#define NAME_CHARS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

bool
url_is_loopback(const char *host)
{
	static const uint8_t one[16] = {[15] = 1};
	struct afw_addr a;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (afw_addr_parse(&a, host) == -1)
		return false;
	return a.family == 4 ? a.b[0] == 127 : memcmp(a.b, one, 16) == 0;
}

const char *
url_host_print(
    const char *host, uint16_t port, uint16_t standard, char *buf, size_t size)
{
	bool v6 = strchr(host, ':') != NULL;
	int n =
	    snprintf(buf, size, "%s%s%s", v6 ? "[" : "", host, v6 ? "]" : "");

	if (port != standard && n > 0 && (size_t)n < size)
		(void)snprintf(buf + n, size - (size_t)n, ":%u", port);
	return buf;
}

static const char *
parse_port(struct url *u, const char *s, size_t len)
{
	char *end;
	long n;

	if (len == 0 || len > 5 || strspn(s, "0123456789") < len)
		return "the port is not a number";
	n = strtol(s, &end, 10);
	if (n < 1 || n > 65535)
		return "the port is out of range";
	u->port = (uint16_t)n;
	return NULL;
}

/* host[:port] or [v6][:port] in s, len bytes. */
static const char *
parse_authority(struct url *u, const char *s, size_t len)
{
	const char *end = s + len, *colon;
	struct afw_addr a;
	size_t n;

	if (len > 0 && *s == '[') {
		colon = memchr(s, ']', len);
		if (colon == NULL || (size_t)(colon - s) - 1 >= 48)
			return "the address in brackets is not closed";
		n = (size_t)(colon - s) - 1;
		memcpy(u->host, s + 1, n);
		if (afw_addr_parse(&a, u->host) == -1 || a.family != 6)
			return "no IPv6 address stands in the brackets";
		s = colon + 1;
	} else {
		n = strspn(s, NAME_CHARS);
		n = n < len ? n : len;
		if (n == 0 || n >= sizeof(u->host))
			return "there is no host name";
		memcpy(u->host, s, n);
		s += n;
	}
	if (s == end)
		return NULL;
	if (*s != ':')
		return "the host has a character that is not allowed";
	return parse_port(u, s + 1, (size_t)(end - s) - 1);
}

static const char *
parse_path(struct url *u, const char *s)
{
	size_t n = strlen(s), i;

	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~' || strchr("?#\"<>\\", s[i]))
			return "the path has a character that is not allowed";
	while (n > 0 && s[n - 1] == '/')
		n--;
	if (n >= sizeof(u->path))
		return "it is too long";
	memcpy(u->path, s, n);
	return NULL;
}

static const char *
parse_file(struct url *u, const char *s)
{
	u->scheme = URL_FILE;
	if (strncmp(s, "//", 2) == 0)
		s += 2;
	if (*s != '/' || strlen(s) >= sizeof(u->path))
		return "file: needs an absolute path";
	memcpy(u->path, s, strlen(s));
	return NULL;
}

const char *
url_parse(struct url *u, const char *text)
{
	const char *why;
	size_t n;

	memset(u, 0, sizeof(*u));
	if (strncasecmp(text, "file:", 5) == 0)
		return parse_file(u, text + 5);
	if (strncasecmp(text, "https://", 8) == 0) {
		u->scheme = URL_HTTPS;
		u->port = 443;
		text += 8;
	} else if (strncasecmp(text, "http://", 7) == 0) {
		u->scheme = URL_HTTP;
		u->port = 80;
		text += 7;
	} else {
		return "it is neither https://, http:// nor file:";
	}
	n = strcspn(text, "/?#");
	if ((why = parse_authority(u, text, n)) != NULL ||
	    (why = parse_path(u, text + n)) != NULL)
		return why;
	u->loopback = url_is_loopback(u->host);
	if (u->scheme == URL_HTTP && !u->loopback)
		return "http:// is for loopback only, use https://";
	return NULL;
}
