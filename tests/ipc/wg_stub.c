/* SPDX-License-Identifier: ISC */
/*
 * The WireGuard engine with a TUN and a UDP socket around it, for tests with
 * other implementations: tests/netns/test_wg_engine.py.
 * usage: wg_stub TUN KEY=VALUE...   (see `options`; keys in hex)
 * It prints "ready PUBLIC-KEY", then its events, one a line; commands come
 * from stdin, and the end of stdin is the end.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_tun.h>

#include <event2/event.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afwrt-tun/wg.h"

#define BURST 64

static struct wg *wg;
static struct wg_config config;
static struct event_base *base;
static struct event *timer, *udp_ev;
static int tun_fd, udp_fd = -1;
static uint16_t listen_port;
static unsigned int connected, failed, expired, roamed;

static uint64_t
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_BOOTTIME, &ts) != 0)
		err(1, "clock_gettime");
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- options ----------------------------------------------------------- */

static void
hex_key(uint8_t *out, const char *text)
{
	unsigned int v;
	int i;

	for (i = 0; i < 32; i++, text += 2) {
		if (sscanf(text, "%2x", &v) != 1)
			errx(2, "a key has 64 hex digits");
		out[i] = (uint8_t)v;
	}
}

/* One socket for both families, so IPv4 in its IPv6 form. */
static void
set_endpoint(union wg_endpoint *e, const char *text)
{
	char ip[64], full[80];
	unsigned int port;

	if (sscanf(text, "%63[^,],%u", ip, &port) != 2)
		errx(2, "not IP,PORT: %s", text);
	(void)snprintf(full, sizeof(full), "%s%s",
	    strchr(ip, ':') == NULL ? "::ffff:" : "", ip);
	memset(e, 0, sizeof(*e));
	e->in6.sin6_family = AF_INET6;
	e->in6.sin6_port = htons((uint16_t)port);
	if (inet_pton(AF_INET6, full, &e->in6.sin6_addr) != 1)
		errx(2, "not an address: %s", ip);
}

static void
option(const char *name, const char *value)
{
	unsigned long n = strtoul(value, NULL, 10);

	if (strcmp(name, "private") == 0)
		hex_key(config.private_key, value);
	else if (strcmp(name, "peer") == 0)
		hex_key(config.peer_key, value);
	else if (strcmp(name, "psk") == 0)
		hex_key(config.psk, value);
	else if (strcmp(name, "endpoint") == 0)
		set_endpoint(&config.endpoint, value);
	else if (strcmp(name, "keepalive") == 0)
		config.keepalive = (uint16_t)n;
	else if (strcmp(name, "mtu") == 0)
		config.mtu = (uint16_t)n;
	else if (strcmp(name, "rekey_ms") == 0)
		config.rekey_ms = (uint32_t)n;
	else if (strcmp(name, "fail_ms") == 0)
		config.fail_ms = (uint32_t)n;
	else if (strcmp(name, "listen") == 0)
		listen_port = (uint16_t)n;
	else
		errx(2, "unknown option: %s", name);
}

static void
options(int argc, char **argv)
{
	char *value;

	for (; argc > 0; argc--, argv++) {
		value = strchr(*argv, '=');
		if (value == NULL)
			errx(2, "not KEY=VALUE: %s", *argv);
		*value++ = '\0';
		option(*argv, value);
	}
}

/* ---- the engine's calls ------------------------------------------------ */

static void
stub_send(void *arg, const union wg_endpoint *to, const struct iovec *v,
    unsigned int n)
{
	struct mmsghdr m[BURST] = {0};
	unsigned int i, done = 0;
	int r;

	(void)arg;
	for (i = 0; i < n; i++) {
		m[i].msg_hdr.msg_name = (void *)to;
		m[i].msg_hdr.msg_namelen = wg_endpoint_size(to);
		m[i].msg_hdr.msg_iov = (void *)&v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	while (done < n) {
		r = sendmmsg(udp_fd, m + done, n - done, 0);
		done += r > 0 ? (unsigned int)r : 1; /* lost */
	}
}

static void
stub_deliver(void *arg, uint8_t *packet, size_t len)
{
	(void)arg;
	if (write(tun_fd, packet, len) < 0 && errno != EIO)
		warn("write to the TUN");
}

static void
stub_event(void *arg, enum wg_event e)
{
	static const char *const names[] = {"connected", "failed", "expired"};

	(void)arg;
	connected += e == WG_EV_CONNECTED;
	failed += e == WG_EV_FAILED;
	expired += e == WG_EV_EXPIRED;
	printf("%s\n", names[e]);
}

static void
stub_roamed(void *arg, const union wg_endpoint *to)
{
	char ip[INET6_ADDRSTRLEN];

	(void)arg;
	roamed++;
	(void)inet_ntop(AF_INET6, &to->in6.sin6_addr, ip, sizeof(ip));
	printf("roamed %s %u\n", ip, ntohs(to->in6.sin6_port));
}

/* ---- the loop ---------------------------------------------------------- */

static void
rearm(void)
{
	uint64_t due = wg_deadline(wg), now = now_ms();
	struct timeval tv = {0};

	if (due == 0) {
		(void)evtimer_del(timer);
		return;
	}
	if (due > now) {
		tv.tv_sec = (time_t)((due - now) / 1000);
		tv.tv_usec = (suseconds_t)((due - now) % 1000) * 1000;
	}
	(void)evtimer_add(timer, &tv);
}

static void
timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	(void)wg_tick(wg, now_ms());
	rearm();
}

static void
tun_cb(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t packet[65536];
	ssize_t n;
	int i;

	(void)what, (void)arg;
	wg_now(wg, now_ms());
	for (i = 0; i < BURST; i++) {
		n = read(fd, packet, sizeof(packet));
		if (n <= 0)
			break;
		(void)wg_output(wg, packet, (size_t)n);
	}
	wg_flush(wg);
	rearm();
}

static void
udp_cb(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t datagram[65536];
	union wg_endpoint from = {0};
	socklen_t len;
	ssize_t n;
	int i;

	(void)what, (void)arg;
	wg_now(wg, now_ms());
	for (i = 0; i < BURST; i++) {
		len = sizeof(from);
		n = recvfrom(fd, datagram, sizeof(datagram), 0, &from.sa, &len);
		if (n < 0)
			break;
		wg_input(wg, datagram, (size_t)n, &from);
	}
	rearm();
}

static void
udp_open(void)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6};
	int off = 0;

	if (udp_ev != NULL) {
		event_free(udp_ev);
		close(udp_fd);
	}
	a.sin6_port = htons(listen_port);
	udp_fd = socket(
	    AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
	if (udp_fd < 0 ||
	    setsockopt(udp_fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) !=
		0 ||
	    bind(udp_fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		err(1, "UDP socket");
	udp_ev = event_new(base, udp_fd, EV_READ | EV_PERSIST, udp_cb, NULL);
	if (udp_ev == NULL || event_add(udp_ev, NULL) != 0)
		errx(1, "event");
}

static void
tun_open(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	tun_fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tun_fd < 0 || ioctl(tun_fd, TUNSETIFF, &ifr) != 0)
		err(1, "TUN %s", name);
}

static void
print_stats(void)
{
	struct wg_stats s;

	wg_get_stats(wg, &s);
	printf("stats {\"connected\": %u, \"failed\": %u, \"expired\": %u, "
	       "\"roamed\": %u, \"challenged\": %llu, \"up\": %d, \"in\": "
	       "%llu, \"out\": %llu, "
	       "\"dropped_in\": %llu, \"dropped_out\": %llu, "
	       "\"rx\": %llu, \"tx\": %llu}\n",
	    connected, failed, expired, roamed,
	    (unsigned long long)s.challenged, wg_is_up(wg),
	    (unsigned long long)s.in_packets, (unsigned long long)s.out_packets,
	    (unsigned long long)s.dropped_in, (unsigned long long)s.dropped_out,
	    (unsigned long long)s.rx_bytes, (unsigned long long)s.tx_bytes);
}

static void
command(const char *line)
{
	union wg_endpoint to;

	if (strcmp(line, "stats") == 0) {
		print_stats();
	} else if (strcmp(line, "connect") == 0) {
		wg_connect(wg);
	} else if (strncmp(line, "endpoint ", 9) == 0) {
		set_endpoint(&to, line + 9);
		wg_set_endpoint(wg, &to);
	} else if (strncmp(line, "rebind ", 7) == 0) {
		listen_port = (uint16_t)strtoul(line + 7, NULL, 10);
		udp_open();
	} else {
		errx(2, "unknown command: %s", line);
	}
}

/* Commands are short and written whole: a read ends where a line does. */
static void
stdin_cb(evutil_socket_t fd, short what, void *arg)
{
	char text[1024], *line, *rest = text;
	ssize_t n = read(fd, text, sizeof(text) - 1);

	(void)what, (void)arg;
	if (n <= 0) {
		(void)event_base_loopbreak(base);
		return;
	}
	text[n] = '\0';
	wg_now(wg, now_ms());
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			command(line);
	rearm();
}

static const struct wg_calls calls = {
    .send = stub_send,
    .deliver = stub_deliver,
    .event = stub_event,
    .roamed = stub_roamed,
};

int
main(int argc, char **argv)
{
	struct event *tun_ev, *in_ev;
	const uint8_t *key;
	int i;

	if (argc < 2)
		errx(2, "usage: wg_stub TUN KEY=VALUE...");
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	options(argc - 2, argv + 2);
	wg = wg_new(&config, &calls, NULL, now_ms());
	if (wg == NULL)
		err(1, "wg_new");
	base = event_base_new();
	tun_open(argv[1]);
	udp_open();
	timer = evtimer_new(base, timer_cb, NULL);
	tun_ev = event_new(base, tun_fd, EV_READ | EV_PERSIST, tun_cb, NULL);
	in_ev =
	    event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, stdin_cb, NULL);
	if (timer == NULL || event_add(tun_ev, NULL) != 0 ||
	    event_add(in_ev, NULL) != 0)
		errx(1, "event");
	printf("ready ");
	key = wg_get_public_key(wg);
	for (i = 0; i < 32; i++)
		printf("%02x", key[i]);
	printf("\n");
	(void)event_base_dispatch(base);
	event_free(in_ev);
	event_free(tun_ev);
	event_free(udp_ev);
	event_free(timer);
	event_base_free(base);
	wg_free(wg);
	return 0;
}
