/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/clock.h"

#include <time.h>

uint32_t clock_now;

void
clock_update(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_BOOTTIME, &ts) == 0)
		clock_now = (uint32_t)ts.tv_sec;
}
