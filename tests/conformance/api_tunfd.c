/* SPDX-License-Identifier: ISC */
/* "hydra_tun_fd": an interface that belongs to the application. */
#include "conform.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static int
tun_open(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ck_assert_int_eq(ioctl(fd, TUNSETIFF, &ifr), 0);
	return fd;
}

/* Interface settings are the application's own, then. */
static void
interface_up(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_UP};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ck_assert_int_eq(ioctl(s, SIOCSIFFLAGS, &ifr), 0);
	(void)close(s);
}

static const char *
with_fd(int fd)
{
	static char changes[64];

	(void)snprintf(changes, sizeof(changes),
	    "{\"hydra_tun_fd\":%d,\"data_report_interval\":0}", fd);
	return changes;
}

START_TEST(an_interface_of_the_application)
{
	struct ifreq ifr = {0};
	int fd = tun_open("wrt0"), i;

	for (i = 0; i < 2; i++) {
		events_clear();
		begin(with_fd(fd));
		ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
		run_begin();
		await_exit("phone", YORK);
		ck_assert_str_eq(lab("seen tv"), "direct");
		run_stop();
		ck_does(afwrt_deinit());
		/* it is the application's: still there, still usable */
		ck_assert_int_eq(ioctl(fd, TUNGETIFF, &ifr), 0);
		ck_assert_str_eq(ifr.ifr_name, "wrt0");
	}
	(void)close(fd);
}
END_TEST

static unsigned int
checksum(const void *data, size_t size)
{
	const unsigned char *p = data;
	unsigned int sum = 0;
	size_t i;

	for (i = 0; i < size; i++)
		sum += i % 2 == 0 ? p[i] << 8 : p[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((unsigned short)~sum);
}

/* An echo request from the phone's address to its part of the internet. */
static void
ping_make(unsigned char p[28])
{
	struct iphdr ip = {.ihl = 5,
	    .version = 4,
	    .tot_len = htons(28),
	    .ttl = 64,
	    .protocol = IPPROTO_ICMP,
	    .saddr = htonl(0xc0a8320b),  /* 192.168.50.11 */
	    .daddr = htonl(0xc633640b)}; /* 198.51.100.11 */
	struct icmphdr icmp = {.type = ICMP_ECHO, .un.echo = {0x1234, 1}};

	ip.check = (unsigned short)checksum(&ip, sizeof(ip));
	icmp.checksum = (unsigned short)checksum(&icmp, sizeof(icmp));
	memcpy(p, &ip, sizeof(ip));
	memcpy(p + sizeof(ip), &icmp, sizeof(icmp));
}

/* A socket that sends what the interface's reader gets, and the reverse. */
static int
feeder_open(void)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_IP),
	    .sll_ifindex = (int)if_nametoindex("wrt0")};
	int fd =
	    socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&ll, sizeof(ll)), 0);
	return fd;
}

/* The next packet that came out of the interface in a second; its length. */
static ssize_t
feeder_read(int fd, unsigned char *p, size_t size)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	ssize_t n;

	while (poll(&wait, 1, 1000) == 1) {
		n = recvfrom(fd, p, size, 0, (struct sockaddr *)&from, &len);
		if (n > 0 && from.sll_pkttype != PACKET_OUTGOING)
			return n;
	}
	return 0;
}

/* No rules, no addresses: the application feeds the packets itself. */
START_TEST(packets_of_the_application)
{
	unsigned char request[28], answer[2048];
	char changes[128];
	int fd = tun_open("wrt0"), feeder, tries;
	ssize_t n = 0;

	(void)snprintf(changes, sizeof(changes),
	    "{\"hydra_tun_fd\":%d,\"no_iptables\":1,\"no_socket_setup\":1}",
	    fd);
	interface_up("wrt0");
	begin(changes);
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	run_begin();
	feeder = feeder_open();
	ping_make(request);
	for (tries = 0; tries < 20 && n != 28; tries++) {
		ck_assert_int_eq(send(feeder, request, 28, 0), 28);
		n = feeder_read(feeder, answer, sizeof(answer));
	}
	ck_assert_int_eq(n, 28);
	ck_assert_int_eq(answer[20], ICMP_ECHOREPLY);
	/* from there, to the device */
	ck_assert_int_eq(memcmp(answer + 12, request + 16, 4), 0);
	ck_assert_int_eq(memcmp(answer + 16, request + 12, 4), 0);
	(void)event_await("route_connected", YORK, 0, 5);
	run_stop();
	ck_does(afwrt_deinit());
	(void)close(feeder);
	(void)close(fd);
}
END_TEST

START_TEST(tun_ifname_is_needed_too)
{
	int fd = tun_open("wrt0");
	char changes[96];

	(void)snprintf(changes, sizeof(changes),
	    "{\"hydra_tun_fd\":%d,\"tun_ifname\":null}", fd);
	ck_fails(afwrt_init(config_with(changes), NULL), EINVAL);
	ck_assert_ptr_nonnull(strstr(afwrt_last_error(), "tun_ifname"));
	(void)close(fd);
}
END_TEST

START_TEST(a_descriptor_that_is_no_tun)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(afwrt_init(config_with(with_fd(fd)), NULL), -1);
	ck_assert_str_ne(afwrt_last_error(), "");
	ck_fails(
	    afwrt_init(config_with("{\"hydra_tun_fd\":987}"), NULL), EINVAL);
	(void)close(fd);
}
END_TEST

int
main(void)
{
	conform_begin("api_tunfd");
	CONFORM(an_interface_of_the_application, 60);
	CONFORM(packets_of_the_application, 60);
	CONFORM(tun_ifname_is_needed_too, 20);
	CONFORM(a_descriptor_that_is_no_tun, 20);
	return conform_run();
}
