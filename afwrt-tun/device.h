/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_DEVICE_H
#define AFWRT_TUN_DEVICE_H

#include <event2/event.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire/msg.h"

/* What the device says about a packet beside its bytes, in both ways. */
struct device_meta {
	uint16_t gso;    /* payload bytes of a segment, 0: one packet */
	bool partial;    /* the checksum at start + offset is to be completed */
	uint8_t family;  /* the rest: when written with gso or partial */
	uint16_t header; /* bytes before the payload */
	uint16_t start, offset;
};

struct device_input {
	/* one IP packet; the buffer may be changed */
	void (*packet)(uint8_t *data, size_t len, const struct device_meta *m);
	void (*begin)(void); /* before and after a batch of them */
	void (*end)(void);
};

void device_init(struct event_base *base, const struct device_input *input);
/* Takes fd; an older one is closed. */
void device_set(int fd, const struct afw_m_device *d);
void device_close(void);
/* Segments can be written whole. */
bool device_takes_gso(void);
/* m NULL: one whole packet. False: the device did not take it. */
bool device_write(const uint8_t *data, size_t len, const struct device_meta *m);

#endif
