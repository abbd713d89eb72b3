/* SPDX-License-Identifier: ISC */
#ifndef CTL_PASSED_H
#define CTL_PASSED_H

/*
 * The control socket that a service manager made and passed: sd_listen_fds(3)
 * has the protocol. Where the service's user may not write to the folder of
 * the socket there is no other way to have one.
 */

/* At the start: what was passed, if it is for us. */
void passed_take(void);
/* The listening socket if its path is this one, else -1 (logged if there is
 * another). */
int passed_use(const char *path);
/* One that nobody uses refuses its clients; they would wait for ever. */
void passed_refuse(void);

#endif
