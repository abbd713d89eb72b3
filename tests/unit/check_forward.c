/* SPDX-License-Identifier: ISC */
/* The whole path: device, flow, route, NAT, node, and back. */
#include "path_lab.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "afwrt-tun/device.h"
#include "afwrt-tun/fragment.h"
#include "afwrt-tun/held.h"

static struct lab_packet a, b, c;
static struct route *r1, *r2;

#define LAN4 "192.168.1.5"
#define LAN6 "fd00:1::5"
#define FAR4 "198.51.100.7"
#define FAR6 "2001:db8:7::7"
#define IN4  "10.8.0.2"
#define IN6  "fd00:8::2"

static void
setup_with(unsigned int header)
{
	lab_open(header);
	r1 = lab_route(1, IN4, IN6);
	r2 = lab_route(2, IN4, NULL);
	lab_flow(LAN4, 1);
	lab_flow(LAN6, 1);
	lab_flow("192.168.1.6", 2);
	lab_flow("fd00:1::6", 2);
}

static void
setup(void)
{
	setup_with(0);
}

static struct lab_spec
udp4(void)
{
	return (struct lab_spec){.src = LAN4,
	    .dst = FAR4,
	    .proto = PACKET_UDP,
	    .sport = 5000,
	    .dport = 7,
	    .payload = 100};
}

static struct lab_spec
udp6(void)
{
	return (struct lab_spec){.src = LAN6,
	    .dst = FAR6,
	    .proto = PACKET_UDP,
	    .sport = 5000,
	    .dport = 7,
	    .payload = 100};
}

static void
from_lan(const struct lab_spec *s)
{
	lab_make(&a, s);
	lab_from_lan(&a);
}

static void
last_sent(void)
{
	struct lab_sent *s;

	ck_assert_uint_gt(lab_n_sent, 0);
	s = &lab_sent[(lab_n_sent - 1) % LAB_SENT_MAX];
	b.len = s->len;
	memcpy(b.b, s->b, s->len);
}

START_TEST(there_and_back)
{
	struct lab_spec s = udp4();

	lab_close();
	setup_with(_i == 0 ? 0 : 12);
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 1);
	ck_assert_uint_eq(lab_sent[0].route, 1);
	ck_assert_uint_ge(lab_flushed, 1);
	last_sent();
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert(lab_addr_is(b.b, 0, IN4));
	ck_assert_uint_eq(r1->up_packets, 1);
	ck_assert_uint_eq(r1->up_bytes, 128);
	s = (struct lab_spec){.src = FAR4,
	    .dst = IN4,
	    .proto = PACKET_UDP,
	    .sport = 7,
	    .dport = 5000,
	    .payload = 50};
	lab_make(&a, &s);
	lab_from_node(r1, &a);
	ck_assert(lab_to_lan(&b));
	ck_assert(lab_addr_is(b.b, 1, LAN4));
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert_uint_eq(r1->down_bytes, 78);
	ck_assert_uint_eq(r1->dropped, 0);
	ck_assert(!lab_to_lan(&b));
}
END_TEST

START_TEST(unknown_sources)
{
	struct lab_spec s = udp4();

	s.src = "192.168.1.77";
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 0);
	forward_default_set(2);
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 1);
	ck_assert_uint_eq(lab_sent[0].route, 2);
	forward_default_set(3); /* a route that is not there */
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 1);
}
END_TEST

START_TEST(addresses_not_carried)
{
	static const char *const dst[] = {"224.0.0.251", "255.255.255.255",
	    "169.254.1.1", "127.0.0.1", "0.0.0.0"};
	static const char *const dst6[] = {
	    "ff02::fb", "fe80::1", "::1", "::", "::ffff:1.2.3.4"};
	struct lab_spec s;
	int i;

	forward_default_set(1);
	for (i = 0; i < 5; i++) {
		s = udp4();
		s.dst = dst[i];
		from_lan(&s);
		s = udp4();
		s.src = dst[i];
		from_lan(&s);
		s = udp6();
		s.dst = dst6[i];
		from_lan(&s);
		s = udp6();
		s.src = dst6[i];
		from_lan(&s);
	}
	ck_assert_uint_eq(lab_n_sent, 0);
	ck_assert(!lab_to_lan(&b));
}
END_TEST

START_TEST(from_node_only_what_is_ours)
{
	struct lab_spec out = udp4(), s;
	struct lab_spec bad[5];
	size_t i;

	from_lan(&out);
	s = (struct lab_spec){.src = FAR4,
	    .dst = IN4,
	    .proto = PACKET_UDP,
	    .sport = 7,
	    .dport = 5000};
	for (i = 0; i < 5; i++)
		bad[i] = s;
	bad[0].dst = "10.8.0.3";    /* somebody else's */
	bad[1].dport = 5001;        /* no mapping */
	bad[2].src = "192.168.1.6"; /* a protected device */
	bad[3].src = "224.0.0.1";
	bad[4].src = IN4;
	for (i = 0; i < 5; i++) {
		lab_make(&a, &bad[i]);
		lab_from_node(r1, &a);
		ck_assert_msg(!lab_to_lan(&b), "case %zu", i);
		ck_assert_uint_eq(r1->dropped, i + 1);
	}
	lab_make(&a, &s);
	lab_from_node(r2, &a); /* another node's */
	ck_assert(!lab_to_lan(&b));
	lab_from_node(r1, &a);
	ck_assert(lab_to_lan(&b));
}
END_TEST

START_TEST(two_routes_same_inner)
{
	struct lab_spec s = udp4(), t;

	from_lan(&s);
	s.src = "192.168.1.6";
	from_lan(&s);
	ck_assert_uint_eq(lab_sent[1].route, 2);
	/* each kept its port: they do not collide */
	ck_assert_uint_eq(get16(lab_sent[0].b + 20), 5000);
	ck_assert_uint_eq(get16(lab_sent[1].b + 20), 5000);
	t = (struct lab_spec){.src = FAR4,
	    .dst = IN4,
	    .proto = PACKET_UDP,
	    .sport = 7,
	    .dport = 5000};
	lab_make(&a, &t);
	lab_from_node(r2, &a);
	ck_assert(lab_to_lan(&b));
	ck_assert(lab_addr_is(b.b, 1, "192.168.1.6"));
	lab_from_node(r1, &a);
	ck_assert(lab_to_lan(&b));
	ck_assert(lab_addr_is(b.b, 1, LAN4));
}
END_TEST

START_TEST(held_until_up)
{
	struct lab_spec s = udp4();
	int i;

	lab_route_state(r1, AFW_ROUTE_IDLE, false);
	for (i = 0; i < HELD_PACKETS + 5; i++) {
		s.sport = (uint16_t)(5000 + i);
		from_lan(&s);
		if (i == 0)
			ck_assert_uint_eq(lab_wanted, 1);
		if (i == 1)
			lab_route_state(r1, AFW_ROUTE_CONNECTING, false);
	}
	ck_assert_uint_eq(lab_n_sent, 0);
	ck_assert_uint_eq(r1->dropped, 5);
	ck_assert(!lab_to_lan(&b));
	/* another route does not care */
	s.src = "192.168.1.6";
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 1);
	lab_route_state(r1, AFW_ROUTE_CONNECTED, true);
	lab_route_up(r1);
	ck_assert_uint_eq(lab_n_sent, 1 + HELD_PACKETS);
	for (i = 0; i < HELD_PACKETS; i++)
		ck_assert_uint_eq(get16(lab_sent[1 + i].b + 20), 5000 + i);
	lab_route_up(r1);
	ck_assert_uint_eq(lab_n_sent, 1 + HELD_PACKETS);
}
END_TEST

START_TEST(held_has_a_limit_in_bytes)
{
	struct lab_spec s = udp4();
	int i;

	s.payload = 9000;
	lab_route_state(r1, AFW_ROUTE_CONNECTING, false);
	for (i = 0; i < 40; i++)
		from_lan(&s);
	ck_assert_uint_eq(r1->dropped, 40 - HELD_BYTES / 9028);
	lab_route_down(r1);
	ck_assert_uint_eq(r1->dropped, 40);
	ck_assert_ptr_null(r1->forward);
}
END_TEST

START_TEST(held_of_a_moved_device)
{
	struct lab_spec s = udp4();

	lab_route_state(r1, AFW_ROUTE_CONNECTING, false);
	from_lan(&s);
	lab_flow(LAN4, 2);
	lab_route_state(r1, AFW_ROUTE_CONNECTED, true);
	lab_route_up(r1);
	ck_assert_uint_eq(lab_n_sent, 0);
	ck_assert_uint_eq(r1->dropped, 1);
}
END_TEST

START_TEST(down_fails_closed_and_fast)
{
	struct lab_spec s = _i == 0 ? udp4() : udp6();
	size_t h = _i == 0 ? 20 : 40;
	int i, n;

	lab_route_state(r1, AFW_ROUTE_FAILED, false);
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 0);
	ck_assert_uint_eq(lab_wanted, 1);
	ck_assert(lab_to_lan(&b));
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert(lab_addr_is(b.b, 1, _i == 0 ? LAN4 : LAN6));
	ck_assert_uint_eq(b.b[h], _i == 0 ? 3 : 1);
	ck_assert_uint_eq(b.b[h + 1], 0);
	ck_assert_mem_eq(b.b + h + 8, a.b, h + 8);
	for (i = 0; i < 400; i++) /* at most 50 a second */
		from_lan(&s);
	for (n = 0; lab_to_lan(&b);)
		n++;
	ck_assert_int_ge(n, 49);
	ck_assert_int_le(n, 150);
	ck_assert_uint_eq(r1->dropped, 401);
	/* no error about an error */
	lab_make_error(&a, LAN4, FAR4, 3, 1, &b, 40);
	lab_from_lan(&a);
	ck_assert(!lab_to_lan(&b));
}
END_TEST

START_TEST(no_ipv6_there)
{
	struct lab_spec s = udp6();

	s.src = "fd00:1::6";
	from_lan(&s);
	ck_assert(lab_to_lan(&b));
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert_uint_eq(b.b[40], 1);
	ck_assert_uint_eq(b.b[41], 1); /* administratively prohibited */
	s.proto = PACKET_TCP;
	s.flags = PACKET_SYN;
	s.payload = 0;
	s.seq = 77;
	from_lan(&s);
	ck_assert(lab_to_lan(&b));
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert_uint_eq(b.b[53], PACKET_RST | PACKET_ACK);
	ck_assert_uint_eq(get32(b.b + 48), 78);
	ck_assert(lab_addr_is(b.b, 0, FAR6));
	ck_assert_uint_eq(lab_n_sent, 0);
	/* a tunnel too narrow for IPv6 has none */
	r1->conns[0].mtu = 1279;
	s = udp6();
	from_lan(&s);
	ck_assert(lab_to_lan(&b));
	ck_assert_uint_eq(b.b[40], 1);
}
END_TEST

START_TEST(reset_without_state)
{
	struct lab_spec s = udp4();

	s.proto = PACKET_TCP;
	s.flags = PACKET_ACK | PACKET_PSH;
	s.seq = 1000;
	s.ack = 0xdeadbeef;
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 0);
	ck_assert(lab_to_lan(&b));
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert_uint_eq(b.b[33], PACKET_RST);
	ck_assert_uint_eq(get32(b.b + 24), 0xdeadbeef);
	ck_assert_uint_eq(get16(b.b + 20), 7);
	ck_assert_uint_eq(get16(b.b + 22), 5000);
	s.flags = PACKET_RST; /* never in answer to one */
	from_lan(&s);
	ck_assert(!lab_to_lan(&b));
}
END_TEST

START_TEST(mss_both_ways)
{
	/* at an odd place, too */
	static const uint8_t even[4] = {2, 4, 0x05, 0xb4};
	static const uint8_t odd[8] = {1, 2, 4, 0x05, 0xb4, 1, 1, 1};
	const uint8_t *o = _i % 2 == 0 ? even : odd;
	size_t n = _i % 2 == 0 ? 4 : 8, at = n == 4 ? 22 : 23;
	bool six = _i >= 2;
	size_t h = six ? 40 : 20;
	struct lab_spec s = six ? udp6() : udp4(), t;

	s.proto = PACKET_TCP;
	s.flags = PACKET_SYN;
	s.options = o;
	s.n_options = n;
	s.payload = 0;
	from_lan(&s);
	last_sent();
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert_uint_eq(get16(b.b + h + at), 1400 - h - 20);
	t = s;
	t.src = six ? FAR6 : FAR4;
	t.dst = six ? IN6 : IN4;
	t.sport = 7;
	t.dport = 5000;
	t.flags = PACKET_SYN | PACKET_ACK;
	lab_make(&a, &t);
	lab_from_node(r1, &a);
	ck_assert(lab_to_lan(&b));
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert_uint_eq(get16(b.b + h + at), 1400 - h - 20);
}
END_TEST

START_TEST(too_big)
{
	struct lab_spec s = _i == 0 ? udp4() : udp6();
	size_t h = _i == 0 ? 20 : 40;

	s.df = true;
	s.payload = 1500 - h - 8;
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 0);
	ck_assert(lab_to_lan(&b));
	ck_assert(lab_checksums_ok(b.b, b.len));
	ck_assert_uint_eq(b.b[h], _i == 0 ? 3 : 2);
	ck_assert_uint_eq(b.b[h + 1], _i == 0 ? 4 : 0);
	ck_assert_uint_eq(get32(b.b + h + 4), 1400);
	ck_assert(lab_addr_is(b.b + h + 8, 0, _i == 0 ? LAN4 : LAN6));
	s.payload = 1400 - h - 8;
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 1);
}
END_TEST

/* Puts the fragments sent together again; all must have one id. */
static void
reassemble(struct lab_packet *p, size_t first)
{
	size_t i, off, h = lab_sent[first].b[0] >> 4 == 4 ? 20 : 48, end = 0;
	const uint8_t *f;
	bool more;

	memset(p->b, 0, sizeof(p->b));
	for (i = first; i < lab_n_sent; i++) {
		f = lab_sent[i].b;
		if (h == 20) {
			off = (size_t)(get16(f + 6) & 0x1fff) * 8;
			more = (f[6] & 0x20) != 0;
			ck_assert_mem_eq(f + 4, lab_sent[first].b + 4, 2);
			ck_assert(lab_checksums_ok(f, lab_sent[i].len));
		} else {
			off = get16(f + 42) & 0xfff8u;
			more = (f[43] & 1) != 0;
			ck_assert_mem_eq(f + 44, lab_sent[first].b + 44, 4);
		}
		memcpy(p->b + h + off, f + h, lab_sent[i].len - h);
		if (!more)
			end = h + off + lab_sent[i].len - h;
	}
	ck_assert_uint_ne(end, 0);
	memcpy(p->b, lab_sent[first].b, h);
	p->len = end;
	if (h == 48) { /* take the fragment header out */
		p->b[6] = p->b[40];
		memmove(p->b + 40, p->b + 48, end - 48);
		p->len -= 8;
	} else {
		put16(p->b + 6, 0);
		put16(p->b + 10, 0);
		put16(p->b + 2, (uint32_t)p->len);
	}
}

static bool
upper_ok(struct lab_packet *p)
{
	uint32_t sum = 0;
	int i;

	if (p->b[0] >> 4 == 4) { /* only the header's sum was spoiled */
		for (i = 0; i < 20; i += 2)
			sum += get16(p->b + i);
		while (sum > 0xffff)
			sum = (sum & 0xffff) + (sum >> 16);
		put16(p->b + 10, ~sum & 0xffff);
	}
	return lab_checksums_ok(p->b, p->len);
}

START_TEST(fragments_ours)
{
	struct lab_spec s = udp4();

	s.payload = 4000;
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 3);
	reassemble(&c, 0);
	ck_assert(upper_ok(&c));
	ck_assert(lab_addr_is(c.b, 0, IN4));
	ck_assert_uint_eq(c.len, 4028);
	ck_assert_uint_eq(r1->up_packets, 3);
	ck_assert_uint_eq(r1->up_bytes, 4028 + 40);
}
END_TEST

/* the device's fragments, in order and not; two devices with one id */
START_TEST(fragments_up)
{
	static const size_t order[3][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}};
	struct lab_spec s;
	size_t i, step = 1200;
	uint16_t id[2];
	int device;

	for (device = 0; device < 2; device++) {
		s = _i < 3 ? udp4() : udp6();
		lab_flow("192.168.1.7", 1);
		lab_flow("fd00:1::7", 1);
		if (device == 1)
			s.src = _i < 3 ? "192.168.1.7" : "fd00:1::7";
		s.payload = 3000;
		s.id = 0x1234;
		s.frag_len = step;
		lab_n_sent = 0;
		for (i = 0; i < 3; i++) {
			s.frag_off = order[_i % 3][i] * step;
			from_lan(&s);
		}
		ck_assert_uint_eq(lab_n_sent, 3);
		reassemble(&c, 0);
		ck_assert(upper_ok(&c));
		ck_assert(lab_addr_is(c.b, 0, _i < 3 ? IN4 : IN6));
		id[device] = get16(lab_sent[0].b + (_i < 3 ? 4 : 46));
	}
	ck_assert_uint_ne(id[0], id[1]);
	ck_assert_uint_eq(r1->dropped, 0);
}
END_TEST

START_TEST(fragments_down)
{
	static const size_t order[2][3] = {{0, 1, 2}, {2, 0, 1}};
	struct lab_spec s = _i < 2 ? udp4() : udp6();
	size_t i, h = _i < 2 ? 20 : 48;

	from_lan(&s);
	s.src = _i < 2 ? FAR4 : FAR6;
	s.dst = _i < 2 ? IN4 : IN6;
	s.sport = 7;
	s.dport = 5000;
	s.payload = 3000;
	s.id = 99;
	s.frag_len = 1200;
	for (i = 0; i < 3; i++) {
		s.frag_off = order[_i % 2][i] * 1200;
		lab_make(&a, &s);
		lab_from_node(r1, &a);
	}
	for (i = 0; lab_to_lan(&b); i++) {
		lab_sent[i].len = b.len;
		memcpy(lab_sent[i].b, b.b, b.len);
		ck_assert(lab_addr_is(b.b, 1, _i < 2 ? LAN4 : LAN6));
		ck_assert_uint_eq(get16(b.b + (h == 20 ? 4 : 46)), 99);
	}
	ck_assert_uint_eq(i, 3);
	lab_n_sent = 3;
	reassemble(&c, 0);
	ck_assert(upper_ok(&c));
}
END_TEST

START_TEST(fragments_bounded)
{
	struct lab_spec s = udp4();
	uint32_t i;

	s.payload = 3000;
	s.frag_off = 1200;
	s.frag_len = 1200;
	for (i = 0; i < 2000; i++) { /* the first never comes */
		s.id = (uint16_t)i;
		from_lan(&s);
	}
	ck_assert_uint_le(fragment_count(), FRAGMENT_SHARE);
	ck_assert_uint_eq(lab_n_sent, 0);
	lab_route_down(r1);
	ck_assert_uint_eq(fragment_count(), 0);
}
END_TEST

START_TEST(queue_full)
{
	struct lab_spec s = udp4();

	lab_queue_full = true;
	from_lan(&s);
	ck_assert_uint_eq(r1->dropped, 1);
	ck_assert_uint_eq(r1->up_packets, 0);
}
END_TEST

START_TEST(device_replaced)
{
	struct lab_spec s = udp4();
	int old = lab_device_take();
	char byte;

	lab_device(12);
	ck_assert_int_eq(read(old, &byte, 1), 0); /* the path let go of it */
	(void)close(old);
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 1);
}
END_TEST

static bool takes_gso;

bool __wrap_device_takes_gso(const struct device *d);

/* In the place of device.c's: the lab's device is no TUN. */
bool
__wrap_device_takes_gso(const struct device *d)
{
	(void)d;
	return takes_gso;
}

START_TEST(lost_behind_the_collection)
{
	struct lab_spec s = {.src = LAN4,
	    .dst = FAR4,
	    .proto = PACKET_TCP,
	    .sport = 5000,
	    .dport = 443,
	    .flags = PACKET_SYN};

	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 1);
	last_sent();
	s.src = FAR4;
	s.dst = IN4;
	s.sport = 443;
	s.dport = get16(b.b + 20);
	s.flags = PACKET_ACK;
	s.payload = 100;
	s.df = true;
	lab_make(&a, &s);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)close(lab_device_take());
	takes_gso = true;
	lab_from_node(r1, &a);
	takes_gso = false;
	ck_assert_uint_eq(r1->down_packets, 1);
	ck_assert_uint_eq(r1->dropped, 1);
}
END_TEST

START_TEST(device_gone)
{
	struct lab_spec s = udp4();
	int i;

	(void)close(lab_device_take());
	for (i = 0; i < 3; i++)
		lab_turn();
	lab_make(&a, &s);
	lab_from_node(r1, &a); /* to nowhere */
	lab_device(0);
	from_lan(&s);
	ck_assert_uint_eq(lab_n_sent, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("forward");
	TCase *t = tcase_create("forward");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, lab_close);
	tcase_add_loop_test(t, there_and_back, 0, 2);
	tcase_add_test(t, unknown_sources);
	tcase_add_test(t, addresses_not_carried);
	tcase_add_test(t, from_node_only_what_is_ours);
	tcase_add_test(t, two_routes_same_inner);
	tcase_add_test(t, held_until_up);
	tcase_add_test(t, held_has_a_limit_in_bytes);
	tcase_add_test(t, held_of_a_moved_device);
	tcase_add_loop_test(t, down_fails_closed_and_fast, 0, 2);
	tcase_add_test(t, no_ipv6_there);
	tcase_add_test(t, reset_without_state);
	tcase_add_loop_test(t, mss_both_ways, 0, 4);
	tcase_add_loop_test(t, too_big, 0, 2);
	tcase_add_test(t, fragments_ours);
	tcase_add_loop_test(t, fragments_up, 0, 6);
	tcase_add_loop_test(t, fragments_down, 0, 4);
	tcase_add_test(t, fragments_bounded);
	tcase_add_test(t, queue_full);
	tcase_add_test(t, device_replaced);
	tcase_add_test(t, lost_behind_the_collection);
	tcase_add_test(t, device_gone);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
