/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_LOCATIONS_H
#define AFWRTD_LOCATIONS_H

/*
 * A run has begun: once the backend's list is at hand, the routes of rules
 * are looked up in it, and those that are not on it try to connect without
 * waiting for a packet, so that the application hears what is wrong.
 */
void locations_check(void);

#endif
