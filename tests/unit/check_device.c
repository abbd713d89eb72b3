/* SPDX-License-Identifier: ISC */
/* Devices of the application's: sockets, one packet at a time. */
#include "path_lab.h"

#include <sys/socket.h>

#include <stdlib.h>
#include <unistd.h>

#include "afwrt-tun/device.h"

#define LAN4 "192.168.1.5"
#define LAN6 "fd00:1::5"
#define FAR4 "198.51.100.7"
#define FAR6 "2001:db8:7::7"

static struct lab_packet a, b;
static struct route *r;
static int mine;

static void
setup(void)
{
	lab_open(0);
	mine = -1;
	r = lab_route(1, "10.8.0.2", "fd00:8::2");
	lab_flow(LAN4, 1);
	lab_flow(LAN6, 1);
}

static void
teardown(void)
{
	lab_close();
	if (mine != -1)
		(void)close(mine);
}

static void
give(int type)
{
	struct afw_m_device d = {.ifindex = 1, .mtu = 1500};
	int sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, type, 0, sv), 0);
	mine = sv[1];
	forward_device_set(sv[0], &d);
}

static struct lab_spec
spec(bool out, uint8_t proto, int family)
{
	const char *lan = out ? LAN4 : "10.8.0.2", *far = FAR4;
	struct lab_spec s = {.proto = proto, .payload = 900, .df = true};

	if (family == 6) {
		lan = out ? LAN6 : "fd00:8::2";
		far = FAR6;
	}
	s.src = out ? lan : far;
	s.dst = out ? far : lan;
	s.sport = out ? 5000 : 80;
	s.dport = out ? 80 : 5000;
	s.flags = PACKET_ACK;
	return s;
}

static void
put(const struct lab_spec *s)
{
	lab_make(&a, s);
	ck_assert_int_eq(send(mine, a.b, a.len, 0), (ssize_t)a.len);
	lab_turn();
}

/* A whole packet, whoever counts its checksum. */
static bool
get(void)
{
	ssize_t n = recv(mine, b.b, sizeof(b.b), MSG_DONTWAIT);

	if (n <= 0)
		return false;
	b.len = (size_t)n;
	ck_assert(lab_checksums_ok(b.b, b.len));
	return true;
}

static void
exchange(uint8_t proto, int family)
{
	struct lab_spec s = spec(true, proto, family);
	uint32_t i;

	s.flags = PACKET_SYN;
	put(&s);
	s.flags = PACKET_ACK;
	for (i = 0; i < 5; i++)
		put(&s);
	ck_assert_uint_eq(lab_n_sent, 6);
	for (i = 0; i < 6; i++)
		ck_assert(lab_checksums_ok(lab_sent[i].b, lab_sent[i].len));
	s = spec(false, proto, family);
	s.flags = PACKET_SYN | PACKET_ACK;
	lab_make(&a, &s);
	lab_from_node(r, &a);
	ck_assert(get());
	/* segments in a row, a batch: what a vnet header would make one */
	s.flags = PACKET_ACK;
	for (i = 0; i < 4; i++, s.seq += 900) {
		lab_make(&a, &s);
		forward_from_node(&r->conns[0], a.b, a.len);
	}
	forward_from_node_flush(&r->conns[0]);
	for (i = 0; i < 4; i++) {
		ck_assert(get());
		ck_assert_uint_eq(b.len, a.len);
		ck_assert(lab_addr_is(b.b, 1, family == 4 ? LAN4 : LAN6));
	}
	ck_assert(!get());
	ck_assert_uint_eq(r->dropped, 0);
}

START_TEST(packets_one_by_one)
{
	give(_i & 1 ? SOCK_DGRAM : SOCK_SEQPACKET);
	exchange(_i & 2 ? PACKET_TCP : PACKET_UDP, _i & 4 ? 6 : 4);
}
END_TEST

START_TEST(an_empty_datagram_is_no_end)
{
	struct lab_spec s = spec(true, PACKET_UDP, 4);

	give(SOCK_DGRAM);
	ck_assert_int_eq(send(mine, "", 0, 0), 0);
	ck_assert_int_eq(send(mine, "x", 1, 0), 1);
	lab_turn();
	put(&s);
	ck_assert_uint_eq(lab_n_sent, 1);
}
END_TEST

START_TEST(the_far_end_goes)
{
	struct lab_spec s = spec(true, PACKET_UDP, 4);

	give(_i == 0 ? SOCK_DGRAM : SOCK_SEQPACKET);
	put(&s);
	(void)close(mine);
	mine = -1;
	lab_turn();
	lab_turn();
	s = spec(false, PACKET_UDP, 4);
	lab_make(&a, &s);
	lab_from_node(r, &a); /* nobody takes it: no signal, no crash */
	ck_assert_uint_eq(r->dropped, 1);
}
END_TEST

START_TEST(a_slow_reader_loses_the_newest)
{
	struct lab_spec s = spec(true, PACKET_UDP, 4);
	uint32_t i, n;

	give(SOCK_DGRAM);
	put(&s);
	s = spec(false, PACKET_UDP, 4);
	for (i = 0; i < 5000; i++) {
		lab_make(&a, &s);
		lab_from_node(r, &a);
	}
	for (n = 0; get(); n++)
		;
	ck_assert_uint_gt(r->dropped, 0);
	ck_assert_uint_eq(n + r->dropped, 5000);
}
END_TEST

START_TEST(a_stream_is_refused)
{
	struct lab_spec s = spec(true, PACKET_UDP, 4);
	char c;

	give(SOCK_STREAM);
	ck_assert_int_eq(recv(mine, &c, 1, 0), 0); /* closed */
	s = spec(false, PACKET_UDP, 4);
	lab_make(&a, &s);
	lab_from_node(r, &a);
	ck_assert_uint_eq(lab_n_sent, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("device");
	TCase *t = tcase_create("device");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, packets_one_by_one, 0, 8);
	tcase_add_test(t, an_empty_datagram_is_no_end);
	tcase_add_loop_test(t, the_far_end_goes, 0, 2);
	tcase_add_test(t, a_slow_reader_loses_the_newest);
	tcase_add_test(t, a_stream_is_refused);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
