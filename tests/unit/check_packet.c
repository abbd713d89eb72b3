/* SPDX-License-Identifier: ISC */
/* The parser, checksums, built answers; and a path full of mutated packets. */
#include "path_lab.h"

#include <stdlib.h>

#include "afwrt-tun/checksum.h"
#include "afwrt-tun/clock.h"
#include "afwrt-tun/device.h"
#include "afwrt-tun/icmp.h"
#include "afwrt-tun/mss.h"
#include "afwrt-tun/segment.h"

#define ROUNDS 60000

static struct lab_packet a;
static struct packet p;

static const struct lab_spec specs[] = {
    {.src = "10.0.0.1",
	.dst = "192.0.2.1",
	.proto = PACKET_TCP,
	.sport = 1,
	.dport = 2,
	.flags = PACKET_SYN,
	.payload = 9},
    {.src = "10.0.0.1",
	.dst = "192.0.2.1",
	.proto = PACKET_UDP,
	.sport = 1,
	.dport = 2,
	.payload = 10},
    {.src = "10.0.0.1",
	.dst = "192.0.2.1",
	.proto = PACKET_ICMP,
	.type = 8,
	.payload = 11},
    {.src = "fd00::1",
	.dst = "2001:db8::1",
	.proto = PACKET_TCP,
	.sport = 1,
	.dport = 2,
	.flags = PACKET_SYN,
	.payload = 9},
    {.src = "fd00::1",
	.dst = "2001:db8::1",
	.proto = PACKET_UDP,
	.sport = 1,
	.dport = 2,
	.payload = 10},
    {.src = "fd00::1",
	.dst = "2001:db8::1",
	.proto = PACKET_ICMP6,
	.type = 128,
	.payload = 11},
    {.src = "10.0.0.1",
	.dst = "192.0.2.1",
	.proto = PACKET_UDP,
	.sport = 1,
	.dport = 2,
	.payload = 900,
	.frag_len = 400,
	.id = 7},
    {.src = "fd00::1",
	.dst = "2001:db8::1",
	.proto = PACKET_UDP,
	.sport = 1,
	.dport = 2,
	.payload = 900,
	.frag_off = 400,
	.frag_len = 400},
};
#define N_SPECS ((int)(sizeof(specs) / sizeof(specs[0])))

/* In a buffer of exactly n bytes. */
static bool
parses(const uint8_t *b, size_t n)
{
	uint8_t *exact = malloc(n == 0 ? 1 : n);
	bool ok;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, b, n);
	ok = packet_parse(&p, exact, n);
	free(exact);
	return ok;
}

/* What is whole parses; cut anywhere it does not. */
START_TEST(whole_or_not_at_all)
{
	size_t n;

	lab_make(&a, &specs[_i]);
	ck_assert(parses(a.b, a.len));
	ck_assert_uint_eq(p.len, a.len);
	ck_assert_uint_eq(p.proto, specs[_i].proto);
	for (n = 0; n < a.len; n++)
		ck_assert_msg(!parses(a.b, n), "%zu bytes", n);
	/* padding behind it is no part of it */
	ck_assert(parses(a.b, a.len + 20));
	ck_assert_uint_eq(p.len, a.len);
}
END_TEST

static void
sum4(void)
{
	put16(a.b + 10, 0);
	checksum_ip4(a.b);
}

START_TEST(malformed4)
{
	const struct lab_spec *tcp = &specs[0], *udp = &specs[1];

	lab_make(&a, tcp);
	a.b[10] ^= 1; /* header checksum */
	ck_assert(!parses(a.b, a.len));
	lab_make(&a, tcp);
	a.b[0] = 0x44; /* header length 16 */
	ck_assert(!parses(a.b, a.len));
	a.b[0] = 0x55;
	ck_assert(!parses(a.b, a.len));
	lab_make(&a, tcp);
	put16(a.b + 2, 19);
	sum4();
	ck_assert(!parses(a.b, a.len));
	lab_make(&a, tcp);
	a.b[32] = 0x40; /* TCP header of 16 bytes, then of 60 */
	ck_assert(!parses(a.b, a.len));
	a.b[32] = 0xf0;
	ck_assert(!parses(a.b, a.len));
	lab_make(&a, udp);
	put16(a.b + 24, 7); /* UDP length */
	ck_assert(!parses(a.b, a.len));
	put16(a.b + 24, 1000);
	ck_assert(!parses(a.b, a.len));
	lab_make(&a, udp);
	put16(a.b + 20, 0); /* port 0 */
	ck_assert(!parses(a.b, a.len));
	lab_make(&a, udp);
	a.b[9] = PACKET_ICMP6; /* in IPv4 */
	sum4();
	ck_assert(!parses(a.b, a.len));
	lab_make(&a, tcp);
	put16(a.b + 6, 1); /* a fragment over the TCP header */
	sum4();
	ck_assert(!parses(a.b, a.len));
	put16(a.b + 6, 0x1fff); /* beyond 64 KiB */
	sum4();
	ck_assert(!parses(a.b, a.len));
}
END_TEST

START_TEST(option_route)
{
	static const uint8_t options[3][8] = {{131, 7, 4, 1, 2, 3, 4, 0},
	    {1, 1, 7, 5, 4, 0, 0, 0}, {7, 0, 0, 0, 0, 0, 0, 0}};

	lab_make(&a, &specs[1]);
	memmove(a.b + 28, a.b + 20, a.len - 20);
	memcpy(a.b + 20, options[_i], 8);
	a.len += 8;
	a.b[0] = 0x47;
	put16(a.b + 2, (uint32_t)a.len);
	sum4();
	ck_assert_int_eq(parses(a.b, a.len), _i == 1);
}
END_TEST

static void
insert6(const uint8_t *h, size_t n)
{
	memmove(a.b + 40 + n, a.b + 40, a.len - 40);
	memcpy(a.b + 40, h, n);
	a.b[40] = a.b[6];
	a.len += n;
	put16(a.b + 4, (uint32_t)(a.len - 40));
}

START_TEST(extension_headers)
{
	static const uint8_t none[8] = {0}, routing[8] = {0, 0, 4, 1};
	static const uint8_t later[8] = {0, 0, 0, 8};
	int i;

	for (i = 0; i < 9; i++) { /* destination options, up to a limit */
		lab_make(&a, &specs[4]);
		for (int k = 0; k < i; k++) {
			insert6(none, 8);
			a.b[6] = 60;
		}
		ck_assert_int_eq(parses(a.b, a.len), i < 8);
		if (i < 8)
			ck_assert_uint_eq(p.l4, 40 + 8 * i);
	}
	lab_make(&a, &specs[4]);
	insert6(routing, 8);
	a.b[6] = 43;
	ck_assert(!parses(a.b, a.len)); /* segments left */
	a.b[43] = 0;
	ck_assert(parses(a.b, a.len));
	a.b[41] = 200; /* longer than the packet */
	ck_assert(!parses(a.b, a.len));
	lab_make(&a, &specs[4]);
	insert6(none, 8);
	a.b[6] = 60;
	insert6(none, 8);
	a.b[6] = 0; /* hop-by-hop first is right */
	ck_assert(parses(a.b, a.len));
	a.b[6] = 60;
	a.b[40] = 0; /* and elsewhere is not */
	ck_assert(!parses(a.b, a.len));
	lab_make(&a, &specs[4]);
	insert6(none, 8);
	a.b[6] = 44; /* an atomic fragment is none */
	ck_assert(parses(a.b, a.len));
	ck_assert(!p.fragment);
	insert6(none, 8);
	a.b[6] = 44; /* two fragment headers */
	ck_assert(!parses(a.b, a.len));
	lab_make(&a, &specs[4]);
	insert6(later, 8);
	a.b[6] = 44;
	ck_assert(parses(a.b, a.len));
	ck_assert(p.fragment && p.frag_off == 8);
	lab_make(&a, &specs[4]);
	a.b[6] = PACKET_ICMP;
	ck_assert(!parses(a.b, a.len));
}
END_TEST

/* The fast sum is the plain one, at any length and place. */
START_TEST(sums)
{
	uint8_t b[300];
	uint32_t plain;
	size_t i, n, at;

	for (i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i < 150 ? 0xff : rand());
	for (at = 0; at < 9; at++)
		for (n = 0; n + at <= sizeof(b); n++) {
			uint8_t field[2];

			for (plain = 0, i = 0; i < n; i++)
				plain += i % 2 ? b[at + i]
					       : (uint32_t)b[at + i] << 8;
			while (plain > 0xffff)
				plain = (plain & 0xffff) + (plain >> 16);
			checksum_put(field, checksum_add(0, b + at, n));
			ck_assert_uint_eq(get16(field), ~plain & 0xffff);
		}
}
END_TEST

START_TEST(sum_changes)
{
	uint8_t b[16], was[4], udp[2];
	int i;

	for (i = 0; i < 20000; i++) {
		for (size_t k = 0; k < sizeof(b); k++)
			b[k] = (uint8_t)(rand() % 3 == 0 ? 0xff : rand());
		b[0] = b[1] = 0;
		checksum_put(b, checksum_add(0, b, sizeof(b)));
		memcpy(was, b + 4, 4);
		put32(b + 4, rand() % 5 == 0 ? 0xffffffff : (uint32_t)rand());
		memcpy(udp, b, 2);
		checksum_change(b, was, b + 4, 4);
		ck_assert_uint_eq(
		    checksum_fold(checksum_add(0, b, sizeof(b))), 0xffff);
		if (get16(udp) == 0)
			continue; /* "none" stays none */
		checksum_change_udp(udp, was, b + 4, 4);
		ck_assert_uint_ne(get16(udp), 0);
	}
}
END_TEST

static size_t n_pieces, bytes_pieces;
static uint32_t next_seq;
static struct lab_packet whole;

static void
piece(struct conn *c, const uint8_t *d, size_t len)
{
	size_t h = lab_upper(d) + 20;

	ck_assert_uint_le(len, c->mtu);
	ck_assert(lab_checksums_ok(d, len));
	ck_assert_uint_eq(get32(d + h - 16), next_seq);
	ck_assert_mem_eq(d + h, whole.b + h + bytes_pieces, len - h);
	bytes_pieces += len - h;
	next_seq += (uint32_t)(len - h);
	n_pieces++;
	ck_assert_int_eq(
	    (d[h - 7] & PACKET_FIN) != 0, bytes_pieces + h == whole.len);
	ck_assert_int_eq((d[h - 7] & PACKET_CWR) != 0, n_pieces == 1);
}

START_TEST(segments)
{
	struct lab_spec s = specs[_i == 0 ? 0 : 3];
	struct conn c = {.mtu = 1400};
	struct packet q;

	s.flags = PACKET_ACK | PACKET_FIN | PACKET_CWR;
	s.payload = 60001;
	s.seq = 0xffff0000; /* wraps */
	lab_make(&whole, &s);
	a = whole;
	ck_assert(packet_parse(&q, a.b, a.len));
	q.gso = 1448; /* more than the tunnel takes */
	q.partial = true;
	n_pieces = bytes_pieces = 0;
	next_seq = s.seq;
	ck_assert(segment_tcp(&c, &q, c.mtu, piece));
	ck_assert_uint_eq(bytes_pieces, 60001);
	ck_assert_uint_eq(n_pieces, 45);
}
END_TEST

/* Packets of all kinds with a few bytes changed, both ways, all states. */
static void
mutate(struct lab_packet *m)
{
	int n = rand() % 6;

	while (n-- > 0)
		m->b[(size_t)rand() % (rand() % 2 ? 48 : m->len)] =
		    (uint8_t)(rand() % 3 ? rand() : rand() % 2 * 255);
	if (rand() % 4 == 0)
		m->len = (size_t)rand() % (m->len + 1);
	else if (rand() % 2 == 0 && m->b[0] >> 4 == 4)
		put16(m->b + 2, (uint32_t)m->len);
	if (m->len >= 20 && m->b[0] >> 4 == 4 &&
	    (size_t)(m->b[0] & 15) * 4 <= m->len && rand() % 8 != 0)
		sum4();
}

static void
make_any(void)
{
	static struct lab_packet q;
	struct lab_spec s = specs[rand() % N_SPECS];
	bool up = rand() % 2 == 0, six = strchr(s.src, ':') != NULL;

	if (!up) {
		s.src = six ? "2001:db8::1" : "192.0.2.1";
		s.dst = six ? "fd00:8::2" : "10.8.0.2";
	}
	s.payload += (size_t)(rand() % 3000);
	s.flags = (uint8_t)rand();
	lab_make(&a, &s);
	if (rand() % 4 == 0) {
		q = a;
		lab_make_error(&a, s.dst, s.src, six ? 1 : 3, 1, &q,
		    (size_t)(rand() % 120));
	}
}

START_TEST(mutated)
{
	struct device_meta m = {0};
	struct route *r;
	uint8_t *exact;
	int i;

	lab_open(0);
	r = lab_route(1, "10.8.0.2", "fd00:8::2");
	forward_default_set(1);
	for (i = 0; i < ROUNDS; i++) {
		make_any();
		mutate(&a);
		r->conns[0].mtu = rand() % 2 ? 1400 : 576;
		m.gso = rand() % 4 == 0 ? (uint16_t)(1 + rand() % 2000) : 0;
		m.partial = m.gso != 0 || rand() % 4 == 0;
		exact = malloc(a.len == 0 ? 1 : a.len);
		ck_assert_ptr_nonnull(exact);
		memcpy(exact, a.b, a.len);
		if (i % 2 == 0)
			forward_from_device(exact, a.len, &m);
		else
			forward_from_node(&r->conns[0], exact, a.len);
		lab_answer(SOURCE_NONE);
		free(exact);
		if (i % 64 == 0) {
			forward_from_node_flush(&r->conns[0]);
			while (lab_to_lan(&a))
				ck_assert_uint_gt(a.len, 0);
		}
		if (i % 5000 == 0) {
			lab_route_state(r, 1 + (uint32_t)rand() % 5, false);
		} else if (i % 1000 == 0) {
			lab_route_state(r, AFW_ROUTE_CONNECTED, true);
			lab_route_up(r);
		}
	}
	/* it still does what it is for */
	lab_make(&a, &specs[1]);
	r->conns[0].mtu = 1400;
	lab_route_state(r, AFW_ROUTE_CONNECTED, true);
	lab_n_sent = 0;
	lab_from_lan(&a);
	ck_assert_uint_eq(lab_n_sent, 1);
	lab_close();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("packet");
	TCase *t = tcase_create("packet");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, whole_or_not_at_all, 0, N_SPECS);
	tcase_add_test(t, malformed4);
	tcase_add_loop_test(t, option_route, 0, 3);
	tcase_add_test(t, extension_headers);
	tcase_add_test(t, sums);
	tcase_add_test(t, sum_changes);
	tcase_add_loop_test(t, segments, 0, 2);
	tcase_add_test(t, mutated);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
