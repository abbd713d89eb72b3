/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TESTS_WG_LAB_H
#define AFWRT_TESTS_WG_LAB_H

#include "afwrt-tun/wg_private.h"

/*
 * Two peers in one process, over a network and a time of the test's own: what
 * one sends waits in a queue until lab_run hands it over or the test takes it.
 */
#define LAB_MTU     1420
#define LAB_FLIGHT  4096
#define LAB_PACKETS 4096

struct lab_side {
	struct wg *wg;
	struct wg_config config;
	union wg_endpoint me;
	bool cut;     /* what it sends is lost */
	bool refuse;  /* its `allowed` says no */
	int64_t wall; /* its wall clock, s; 0: that of the lab */
	unsigned int events[3], delivered, roamed, stamps;
	unsigned int sent[5]; /* messages by type */
	uint8_t last[2048];   /* the last packet delivered */
	size_t last_len;
	uint8_t stamp[12];
	uint8_t got[LAB_PACKETS]; /* how often packet number i came */
};

struct lab_datagram {
	unsigned int to;
	union wg_endpoint from;
	size_t len;
	uint8_t b[2048];
};

extern struct lab_side lab[2];
extern uint64_t lab_ms;

/* Keys and addresses for both; tests may change lab[].config before start. */
void lab_prepare(void);
void lab_start(unsigned int side);
void lab_open(void);
void lab_close(void);

void lab_endpoint(union wg_endpoint *e, const char *ip, uint16_t port);
/* All that is in flight arrives, and what that brings about. */
void lab_run(void);
/* The next datagram in flight, taken out; false when there is none. */
bool lab_take(struct lab_datagram *d);
void lab_put(const struct lab_datagram *d);
unsigned int lab_in_flight(void);
/* Time passes; timers fire when they are due; what is sent arrives. */
void lab_advance(uint64_t ms);
/* An IPv4 packet of len bytes with a number in it; wg_output and flush. */
int lab_send(unsigned int side, unsigned int number, size_t len);
void lab_packet(uint8_t *p, unsigned int number, size_t len);
/* A handshake begun by 0, and a packet each way. */
void lab_connect(void);

#endif
