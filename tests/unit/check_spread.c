/* SPDX-License-Identifier: ISC */
/* Several connections of one route: which one a packet takes, and its NAT. */
#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "afwrt-tun/clock.h"
#include "afwrt-tun/nat.h"
#include "afwrt-tun/nat_table.h"
#include "afwrt-tun/spread.h"
#include "path_lab.h"

#define N 4

static struct route *r;
static struct lab_packet b, back;

static void
setup(void)
{
	char v4[32], v6[32];
	unsigned int i;

	lab_open(0);
	clock_now = 100000;
	r = lab_route(1, "10.8.0.2", "fd00:8::2");
	for (i = 1; i < N; i++) {
		(void)snprintf(v4, sizeof(v4), "10.8.0.%u", i + 2);
		(void)snprintf(v6, sizeof(v6), "fd00:8::%u", i + 2);
		(void)lab_conn(r, v4, v6);
	}
	forward_default_set(1);
}

static struct lab_spec
spec(unsigned int device, unsigned int server)
{
	static char src[2][32], dst[2][32];
	static int turn;
	struct lab_spec s = {.proto = PACKET_UDP, .sport = 5000, .dport = 443};

	turn ^= 1;
	(void)snprintf(src[turn], sizeof(src[turn]), "192.168.%u.%u",
	    device / 200, device % 200 + 2);
	(void)snprintf(dst[turn], sizeof(dst[turn]), "198.51.%u.%u",
	    server / 200, server % 200 + 2);
	s.src = src[turn];
	s.dst = dst[turn];
	s.payload = 20;
	return s;
}

static const struct lab_sent *
from_lan(const struct lab_spec *s)
{
	size_t n = lab_n_sent;

	lab_make(&b, s);
	lab_from_lan(&b);
	if (lab_n_sent == n)
		return NULL;
	ck_assert_uint_eq(lab_n_sent, n + 1);
	return &lab_sent[n % LAB_SENT_MAX];
}

static unsigned int
conn_of(const struct lab_spec *s)
{
	const struct lab_sent *sent = from_lan(s);
	char text[32];

	ck_assert_ptr_nonnull(sent);
	(void)snprintf(text, sizeof(text), "10.8.0.%u", sent->conn + 2);
	ck_assert(lab_addr_is(sent->b, 0, text));
	return sent->conn;
}

START_TEST(all_are_used)
{
	unsigned int i, used[N] = {0};
	struct lab_spec s;

	for (i = 0; i < 400; i++) {
		s = spec(i % 20, i / 20);
		s.sport = (uint16_t)(1024 + i); /* a mapping for each */
		used[conn_of(&s)]++;
	}
	for (i = 0; i < N; i++) {
		ck_assert_uint_gt(used[i], 60);
		ck_assert_uint_lt(used[i], 140);
	}
}
END_TEST

/* One exit address for all that a device has with a server. */
START_TEST(pair_has_one)
{
	struct lab_spec s;
	unsigned int i, c, server;

	for (server = 0; server < 30; server++) {
		s = spec(1, server);
		s.proto = PACKET_TCP;
		s.flags = PACKET_SYN;
		c = conn_of(&s);
		for (i = 0; i < 10; i++) {
			s.sport = (uint16_t)(20000 + i);
			s.dport = (uint16_t)(1 + i);
			ck_assert_uint_eq(conn_of(&s), c);
		}
	}
}
END_TEST

/* One that goes takes its own pairs only, and gets them again. */
START_TEST(others_stay)
{
	unsigned int i, moved = 0, was[100];
	uint8_t src[4] = {192, 168, 1, 2}, dst[4] = {198, 51, 100, 0};
	struct conn *c;

	for (i = 0; i < 100; i++) {
		dst[3] = (uint8_t)i;
		was[i] = spread_choose(r, 4, src, dst)->index;
	}
	r->conns[2].up = false;
	for (i = 0; i < 100; i++) {
		dst[3] = (uint8_t)i;
		c = spread_choose(r, 4, src, dst);
		ck_assert_uint_ne(c->index, 2);
		if (was[i] == 2)
			moved++;
		else
			ck_assert_uint_eq(c->index, was[i]);
	}
	ck_assert_uint_gt(moved, 0);
	r->conns[2].up = true;
	for (i = 0; i < 100; i++) {
		dst[3] = (uint8_t)i;
		ck_assert_uint_eq(spread_choose(r, 4, src, dst)->index, was[i]);
	}
}
END_TEST

/* The mapping decides: to another server by the same port, too. */
START_TEST(flow_stays)
{
	struct lab_spec s = spec(1, 1);
	unsigned int i, c = conn_of(&s);

	for (i = 0; i < 50; i++) {
		s = spec(1, i);
		ck_assert_uint_eq(conn_of(&s), c);
	}
	ck_assert_uint_eq(nat_count(1), 1);
}
END_TEST

static struct lab_spec
answer(const struct lab_spec *s, unsigned int conn)
{
	static char inner[32];
	struct lab_spec t = *s;

	(void)snprintf(inner, sizeof(inner), "10.8.0.%u", conn + 2);
	t.src = s->dst;
	t.dst = inner;
	t.sport = s->dport;
	t.dport = s->sport;
	return t;
}

/* What comes by another connection than it went by is not believed. */
START_TEST(answers_by_its_own)
{
	struct lab_spec s = spec(1, 1), t;
	unsigned int c = conn_of(&s), other = (c + 1) % N;

	t = answer(&s, c);
	lab_make(&b, &t);
	lab_from_conn(&r->conns[other], &b);
	ck_assert(!lab_to_lan(&back));
	r->conns[other].inner4 = r->conns[c].inner4; /* not even then */
	lab_from_conn(&r->conns[other], &b);
	ck_assert(!lab_to_lan(&back));
	lab_from_conn(&r->conns[c], &b);
	ck_assert(lab_to_lan(&back));
	ck_assert(lab_addr_is(back.b, 1, s.src));
}
END_TEST

/* Two nodes may lend the same address: a port each. */
START_TEST(same_inner_address)
{
	struct lab_spec s, t;
	unsigned int i, c, seen[N] = {0};

	for (i = 1; i < N; i++)
		r->conns[i].inner4 = r->conns[0].inner4;
	for (i = 0; i < 40; i++) {
		s = spec(i, 1);
		c = from_lan(&s)->conn;
		if (seen[c]++ > 0)
			continue;
		ck_assert_uint_eq(
		    get16(lab_sent[(lab_n_sent - 1) % LAB_SENT_MAX].b + 20),
		    s.sport);
		t = answer(&s, 0);
		lab_make(&b, &t);
		lab_from_conn(&r->conns[c], &b);
		ck_assert(lab_to_lan(&back));
		ck_assert(lab_addr_is(back.b, 1, s.src));
	}
	for (i = 0; i < N; i++)
		ck_assert_uint_gt(seen[i], 0);
}
END_TEST

/* A connection that is lost: its flows wait for it, then they move. */
START_TEST(lost)
{
	struct lab_spec s = spec(1, 1), tcp = spec(1, 1);
	unsigned int c = conn_of(&s), old;

	tcp.proto = PACKET_TCP;
	tcp.flags = PACKET_SYN;
	ck_assert_uint_eq(conn_of(&tcp), c);
	tcp.flags = PACKET_ACK;
	r->conns[c].up = false;
	r->conns[c].resume = 1u << 31; /* the clock is the system's here */
	forward_conn_down(&r->conns[c]);
	ck_assert_ptr_null(from_lan(&s));
	ck_assert_ptr_null(from_lan(&tcp));
	ck_assert(!lab_to_lan(&back));
	ck_assert_uint_eq(nat_count(1), 2);
	r->conns[c].up = true; /* the same address: they go on */
	forward_conn_up(&r->conns[c]);
	ck_assert_uint_eq(conn_of(&s), c);
	ck_assert_uint_eq(conn_of(&tcp), c);
	r->conns[c].up = false;
	r->conns[c].resume = 0;
	old = c;
	ck_assert_uint_ne(c = conn_of(&s), old);
	ck_assert_ptr_null(from_lan(&tcp));
	ck_assert(lab_to_lan(&back)); /* it begins anew */
	ck_assert_int_ne(back.b[33] & PACKET_RST, 0);
	tcp.flags = PACKET_SYN;
	ck_assert_uint_eq(conn_of(&tcp), c);
	r->conns[old].up = true;
	ck_assert_uint_eq(conn_of(&s), c);
}
END_TEST

/* Another address: the mappings of that connection go, of no other. */
START_TEST(other_address)
{
	unsigned int i, n[N] = {0};
	struct lab_spec s;

	for (i = 0; i < 40; i++) {
		s = spec(i, 1);
		n[conn_of(&s)]++;
	}
	ck_assert_uint_gt(n[1], 0);
	forward_conn_up(&r->conns[1]);
	ck_assert_uint_eq(nat_count(1), 40);
	r->conns[1].inner4 = lab_addr("10.8.0.99");
	forward_conn_up(&r->conns[1]);
	ck_assert_uint_eq(nat_count(1), 40 - n[1]);
}
END_TEST

/* A restart: each mapping is that of its connection again. */
START_TEST(adopted)
{
	int fd = lab_memfd(), again = dup(fd);
	unsigned int i, was[40];
	struct lab_spec s;

	ck_assert_int_eq(nat_open(fd, true), 0);
	for (i = 0; i < 40; i++) {
		s = spec(i, 1);
		was[i] = conn_of(&s);
	}
	ck_assert_int_eq(nat_open(again, false), 0);
	ck_assert_uint_eq(nat_count(1), 40);
	for (i = 0; i < N; i++)
		forward_conn_up(&r->conns[i]);
	for (i = 0; i < 40; i++) {
		s = spec(i, 77);
		ck_assert_uint_eq(conn_of(&s), was[i]);
	}
	ck_assert_uint_eq(nat_count(1), 40);
}
END_TEST

/* All pieces of a datagram go the way of the first, late ones too. */
START_TEST(fragments)
{
	struct lab_spec s;
	unsigned int i, c;
	const struct lab_sent *sent;

	for (i = 0; i < 20; i++) {
		s = spec(1, i);
		s.sport = (uint16_t)(6000 + i);
		s.payload = 2000;
		s.id = (uint16_t)(i + 1);
		s.frag_len = 1200;
		c = conn_of(&s);
		r->conns[(c + 1) % N].up = false;
		s.frag_off = 1200;
		s.frag_len = 808;
		ck_assert_ptr_nonnull(sent = from_lan(&s));
		ck_assert_uint_eq(sent->conn, c);
		r->conns[(c + 1) % N].up = true;
	}
}
END_TEST

/* A family that not all have goes by those that do. */
START_TEST(family_of_some)
{
	struct lab_spec s = {.src = "fd00:1::5",
	    .dst = "2001:db8:7::7",
	    .proto = PACKET_UDP,
	    .dport = 443};
	unsigned int i;

	for (i = 0; i < N; i++)
		if (i != 2)
			r->conns[i].inner6.family = 0;
	for (i = 0; i < 20; i++) {
		s.sport = (uint16_t)(7000 + i);
		ck_assert_uint_eq(from_lan(&s)->conn, 2);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spread");
	TCase *t = tcase_create("spread");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, lab_close);
	tcase_add_test(t, all_are_used);
	tcase_add_test(t, pair_has_one);
	tcase_add_test(t, others_stay);
	tcase_add_test(t, flow_stays);
	tcase_add_test(t, answers_by_its_own);
	tcase_add_test(t, same_inner_address);
	tcase_add_test(t, lost);
	tcase_add_test(t, other_address);
	tcase_add_test(t, adopted);
	tcase_add_test(t, fragments);
	tcase_add_test(t, family_of_some);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
