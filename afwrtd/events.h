/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_EVENTS_H
#define AFWRTD_EVENTS_H

#include "routes.h"

/* EV_ROUTE of a route's present seq. */
void events_route(
    const struct route *r, uint32_t state, uint32_t reason, const char *detail);
/* Sends what waited for a slow library. */
void events_flush(void);

#endif
