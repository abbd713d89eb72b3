/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_STATS_H
#define AFWRTD_STATS_H

#include "routes.h"

/* Asks afwrt-tun for the counters of all routes; they are in route->stats
 * when done runs, which it does exactly once, also when tun is away. */
void stats_refresh(void (*done)(void));
/* The same, when nobody waits for it: before a route is deleted. */
void stats_note_all(void);
/* A route is about to be forgotten: what it owes comes with the next report. */
void stats_depart(struct route *r);
/* Bandwidth reports every so many ms from now on; 0 none. */
void stats_report(unsigned int interval_ms);
/* The last report of a run, if there are reports; then done runs. */
void stats_last(void (*done)(void));

#endif
