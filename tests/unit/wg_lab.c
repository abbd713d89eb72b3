/* SPDX-License-Identifier: ISC */
#include "tests/unit/wg_lab.h"

#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lab_side lab[2];
uint64_t lab_ms;

static struct lab_datagram *flight[LAB_FLIGHT];
static unsigned int flight_first, flight_n;

void
lab_endpoint(union wg_endpoint *e, const char *ip, uint16_t port)
{
	memset(e, 0, sizeof(*e));
	if (inet_pton(AF_INET, ip, &e->in.sin_addr) == 1) {
		e->in.sin_family = AF_INET;
		e->in.sin_port = htons(port);
	} else if (inet_pton(AF_INET6, ip, &e->in6.sin6_addr) == 1) {
		e->in6.sin6_family = AF_INET6;
		e->in6.sin6_port = htons(port);
	} else {
		abort();
	}
}

void
lab_put(const struct lab_datagram *d)
{
	struct lab_datagram *copy;

	if (flight_n == LAB_FLIGHT)
		abort();
	copy = malloc(sizeof(*copy));
	if (copy == NULL)
		abort();
	*copy = *d;
	flight[(flight_first + flight_n++) % LAB_FLIGHT] = copy;
}

bool
lab_take(struct lab_datagram *d)
{
	struct lab_datagram *first;

	if (flight_n == 0)
		return false;
	first = flight[flight_first];
	flight_first = (flight_first + 1) % LAB_FLIGHT;
	flight_n--;
	*d = *first;
	free(first);
	return true;
}

unsigned int
lab_in_flight(void)
{
	return flight_n;
}

/* ---- the callbacks ----------------------------------------------------- */

static void
side_send(void *arg, const union wg_endpoint *to, const struct iovec *v,
    unsigned int n)
{
	struct lab_side *s = arg;
	struct lab_datagram d = {0};
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (v[i].iov_len > sizeof(d.b))
			abort();
		memcpy(d.b, v[i].iov_base, v[i].iov_len);
		d.len = v[i].iov_len;
		d.from = s->me;
		d.to = s == &lab[0] ? 1 : 0;
		if (d.b[0] < 5)
			s->sent[d.b[0]]++;
		if (!s->cut && wg_endpoint_same(to, &lab[d.to].me))
			lab_put(&d);
	}
}

static void
side_deliver(void *arg, uint8_t *packet, size_t len)
{
	struct lab_side *s = arg;
	unsigned int number;

	s->delivered++;
	s->last_len = len < sizeof(s->last) ? len : sizeof(s->last);
	memcpy(s->last, packet, s->last_len);
	number = wg_get32(packet + 20);
	if (len >= 24 && number < LAB_PACKETS)
		s->got[number]++;
}

static void
side_event(void *arg, enum wg_event e)
{
	struct lab_side *s = arg;

	s->events[e]++;
}

static void
side_roamed(void *arg, const union wg_endpoint *to)
{
	struct lab_side *s = arg;

	(void)to;
	s->roamed++;
}

static void
side_stamp(void *arg, const uint8_t stamp[12])
{
	struct lab_side *s = arg;

	s->stamps++;
	memcpy(s->stamp, stamp, sizeof(s->stamp));
}

static bool
side_allowed(void *arg, const uint8_t *packet, size_t len)
{
	const struct lab_side *s = arg;

	return !s->refuse && packet[0] >> 4 == 4 && len >= 20;
}

static void
side_wall(void *arg, struct timespec *now)
{
	const struct lab_side *s = arg;

	now->tv_sec = 1767323045 + (time_t)(lab_ms / 1000);
	now->tv_nsec = (long)(lab_ms % 1000) * 1000000;
	if (s->wall != 0)
		now->tv_sec = (time_t)s->wall;
}

static const struct wg_calls calls = {
    .send = side_send,
    .deliver = side_deliver,
    .event = side_event,
    .roamed = side_roamed,
    .stamp = side_stamp,
    .allowed = side_allowed,
    .wall = side_wall,
};

/* ---- life -------------------------------------------------------------- */

void
lab_prepare(void)
{
	int i;

	memset(lab, 0, sizeof(lab));
	lab_ms = 1000;
	if (wg_crypto_init() != 0)
		abort();
	for (i = 0; i < 2; i++)
		memset(lab[i].config.private_key, 0x41 + i, WG_KEY);
	for (i = 0; i < 2; i++) {
		if (wg_x25519_public(lab[i].config.peer_key,
			lab[!i].config.private_key) != 0)
			abort();
		memset(lab[i].config.psk, 0x55, WG_KEY);
		lab[i].config.mtu = LAB_MTU;
	}
	lab_endpoint(&lab[0].me, "192.0.2.1", 1111);
	lab_endpoint(&lab[1].me, "192.0.2.2", 2222);
	/* as a client and a server: 1 learns where 0 is */
	lab[0].config.endpoint = lab[1].me;
}

void
lab_start(unsigned int side)
{
	lab[side].wg = wg_new(&lab[side].config, &calls, &lab[side], lab_ms);
	if (lab[side].wg == NULL)
		abort();
}

void
lab_open(void)
{
	lab_prepare();
	lab_start(0);
	lab_start(1);
}

void
lab_close(void)
{
	struct lab_datagram d;

	while (lab_take(&d))
		continue;
	wg_free(lab[0].wg);
	wg_free(lab[1].wg);
	lab[0].wg = lab[1].wg = NULL;
}

void
lab_run(void)
{
	struct lab_datagram d;

	while (lab_take(&d)) {
		wg_now(lab[d.to].wg, lab_ms);
		wg_input(lab[d.to].wg, d.b, d.len, &d.from);
	}
}

void
lab_advance(uint64_t ms)
{
	uint64_t end = lab_ms + ms, next, due;
	int i;

	while (lab_ms < end) {
		next = end;
		for (i = 0; i < 2; i++) {
			due = wg_deadline(lab[i].wg);
			if (due != 0 && due < next)
				next = due;
		}
		lab_ms = next > lab_ms ? next : lab_ms + 1;
		for (i = 0; i < 2; i++)
			(void)wg_tick(lab[i].wg, lab_ms);
		lab_run();
	}
}

void
lab_packet(uint8_t *p, unsigned int number, size_t len)
{
	memset(p, (int)number, len);
	memset(p, 0, 20);
	p[0] = 0x45;
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	p[9] = 17;
	if (len >= 24)
		wg_put32(p + 20, number);
}

int
lab_send(unsigned int side, unsigned int number, size_t len)
{
	uint8_t p[2048];
	int r;

	lab_packet(p, number, len);
	wg_now(lab[side].wg, lab_ms);
	r = wg_output(lab[side].wg, p, len);
	wg_flush(lab[side].wg);
	return r;
}

void
lab_connect(void)
{
	(void)lab_send(0, 1, 100);
	lab_run();
	(void)lab_send(1, 2, 100);
	lab_run();
}
