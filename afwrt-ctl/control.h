/* SPDX-License-Identifier: ISC */
#ifndef CTL_CONTROL_H
#define CTL_CONTROL_H

#include "ctl.h"

/*
 * What a request means, whichever way it came. Returns the answer, never
 * NULL but for want of memory. request may be anything that is JSON, or NULL
 * for text that is none. *subscribe is set when events are to follow.
 */
json_t *control_answer(const json_t *request, bool *subscribe);
json_t *control_status(enum ctl_status status, const char *message);

#endif
