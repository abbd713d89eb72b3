/* SPDX-License-Identifier: ISC */
#ifndef CTL_KEEPER_H
#define CTL_KEEPER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What still needs root, or whom the service was started as, when that has
 * dropped its privileges, done by a process of its own that can do nothing
 * else: write the dump of the configuration below /etc/afwrt or beside the file
 * that was read, open that file again, connect to async_sock, make another
 * control socket if the file says so, and remove it when the service is gone.
 * One that was killed is there again at once: EAGAIN means that it was, with
 * the request.
 */

/* Before afwrt_init: the process must not hold the suite's channel. Paths
 * may be ""; the service has bound control, or it was passed to it and is not
 * removed. 0, or -1 and errno. */
int keeper_start(
    const char *config, const char *control, bool passed, const char *async);
/* text becomes the file, mode 0600, at once or not at all. 0, or -1 and
 * errno: EPERM not below the two folders. */
int keeper_write(const char *path, const char *text, size_t len);
/* The configuration, opened for reading, or -1 and errno. */
int keeper_read(void);
/* A datagram socket connected to async_sock, or -1 and errno. */
int keeper_connect(void);
/*
 * After a change of the configuration file, which the keeper reads itself:
 * a socket that listens where "sock" is now, beside the one in use; it becomes
 * that one (without one before: there is none any more), and the former is
 * removed; its mode and group; the path of async_sock. A descriptor or 0, or -1
 * and errno.
 */
int keeper_listen(void);
int keeper_switch(void);
int keeper_mode(void);
int keeper_async(void);
void keeper_stop(void);

#endif
