/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_STATS_H
#define AFWRTD_STATS_H

/* Asks afwrt-tun for the counters of all routes; they are in route->stats
 * when done runs, which it does exactly once, also when tun is away. */
void stats_refresh(void (*done)(void));
/* Bandwidth reports every so many ms from now on; 0 none. */
void stats_report(unsigned int interval_ms);
/* The last report of a run, if there are reports; then done runs. */
void stats_last(void (*done)(void));

#endif
