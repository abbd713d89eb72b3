/* SPDX-License-Identifier: ISC */
#ifndef CTL_WAIT_H
#define CTL_WAIT_H

#include <stdint.h>

#include "ctl.h"

/*
 * --wait: until a route is up. Subscribed before the request is sent, so that
 * nothing is missed in between.
 */
struct wait {
	const struct ctl *c;
	int fd;        /* -1: nobody waits */
	int64_t until; /* CLOCK_BOOTTIME ms */
};

/*
 * Without --wait nothing happens here. patient: the service may still come.
 * An exit code.
 */
int wait_begin(struct wait *w, const struct ctl *c, bool patient);
/*
 * Until the route of a location is connected; with NULL: all in use are, or
 * wait for their first packet. Says why not. An exit code, at once CTL_DONE
 * where nobody waits.
 */
int wait_route(struct wait *w, const char *location);
void wait_end(struct wait *w);

#endif
