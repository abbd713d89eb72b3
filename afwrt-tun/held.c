/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/held.h"

#include <stdlib.h>
#include <string.h>

struct held_packet {
	struct held_packet *next;
	uint32_t len;
	uint16_t gso;
	bool partial;
	uint8_t data[];
};

struct held {
	struct held_packet *first, **last;
	uint32_t packets, bytes;
};

static struct held *
held_of(struct held **h)
{
	if (*h == NULL && (*h = calloc(1, sizeof(**h))) != NULL)
		(*h)->last = &(*h)->first;
	return *h;
}

bool
held_add(struct held **queue, const struct packet *p)
{
	struct held *h = held_of(queue);
	struct held_packet *new;

	if (h == NULL || h->packets >= HELD_PACKETS ||
	    h->bytes + p->len > HELD_BYTES)
		return false;
	new = malloc(sizeof(*new) + p->len);
	if (new == NULL)
		return false;
	new->next = NULL;
	new->len = p->len;
	new->gso = p->gso;
	new->partial = p->partial;
	memcpy(new->data, p->data, p->len);
	*h->last = new;
	h->last = &new->next;
	h->packets++;
	h->bytes += p->len;
	return true;
}

uint32_t
held_bytes(const struct held *h)
{
	return h == NULL ? 0 : h->bytes;
}

static struct held_packet *
held_take(struct held **h)
{
	struct held_packet *first = *h == NULL ? NULL : (*h)->first;

	free(*h);
	*h = NULL;
	return first;
}

void
held_release(
    struct held **queue, void (*packet)(void *arg, struct packet *p), void *arg)
{
	struct held_packet *h = held_take(queue), *next;
	struct packet p;

	for (; h != NULL; h = next) {
		next = h->next;
		if (packet_parse(&p, h->data, h->len)) {
			p.gso = h->gso;
			p.partial = h->partial;
			packet(arg, &p);
		}
		free(h);
	}
}

uint32_t
held_drop(struct held **queue)
{
	struct held_packet *h = held_take(queue), *next;
	uint32_t n;

	for (n = 0; h != NULL; n++, h = next) {
		next = h->next;
		free(h);
	}
	return n;
}
