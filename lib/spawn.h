/* SPDX-License-Identifier: ISC */
#ifndef AFW_SPAWN_H
#define AFW_SPAWN_H

/*
 * Starts afwrtd with fd as its descriptor 3; fd stays the caller's. The new
 * process is nobody's child here: no SIGCHLD, nothing to wait for. 0, or -1
 * and errno (EPERM not root, ENOENT a helper is missing) and the last error.
 */
int spawn_afwrtd(int fd);

#endif
