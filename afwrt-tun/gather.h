/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_GATHER_H
#define AFWRT_TUN_GATHER_H

#include <event2/event.h>

#include <stddef.h>
#include <stdint.h>

/*
 * Wakes the reader of a busy stream for many records instead of each: nodes
 * send one record a packet. Under load the kernel tells of data only when as
 * much is there as comes in a quarter of a millisecond (SO_RCVLOWAT), or after
 * a millisecond; a stream that is not busy is told of at once. Zero it before
 * use.
 */
struct gather {
	struct event *late;
	int fd;
	int lowat;        /* as the socket has it, 0 none */
	int64_t since_us; /* of the measurement */
	size_t bytes;     /* in it */
};

/* late is a timer of the owner's, which reads when it fires. */
void gather_init(struct gather *g, int fd, struct event *late);
/* A batch of so many bytes was read, all there was. */
void gather_read(struct gather *g, size_t bytes, int64_t now_us);

#endif
