/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_STAMP_STORE_H
#define AFWRT_TUN_STAMP_STORE_H

#include <stdint.h>

/*
 * The last timestamp of each location's WireGuard initiations, which must not
 * go back in the life of its key: over restarts, kills and jumps of the
 * clock. afwrtd keeps one; it is behind what was used by up to 60 s, so what
 * is loaded is put forward by 60 s. What this process used itself it knows.
 */

/* fn gets the stamp that the next one must be after (zero: any), now or
 * later, once. */
void stamp_store_load(const char *location,
    void (*fn)(void *arg, const uint8_t stamp[12]), void *arg);
/* Forgets what waits with this arg. */
void stamp_store_cancel(const void *arg);
/* An initiation has this one: saved if the one that afwrtd has is too old. */
void stamp_store_used(const char *location, const uint8_t stamp[12]);

#endif
