/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_RETRY_H
#define AFWRT_TUN_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/wire/msg.h"

#define RETRY_FIRST_MS  1000
#define RETRY_MAX_MS    60000
#define RETRY_STABLE_MS 10000 /* up that long: its loss is an accident */

/*
 * When a route that is down tries again by itself: ms from now, or -1 for
 * never. n counts the attempts since it was last stable, stable says that
 * such a tunnel was lost just now; jitter is any random number.
 *
 * A stable tunnel that breaks is tried again at once, whichever policy there
 * is. After that the fixed interval, else back-off from 1 s doubling to 60 s
 * with a fifth of it as jitter, else (manual) never.
 */
int64_t retry_delay(const struct afw_m_route *conf, bool stable, unsigned int n,
    uint32_t jitter);

#endif
