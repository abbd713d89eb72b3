/* SPDX-License-Identifier: ISC */
#ifndef AFW_DAEMON_BENEATH_H
#define AFW_DAEMON_BENEATH_H

/*
 * Opens path below the folder dir, which is never left: no absolute path, no
 * "..", no link on the way or at the end. flags as for open(2), nothing is
 * made; O_CLOEXEC is added. -1 and errno: ELOOP a link, EXDEV a way out.
 */
int afw_open_beneath(int dir, const char *path, int flags);
/* The same without openat2, for where there is none. */
int afw_open_beneath_walk(int dir, const char *path, int flags);

#endif
