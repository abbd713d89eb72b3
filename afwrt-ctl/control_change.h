/* SPDX-License-Identifier: ISC */
#ifndef CTL_CONTROL_CHANGE_H
#define CTL_CONTROL_CHANGE_H

#include <event2/event.h>
#include <jansson.h>

/* Which control interface runs. */

/* At the start. 0, or -1 (logged). */
int control_open(const json_t *config);
int control_start(struct event_base *base);
/* That of a valid configuration that was read again; an interface ends when
 * the other is there. 0, or -1 and why: what could not be had is as before. */
int control_change(const json_t *config, char *why, size_t size);
void control_close(void);

#endif
