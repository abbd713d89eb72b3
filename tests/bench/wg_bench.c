/* SPDX-License-Identifier: ISC */
/*
 * The WireGuard engine alone, on one core: packets of 1420 bytes sealed by one
 * peer and opened by the other, with nothing in between. CPU time; MB are
 * 10^6 bytes of packets. usage: wg_bench [SECONDS [PACKET-SIZE]]
 */
#include "afwrt-tun/wg.h"
#include "afwrt-tun/wg_crypto.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 64

struct side {
	struct wg *wg;
	union wg_endpoint me;
	uint64_t packets;
};

static struct side side[2];
/* what was sent last, and is to be opened */
static uint8_t wire[256 * 1024];
static size_t wire_len[MANY];
static unsigned int wire_n;
static size_t wire_used;

static double
cpu(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) != 0)
		err(1, "clock_gettime");
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
bench_send(void *arg, const union wg_endpoint *to, const struct iovec *v,
    unsigned int n)
{
	unsigned int i;

	(void)arg, (void)to;
	for (i = 0; i < n && wire_n < MANY; i++) {
		memcpy(wire + wire_used, v[i].iov_base, v[i].iov_len);
		wire_used += v[i].iov_len;
		wire_len[wire_n++] = v[i].iov_len;
	}
}

static void
bench_deliver(void *arg, uint8_t *packet, size_t len)
{
	struct side *s = arg;

	(void)packet, (void)len;
	s->packets++;
}

static void
take(struct side *to, const struct side *from)
{
	static uint8_t in[sizeof(wire)];
	unsigned int i, n = wire_n;
	size_t at = 0, len;

	memcpy(in, wire, wire_used);
	wire_n = 0;
	wire_used = 0;
	for (i = 0; i < n; i++, at += len) {
		len = wire_len[i];
		wg_input(to->wg, in + at, len, &from->me);
	}
}

static void
setup(uint16_t mtu)
{
	static const struct wg_calls calls = {
	    .send = bench_send, .deliver = bench_deliver};
	struct wg_config c[2] = {0};
	int i;

	if (wg_crypto_init() != 0)
		errx(1, "libcrypto");
	for (i = 0; i < 2; i++) {
		c[i].private_key[0] = (uint8_t)(8 * i + 8);
		c[i].mtu = mtu;
		side[i].me.in.sin_family = AF_INET;
		side[i].me.in.sin_port = (in_port_t)i;
	}
	for (i = 0; i < 2; i++) {
		c[i].endpoint = side[!i].me;
		if (wg_x25519_public(c[i].peer_key, c[!i].private_key) != 0)
			errx(1, "x25519");
		side[i].wg = wg_new(&c[i], &calls, &side[i], 1);
		if (side[i].wg == NULL)
			err(1, "wg_new");
	}
	wg_connect(side[0].wg);
	while (wire_n > 0) {
		take(&side[1], &side[0]);
		take(&side[0], &side[1]);
	}
	if (!wg_is_up(side[0].wg) || !wg_is_up(side[1].wg))
		errx(1, "no session");
}

int
main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1, seal = 0, open = 0, t;
	size_t len = argc > 2 ? strtoul(argv[2], NULL, 10) : 1420;
	uint8_t packet[2000] = {0x45};
	uint64_t n = 0;
	int i;

	if (len < 20 || len > sizeof(packet))
		errx(2, "packet size: 20 to %zu", sizeof(packet));
	packet[2] = (uint8_t)(len >> 8);
	packet[3] = (uint8_t)len;
	setup((uint16_t)len);
	while (seal + open < seconds) {
		t = cpu();
		for (i = 0; i < MANY; i++)
			(void)wg_output(side[0].wg, packet, len);
		wg_flush(side[0].wg);
		seal += cpu() - t;
		t = cpu();
		take(&side[1], &side[0]);
		open += cpu() - t;
		n += MANY;
	}
	if (side[1].packets != n)
		errx(1, "%llu of %llu packets arrived",
		    (unsigned long long)side[1].packets, (unsigned long long)n);
	printf("%zu-byte packets: seal %.0f MB/s, open %.0f MB/s (%.2f, %.2f "
	       "us a packet)\n",
	    len, (double)n * (double)len / seal / 1e6,
	    (double)n * (double)len / open / 1e6, seal / (double)n * 1e6,
	    open / (double)n * 1e6);
	wg_free(side[0].wg);
	wg_free(side[1].wg);
	return 0;
}
