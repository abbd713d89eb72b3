/* SPDX-License-Identifier: ISC */
#ifndef CTL_KEEPER_H
#define CTL_KEEPER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What still needs root when the service has dropped its privileges, done by
 * a process of its own that can do nothing else: write the dump of the
 * configuration below /etc/afwrt or beside the file that was read, open that
 * file again, connect to async_sock, and remove the control socket when the
 * service is gone.
 */

/* Before afwrt_init: the process must not hold the suite's channel. Paths
 * may be ""; the service has bound control. 0, or -1 and errno. */
int keeper_start(const char *config, const char *control, const char *async);
/* text becomes the file, mode 0600, at once or not at all. 0, or -1 and
 * errno: EPERM not below the two folders. */
int keeper_write(const char *path, const char *text, size_t len);
/* The configuration, opened for reading, or -1 and errno. */
int keeper_read(void);
/* A datagram socket connected to async_sock, or -1 and errno. */
int keeper_connect(void);
void keeper_stop(void);

#endif
