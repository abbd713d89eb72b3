/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_PACKET_H
#define AFWRT_TUN_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire/addr.h"

#define PACKET_MAX 65535

/* TCP flags */
#define PACKET_FIN   0x01
#define PACKET_SYN   0x02
#define PACKET_RST   0x04
#define PACKET_PSH   0x08
#define PACKET_ACK   0x10
#define PACKET_CWR   0x80

#define PACKET_ICMP  1
#define PACKET_TCP   6
#define PACKET_UDP   17
#define PACKET_ICMP6 58

/* What an ICMP message is to us. */
enum packet_icmp {
	PACKET_ICMP_OTHER,
	PACKET_ICMP_REQUEST,
	PACKET_ICMP_REPLY,
	PACKET_ICMP_ERROR
};

/*
 * One IP packet in a buffer that is the caller's, and what a strict look at
 * it found: every offset here lies inside of len.
 */
struct packet {
	uint8_t *data;
	uint32_t len;       /* of the IP packet; bytes behind it are ignored */
	uint32_t l4;        /* offset of the upper layer's header */
	uint8_t *src, *dst; /* in the header */
	uint8_t family;     /* 4 or 6 */
	uint8_t alen;       /* 4 or 16 */
	uint8_t proto;      /* upper layer */
	bool fragment;      /* part of a datagram */
	bool more;          /* fragments follow */
	uint32_t frag_at;   /* IPv6: offset of the fragment header */
	uint32_t frag_off;  /* in bytes; not 0: there is no upper header */
	uint32_t frag_id;   /* as it stands in the header, host order */
	/* from the device's header, else zero */
	uint16_t gso; /* payload bytes of a segment, 0: one packet */
	bool partial; /* the checksum of the upper layer is not complete */
};

/*
 * Fills in p from a buffer. False: malformed, cut short, or not to be
 * carried (source route, routing header, unknown extension header).
 */
bool packet_parse(struct packet *p, uint8_t *data, size_t len);
/*
 * The same for the packet quoted in an ICMP error, of which only the
 * beginning is there: at least eight bytes of the upper header are.
 */
bool packet_parse_quoted(struct packet *p, uint8_t *data, size_t len);
/* Its upper header: ports (or echo id) are at hand. */
bool packet_has_header(const struct packet *p);
enum packet_icmp packet_icmp_kind(const struct packet *p);
uint8_t packet_tcp_flags(const struct packet *p);
bool packet_dont_fragment(const struct packet *p);

/* Addresses that may cross the tunnel: one host, and not of this link. */
bool packet_addr_carried(uint8_t family, const uint8_t *a);

/* The upper layer's checksum over the whole packet, in full. */
void packet_checksum(struct packet *p);
/* True if it holds (UDP of IPv4 without one does). */
bool packet_checksum_ok(const struct packet *p);

static inline uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static inline void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

#endif
