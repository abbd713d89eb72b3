/* SPDX-License-Identifier: ISC */
#ifndef CTL_ASYNC_H
#define CTL_ASYNC_H

#include <event2/event.h>

#include <stdbool.h>

/*
 * Events to a SOCK_DGRAM socket that the application makes when it likes;
 * the last 10 are kept until it is there.
 */

/* "" for none. */
bool async_path_valid(const char *path);
/* A valid one. */
void async_set(const char *path);
/* "" if there is none. */
const char *async_path(void);
int async_start(struct event_base *base);
/* From now on there, with what is kept. 0 or -1. */
int async_change(struct event_base *base, const char *path);
void async_send(const char *json);
void async_stop(void);

#endif
