/* SPDX-License-Identifier: ISC */
#ifndef AFW_EVENTS_H
#define AFW_EVENTS_H

#include <stdbool.h>

#include "lib/wire/msg.h"

/* Events that may wait for the application. */
#define EVENTS_MAX 1024

struct events_item;

/*
 * Events between the channel and the callback. State changes are dropped
 * only when EVENTS_MAX wait, and then first those that a later one of the
 * same route has overtaken; a bandwidth report that waits takes up the next,
 * so that the sums stay right. Not thread-safe.
 */
struct events {
	struct events_item *head, **tail;
	unsigned int count;
	/* the report so far; routes may have gone since the last */
	struct afw_m_bandwidth part[2 * AFW_ROUTES_MAX];
	unsigned int nparts;
};

void events_init(struct events *q);
void events_free(struct events *q);
/* Each puts one event in; false: it was not (no memory, or no event). */
bool events_route(struct events *q, const struct afw_m_ev_route *m);
bool events_bandwidth(struct events *q, const struct afw_m_bandwidth *m);
bool events_ready(struct events *q);
bool events_credentials_expire(struct events *q);
bool events_auth_success(struct events *q, const char *token);
bool events_invalid_auth(struct events *q, const char *reason);

/* The oldest as JSON text for events_text_free, or NULL. */
char *events_pop(struct events *q);
/* Wipes it too: it may hold a token. */
void events_text_free(char *text);

#endif
