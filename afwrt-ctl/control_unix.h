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
/* The service manager made it, and removes it. */
bool control_unix_passed(void);
/* As open, but only says what is wrong. */
int control_unix_check(const json_t *section);
/* After a change of the section; of what has not changed nothing is touched.
 * 0, or -1 and why. */
int control_unix_change(const json_t *section, char *why, size_t size);
/* There is no such interface any more. */
void control_unix_leave(void);
void control_unix_close(void);

#endif
