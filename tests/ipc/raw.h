/* SPDX-License-Identifier: ISC */
#ifndef TESTS_IPC_RAW_H
#define TESTS_IPC_RAW_H

#include "lib/wire/channel.h"
#include "payload.h"

/*
 * A channel under test and, at its other end, a bare socket: records are
 * written with sendmsg, as a hostile peer would.
 */
struct raw {
	struct afw_chan rx;
	int tx;
	struct afw_msg m;
};

#define RAW_GEN      7 /* of the bare end */
#define RAW_SELF_GEN 5 /* of the channel */

void raw_open(
    struct raw *r, unsigned int from, unsigned int to, unsigned int phase);
void raw_close(struct raw *r);
/* The header a right message of this row has. */
struct afw_hdr raw_header(const struct afw_row *row);
/* One record: header, len bytes of payload, so many descriptors. */
void raw_send(struct raw *r, const struct afw_hdr *h, const void *payload,
    size_t len, unsigned int nfds);
/* n bytes as they are. */
void raw_bytes(struct raw *r, const void *data, size_t n, unsigned int nfds);
/* Receives; fails the test if the result is another one than this. */
void raw_accepted(struct raw *r, const struct afw_row *row, const char *what);
void raw_refused(struct raw *r, const char *why, const char *what);
void raw_stale(struct raw *r, const char *what);

/* How many descriptors this process has. */
unsigned int fds_open(void);

#endif
