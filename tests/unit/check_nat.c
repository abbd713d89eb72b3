/* SPDX-License-Identifier: ISC */
/* NAT: round trips, ports, mappings, states, errors, shares. */
#include "path_lab.h"

#include <stdio.h>

#include "afwrt-tun/clock.h"
#include "afwrt-tun/nat.h"
#include "afwrt-tun/nat_table.h"
#include "afwrt-tun/nat_user.h"

static struct route *r1, *r2;
static struct lab_packet a, b;
static struct packet p;

static const char *const lan[2] = {"192.168.1.5", "fd00:1::5"};
static const char *const lan_other[2] = {"192.168.1.6", "fd00:1::6"};
static const char *const remote[2] = {"198.51.100.7", "2001:db8:7::7"};
static const char *const inner[2] = {"10.8.0.2", "fd00:8::2"};

static void
setup(void)
{
	lab_open(0);
	r1 = lab_route(1, inner[0], inner[1]);
	r2 = lab_route(2, inner[0], inner[1]); /* the same addresses */
	clock_now = 100000;
}

static struct lab_spec
spec(int v, uint8_t proto)
{
	struct lab_spec s = {.src = lan[v],
	    .dst = remote[v],
	    .sport = 40001,
	    .dport = 443,
	    .payload = 33};

	s.proto = proto;
	if (proto == PACKET_TCP)
		s.flags = PACKET_SYN;
	if (proto == PACKET_ICMP || proto == PACKET_ICMP6)
		s.type = v == 0 ? 8 : 128;
	return s;
}

/* The answer to what b now is. */
static struct lab_spec
answer(int v, const struct lab_spec *s)
{
	struct lab_spec t = *s;
	const uint8_t *u = b.b + lab_upper(b.b);

	t.src = remote[v];
	t.dst = inner[v];
	t.sport = s->dport;
	t.dport = get16(u);
	if (s->proto == PACKET_TCP)
		t.flags = PACKET_SYN | PACKET_ACK;
	if (s->proto == PACKET_ICMP || s->proto == PACKET_ICMP6) {
		t.type = v == 0 ? 0 : 129;
		t.sport = get16(u + 4);
		t.dport = s->dport;
	}
	return t;
}

static enum nat_result
out(struct route *r, const struct lab_spec *s)
{
	lab_make(&b, s);
	ck_assert(packet_parse(&p, b.b, b.len));
	return nat_out(&r->conns[0], &p);
}

static enum nat_result
in(struct route *r, const struct lab_spec *s)
{
	lab_make(&b, s);
	ck_assert(packet_parse(&p, b.b, b.len));
	return nat_in(&r->conns[0], &p);
}

static uint16_t
port_of(int side)
{
	const uint8_t *u = b.b + lab_upper(b.b);

	if (p.proto == PACKET_ICMP || p.proto == PACKET_ICMP6)
		return get16(u + 4);
	return get16(u + 2 * side);
}

static const uint8_t protos[2][3] = {
    {PACKET_TCP, PACKET_UDP, PACKET_ICMP},
    {PACKET_TCP, PACKET_UDP, PACKET_ICMP6},
};

/* 0..5: family and protocol */
START_TEST(round_trip)
{
	int v = _i / 3;
	struct lab_spec s = spec(v, protos[v][_i % 3]), t;

	ck_assert_int_eq(out(r1, &s), NAT_OK);
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert(lab_addr_is(b.b, 0, inner[v]));
	ck_assert(lab_addr_is(b.b, 1, remote[v]));
	ck_assert_uint_eq(port_of(0), 40001); /* it was free */
	t = answer(v, &s);
	ck_assert_int_eq(in(r1, &t), NAT_OK);
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert(lab_addr_is(b.b, 0, remote[v]));
	ck_assert(lab_addr_is(b.b, 1, lan[v]));
	ck_assert_uint_eq(port_of(1), 40001);
	/* no entry of the other route */
	ck_assert_int_eq(in(r2, &t), NAT_DROP);
	ck_assert_uint_eq(nat_count(1), 1);
	ck_assert_uint_eq(nat_count(2), 0);
}
END_TEST

START_TEST(port_collision)
{
	int v = _i / 3;
	struct lab_spec s = spec(v, protos[v][_i % 3]), t;
	uint16_t other;

	ck_assert_int_eq(out(r1, &s), NAT_OK);
	s.src = lan_other[v];
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	ck_assert(lab_checksums_ok(b.b, b.len));
	other = port_of(0);
	ck_assert_uint_ne(other, 40001);
	if (_i % 3 != 2) {
		ck_assert_uint_ge(other, 1024);
		ck_assert_uint_eq(other % 2, 1); /* parity kept */
	}
	t = answer(v, &s);
	ck_assert_int_eq(in(r1, &t), NAT_OK);
	ck_assert(lab_addr_is(b.b, 1, lan_other[v]));
	ck_assert_uint_eq(port_of(1), 40001);
	ck_assert(lab_checksums_ok(b.b, b.len));
}
END_TEST

START_TEST(low_port_stays_low)
{
	struct lab_spec s = spec(0, PACKET_UDP);

	s.sport = 500;
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	ck_assert_uint_eq(port_of(0), 500);
	s.src = lan_other[0];
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	ck_assert_uint_lt(port_of(0), 1024);
	ck_assert_uint_eq(port_of(0) % 2, 0);
}
END_TEST

START_TEST(udp_is_endpoint_independent)
{
	struct lab_spec s = spec(0, PACKET_UDP), t;
	uint16_t port;

	ck_assert_int_eq(out(r1, &s), NAT_OK);
	s.src = lan_other[0];
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	port = port_of(0);
	s.dst = "203.0.113.9";
	s.dport = 7;
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	ck_assert_uint_eq(port_of(0), port);
	/* and anybody may answer */
	t = answer(0, &s);
	t.src = "203.0.113.77";
	t.sport = 9999;
	ck_assert_int_eq(in(r1, &t), NAT_OK);
	ck_assert(lab_addr_is(b.b, 1, lan_other[0]));
	ck_assert_uint_eq(nat_count(1), 2);
}
END_TEST

START_TEST(udp_without_checksum)
{
	struct lab_spec s = spec(0, PACKET_UDP);

	s.no_udp_checksum = true;
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	ck_assert_uint_eq(get16(b.b + 26), 0);
	ck_assert(lab_checksums_ok(b.b, b.len));
}
END_TEST

START_TEST(tcp_only_from_its_peer)
{
	struct lab_spec s = spec(0, PACKET_TCP), t;

	ck_assert_int_eq(out(r1, &s), NAT_OK);
	t = answer(0, &s);
	t.src = "203.0.113.77";
	ck_assert_int_eq(in(r1, &t), NAT_DROP);
	t = answer(0, &s);
	t.dst = "10.8.0.3"; /* not ours */
	ck_assert_int_eq(in(r1, &t), NAT_DROP);
}
END_TEST

START_TEST(tcp_without_state)
{
	struct lab_spec s = spec(0, PACKET_TCP);

	s.flags = PACKET_ACK;
	ck_assert_int_eq(out(r1, &s), NAT_NO_STATE);
	s.flags = PACKET_SYN | PACKET_ACK;
	ck_assert_int_eq(out(r1, &s), NAT_NO_STATE);
	s.flags = PACKET_SYN;
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	s.flags = PACKET_ACK;
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	/* the device is moved: the old route's entry does not count */
	ck_assert_int_eq(out(r2, &s), NAT_NO_STATE);
	ck_assert_uint_eq(nat_count(0), 0);
}
END_TEST

static void
tcp_connect(struct lab_spec *s)
{
	struct lab_spec t;

	s->flags = PACKET_SYN;
	ck_assert_int_eq(out(r1, s), NAT_OK);
	t = answer(0, s);
	ck_assert_int_eq(in(r1, &t), NAT_OK);
	s->flags = PACKET_ACK;
	ck_assert_int_eq(out(r1, s), NAT_OK);
}

START_TEST(tcp_times)
{
	struct lab_spec s = spec(0, PACKET_TCP);

	ck_assert_int_eq(out(r1, &s), NAT_OK); /* half open: 4 min */
	clock_now += 239;
	s.flags = PACKET_ACK;
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	clock_now += 240;
	ck_assert_int_eq(out(r1, &s), NAT_NO_STATE);
	tcp_connect(&s); /* up: 2 h 4 min */
	clock_now += 7439;
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	clock_now += 7440;
	ck_assert_int_eq(out(r1, &s), NAT_NO_STATE);
	tcp_connect(&s); /* closing: 4 min */
	s.flags = PACKET_FIN | PACKET_ACK;
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	s.flags = PACKET_ACK;
	clock_now += 239;
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	clock_now += 240;
	ck_assert_int_eq(out(r1, &s), NAT_NO_STATE);
}
END_TEST

START_TEST(udp_and_echo_times)
{
	struct lab_spec s = spec(0, PACKET_UDP), t;

	ck_assert_int_eq(out(r1, &s), NAT_OK);
	t = answer(0, &s);
	clock_now += 299;
	ck_assert_int_eq(in(r1, &t), NAT_OK);
	clock_now += 1; /* what comes from outside does not keep it */
	ck_assert_int_eq(in(r1, &t), NAT_DROP);
	s.dport = 53;
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	t = answer(0, &s);
	clock_now += 60;
	ck_assert_int_eq(in(r1, &t), NAT_DROP);
	s = spec(0, PACKET_ICMP);
	ck_assert_int_eq(out(r1, &s), NAT_OK);
	t = answer(0, &s);
	clock_now += 59;
	ck_assert_int_eq(in(r1, &t), NAT_OK);
	clock_now += 1;
	ck_assert_int_eq(in(r1, &t), NAT_DROP);
}
END_TEST

START_TEST(sweep_is_bounded_and_complete)
{
	struct lab_spec s = spec(0, PACKET_UDP);
	int i;

	for (i = 0; i < 5000; i++) {
		s.sport = (uint16_t)(2000 + i);
		ck_assert_int_eq(out(r1, &s), NAT_OK);
	}
	clock_now += 300;
	nat_tick();
	ck_assert_uint_eq(nat_table_total(), 5000 - 2048);
	nat_tick();
	nat_tick();
	ck_assert_uint_eq(nat_table_total(), 0);
}
END_TEST

/* errors about packets of ours, and of ours about packets of theirs */
START_TEST(icmp_errors)
{
	static const uint8_t types[2][2] = {{3, 1}, {1, 4}};
	int v = _i / 3;
	struct lab_spec s = spec(v, protos[v][_i % 3]), t;
	const char *router[2] = {"203.0.113.1", "2001:db8:1::1"};
	size_t h = v == 0 ? 20 : 40, quote;

	for (quote = h + 8; quote < h + 60; quote += 5) {
		s.src = lan_other[v];
		ck_assert_int_eq(out(r1, &s), NAT_OK);
		a = b;
		lab_make_error(&b, router[v], inner[v], types[v][0],
		    types[v][1], &a, quote);
		ck_assert(packet_parse(&p, b.b, b.len));
		ck_assert_int_eq(nat_in(&r1->conns[0], &p), NAT_OK);
		ck_assert(lab_checksums_ok(b.b, b.len));
		ck_assert(lab_addr_is(b.b, 1, lan_other[v]));
		ck_assert(lab_addr_is(b.b + h + 8, 0, lan_other[v]));
		if (b.len >= 2 * h + 8 + s.payload + 20)
			ck_assert(lab_checksums_ok(b.b + h + 8, b.len - h - 8));
		t = answer(v, &s);
		/* b is the error now: the port is in a */
		if (_i % 3 == 2)
			t.sport = get16(a.b + h + 4);
		else
			t.dport = get16(a.b + h);
		ck_assert_int_eq(in(r1, &t), NAT_OK);
		a = b;
		lab_make_error(&b, lan_other[v], remote[v], types[v][0],
		    types[v][1], &a, quote);
		ck_assert(packet_parse(&p, b.b, b.len));
		ck_assert_int_eq(nat_out(&r1->conns[0], &p), NAT_OK);
		ck_assert(lab_checksums_ok(b.b, b.len));
		ck_assert(lab_addr_is(b.b, 0, inner[v]));
		ck_assert(lab_addr_is(b.b + h + 8, 1, inner[v]));
	}
	/* with a wrong checksum it is dropped */
	a = b;
	lab_make_error(
	    &b, router[v], inner[v], types[v][0], types[v][1], &a, a.len);
	b.b[b.len - 1] ^= 1;
	ck_assert(packet_parse(&p, b.b, b.len));
	ck_assert_int_eq(nat_in(&r1->conns[0], &p), NAT_DROP);
}
END_TEST

/* Connections of a device, each device to a remote port of its own. */
static void
fill(const char *src, uint32_t n, uint16_t dport)
{
	struct lab_spec s = spec(0, PACKET_TCP);
	uint32_t i;

	s.src = src;
	s.payload = 0;
	lab_make(&a, &s);
	for (i = 0; i < n; i++) {
		b = a;
		put16(b.b + 20, 1024 + i % 60000);
		put16(b.b + 22, dport);
		ck_assert(packet_parse(&p, b.b, b.len));
		ck_assert_int_eq(nat_out(&r1->conns[0], &p), NAT_OK);
	}
}

static uint32_t
count(const char *text)
{
	struct afw_addr x = lab_addr(text);

	return nat_user_count(x.family, x.b);
}

START_TEST(share_of_a_device)
{
	struct lab_spec s = spec(0, PACKET_TCP);

	fill(lan_other[0], 3, 2);
	fill(lan[0], NAT_SHARE + 100, 1);
	ck_assert_uint_eq(count(lan[0]), NAT_SHARE);
	ck_assert_uint_eq(count(lan_other[0]), 3);
	/* its oldest are gone, its newest are there */
	s.flags = PACKET_ACK;
	s.dport = 1;
	s.sport = 1024;
	ck_assert_int_eq(out(r1, &s), NAT_NO_STATE);
	s.sport = 1024 + NAT_SHARE + 99;
	ck_assert_int_eq(out(r1, &s), NAT_OK);
}
END_TEST

START_TEST(full_table)
{
	char text[32];
	int i;

	fill("192.168.1.200", 5, 1);
	for (i = 0; i < 4; i++) {
		(void)snprintf(text, sizeof(text), "192.168.1.%d", 10 + i);
		fill(text, i == 3 ? NAT_SHARE - 5 : NAT_SHARE,
		    (uint16_t)(i + 2));
	}
	ck_assert_uint_eq(nat_table_total(), NAT_ENTRIES);
	/* the small one is not touched, the newcomer gets room */
	fill("192.168.1.201", 50, 7);
	ck_assert_uint_eq(nat_table_total(), NAT_ENTRIES);
	ck_assert_uint_eq(count("192.168.1.200"), 5);
	ck_assert_uint_eq(count("192.168.1.201"), 50);
}
END_TEST

/* Three devices have all ports to one end; a fourth gets some. */
START_TEST(no_port_left)
{
	struct lab_spec s = spec(0, PACKET_UDP);
	char text[32];
	uint32_t i, n = 64512;

	lab_make(&a, &s);
	for (i = 0; i < n; i++) {
		(void)snprintf(
		    text, sizeof(text), "192.168.1.%u", 10 + i / 16200);
		s.src = text;
		s.sport = (uint16_t)(1024 + i);
		s.payload = 0;
		ck_assert_int_eq(out(r1, &s), NAT_OK);
	}
	ck_assert_uint_eq(nat_table_total(), n);
	s.src = "192.168.1.99";
	for (i = 0; i < 100; i++) {
		s.sport = (uint16_t)(5000 + i);
		ck_assert_int_eq(out(r1, &s), NAT_OK);
	}
	ck_assert_uint_eq(nat_table_total(), n);
	ck_assert_uint_eq(count("192.168.1.99"), 100);
}
END_TEST

START_TEST(other_inner_address)
{
	struct lab_spec s = spec(0, PACKET_TCP), t, s6 = spec(1, PACKET_TCP);

	ck_assert_int_eq(out(r1, &s6), NAT_OK);
	tcp_connect(&s);
	lab_route_up(r1); /* the same addresses: all lives on */
	ck_assert_uint_eq(nat_count(1), 2);
	r1->conns[0].inner4 = lab_addr("10.8.0.99");
	lab_route_up(r1);
	ck_assert_uint_eq(nat_count(1), 1); /* IPv6 has not changed */
	clock_now = 100000;
	ck_assert_int_eq(out(r1, &s), NAT_NO_STATE);
	t = spec(0, PACKET_TCP);
	ck_assert_int_eq(out(r1, &t), NAT_OK);
	ck_assert(lab_addr_is(b.b, 0, "10.8.0.99"));
	nat_route_drop(1);
	ck_assert_uint_eq(nat_count(1), 0);
}
END_TEST

START_TEST(not_carried)
{
	struct lab_spec s = spec(0, 47); /* GRE */

	ck_assert_int_eq(out(r1, &s), NAT_DROP);
	s = spec(0, PACKET_ICMP);
	s.type = 13; /* timestamp */
	ck_assert_int_eq(out(r1, &s), NAT_DROP);
	s.type = 0; /* an answer nobody asked for */
	ck_assert_int_eq(out(r1, &s), NAT_DROP);
	s = spec(1, PACKET_ICMP6);
	s.type = 135; /* neighbour discovery stays on its link */
	ck_assert_int_eq(out(r1, &s), NAT_DROP);
}
END_TEST

/* Every combination of ports and addresses: the sums are the very ones. */
START_TEST(checksums_many)
{
	struct lab_spec s = spec(0, PACKET_UDP);
	char text[32];
	int i;

	for (i = 0; i < 3000; i++) {
		s = spec(i % 2, i % 4 < 2 ? PACKET_UDP : PACKET_TCP);
		s.payload = (size_t)(i % 71);
		s.seq = (uint32_t)i * 2654435761u;
		s.sport = (uint16_t)(i * 7919 + 1);
		s.sport = s.sport == 0 ? 1 : s.sport;
		if (i % 2 == 0)
			(void)snprintf(text, sizeof(text), "192.168.%d.%d",
			    i / 250, i % 250 + 1);
		else
			(void)snprintf(text, sizeof(text), "fd00::%x:%x",
			    i * 77 & 0xffff, i + 1);
		s.src = text;
		ck_assert_int_eq(out(r1, &s), NAT_OK);
		ck_assert_msg(lab_checksums_ok(b.b, b.len), "round %d", i);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("nat");
	TCase *t = tcase_create("nat");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, lab_close);
	tcase_add_loop_test(t, round_trip, 0, 6);
	tcase_add_loop_test(t, port_collision, 0, 6);
	tcase_add_test(t, low_port_stays_low);
	tcase_add_test(t, udp_is_endpoint_independent);
	tcase_add_test(t, udp_without_checksum);
	tcase_add_test(t, tcp_only_from_its_peer);
	tcase_add_test(t, tcp_without_state);
	tcase_add_test(t, tcp_times);
	tcase_add_test(t, udp_and_echo_times);
	tcase_add_test(t, sweep_is_bounded_and_complete);
	tcase_add_loop_test(t, icmp_errors, 0, 6);
	tcase_add_test(t, share_of_a_device);
	tcase_add_test(t, full_table);
	tcase_add_test(t, no_port_left);
	tcase_add_test(t, other_inner_address);
	tcase_add_test(t, not_carried);
	tcase_add_test(t, checksums_many);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
