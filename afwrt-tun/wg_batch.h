/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_BATCH_H
#define AFWRT_TUN_WG_BATCH_H

#include "afwrt-tun/wg.h"

/* Room for one datagram of any size, or a full batch of usual ones. */
#define WG_BATCH_BYTES (128 * 1024)

/* Datagrams back to back, on their way out to one endpoint. */
struct wg_batch {
	struct iovec v[WG_BATCH_MAX];
	unsigned int n;
	size_t used;
	uint8_t *room;
};

int wg_batch_init(struct wg_batch *b);
void wg_batch_done(struct wg_batch *b);
/* Where a datagram of len bytes can be written, or NULL: flush first. */
uint8_t *wg_batch_reserve(struct wg_batch *b, size_t len);
/* The datagram is there. */
void wg_batch_commit(struct wg_batch *b, size_t len);
void wg_batch_clear(struct wg_batch *b);

#endif
