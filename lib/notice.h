/* SPDX-License-Identifier: ISC */
#ifndef AFW_NOTICE_H
#define AFW_NOTICE_H

#include <stdbool.h>

/*
 * Log lines on their way to the application. They are posted anywhere, also
 * with a lock held, and delivered by notice_flush at the end of a call.
 */

/* As afwrt_set_log_callback. */
void notice_set(void (*fn)(int, const char *, void *), void *user);
void notice_post(int level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Delivers what was posted; to be called with no lock held. */
void notice_flush(void);
/* True inside the log callback of this thread. */
bool notice_inside(void);

#endif
