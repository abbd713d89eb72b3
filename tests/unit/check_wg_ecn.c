/* SPDX-License-Identifier: ISC */
/*
 * A mark of congestion on the datagram reaches the packet in it (RFC 6040,
 * 4.2): from the UDP socket to what is written to the TUN.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "afwrt-tun/checksum.h"
#include "afwrt-tun/packet.h"
#include "afwrt-tun/wg_udp.h"

static struct wg_udp u;
static struct wg_device wd;
static int sender, tun_end;
static unsigned int seen;

static void
bind_any(int fd, int family, union wg_endpoint *e)
{
	socklen_t len;

	memset(e, 0, sizeof(*e));
	e->sa.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		e->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		e->in6.sin6_addr = in6addr_loopback;
	len = wg_endpoint_size(e);
	ck_assert_int_eq(bind(fd, &e->sa, len), 0);
	ck_assert_int_eq(getsockname(fd, &e->sa, &len), 0);
}

static void
lab(int family, struct event_base *base)
{
	static const struct device_input input;
	union wg_endpoint e;
	int fd = socket(family, SOCK_DGRAM, 0), pair[2];

	ck_assert_int_ne(fd, -1);
	bind_any(fd, family, &e);
	u.sock.fd = -1;
	wg_socket_set(&u.sock, fd, false);
	sender = socket(family, SOCK_DGRAM, 0);
	ck_assert_int_eq(connect(sender, &e.sa, wg_endpoint_size(&e)), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	tun_end = pair[1];
	wd.tun = device_new(base, &input, NULL);
	device_set(wd.tun, pair[0], 0);
	u.b.wd = &wd;
}

/* As if the engine had opened it. */
static void
datagram(void *arg, uint8_t *data, size_t len, const union wg_endpoint *from)
{
	(void)from;
	seen++;
	wg_path_deliver(arg, data, len);
}

/* An empty UDP packet with this in its ECN field. */
static size_t
packet_make(uint8_t *p, int six, uint8_t ecn)
{
	size_t hlen = six ? 40 : 20;

	memset(p, 0, hlen + 8);
	p[0] = six ? 0x60 : 0x45;
	p[1] = (uint8_t)(six ? ecn << 4 : 0xb8 | ecn);
	p[six ? 5 : 3] = (uint8_t)(six ? 8 : 28);
	p[six ? 6 : 9] = PACKET_UDP;
	if (!six)
		checksum_ip4(p);
	return hlen + 8;
}

static uint8_t
through(int family, int six, uint8_t outer, uint8_t ecn)
{
	struct pollfd pfd = {.fd = u.sock.fd, .events = POLLIN};
	int tos = outer;
	uint8_t p[64];
	size_t n = packet_make(p, six, ecn);

	ck_assert_int_eq(family == AF_INET
		? setsockopt(sender, IPPROTO_IP, IP_TOS, &tos, sizeof(tos))
		: setsockopt(
		      sender, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos)),
	    0);
	ck_assert_int_eq(send(sender, p, n, 0), (ssize_t)n);
	ck_assert_int_eq(poll(&pfd, 1, 2000), 1);
	wg_socket_receive(&u.sock, datagram, &u);
	memset(p, 0xee, sizeof(p));
	ck_assert_int_eq(recv(tun_end, p, sizeof(p), MSG_DONTWAIT), n);
	if (six)
		return p[1] >> 4 & 3;
	ck_assert_int_eq(p[1] & 0xfc, 0xb8);
	ck_assert_uint_eq(checksum_fold(checksum_add(0, p, 20)), 0xffff);
	return p[1] & 3;
}

START_TEST(marks)
{
	struct event_base *base = event_base_new();
	int family = _i % 2 ? AF_INET6 : AF_INET, six = _i / 2;
	uint8_t outer, inner;

	lab(family, base);
	for (outer = 0; outer < 4; outer++)
		for (inner = 0; inner < 4; inner++)
			ck_assert_uint_eq(through(family, six, outer, inner),
			    outer == 3 && inner != 0 ? 3 : inner);
	ck_assert_uint_eq(seen, 16);
	device_free(wd.tun);
	wg_socket_close(&u.sock);
	(void)close(sender);
	(void)close(tun_end);
	event_base_free(base);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wg_ecn");
	TCase *tc = tcase_create("marks");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, marks, 0, 4);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
