/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_STOP_H
#define AFWRTD_STOP_H

#include <stdbool.h>

/* Deletes every route in order, then takes everything off the system; done
 * runs when that is so, or when time is up. */
void stop_start(bool keep_blocked, void (*done)(void));
/* SHUTDOWN to every helper; the loop ends when all are gone. */
void stop_children(bool keep_blocked);
/* The loop ends after so many ms in any case. */
void stop_limit(unsigned int ms);

#endif
