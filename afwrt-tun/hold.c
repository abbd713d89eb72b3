/* SPDX-License-Identifier: ISC */
#include "hold.h"

#include <stdlib.h>
#include <string.h>

struct hold_packet {
	struct hold_packet *next;
	size_t len;
	uint8_t data[];
};

bool
hold_push(struct hold *h, const uint8_t *packet, size_t len)
{
	struct hold_packet *p;

	if (h->bytes + sizeof(*p) + len > HOLD_MAX ||
	    (p = malloc(sizeof(*p) + len)) == NULL)
		return false;
	p->next = NULL;
	p->len = len;
	memcpy(p->data, packet, len);
	if (h->head == NULL)
		h->tail = &h->head;
	*h->tail = p;
	h->tail = &p->next;
	h->bytes += sizeof(*p) + len;
	return true;
}

const uint8_t *
hold_front(const struct hold *h, size_t *len)
{
	if (h->head == NULL)
		return NULL;
	*len = h->head->len;
	return h->head->data;
}

void
hold_pop(struct hold *h)
{
	struct hold_packet *p = h->head;

	if (p == NULL)
		return;
	h->head = p->next;
	h->bytes -= sizeof(*p) + p->len;
	free(p);
}

size_t
hold_clear(struct hold *h)
{
	size_t n;

	for (n = 0; h->head != NULL; n++)
		hold_pop(h);
	return n;
}
