/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_SPAWN_H
#define AFWRTD_SPAWN_H

#include <sys/types.h>

#include <stddef.h>

/*
 * Starts a helper program with its end of a new link as descriptor 3. The
 * other end is put in *fd. 0 and the pid, or -1 with errno and the path that
 * was tried in path.
 */
int spawn_start(const char *prog, pid_t *pid, int *fd, char *path, size_t size);
/* Closes every descriptor from this one on. */
void spawn_closefrom(unsigned int first);

#endif
