/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "cstp_head.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* IPv6 and TCP with timestamps, TLS record with its nonce and tag, frame. */
#define OVERHEAD (40 + 32 + 29 + 8)

/* RFC 6265 cookie-octet; a host is a name, or an address as text. */
static bool
text_ok(const char *s, const char *refused)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~' || strchr(refused, *s) != NULL)
			return false;
	return true;
}

uint32_t
cstp_head_mtu(uint32_t link_mtu)
{
	if (link_mtu == 0 || link_mtu > CSTP_MTU_MAX)
		link_mtu = CSTP_MTU_MAX;
	if (link_mtu < CSTP_MTU_MIN6 + OVERHEAD)
		return CSTP_MTU_MIN6;
	return link_mtu - OVERHEAD;
}

size_t
cstp_head_request(
    char *out, size_t size, const char *host, const char *cookie, uint32_t mtu)
{
	bool v6 = strchr(host, ':') != NULL;
	int n;

	if (!text_ok(host, "\"/\\?#@[]<>") || !text_ok(cookie, "\",;\\"))
		return 0;
	if (mtu == 0 || mtu > CSTP_MTU_MAX)
		mtu = CSTP_MTU_MAX;
	n = snprintf(out, size,
	    "CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\n"
	    "Host: %s%s%s\r\n"
	    "User-Agent: Open AnyConnect VPN Agent afwrt/" PACKAGE_VERSION
	    "\r\n"
	    "Cookie: webvpn=%s\r\n"
	    "X-CSTP-Version: 1\r\n"
	    "X-CSTP-Hostname: afwrt\r\n"
	    "X-CSTP-Base-MTU: %u\r\n"
	    "X-CSTP-MTU: %u\r\n"
	    "X-CSTP-Address-Type: IPv6,IPv4\r\n"
	    "X-CSTP-Full-IPv6-Capability: true\r\n"
	    "\r\n",
	    v6 ? "[" : "", host, v6 ? "]" : "", cookie, mtu,
	    cstp_head_mtu(mtu));
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

size_t
cstp_head_end(const char *buf, size_t len)
{
	const char *end = memmem(buf, len, "\r\n\r\n", 4);

	return end == NULL ? 0 : (size_t)(end - buf) + 4;
}

/* Digits only, at most nine of them: no sign, no overflow. */
static bool
number_parse(uint32_t *n, const char *s)
{
	uint32_t r = 0;
	size_t i;

	for (i = 0; s[i] >= '0' && s[i] <= '9'; i++) {
		if (i == 9)
			return false;
		r = r * 10 + (uint32_t)(s[i] - '0');
	}
	*n = r;
	return i > 0 && s[i] == '\0';
}

static const char *
seconds_set(uint32_t *dst, const char *value)
{
	uint32_t n = 0;

	if (strcasecmp(value, "none") != 0 &&
	    strcasecmp(value, "disabled") != 0 && !number_parse(&n, value))
		return "bad number of seconds";
	*dst = n > CSTP_SECONDS_MAX ? CSTP_SECONDS_MAX : n;
	return NULL;
}

static const char *
mtu_set(struct cstp_params *p, const char *value)
{
	uint32_t n;

	if (!number_parse(&n, value) || n < CSTP_MTU_MIN)
		return "bad MTU";
	p->mtu = n > CSTP_MTU_MAX ? CSTP_MTU_MAX : n;
	return NULL;
}

/* "10.99.1.50", "fd00::1/64"; the prefix is of no use to us. */
static const char *
address_set(struct cstp_params *p, const char *value)
{
	struct afw_addr a;
	char text[AFW_ADDR_TEXT];
	size_t n = strcspn(value, "/");
	uint32_t prefix = 0;

	if (n >= sizeof(text))
		return "bad address";
	memcpy(text, value, n);
	text[n] = '\0';
	if (value[n] == '/' &&
	    (!number_parse(&prefix, value + n + 1) || prefix > 128))
		return "bad prefix of an address";
	if (afw_addr_parse(&a, text) == -1 || !afw_addr_is_host(&a))
		return "bad address";
	if (a.family == 4)
		p->inner4 = a;
	else
		p->inner6 = a;
	return NULL;
}

/*
 * The first of each family counts. What is no host's address is refused by
 * itself: the location is then one without a server, the tunnel is good.
 */
static void
dns_set(struct cstp_params *p, const char *value)
{
	struct afw_addr a, *dns;

	if (afw_addr_parse(&a, value) == -1 || !afw_addr_is_host(&a))
		return;
	dns = a.family == 4 ? &p->dns4 : &p->dns6;
	if (dns->family == 0)
		*dns = a;
}

static void
text_set(char dst[CSTP_HEAD_TEXT_MAX], const char *value)
{
	size_t i;

	for (i = 0; i + 1 < CSTP_HEAD_TEXT_MAX && value[i] != '\0'; i++)
		dst[i] = value[i] >= ' ' && value[i] <= '~' ? value[i] : '?';
	dst[i] = '\0';
}

/* Both rekey methods are done by a new tunnel; see hydra_tcp.c. */
static bool
rekey_wanted(const char *method)
{
	return strcasecmp(method, "new-tunnel") == 0 ||
	    strcasecmp(method, "ssl") == 0;
}

static const char *
header_take(
    struct cstp_params *p, bool *rekey, const char *name, const char *value)
{
	if (strcasecmp(name, "X-Reason") == 0)
		text_set(p->reason, value);
	if (p->status != 200) /* nothing else of a refusal matters */
		return NULL;
	if (strcasecmp(name, "X-CSTP-Address") == 0 ||
	    strcasecmp(name, "X-CSTP-Address-IP6") == 0)
		return address_set(p, value);
	if (strcasecmp(name, "X-CSTP-DNS") == 0 ||
	    strcasecmp(name, "X-CSTP-DNS-IP6") == 0)
		dns_set(p, value);
	if (strcasecmp(name, "X-CSTP-MTU") == 0)
		return mtu_set(p, value);
	if (strcasecmp(name, "X-CSTP-DPD") == 0)
		return seconds_set(&p->dpd, value);
	if (strcasecmp(name, "X-CSTP-Keepalive") == 0)
		return seconds_set(&p->keepalive, value);
	if (strcasecmp(name, "X-CSTP-Idle-Timeout") == 0)
		return seconds_set(&p->idle, value);
	if (strcasecmp(name, "X-CSTP-Rekey-Time") == 0)
		return seconds_set(&p->rekey, value);
	if (strcasecmp(name, "X-CSTP-Rekey-Method") == 0)
		*rekey = rekey_wanted(value);
	else if (strcasecmp(name, "X-CSTP-Server-Name") == 0)
		text_set(p->server, value);
	else if (strcasecmp(name, "X-CSTP-Content-Encoding") == 0 &&
	    strcasecmp(value, "identity") != 0)
		return "compression, which was not offered";
	return NULL;
}

/* "HTTP/1.1 200 CONNECTED" */
static const char *
status_parse(struct cstp_params *p, const char *line)
{
	char code[4];

	if (strncmp(line, "HTTP/1.", 7) != 0 ||
	    (line[7] != '0' && line[7] != '1') || line[8] != ' ' ||
	    strlen(line) < 12 || (line[12] != ' ' && line[12] != '\0'))
		return "no HTTP answer";
	memcpy(code, line + 9, 3);
	code[3] = '\0';
	if (!number_parse(&p->status, code) || p->status < 100)
		return "no HTTP answer";
	return NULL;
}

/* RFC 9110 token; no space before the colon, no folded lines. */
static const char *
line_parse(struct cstp_params *p, bool *rekey, char *line)
{
	char *colon = strchr(line, ':'), *value, *end;

	if (colon == NULL)
		return "head line without a colon";
	*colon = '\0';
	if (!text_ok(line, "\"(),/:;<=>?@[\\]{}"))
		return "bad name in the head";
	value = colon + 1 + strspn(colon + 1, " \t");
	for (end = value + strlen(value); end > value; end--)
		if (end[-1] != ' ' && end[-1] != '\t')
			break;
	*end = '\0';
	return header_take(p, rekey, line, value);
}

static const char *
bytes_check(const char *head, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (head[i] == '\r' && i + 1 < len && head[i + 1] == '\n')
			i++;
		else if (((unsigned char)head[i] < ' ' && head[i] != '\t') ||
		    head[i] == 0x7f)
			return "control character in the head";
	}
	return NULL;
}

static const char *
params_check(struct cstp_params *p, bool rekey)
{
	if (p->status != 200)
		return NULL;
	if (p->mtu != 0 && p->mtu < CSTP_MTU_MIN6)
		memset(&p->inner6, 0, sizeof(p->inner6));
	if (p->inner4.family == 0 && p->inner6.family == 0)
		return "no address was assigned";
	if (!rekey)
		p->rekey = 0;
	else if (p->rekey != 0 && p->rekey < CSTP_REKEY_MIN)
		p->rekey = CSTP_REKEY_MIN;
	return NULL;
}

const char *
cstp_head_parse(struct cstp_params *p, char *head, size_t len)
{
	const char *bad;
	char *line = head, *end;
	bool rekey = false;

	memset(p, 0, sizeof(*p));
	if (len < 4 || len > CSTP_HEAD_MAX ||
	    memcmp(head + len - 4, "\r\n\r\n", 4) != 0)
		return "head without an end";
	if ((bad = bytes_check(head, len)) != NULL)
		return bad;
	head[len - 2] = '\0'; /* before the empty line's */
	while ((end = strstr(line, "\r\n")) != NULL) {
		*end = '\0';
		bad = line == head ? status_parse(p, line)
				   : line_parse(p, &rekey, line);
		if (bad != NULL)
			return bad;
		line = end + 2;
	}
	return params_check(p, rekey);
}
