/* SPDX-License-Identifier: ISC */
#ifndef CTL_CONTROL_UNIX_H
#define CTL_CONTROL_UNIX_H

#include <event2/event.h>

#include "ctl.h"

/*
 * The control socket. It listens from open on; clients are served once
 * start was called, those who came before too.
 */

/* section: "ci_unix_domain" of the configuration. 0, or -1 (logged). */
int control_unix_open(const json_t *section);
int control_unix_start(struct event_base *base);
/* To every client that has subscribed, and to async_sock. */
void control_unix_event(const char *json);
/* Of the socket, "" when there is none. */
const char *control_unix_path(void);
/* As open, but only says what is wrong. */
int control_unix_check(const json_t *section);
void control_unix_close(void);

#endif
