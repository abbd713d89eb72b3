/* SPDX-License-Identifier: ISC */
/*
 * Timestamps of initiations. A peer takes none that is not after the last, so
 * one that went back would lock us out: what matters is the order, not the
 * time. Nanoseconds are rounded down so that they tell little about our load.
 */
#include "afwrt-tun/wg_stamp.h"

#include <string.h>

/* The label of 1970, with the ten seconds TAI was ahead then. */
#define STAMP_EPOCH UINT64_C(0x400000000000000a)
/* 16.8 ms: a peer takes up to 50 initiations a second. */
#define STAMP_STEP (UINT32_C(1) << 24)
#define STAMP_NSEC UINT32_C(1000000000)

static void
stamp_put(uint8_t s[WG_STAMP], uint64_t sec, uint32_t nsec)
{
	int i;

	for (i = 0; i < 8; i++)
		s[i] = (uint8_t)(sec >> (56 - 8 * i));
	for (i = 0; i < 4; i++)
		s[8 + i] = (uint8_t)(nsec >> (24 - 8 * i));
}

static uint64_t
stamp_get(const uint8_t *s, int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *s++;
	return v;
}

/* One step further than it is. */
static void
stamp_step(uint8_t s[WG_STAMP])
{
	uint64_t sec = stamp_get(s, 8);
	uint32_t nsec = (uint32_t)stamp_get(s + 8, 4);

	nsec = nsec / STAMP_STEP * STAMP_STEP;
	if (nsec >= STAMP_NSEC - STAMP_STEP) {
		sec++;
		nsec = 0;
	} else {
		nsec += STAMP_STEP;
	}
	stamp_put(s, sec, nsec);
}

void
wg_stamp_next(uint8_t last[WG_STAMP], const struct timespec *wall)
{
	uint8_t now[WG_STAMP];
	int64_t sec = wall->tv_sec > 0 ? wall->tv_sec : 0;

	stamp_put(now, STAMP_EPOCH + (uint64_t)sec,
	    (uint32_t)wall->tv_nsec / STAMP_STEP * STAMP_STEP);
	if (wg_stamp_after(now, last))
		memcpy(last, now, WG_STAMP);
	else
		stamp_step(last);
}

void
wg_stamp_forward(uint8_t stamp[WG_STAMP], uint32_t seconds)
{
	uint64_t sec = stamp_get(stamp, 8);

	sec = sec > UINT64_MAX - seconds ? UINT64_MAX : sec + seconds;
	stamp_put(stamp, sec, (uint32_t)stamp_get(stamp + 8, 4));
}

bool
wg_stamp_after(const uint8_t a[WG_STAMP], const uint8_t b[WG_STAMP])
{
	return memcmp(a, b, WG_STAMP) > 0;
}
