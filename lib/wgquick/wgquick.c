/* SPDX-License-Identifier: ISC */
/*
 * wg-quick files, as providers hand them out: an [Interface], one [Peer].
 * What is about keys and addresses is read strictly; what would change the
 * routing or run programs is left out, and said.
 */
#include "wgquick.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <mbedtls/base64.h>
#include <mbedtls/platform_util.h>

#define LINE_MAX_LEN 4096
#define WORD_MAX     24

enum section { NONE, INTERFACE, PEER };

struct reader {
	struct wgquick *w;
	unsigned int line;
	enum section in;
	unsigned int peers;
	char *why;
	void (*note)(void *arg, const char *what);
	void *arg;
};

/* ---- what is said ------------------------------------------------------ */

static int __attribute__((format(printf, 2, 3)))
bad(struct reader *r, const char *fmt, ...)
{
	int n = 0;
	va_list ap;

	if (r->line > 0)
		n = snprintf(r->why, WGQUICK_TEXT, "line %u: ", r->line);
	va_start(ap, fmt);
	(void)vsnprintf(r->why + n, WGQUICK_TEXT - (size_t)n, fmt, ap);
	va_end(ap);
	return -1;
}

static int __attribute__((format(printf, 2, 3)))
note(struct reader *r, const char *fmt, ...)
{
	char text[WGQUICK_TEXT];
	int n = snprintf(text, sizeof(text), "line %u: ", r->line);
	va_list ap;

	if (r->note == NULL)
		return 0;
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	r->note(r->arg, text);
	return 0;
}

/*
 * A word of the file, to be named in a sentence. A line that was broken, or
 * whose name was lost, may be a key: '=' ends those of base64.
 */
static const char *
word(const char *s)
{
	size_t n = strspn(s, "[abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ]");

	return n <= WORD_MAX && s[n] == '\0' ? s : "(not a name)";
}

/* ---- values ------------------------------------------------------------ */

int
wgquick_key_parse(uint8_t key[AFW_WG_KEY_SIZE], const char *text)
{
	uint8_t buf[AFW_WG_KEY_SIZE + 4];
	size_t n;
	int rc = -1;

	if (strlen(text) == WGQUICK_KEY_TEXT - 1 &&
	    mbedtls_base64_decode(buf, sizeof(buf), &n,
		(const unsigned char *)text, WGQUICK_KEY_TEXT - 1) == 0 &&
	    n == AFW_WG_KEY_SIZE) {
		memcpy(key, buf, AFW_WG_KEY_SIZE);
		rc = 0;
	}
	mbedtls_platform_zeroize(buf, sizeof(buf));
	if (rc == -1)
		errno = EINVAL;
	return rc;
}

void
wgquick_key_print(
    const uint8_t key[AFW_WG_KEY_SIZE], char text[WGQUICK_KEY_TEXT])
{
	size_t n;

	(void)mbedtls_base64_encode(
	    (unsigned char *)text, WGQUICK_KEY_TEXT, &n, key, AFW_WG_KEY_SIZE);
}

/* Digits only; false: not a number of lo to hi. */
static bool
number(const char *s, unsigned long lo, unsigned long hi, unsigned long *v)
{
	if (*s == '\0' || strlen(s) > 5 || strspn(s, "0123456789") != strlen(s))
		return false;
	*v = strtoul(s, NULL, 10);
	return *v >= lo && *v <= hi;
}

int
wgquick_net_parse(struct afw_wg_net *net, const char *text)
{
	char buf[AFW_ADDR_TEXT];
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	unsigned long most, prefix;

	memset(net, 0, sizeof(*net));
	errno = EINVAL;
	if (n >= sizeof(buf))
		return -1;
	memcpy(buf, text, n);
	buf[n] = '\0';
	if (afw_addr_parse(&net->addr, buf) == -1)
		return -1;
	most = prefix = net->addr.family == 4 ? 32 : 128;
	if (slash != NULL && !number(slash + 1, 0, most, &prefix)) {
		errno = EINVAL;
		return -1;
	}
	net->prefix = (uint8_t)prefix;
	return 0;
}

const char *
wgquick_net_print(const struct afw_wg_net *net, char *buf, size_t size)
{
	char text[AFW_ADDR_TEXT];

	(void)snprintf(buf, size, "%s/%u",
	    afw_addr_print(&net->addr, text, sizeof(text)), net->prefix);
	return buf;
}

static char *
trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	for (n = strlen(s); n > 0 && isspace((unsigned char)s[n - 1]); n--)
		s[n - 1] = '\0';
	return s;
}

/* Runs fn for each of a list with commas; empty ones are an error. */
static int
each(struct reader *r, const char *key, char *value,
    int (*fn)(struct reader *r, const char *key, const char *one))
{
	char *next;

	for (; value != NULL; value = next) {
		if ((next = strchr(value, ',')) != NULL)
			*next++ = '\0';
		value = trim(value);
		if (*value == '\0')
			return bad(r, "%s: a part of the list is empty", key);
		if (fn(r, key, value) == -1)
			return -1;
	}
	return 0;
}

static int
nets_add(struct reader *r, const char *key, const char *one,
    struct afw_wg_net *net, uint32_t *n, uint32_t max)
{
	if (*n == max)
		return bad(r, "%s: more than %u of them", key, max);
	if (wgquick_net_parse(&net[*n], one) == -1)
		return bad(
		    r, "%s: '%.60s' is no address with a prefix", key, one);
	(*n)++;
	return 0;
}

static int
address(struct reader *r, const char *key, const char *one)
{
	return nets_add(
	    r, key, one, r->w->addr, &r->w->addrs, AFW_WG_ADDRS_MAX);
}

static int
allowed_ip(struct reader *r, const char *key, const char *one)
{
	return nets_add(
	    r, key, one, r->w->allow, &r->w->allowed, AFW_WG_ALLOWED_MAX);
}

static int
dns(struct reader *r, const char *key, const char *one)
{
	struct afw_addr a;

	if (afw_addr_parse(&a, one) == -1)
		return note(
		    r, "%s: the search domain '%.60s' is left out", key, one);
	if (r->w->dns == WGQUICK_DNS_MAX)
		return note(r, "%s: more than %d servers; '%.60s' is left out",
		    key, WGQUICK_DNS_MAX, one);
	r->w->dns_addr[r->w->dns++] = a;
	return 0;
}

static int
secret_key(struct reader *r, const char *name, const char *value,
    uint8_t key[AFW_WG_KEY_SIZE])
{
	if (wgquick_key_parse(key, value) == -1)
		return bad(r, "%s: not a key: 44 characters of base64", name);
	return 0;
}

static bool
host_ok(const char *s)
{
	return *s != '\0' &&
	    strspn(s,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789.-_:") == strlen(s);
}

/* host:port, or [address]:port */
static int
endpoint(struct reader *r, const char *key, char *value)
{
	char *colon = strrchr(value, ':'), *host = value;
	struct afw_addr a;
	unsigned long port;
	size_t n;

	if (colon == NULL || !number(colon + 1, 1, 65535, &port))
		return bad(r, "%s: no port in '%.60s'", key, value);
	*colon = '\0';
	n = strlen(host);
	if (*host == '[' && n > 2 && host[n - 1] == ']') {
		host[n - 1] = '\0';
		host++;
		if (afw_addr_parse(&a, host) == -1 || a.family != 6)
			return bad(
			    r, "%s: '%.60s' is no IPv6 address", key, host);
	} else if (strchr(host, ':') != NULL) {
		return bad(r, "%s: an IPv6 address must stand in [ ]", key);
	}
	if (!host_ok(host) ||
	    afw_str_set(r->w->host, sizeof(r->w->host), host) == -1)
		return bad(r, "%s: '%.60s' is no host name", key, host);
	r->w->port = (uint16_t)port;
	return 0;
}

static int
mtu(struct reader *r, const char *key, const char *value)
{
	unsigned long v;

	if (!number(value, 576, 65535, &v))
		return bad(r, "%s: '%.20s' is not 576 to 65535", key, value);
	r->w->mtu = (uint32_t)v;
	return 0;
}

static int
keepalive(struct reader *r, const char *key, const char *value)
{
	unsigned long v = 0;

	if (strcasecmp(value, "off") != 0 && !number(value, 0, 65535, &v))
		return bad(
		    r, "%s: '%.20s' is not 0 to 65535 or off", key, value);
	r->w->keepalive = (uint16_t)v;
	return 0;
}

/* ---- lines ------------------------------------------------------------- */

static int
interface_line(struct reader *r, const char *key, char *value)
{
	static const char *const left_out[] = {"ListenPort", "FwMark", "Table",
	    "PreUp", "PostUp", "PreDown", "PostDown", "SaveConfig"};
	size_t i;

	if (strcasecmp(key, "PrivateKey") == 0)
		return secret_key(r, key, value, r->w->private_key);
	if (strcasecmp(key, "Address") == 0)
		return each(r, key, value, address);
	if (strcasecmp(key, "DNS") == 0)
		return each(r, key, value, dns);
	if (strcasecmp(key, "MTU") == 0)
		return mtu(r, key, value);
	for (i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (strcasecmp(key, left_out[i]) == 0)
			return note(r, "%s is left out", left_out[i]);
	return bad(r, "[Interface] has no '%s'", word(key));
}

static int
peer_line(struct reader *r, const char *key, char *value)
{
	if (strcasecmp(key, "PublicKey") == 0)
		return secret_key(r, key, value, r->w->public_key);
	if (strcasecmp(key, "PresharedKey") == 0)
		return secret_key(r, key, value, r->w->preshared_key);
	if (strcasecmp(key, "AllowedIPs") == 0)
		return *value == '\0' ? 0 : each(r, key, value, allowed_ip);
	if (strcasecmp(key, "Endpoint") == 0)
		return endpoint(r, key, value);
	if (strcasecmp(key, "PersistentKeepalive") == 0)
		return keepalive(r, key, value);
	return bad(r, "[Peer] has no '%s'", word(key));
}

static int
section(struct reader *r, const char *s)
{
	if (strcasecmp(s, "[Interface]") == 0) {
		r->in = INTERFACE;
		return 0;
	}
	if (strcasecmp(s, "[Peer]") != 0)
		return bad(r, "no such section: '%s'", word(s));
	if (++r->peers > 1)
		return bad(r, "a second [Peer]: a location has one");
	r->in = PEER;
	return 0;
}

static int
line_read(struct reader *r, char *s)
{
	char *value = strchr(s, '#');

	if (value != NULL)
		*value = '\0';
	s = trim(s);
	if (*s == '\0')
		return 0;
	if (*s == '[')
		return section(r, s);
	if ((value = strchr(s, '=')) == NULL)
		return bad(r, "no '=' in it");
	*value++ = '\0';
	s = trim(s);
	value = trim(value);
	if (r->in == NONE)
		return bad(r, "'%s' before any section", word(s));
	return r->in == INTERFACE ? interface_line(r, s, value)
				  : peer_line(r, s, value);
}

static bool
is_zero(const uint8_t key[AFW_WG_KEY_SIZE])
{
	static const uint8_t zero[AFW_WG_KEY_SIZE];

	return memcmp(key, zero, AFW_WG_KEY_SIZE) == 0;
}

/* What a location cannot do without. */
static int
complete(struct reader *r)
{
	const struct wgquick *w = r->w;

	r->line = 0;
	if (is_zero(w->private_key))
		return bad(r, "[Interface] has no PrivateKey");
	if (w->addrs == 0)
		return bad(r, "[Interface] has no Address");
	if (is_zero(w->public_key))
		return bad(r, "[Peer] has no PublicKey");
	if (w->host[0] == '\0')
		return bad(r, "[Peer] has no Endpoint");
	if (w->allowed == 0)
		return bad(r, "[Peer] has no AllowedIPs");
	return 0;
}

static int
lines_read(struct reader *r, const char *text, size_t len)
{
	char line[LINE_MAX_LEN];
	const char *end;
	size_t n;
	int rc = 0;

	while (len > 0 && rc == 0) {
		r->line++;
		end = memchr(text, '\n', len);
		n = end != NULL ? (size_t)(end - text) : len;
		if (n >= sizeof(line) || memchr(text, '\0', n) != NULL) {
			rc = bad(r, "too long, or no text");
			break;
		}
		memcpy(line, text, n);
		line[n] = '\0';
		rc = line_read(r, line);
		n += end != NULL;
		text += n;
		len -= n;
	}
	mbedtls_platform_zeroize(line, sizeof(line));
	return rc;
}

int
wgquick_read(struct wgquick *w, const char *text, size_t len,
    char why[WGQUICK_TEXT], void (*note_cb)(void *arg, const char *what),
    void *arg)
{
	struct reader r = {.w = w, .why = why, .note = note_cb, .arg = arg};

	memset(w, 0, sizeof(*w));
	why[0] = '\0';
	if (lines_read(&r, text, len) == 0 && complete(&r) == 0)
		return 0;
	wgquick_wipe(w);
	return -1;
}

void
wgquick_wipe(struct wgquick *w)
{
	mbedtls_platform_zeroize(w, sizeof(*w));
}
