/* SPDX-License-Identifier: ISC */
/* "dns": "tunnel": queries to the virtual address, answers from it. */
#include "path_lab.h"

#include <stdlib.h>

static struct lab_packet a, b;
static struct route *r1, *r2;
static bool header;

/* by family: 0 is IPv4 */
static const char *const lan[] = {"192.168.1.5", "fd00:1::5"};
static const char *const lan2[] = {"192.168.1.6", "fd00:1::6"};
static const char *const inner[] = {"10.8.0.2", "fd00:8::2"};
static const char *const ours[] = {"100.73.0.53", "fd61:6677:7274::53"};
static const char *const server[] = {"10.8.0.1", "fd00:8::53"};
static const char *const far_end[] = {"198.51.100.7", "2001:db8:7::7"};
static const uint8_t protos[] = {PACKET_UDP, PACKET_TCP};

static void
setup(void)
{
	int v;

	lab_open(header ? 12 : 0);
	r1 = lab_route(1, inner[0], inner[1]);
	r1->conns[0].dns4 = lab_addr(server[0]);
	r1->conns[0].dns6 = lab_addr(server[1]);
	r2 = lab_route(2, inner[0], inner[1]);
	for (v = 0; v < 2; v++) {
		lab_flow(lan[v], 1);
		lab_flow(lan2[v], 2);
	}
}

static struct lab_spec
query(int v, uint8_t proto)
{
	return (struct lab_spec){.src = lan[v],
	    .dst = ours[v],
	    .proto = proto,
	    .sport = 5000,
	    .dport = 53,
	    .flags = PACKET_SYN,
	    .payload = proto == PACKET_UDP ? 41 : 0};
}

static struct lab_spec
answer(int v, uint8_t proto, const char *from, uint16_t port)
{
	return (struct lab_spec){.src = from,
	    .dst = inner[v],
	    .proto = proto,
	    .sport = 53,
	    .dport = port,
	    .flags = PACKET_SYN | PACKET_ACK,
	    .payload = proto == PACKET_UDP ? 99 : 0};
}

static void
from_lan(const struct lab_spec *s)
{
	lab_make(&a, s);
	lab_from_lan(&a);
}

/* What the node got last, in b; it is to that address. Its source port. */
static uint16_t
sent_to(const char *dst, int v)
{
	struct lab_sent *s;

	ck_assert_uint_gt(lab_n_sent, 0);
	s = &lab_sent[(lab_n_sent - 1) % LAB_SENT_MAX];
	b.len = s->len;
	memcpy(b.b, s->b, s->len);
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert(lab_addr_is(b.b, 0, inner[v]));
	ck_assert(lab_addr_is(b.b, 1, dst));
	return get16(b.b + lab_upper(b.b));
}

static void
from_node(const struct lab_spec *s)
{
	lab_make(&a, s);
	lab_from_node(r1, &a);
}

/* The device gets something from that address. */
static void
got_from(const char *src, int v)
{
	ck_assert(lab_to_lan(&b));
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert(lab_addr_is(b.b, 0, src));
	ck_assert(lab_addr_is(b.b, 1, lan[v]));
}

START_TEST(there_and_back)
{
	int v = _i & 1;
	uint8_t proto = protos[_i >> 1 & 1];
	struct lab_spec s = query(v, proto);
	uint16_t port;

	lab_close();
	header = (_i & 4) != 0;
	setup();
	header = false;
	from_lan(&s);
	port = sent_to(server[v], v);
	ck_assert_uint_eq(get16(b.b + lab_upper(b.b) + 2), 53);
	s = answer(v, proto, server[v], port);
	from_node(&s);
	got_from(ours[v], v);
	ck_assert_uint_eq(get16(b.b + lab_upper(b.b)), 53);
	ck_assert_uint_eq(get16(b.b + lab_upper(b.b) + 2), 5000);
	ck_assert_uint_eq(r1->dropped, 0);
	/* further on in the connection */
	if (proto != PACKET_TCP)
		return;
	s = query(v, proto);
	s.flags = PACKET_ACK;
	s.payload = 43;
	from_lan(&s);
	ck_assert_uint_eq(sent_to(server[v], v), port);
	ck_assert_uint_eq(r1->dropped, 0);
}
END_TEST

/* Another server, another port, somebody who asks the server by its name. */
START_TEST(others_untouched)
{
	int v = _i;
	struct lab_spec s = query(v, PACKET_UDP);
	uint16_t port;

	from_lan(&s);
	port = sent_to(server[v], v);
	s = answer(v, PACKET_UDP, far_end[v], port);
	from_node(&s);
	got_from(far_end[v], v);
	s = answer(v, PACKET_UDP, server[v], port);
	s.sport = 54;
	from_node(&s);
	got_from(server[v], v);
	s = query(v, PACKET_UDP);
	s.dport = 54;
	from_lan(&s);
	(void)sent_to(ours[v], v);
	s = query(v, PACKET_UDP);
	s.dst = server[v];
	s.sport = 5001;
	from_lan(&s);
	port = sent_to(server[v], v);
	s = answer(v, PACKET_UDP, server[v], port);
	from_node(&s);
	got_from(server[v], v);
}
END_TEST

/* A location without a server says so at once. */
START_TEST(no_server)
{
	int v = _i & 1;
	struct lab_spec s = query(v, protos[_i >> 1]);

	s.src = lan2[v];
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 0);
	ck_assert_uint_eq(r2->dropped, 1);
	ck_assert(lab_to_lan(&b));
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert(lab_addr_is(b.b, 1, lan2[v]));
	if (s.proto == PACKET_TCP)
		ck_assert_uint_ne(b.b[lab_upper(b.b) + 13] & 0x04, 0);
	else
		ck_assert_uint_eq(
		    b.b[lab_upper(b.b)], v == 0 ? 3 : 1 /* unreachable */);
}
END_TEST

/* Both are told what became of a packet, in their own words. */
START_TEST(errors)
{
	static const uint8_t types[2][2] = {{3, 3}, {1, 4}};
	int v = _i;
	size_t h = v == 0 ? 20 : 40;
	struct lab_spec s = query(v, PACKET_UDP);
	struct lab_packet q;
	uint16_t port;

	from_lan(&s);
	port = sent_to(server[v], v);
	q = b;
	lab_make_error(
	    &a, server[v], inner[v], types[v][0], types[v][1], &q, q.len);
	lab_from_node(r1, &a);
	got_from(ours[v], v);
	ck_assert(lab_addr_is(b.b + h + 8, 0, lan[v]));
	ck_assert(lab_addr_is(b.b + h + 8, 1, ours[v]));
	ck_assert(lab_checksums_ok(b.b + h + 8, b.len - h - 8));
	s = answer(v, PACKET_UDP, server[v], port);
	from_node(&s);
	got_from(ours[v], v);
	q = b;
	lab_make_error(
	    &a, lan[v], ours[v], types[v][0], types[v][1], &q, q.len);
	lab_from_lan(&a);
	(void)sent_to(server[v], v);
	ck_assert(lab_addr_is(b.b + h + 8, 0, server[v]));
	ck_assert(lab_addr_is(b.b + h + 8, 1, inner[v]));
	ck_assert(lab_checksums_ok(b.b + h + 8, b.len - h - 8));
}
END_TEST

/* A long answer in pieces, and a long query, the last piece first. */
START_TEST(fragments)
{
	int v = _i & 1, i;
	struct lab_spec s = query(v, PACKET_UDP);
	size_t first = (_i & 2) != 0 ? 800 : 0;
	uint16_t port;

	s.payload = 1000;
	s.id = 77;
	s.frag_len = 800;
	s.frag_off = first;
	from_lan(&s);
	s.frag_off = 800 - first;
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 2);
	for (i = 0; i < 2; i++) {
		ck_assert(lab_addr_is(lab_sent[i].b, 1, server[v]));
		ck_assert(lab_checksums_ok(lab_sent[i].b, lab_sent[i].len));
	}
	port = get16(lab_sent[0].b + (v == 0 ? 20 : 48));
	s = answer(v, PACKET_UDP, server[v], port);
	s.payload = 1000;
	s.id = 78;
	s.frag_len = 800;
	s.frag_off = first;
	from_node(&s);
	s.frag_off = 800 - first;
	from_node(&s);
	got_from(ours[v], v);
	got_from(ours[v], v);
	ck_assert_uint_eq(r1->dropped, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dns");
	TCase *t = tcase_create("dns");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, lab_close);
	tcase_add_loop_test(t, there_and_back, 0, 8);
	tcase_add_loop_test(t, others_untouched, 0, 2);
	tcase_add_loop_test(t, no_server, 0, 4);
	tcase_add_loop_test(t, errors, 0, 2);
	tcase_add_loop_test(t, fragments, 0, 4);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
