/* SPDX-License-Identifier: ISC */
#ifndef AFW_WIRE_BLOB_H
#define AFW_WIRE_BLOB_H

#include <stddef.h>

/*
 * Bytes too long for a message travel as a sealed memfd: neither side can
 * change or shrink it while the other reads.
 */

/* A sealed memfd with these bytes, close-on-exec. fd, or -1 and errno. */
int afw_blob_make(const void *data, size_t len);
/*
 * Reads a blob of at most max bytes whole; *data is malloced, with a NUL
 * behind it. 0, or -1: EPROTO not sealed, EFBIG, ENOMEM, EIO. fd stays open.
 */
int afw_blob_read(int fd, size_t max, char **data, size_t *len);
/*
 * Reads an ordinary file of at most max bytes from its start, as above; no
 * seals are asked for. 0, or -1: EFBIG, ENOMEM, EIO.
 */
int afw_file_read(int fd, size_t max, char **data, size_t *len);

#endif
