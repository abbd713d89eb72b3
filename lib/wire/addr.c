/* SPDX-License-Identifier: ISC */
#include "addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint8_t zeros[16];

bool
afw_addr_valid(const struct afw_addr *a, bool none_allowed)
{
	if (a->pad[0] != 0 || a->pad[1] != 0 || a->pad[2] != 0)
		return false;
	switch (a->family) {
	case 0:
		return none_allowed && memcmp(a->b, zeros, 16) == 0;
	case 4:
		return memcmp(a->b + 4, zeros, 12) == 0;
	case 6:
		return true;
	default:
		return false;
	}
}

bool
afw_addr_equal(const struct afw_addr *a, const struct afw_addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, 16) == 0;
}

static bool
is_mapped(const uint8_t b[16])
{
	static const uint8_t prefix[12] = {[10] = 0xff, 0xff};

	return memcmp(b, prefix, 12) == 0;
}

/*
 * No to what the kernel drops as a source of packets to be forwarded: RFC 1122
 * 3.2.1.3 (0/8, 127/8, multicast, broadcast), RFC 4291 2.5.2, 2.5.3 and 2.7,
 * and IPv4-mapped ones, which never stand in an IPv6 header. A rule for one
 * of them would protect nobody. Link-local and 240/4 are a station's.
 */
bool
afw_addr_is_host(const struct afw_addr *a)
{
	static const uint8_t loopback[16] = {[15] = 1};
	static const uint8_t broadcast[4] = {255, 255, 255, 255};

	if (a->family == 4)
		return a->b[0] != 0 && a->b[0] != 127 &&
		    (a->b[0] & 0xf0) != 0xe0 &&
		    memcmp(a->b, broadcast, 4) != 0;
	if (a->family != 6)
		return false;
	return memcmp(a->b, zeros, 16) != 0 &&
	    memcmp(a->b, loopback, 16) != 0 && a->b[0] != 0xff &&
	    !is_mapped(a->b);
}

int
afw_addr_parse(struct afw_addr *a, const char *text)
{
	struct afw_addr r = {0};

	if (inet_pton(AF_INET, text, r.b) == 1) {
		r.family = 4;
	} else if (inet_pton(AF_INET6, text, r.b) == 1) {
		r.family = 6;
	} else {
		errno = EINVAL;
		return -1;
	}
	if (r.family == 6 && is_mapped(r.b)) {
		memcpy(r.b, r.b + 12, 4);
		memset(r.b + 4, 0, 12);
		r.family = 4;
	}
	*a = r;
	return 0;
}

const char *
afw_addr_print(const struct afw_addr *a, char *buf, size_t size)
{
	int af = a->family == 4 ? AF_INET : AF_INET6;

	if (a->family == 0 || inet_ntop(af, a->b, buf, (socklen_t)size) == NULL)
		(void)snprintf(buf, size, "-");
	return buf;
}

socklen_t
afw_addr_to_sockaddr(const struct afw_addr *a, uint16_t port,
    struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof(*ss));
	if (a->family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)ss;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a->b, 4);
		return sizeof(*in);
	}
	if (a->family == 6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, a->b, 16);
		return sizeof(*in6);
	}
	return 0;
}

int
afw_addr_from_sockaddr(struct afw_addr *a, uint16_t *port,
    const struct sockaddr *sa)
{
	memset(a, 0, sizeof(*a));
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		a->family = 4;
		memcpy(a->b, &in->sin_addr, 4);
		if (port != NULL)
			*port = ntohs(in->sin_port);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		a->family = 6;
		memcpy(a->b, &in6->sin6_addr, 16);
		if (port != NULL)
			*port = ntohs(in6->sin6_port);
		return 0;
	}
	errno = EAFNOSUPPORT;
	return -1;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
afw_mac_parse(uint8_t mac[6], const char *text)
{
	uint8_t r[6];
	char sep = 0;
	int i, hi, lo;

	for (i = 0; i < 6; i++, text += 3) {
		hi = hex_digit(text[0]);
		lo = hi < 0 ? -1 : hex_digit(text[1]);
		if (lo < 0)
			goto bad;
		r[i] = (uint8_t)(hi << 4 | lo);
		if (i == 0)
			sep = text[2];
		if ((sep != ':' && sep != '-') ||
		    text[2] != (i < 5 ? sep : '\0'))
			goto bad;
	}
	memcpy(mac, r, 6);
	return 0;
bad:
	errno = EINVAL;
	return -1;
}

const char *
afw_mac_print(const uint8_t mac[6], char *buf, size_t size)
{
	(void)snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
	    mac[1], mac[2], mac[3], mac[4], mac[5]);
	return buf;
}

bool
afw_mac_is_host(const uint8_t mac[6])
{
	return (mac[0] & 1) == 0 && memcmp(mac, zeros, 6) != 0;
}
