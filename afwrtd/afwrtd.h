/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_H
#define AFWRTD_H

#include <event2/event.h>

#include <stdbool.h>

/* The whole process; returns its exit status. */
int afwrtd_run(void);

/* The event loop of the process. */
extern struct event_base *afwrtd_base;

/* A timer on the loop; out of memory is fatal. */
struct event *afwrtd_timer(event_callback_fn fn, void *arg);
void afwrtd_timer_set(struct event *timer, unsigned int ms);
void *afwrtd_alloc(size_t n);

#endif
