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
held_of(struct route *r)
{
	struct held *h = r->forward;

	if (h == NULL) {
		h = calloc(1, sizeof(*h));
		if (h == NULL)
			return NULL;
		h->last = &h->first;
		r->forward = h;
	}
	return h;
}

bool
held_add(struct route *r, const struct packet *p)
{
	struct held *h = held_of(r);
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

/* The queue is the caller's; a new packet starts another. */
static struct held_packet *
held_take(struct route *r)
{
	struct held *h = r->forward;
	struct held_packet *first = h == NULL ? NULL : h->first;

	free(h);
	r->forward = NULL;
	return first;
}

void
held_release(struct route *r, void (*packet)(struct route *r, struct packet *p))
{
	struct held_packet *h = held_take(r), *next;
	struct packet p;

	for (; h != NULL; h = next) {
		next = h->next;
		if (packet_parse(&p, h->data, h->len)) {
			p.gso = h->gso;
			p.partial = h->partial;
			packet(r, &p);
		}
		free(h);
	}
}

void
held_drop(struct route *r)
{
	struct held_packet *h = held_take(r), *next;

	for (; h != NULL; h = next) {
		next = h->next;
		r->dropped++;
		free(h);
	}
}
