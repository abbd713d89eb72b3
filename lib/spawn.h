/* SPDX-License-Identifier: ISC */
#ifndef AFW_SPAWN_H
#define AFW_SPAWN_H

/*
 * Starts afwrtd with fd as its descriptor 3; fd stays the caller's. The new
 * process is nobody's child here: no SIGCHLD, nothing to wait for. 0, or -1
 * and errno (EPERM not root, ENOENT a helper is missing) and the last error.
 */
int spawn_afwrtd(int fd);

/* NULL if this process may do that: root, or the ambient capabilities that
 * afwrtd needs; else the name of one that is missing. */
const char *spawn_lacks(void);

#endif
