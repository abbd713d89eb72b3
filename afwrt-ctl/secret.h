/* SPDX-License-Identifier: ISC */
#ifndef CTL_SECRET_H
#define CTL_SECRET_H

#include <stddef.h>

/*
 * A password or a token: the first line of a file, or of standard input if
 * path is NULL (without echo, if that is a terminal). Never from argv, which
 * every process can read.
 */

#define SECRET_SIZE 4100

/* What: "token", for messages. An exit code; an error is on standard error. */
int secret_read(const char *path, const char *what, char buf[SECRET_SIZE]);

#endif
