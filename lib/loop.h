/* SPDX-License-Identifier: ISC */
#ifndef AFW_LOOP_H
#define AFW_LOOP_H

#include "suite.h"

/* The eventfd behind afwrt_stop and "an event waits"; before all else. */
int loop_init(struct suite *s);
void loop_free(struct suite *s);

/* The number of the run that is asked for: first of all, without a lock. */
unsigned int loop_number(void);
/* Sends RUN. 0, or -1 and errno; the lock is not held. */
int loop_begin(struct suite *s, unsigned int number, bool blocking);
/* One round without waiting: 0 goes on, 1 over in order, -1 over. */
int loop_dispatch(struct suite *s, bool blocking);
/* Until the run is over. 0 or -1. */
int loop_run(struct suite *s);
/* Async-signal-safe. */
void loop_stop(void);
/* With the lock held: an event waits, or the run is over. */
void loop_wake(struct suite *s);
/* With the lock held: the run ends with this. */
void loop_over(struct suite *s, unsigned int code, const char *text);
/* True inside the event callback of this thread. */
bool loop_inside(void);

#endif
