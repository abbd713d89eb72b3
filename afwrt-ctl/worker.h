/* SPDX-License-Identifier: ISC */
#ifndef CTL_WORKER_H
#define CTL_WORKER_H

#include <event2/event.h>

#include "control.h"

/*
 * One thread for the requests that ask the backend, so that the loop goes on
 * meanwhile. It calls the library and touches nothing else.
 */

/* 0, or -1 (logged). */
int worker_start(struct event_base *base);
/* Takes the reference of rq, when it returns 0; done runs from the loop. -1:
 * too many wait, or there is no worker. */
int worker_post(const struct ctl_request *r, json_t *rq,
    void (*done)(void *arg, json_t *answer), void *arg);
/* done does not run any more for this arg. */
void worker_forget(const void *arg);
/* No more jobs are begun; before afwrt_deinit, which ends the one at work. */
void worker_close(void);
/* After it: waits for the thread, drops what is left. */
void worker_stop(void);

#endif
