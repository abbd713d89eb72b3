/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_WAKE_H
#define AFWRTD_WAKE_H

/*
 * After the login: WireGuard routes that rules have made, which no packet
 * wakes, and those that failed before a run ended by a refused login.
 */
void wake_routes(void);

#endif
