/* SPDX-License-Identifier: ISC */
/*
 * Counters of the routes, and the bandwidth reports made of them: what the
 * counters have more than all reports so far. So a report that a slow library
 * does not take is part of the next, and the sums are the counters, also when
 * afwrt-tun has begun anew (`base`) or a route is gone (`departed`).
 */
#include "stats.h"

#include <string.h>

#include "afwrtd.h"
#include "ask.h"
#include "lib/daemon/log.h"
#include "library.h"
#include "routes.h"

#define STATS_MS 1000

static struct event *report_timer;
static unsigned int interval;
static void (*after_last)(void);
static int64_t ticked_ms;  /* when the running sample began */
static uint32_t sample_ms; /* of the last report, else 0: an interval */
/* routes that were forgotten with something to report */
static struct afw_m_bandwidth departed[AFW_ROUTES_MAX];
static unsigned int n_departed;

/* A counter that went back is a new one. */
static void
stats_item(const struct afw_m_route_stats *s)
{
	struct route *r = routes_find_id(s->route);

	if (r == NULL || !r->set)
		return;
	if (s->up_bytes < r->stats.up_bytes ||
	    s->down_bytes < r->stats.down_bytes)
		routes_counters_keep(r);
	r->stats = *s;
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

/* What is not reported of a route yet, if there are reports at all. */
static bool
owed_take(struct route *r, struct afw_m_bandwidth *b)
{
	uint64_t up = r->base.up_bytes + r->stats.up_bytes;
	uint64_t down = r->base.down_bytes + r->stats.down_bytes;

	memset(b, 0, sizeof(*b));
	memcpy(b->location, r->location, sizeof(b->location));
	b->interval_ms = interval;
	b->n_points = r->owed_points;
	b->up = up - r->told_up;
	b->down = down - r->told_down;
	r->told_up = up;
	r->told_down = down;
	r->owed_points = 0;
	return interval != 0 && (b->up != 0 || b->down != 0);
}

static void
part_send(struct afw_m_bandwidth *b, bool last)
{
	if (sample_ms != 0 && b->n_points == 1)
		b->interval_ms = sample_ms;
	b->last = last;
	(void)afw_link_send(library_link(), AFW_MSG_EV_BANDWIDTH, 0, b, -1);
}

/* One element a route, those that are gone first. */
static void
report_send(void)
{
	struct afw_m_bandwidth b;
	struct route *r = NULL;
	unsigned int i, left = n_departed;

	while ((r = routes_next(r)) != NULL)
		left += r->set;
	for (i = 0; i < n_departed; i++)
		part_send(&departed[i], --left == 0);
	n_departed = 0;
	while ((r = routes_next(r)) != NULL)
		if (r->set) {
			(void)owed_take(r, &b);
			part_send(&b, --left == 0);
		}
}

static void
report_done(void)
{
	struct route *r = NULL;

	if (interval == 0)
		return;
	while ((r = routes_next(r)) != NULL)
		r->owed_points += r->set;
	if (library_is_fast())
		report_send();
}

void
stats_depart(struct route *r)
{
	struct afw_m_bandwidth b;

	if (!owed_take(r, &b))
		return;
	if (b.n_points == 0)
		b.n_points = 1;
	if (n_departed == AFW_ROUTES_MAX)
		report_send();
	departed[n_departed++] = b;
}

static void
noted(void)
{
}

void
stats_note_all(void)
{
	stats_refresh(noted);
}

static void
report_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	ticked_ms = afw_now_ms();
	stats_refresh(report_done);
	afwrtd_timer_set(report_timer, interval);
}

void
stats_report(unsigned int interval_ms)
{
	interval = interval_ms;
	ticked_ms = afw_now_ms();
	n_departed = 0;
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
	int64_t ms = afw_now_ms() - ticked_ms;

	sample_ms = ms > 0 ? (uint32_t)ms : 1;
	report_done();
	sample_ms = interval = 0;
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
