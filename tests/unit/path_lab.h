/* SPDX-License-Identifier: ISC */
#ifndef PATH_LAB_H
#define PATH_LAB_H

/*
 * For the tests of the packet path: packets made and checked by code that
 * shares nothing with what is tested, a fake route.c, and a socket pair in
 * the place of the TUN.
 */
#ifdef LAB_FUZZ
#include <stdlib.h>
#define ck_assert(x)             ((x) ? (void)0 : abort())
#define ck_assert_msg(x, ...)    ck_assert(x)
#define ck_assert_ptr_nonnull(x) ck_assert((x) != NULL)
#define ck_assert_int_eq(x, y)   ck_assert((x) == (y))
#define ck_assert_int_ne(x, y)   ck_assert((x) != (y))
#define ck_assert_int_gt(x, y)   ck_assert((x) > (y))
#define ck_assert_uint_le(x, y)  ck_assert((x) <= (y))
#define ck_assert_uint_lt(x, y)  ck_assert((x) < (y))
#else
#include <check.h>
#endif
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "afwrt-tun/forward.h"
#include "afwrt-tun/packet.h"

#define LAB_MAX 66000

/* One packet in a buffer of its own. */
struct lab_packet {
	uint8_t b[LAB_MAX];
	size_t len;
};

/* What to make; zero is a sensible default for all but the addresses. */
struct lab_spec {
	const char *src, *dst; /* text, either family */
	uint8_t proto;         /* PACKET_TCP... */
	uint16_t sport, dport; /* sport: echo id, dport: its sequence */
	uint8_t flags;         /* TCP */
	uint32_t seq, ack;
	uint8_t type, code;     /* ICMP */
	const uint8_t *options; /* TCP, n_options a multiple of 4 */
	size_t n_options;
	size_t payload; /* bytes, a pattern */
	bool df;
	uint16_t id;
	/* a fragment: the upper layer is made whole, then cut */
	size_t frag_off, frag_len; /* bytes of the upper layer */
	bool no_udp_checksum;
};

void lab_make(struct lab_packet *p, const struct lab_spec *s);
/* An ICMP error of src to dst quoting n bytes of q. */
void lab_make_error(struct lab_packet *p, const char *src, const char *dst,
    uint8_t type, uint8_t code, const struct lab_packet *q, size_t n);
/* Every checksum, recomputed byte by byte; false if one is wrong. */
bool lab_checksums_ok(const uint8_t *b, size_t len);
struct afw_addr lab_addr(const char *text);
/* Is address i of the packet (0 source, 1 destination) this? */
bool lab_addr_is(const uint8_t *b, int i, const char *text);
/* Offset of the upper layer of a packet without extension headers. */
size_t lab_upper(const uint8_t *b);

/* ---- the fake routes ---------------------------------------------------- */

struct lab_sent {
	uint32_t route;
	unsigned int conn;
	size_t len;
	uint8_t b[2048];
};

#define LAB_SENT_MAX 512

extern struct lab_sent lab_sent[LAB_SENT_MAX];
extern size_t lab_n_sent, lab_wanted, lab_flushed;
extern bool lab_queue_full;

/* A route of this id that is up with these addresses (NULL: none). */
struct route *lab_route(uint32_t id, const char *inner4, const char *inner6);
/* One more connection of it. */
struct conn *lab_conn(struct route *r, const char *inner4, const char *inner6);
/* Its first connection went up; it went down. */
void lab_route_up(struct route *r);
void lab_route_down(struct route *r);
void lab_route_state(struct route *r, uint32_t state, bool ready);

/* ---- the fake afwrt-net ------------------------------------------------- */

/* Questions that wait for an answer, and all there were. It answers to the
 * packets of lab_from_lan that no rule is about their source, unless silent. */
extern size_t lab_n_asked, lab_asked;
extern bool lab_net_down, lab_net_silent;

/* Answers all that wait. */
void lab_answer(enum source_answer answer);

/* ---- the device ---------------------------------------------------------- */

/* A loop, a table, a device with this header size (0 or 12), no routes. */
void lab_open(unsigned int vnet_hdr);
void lab_close(void);
/* Another device, in the place of the first; its far end is ours. */
void lab_device(unsigned int vnet_hdr);
int lab_device_take(void);
/* The loop turns once. */
void lab_turn(void);
/* A packet comes out of the TUN; the loop runs until it is dealt with. */
void lab_from_lan(const struct lab_packet *p);
/* The next packet written to the TUN; false: none. */
bool lab_to_lan(struct lab_packet *p);
/* A packet from the node of r, a batch of one. */
void lab_from_node(struct route *r, const struct lab_packet *p);
void lab_from_conn(struct conn *c, const struct lab_packet *p);
void lab_flow(const char *addr, uint32_t route);
/* A memfd as the supervisor keeps it. */
int lab_memfd(void);

#endif
