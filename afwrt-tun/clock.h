/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_CLOCK_H
#define AFWRT_TUN_CLOCK_H

#include <stdint.h>

/*
 * The packet path's time: whole seconds of CLOCK_BOOTTIME, read once a batch.
 * It goes on over a restart of the process, as the NAT table does. Tests set
 * it by hand.
 */
extern uint32_t clock_now;

void clock_update(void);

#endif
