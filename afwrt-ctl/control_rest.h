/* SPDX-License-Identifier: ISC */
#ifndef CTL_CONTROL_REST_H
#define CTL_CONTROL_REST_H

#include <event2/event.h>

#include "ctl.h"

/*
 * The REST interface. The port is bound by open, as root; HTTP is spoken from
 * start on, when the service has dropped its privileges.
 */

/* section: "ci_rest" of the configuration. 0, or -1 (logged). */
int control_rest_open(const json_t *section);
int control_rest_start(struct event_base *base);
/* As open, but only says what is wrong. */
int control_rest_check(const json_t *section);
/* After a change of the section; of what has not changed nothing is touched.
 * Made by the service without privilege: a port below 1024 needs a restart. 0,
 * or -1 and why. */
int control_rest_change(const json_t *section, char *why, size_t size);
void control_rest_close(void);

#endif
