/* SPDX-License-Identifier: ISC */
/*
 * State changes on their way to the library. While it does not read they wait
 * here, in order; when very many wait, the earlier ones of a route give way to
 * its newest, so that the last word of each route always arrives.
 */
#include "events.h"

#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "afwrtd.h"
#include "lib/daemon/log.h"
#include "library.h"

#define HELD_MAX 4096

struct held {
	TAILQ_ENTRY(held) link;
	struct afw_m_ev_route ev;
};

static TAILQ_HEAD(, held) held = TAILQ_HEAD_INITIALIZER(held);
static unsigned int n_held;

static void
held_drop(struct held *h)
{
	TAILQ_REMOVE(&held, h, link);
	n_held--;
	free(h);
}

/* Makes room: what is older of this location goes. */
static void
held_collapse(const char *location)
{
	struct held *h, *next;

	log_warn("route %s: the application does not take its events: only "
		 "the newest is kept",
	    location);
	for (h = TAILQ_FIRST(&held); h != NULL; h = next) {
		next = TAILQ_NEXT(h, link);
		if (strcmp(h->ev.location, location) == 0)
			held_drop(h);
	}
}

static void
held_add(const struct afw_m_ev_route *ev)
{
	struct held *h;

	if (n_held >= HELD_MAX)
		held_collapse(ev->location);
	h = afwrtd_alloc(sizeof(*h));
	h->ev = *ev;
	TAILQ_INSERT_TAIL(&held, h, link);
	n_held++;
}

void
events_route(
    const struct route *r, uint32_t state, uint32_t reason, const char *detail)
{
	struct afw_m_ev_route ev = {
	    .state = state, .seq = r->seq, .reason = reason};

	memcpy(ev.location, r->location, sizeof(ev.location));
	(void)afw_str_set(ev.detail, sizeof(ev.detail), detail);
	held_add(&ev);
	events_flush();
}

void
events_flush(void)
{
	struct held *h;

	while (library_is_fast() && (h = TAILQ_FIRST(&held)) != NULL) {
		(void)afw_link_send(
		    library_link(), AFW_MSG_EV_ROUTE, 0, &h->ev, -1);
		held_drop(h);
	}
}
