/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_STAMP_H
#define AFWRT_TUN_WG_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* A TAI64N label: seconds, then nanoseconds, big-endian; memcmp orders it. */
#define WG_STAMP 12

/*
 * The label after *last for this moment of the wall clock; *last becomes it.
 * It is greater than the last in every case, also when the clock went back.
 */
void wg_stamp_next(uint8_t last[WG_STAMP], const struct timespec *wall);
/* The label that much later. */
void wg_stamp_forward(uint8_t stamp[WG_STAMP], uint32_t seconds);
bool wg_stamp_after(const uint8_t a[WG_STAMP], const uint8_t b[WG_STAMP]);

#endif
