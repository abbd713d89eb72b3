/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_DEVICE_H
#define AFWRT_TUN_DEVICE_H

#include <event2/event.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the device says about a packet beside its bytes, in both ways. */
struct device_meta {
	uint16_t gso; /* payload bytes of a segment, 0: one packet */
	bool partial; /* the checksum at start + offset is to be completed */
	uint16_t start, offset;
	uint8_t family;  /* the rest: when written with gso or partial */
	uint16_t header; /* bytes before the payload */
};

struct device_input {
	/* one IP packet; the buffer may be changed, and is every device's */
	void (*packet)(
	    void *arg, uint8_t *data, size_t len, const struct device_meta *m);
	void (*begin)(void *arg); /* before and after a batch of them */
	void (*end)(void *arg);
};

/* There is one of the suite, and one a WireGuard route in userspace. */
struct device;

struct device *device_new(
    struct event_base *base, const struct device_input *input, void *arg);
/* Closes, frees; NULL is fine. Not from within its input. */
void device_free(struct device *d);
/* Takes fd; an older one is closed. vnet_hdr: bytes before each packet. */
void device_set(struct device *d, int fd, uint32_t vnet_hdr);
/* Stops reading it for a while, or goes on. */
void device_pause(struct device *d, bool pause);
/* Segments can be written whole. */
bool device_takes_gso(const struct device *d);
/* m NULL: one whole packet. False: the device did not take it. */
bool device_write(struct device *d, const uint8_t *data, size_t len,
    const struct device_meta *m);

#endif
