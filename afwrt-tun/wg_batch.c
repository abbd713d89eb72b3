/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/wg_batch.h"

#include <stdlib.h>

int
wg_batch_init(struct wg_batch *b)
{
	b->n = 0;
	b->used = 0;
	b->room = malloc(WG_BATCH_BYTES);
	return b->room == NULL ? -1 : 0;
}

void
wg_batch_done(struct wg_batch *b)
{
	free(b->room);
	b->room = NULL;
}

uint8_t *
wg_batch_reserve(struct wg_batch *b, size_t len)
{
	if (b->n == WG_BATCH_MAX || len > WG_BATCH_BYTES - b->used)
		return NULL;
	return b->room + b->used;
}

void
wg_batch_commit(struct wg_batch *b, size_t len)
{
	b->v[b->n].iov_base = b->room + b->used;
	b->v[b->n].iov_len = len;
	b->n++;
	b->used += len;
}

void
wg_batch_clear(struct wg_batch *b)
{
	b->n = 0;
	b->used = 0;
}
