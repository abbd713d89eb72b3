/* SPDX-License-Identifier: ISC */
#ifndef CTL_NOTIFY_H
#define CTL_NOTIFY_H

#include <event2/event.h>

/*
 * What the service manager is told, as sd_notify(3) describes it: a datagram
 * to the socket in $NOTIFY_SOCKET, if there is one.
 */

/* While the process may still reach it. */
void notify_open(void);
/* READY=1, and WATCHDOG=1 from now on as long as the loop runs. */
void notify_ready(struct event_base *base);
void notify_reloading(void);
/* The end of a reload. */
void notify_reloaded(void);
/* In a long piece of work that is no hang. */
void notify_alive(void);
void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void notify_stopping(void);
void notify_close(void);

#endif
