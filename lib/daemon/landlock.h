/* SPDX-License-Identifier: ISC */
#ifndef AFW_DAEMON_LANDLOCK_H
#define AFW_DAEMON_LANDLOCK_H

#include <stdbool.h>

/*
 * From here on no path leads this process to a file: none is opened, run,
 * made, renamed or removed, nobody listens on TCP, and no signal and no
 * abstract socket reaches a process outside. What is open stays so. Needs
 * no_new_privs. False, with errno, when the kernel has no Landlock.
 */
bool afw_landlock(void);

#endif
