/* SPDX-License-Identifier: ISC */
#ifndef CTL_HISTORY_H
#define CTL_HISTORY_H

#include <jansson.h>

/* The last events of the library, without secrets and without traffic. */

#define HISTORY_MAX 100

/* An event of the library, as JSON. */
void history_event(const char *json);
/* All, oldest first, each with "time" in Unix seconds; the caller's. */
json_t *history_list(void);
/* The newest one about a route, or NULL; the caller's. */
json_t *history_of_route(const char *route);
void history_forget(void);

#endif
