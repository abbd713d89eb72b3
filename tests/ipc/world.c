/* SPDX-License-Identifier: ISC */
#include "world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static void
closed(void *arg, struct afw_link *l, const char *why)
{
	struct world *w = arg;

	if (l == &w->a) {
		w->closed_a++;
		(void)snprintf(w->why_a, sizeof(w->why_a), "%s", why);
	} else {
		w->closed_b++;
		(void)snprintf(w->why_b, sizeof(w->why_b), "%s", why);
	}
	if (w->on_closed != NULL)
		w->on_closed(w, l);
	else
		afw_link_close(l);
}

void
world_open(struct world *w, enum afw_role a, enum afw_role b,
    const struct afw_handler *handlers_b)
{
	static const struct afw_handler none[] = {{0, NULL}};
	int sv[2];

	memset(w, 0, sizeof(*w));
	w->base = event_base_new();
	ck_assert_ptr_nonnull(w->base);
	ck_assert_int_eq(afw_chan_pair(sv), 0);
	ck_assert_int_eq(
	    afw_link_open(&w->a, w->base, sv[0], a, b, none, closed, w), 0);
	ck_assert_int_eq(afw_link_open(&w->b, w->base, sv[1], b, a,
			     handlers_b != NULL ? handlers_b : none, closed, w),
	    0);
	w->a.chan.phase = w->b.chan.phase = AFW_PH_R;
	w->a.chan.self_gen = w->b.chan.peer_gen = 1;
	w->a.chan.peer_gen = w->b.chan.self_gen = 2;
}

void
world_close(struct world *w)
{
	afw_link_close(&w->a);
	afw_link_close(&w->b);
	event_base_free(w->base);
}

void
world_until(struct world *w, const unsigned int *counter, unsigned int n)
{
	while (*counter < n)
		ck_assert_int_eq(event_base_loop(w->base, EVLOOP_ONCE), 0);
}

void
world_settle(struct world *w)
{
	int i;

	for (i = 0; i < 10; i++)
		(void)event_base_loop(w->base, EVLOOP_NONBLOCK);
}

void
world_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct world *w = arg;

	w->replies++;
	w->codes[code]++;
	w->type = m != NULL ? m->hdr.type : 0;
	(void)snprintf(w->text, sizeof(w->text), "%s", text);
}

uint32_t
world_ping(struct world *w, unsigned int timeout_ms)
{
	return afw_link_request(
	    &w->a, AFW_MSG_PING, NULL, -1, timeout_ms, false, world_reply, w);
}

int
ping_answer(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct world *w = arg;

	w->handled++;
	w->last_id = m->hdr.id;
	afw_link_status(l, m->hdr.id, AFW_OK, "pong %u", m->hdr.id);
	return 0;
}

int
ping_ignore(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct world *w = arg;

	(void)l;
	w->handled++;
	w->last_id = m->hdr.id;
	return 0;
}
