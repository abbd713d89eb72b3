/* SPDX-License-Identifier: ISC */
#ifndef AFW_WIRE_CHANNEL_H
#define AFW_WIRE_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

/*
 * Bytes that may wait for a slow peer before sending is refused: all rules at
 * once, as a replay or a QUERY sends them, and room for what else there is.
 */
#define AFW_QUEUE_MAX (10 * 1024 * 1024)

/* One received message; the payload is whole, checked and aligned. */
struct afw_msg {
	struct afw_hdr hdr;
	const struct afw_row *row;
	int fd; /* -1, or the handler's for the taking: afw_msg_take_fd */
	_Alignas(8) uint8_t payload[AFW_PAYLOAD_MAX];
};

struct afw_out; /* a queued record */

/*
 * One end of a SOCK_SEQPACKET pair between two processes. Owns the fd.
 * phase, self_gen and peer_gen are set by the owner as the conversation
 * proceeds. Not thread-safe; no log, no exit, no event loop in here.
 */
struct afw_chan {
	int fd;
	uint8_t self, peer; /* enum afw_role */
	uint8_t phase;	    /* enum afw_phase, one bit */
	uint32_t self_gen, peer_gen;
	struct afw_out *head, **tail;
	size_t queued; /* bytes waiting */
	uint64_t stale; /* messages of an older generation, dropped */
	char why[160]; /* after -1: what was wrong, with the row's name */
	/* called for each message that is sent or accepted, if not NULL */
	void (*trace)(const struct afw_chan *c, bool out,
	    const struct afw_hdr *h, const struct afw_row *row);
};

/* Takes fd, makes it non-blocking and close-on-exec. 0, or -1 and errno. */
int afw_chan_init(struct afw_chan *c, int fd, enum afw_role self,
    enum afw_role peer);
/* Closes the fd, frees what is queued. */
void afw_chan_close(struct afw_chan *c);

/*
 * Sends or queues one message; checks it against its row first, as the
 * receiver will. fd (or -1) is taken in every case, also on failure.
 * 0, or -1: EPROTO not allowed here (a bug, see why), EPIPE the peer is gone,
 * ENOBUFS the queue is full.
 */
int afw_chan_send(struct afw_chan *c, enum afw_msg_type type, uint32_t id,
    const void *payload, int fd);
/* Sends what is queued. 1 all gone, 0 more to send, -1 EPIPE. */
int afw_chan_flush(struct afw_chan *c);

/*
 * Reads one message. 1: m is filled (free it with afw_msg_done). 0: nothing
 * now (poll again). -1: EPROTO a violation, see why; ECONNRESET the peer is
 * gone. Messages of an older generation are dropped and counted. A reply whose
 * fd this process has no number for (RLIMIT_NOFILE) becomes a STATUS, ENOMEM.
 */
int afw_chan_recv(struct afw_chan *c, struct afw_msg *m);

/* The fd becomes the caller's. */
int afw_msg_take_fd(struct afw_msg *m);
/* Closes an fd nobody took and wipes a secret payload. */
void afw_msg_done(struct afw_msg *m);

/* A connected SOCK_SEQPACKET pair, close-on-exec. 0, or -1 and errno. */
int afw_chan_pair(int sv[2]);

/* memset that is not optimised away. */
void afw_wipe(void *p, size_t n);

#endif
