/* SPDX-License-Identifier: ISC */
/*
 * Counters of the routes, and the bandwidth reports made of them: the
 * difference since the last report. A report that a slow library does not
 * take is added to the next, so that sums stay exact.
 */
#include "stats.h"

#include <string.h>

#include "afwrtd.h"
#include "ask.h"
#include "library.h"
#include "routes.h"

#define STATS_MS 1000

static struct event *report_timer;
static unsigned int interval;
static void (*after_last)(void);

static void
stats_note(struct route *r, const struct afw_m_route_stats *s)
{
	r->stats = *s;
	r->owed_up += s->up_bytes - r->seen_up;
	r->owed_down += s->down_bytes - r->seen_down;
	r->seen_up = s->up_bytes;
	r->seen_down = s->down_bytes;
}

/* A counter that went back is a new one. */
static void
stats_item(const struct afw_m_route_stats *s)
{
	struct route *r = routes_find_id(s->route);

	if (r == NULL || !r->set)
		return;
	if (s->up_bytes < r->seen_up || s->down_bytes < r->seen_down)
		r->seen_up = r->seen_down = 0;
	stats_note(r, s);
}

static void
stats_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	void (*done)(void);

	(void)code;
	(void)text;
	if (m != NULL && m->hdr.type == AFW_MSG_ROUTE_STATS_ITEM) {
		stats_item((const void *)m->payload);
		return;
	}
	memcpy(&done, &arg, sizeof(done));
	done();
}

void
stats_refresh(void (*done)(void))
{
	void *arg;

	_Static_assert(sizeof(arg) == sizeof(done), "a function in a pointer");
	memcpy(&arg, &done, sizeof(arg));
	ask(AFW_TUN, AFW_MSG_ROUTE_STATS, NULL, STATS_MS, true, stats_reply,
	    arg);
}

static void
route_report(struct route *r, bool last)
{
	struct afw_m_bandwidth b = {.interval_ms = interval,
	    .last = last,
	    .n_points = r->owed_points,
	    .up = r->owed_up,
	    .down = r->owed_down};

	memcpy(b.location, r->location, sizeof(b.location));
	(void)afw_link_send(library_link(), AFW_MSG_EV_BANDWIDTH, 0, &b, -1);
	r->owed_up = r->owed_down = 0;
	r->owed_points = 0;
}

static void
report_done(void)
{
	struct route *r = NULL, *prev = NULL;
	bool fast = library_is_fast();

	if (interval == 0)
		return;
	while ((r = routes_next(r)) != NULL) {
		if (!r->set)
			continue;
		r->owed_points++;
		if (fast && prev != NULL)
			route_report(prev, false);
		prev = r;
	}
	if (fast && prev != NULL)
		route_report(prev, true);
}

static void
report_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	stats_refresh(report_done);
	afwrtd_timer_set(report_timer, interval);
}

void
stats_report(unsigned int interval_ms)
{
	interval = interval_ms;
	if (report_timer == NULL)
		report_timer = afwrtd_timer(report_timer_cb, NULL);
	if (interval == 0)
		(void)evtimer_del(report_timer);
	else
		afwrtd_timer_set(report_timer, interval);
}

static void
last_done(void)
{
	report_done();
	interval = 0;
	after_last();
}

void
stats_last(void (*done)(void))
{
	if (interval == 0) {
		done();
		return;
	}
	(void)evtimer_del(report_timer);
	after_last = done;
	stats_refresh(last_done);
}
