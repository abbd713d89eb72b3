/* SPDX-License-Identifier: ISC */
/* What the fields of messages hold: text, names, keys, and how they print. */
#include "msg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool
all_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n > 0)
		if (b[--n] != 0)
			return false;
	return true;
}

int
afw_str_set(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	memset(dst, 0, size);
	if (n >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(dst, src, n);
	return 0;
}

bool
afw_str_valid(const char *s, size_t size)
{
	size_t n = strnlen(s, size);

	return n < size && all_zero(s + n, size - n);
}

bool
afw_location_valid(const char *s)
{
	size_t n = strspn(s,
	    "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n > 0 && n < AFW_LOCATION_SIZE && s[n] == '\0';
}

bool
afw_ifname_valid(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n >= AFW_IFNAME_SIZE || strcmp(s, ".") == 0 ||
	    strcmp(s, "..") == 0)
		return false;
	for (; *s != '\0'; s++)
		if (*s == '/' || *s == ':' || (unsigned char)*s <= ' ' ||
		    *s == 0x7f)
			return false;
	return true;
}

bool
afw_key_valid(const struct afw_key *k)
{
	bool no_addr = all_zero(&k->addr, sizeof(k->addr));
	bool no_mac = all_zero(k->mac, sizeof(k->mac));
	bool no_iface = all_zero(k->iface, sizeof(k->iface));

	if (!all_zero(k->pad, 3) || !all_zero(k->pad2, 2))
		return false;
	switch (k->kind) {
	case AFW_KEY_IP:
		return afw_addr_valid(&k->addr, false) &&
		    afw_addr_is_host(&k->addr) && no_mac && no_iface;
	case AFW_KEY_MAC:
		return afw_mac_is_host(k->mac) && no_addr && no_iface;
	case AFW_KEY_IFACE:
		return afw_str_valid(k->iface, sizeof(k->iface)) &&
		    afw_ifname_valid(k->iface) && no_addr && no_mac;
	default:
		return false;
	}
}

bool
afw_key_equal(const struct afw_key *a, const struct afw_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

const char *
afw_key_print(const struct afw_key *k, char *buf, size_t size)
{
	switch (k->kind) {
	case AFW_KEY_IP:
		return afw_addr_print(&k->addr, buf, size);
	case AFW_KEY_MAC:
		return afw_mac_print(k->mac, buf, size);
	default:
		(void)snprintf(buf, size, "iface %s", k->iface);
		return buf;
	}
}

const char *
afw_reason_print(
    unsigned int reason, const char *detail, char *buf, size_t size)
{
	static const char *const texts[AFW_REASON_MAX] = {
	    [AFW_REASON_NONE] = "",
	    [AFW_REASON_CONNECT] = "connection failed",
	    [AFW_REASON_UNREACHABLE] = "unreachable",
	    [AFW_REASON_TIMEOUT] = "timed out",
	    [AFW_REASON_TLS] = "tls: ",
	    [AFW_REASON_AUTH] = "authentication failed",
	    [AFW_REASON_NO_SERVER] = "no server available",
	    [AFW_REASON_LIMIT] = "limit exceeded",
	    [AFW_REASON_PROTOCOL] = "protocol error",
	    [AFW_REASON_LOCATION] = "unknown location",
	};

	if (reason >= AFW_REASON_MAX)
		reason = AFW_REASON_PROTOCOL;
	if (reason != AFW_REASON_TLS)
		detail = "";
	else if (detail == NULL || *detail == '\0')
		detail = "failed";
	(void)snprintf(buf, size, "%s%s", texts[reason], detail);
	return buf;
}
