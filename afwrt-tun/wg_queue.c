/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/wg_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
wg_queue_push(struct wg_queue *q, const uint8_t *packet, size_t len)
{
	struct wg_queued *e;

	if (q->n == WG_QUEUE_PACKETS || q->bytes + len > WG_QUEUE_BYTES) {
		errno = ENOBUFS;
		return -1;
	}
	e = &q->ring[(q->first + q->n) % WG_QUEUE_PACKETS];
	e->packet = malloc(len);
	if (e->packet == NULL)
		return -1;
	memcpy(e->packet, packet, len);
	e->len = len;
	q->bytes += len;
	q->n++;
	return 0;
}

uint8_t *
wg_queue_pop(struct wg_queue *q, size_t *len)
{
	struct wg_queued *e = &q->ring[q->first];

	if (q->n == 0)
		return NULL;
	q->first = (q->first + 1) % WG_QUEUE_PACKETS;
	q->n--;
	q->bytes -= e->len;
	*len = e->len;
	return e->packet;
}

unsigned int
wg_queue_clear(struct wg_queue *q)
{
	unsigned int n = q->n;
	size_t len;

	while (q->n > 0)
		free(wg_queue_pop(q, &len));
	return n;
}
