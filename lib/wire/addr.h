/* SPDX-License-Identifier: ISC */
#ifndef AFW_WIRE_ADDR_H
#define AFW_WIRE_ADDR_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any address as text, with its NUL. */
#define AFW_ADDR_TEXT 48
#define AFW_MAC_TEXT  18

/* An IP address as it stands on the wire: 4 or 6, network order. */
struct afw_addr {
	uint8_t family; /* 0 none, 4, 6 */
	uint8_t pad[3];
	uint8_t b[16]; /* IPv4 uses the first four, the rest is zero */
};

bool afw_addr_valid(const struct afw_addr *a, bool none_allowed);
bool afw_addr_equal(const struct afw_addr *a, const struct afw_addr *b);
/*
 * One device may send from it: not unspecified, multicast, broadcast, loopback
 * or an IPv4-mapped one in its IPv6 form.
 */
bool afw_addr_is_host(const struct afw_addr *a);
/*
 * Parses text of either family; no zone, no prefix, no leading zeros in IPv4.
 * An IPv4-mapped address becomes the IPv4 one. 0, or -1 and EINVAL.
 */
int afw_addr_parse(struct afw_addr *a, const char *text);
const char *afw_addr_print(const struct afw_addr *a, char *buf, size_t size);
/* To and from a socket address; the port is in host order. */
socklen_t afw_addr_to_sockaddr(const struct afw_addr *a, uint16_t port,
    struct sockaddr_storage *ss);
int afw_addr_from_sockaddr(struct afw_addr *a, uint16_t *port,
    const struct sockaddr *sa);

/*
 * 100.73.0.53 and fd61:6677:7274::53. Where the DNS queries of a device go
 * with "dns": "tunnel": afwrt-net sends them here, into the TUN, and afwrt-tun
 * on to the DNS server of the location.
 */
#define AFW_DNS4 100, 73, 0, 53
#define AFW_DNS6 0xfd, 0x61, 0x66, 0x77, 0x72, 0x74, [15] = 0x53

/* Six pairs of hex digits, all with ':' or all with '-' between them. 0, or
 * -1 and EINVAL. */
int afw_mac_parse(uint8_t mac[6], const char *text);
const char *afw_mac_print(const uint8_t mac[6], char *buf, size_t size);
/* A station's address: not zero, not group. */
bool afw_mac_is_host(const uint8_t mac[6]);

#endif
