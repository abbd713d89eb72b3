/* SPDX-License-Identifier: ISC */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include "ctl.h"

/*
 * The command line's connection to the service. What goes wrong is said on
 * standard error; the functions return an exit code.
 */

/* Connects; *fd is the caller's to close. */
int client_connect(const struct ctl *c, int *fd);
/* Whether there is a service; says nothing. */
bool client_is_running(const struct ctl *c);
/* Whether who asks may start a suite: CTL_DONE, or CTL_NO_PERMISSION (said). */
int client_may_start(void);
/* One record; *answer is the caller's. CTL_NOT_RUNNING when it has ended. */
int client_recv(int fd, json_t **answer);
/*
 * Asks and expects status 0. Takes the reference of request. With answer
 * NULL only the exit code counts.
 */
int client_ask(const struct ctl *c, json_t *request, json_t **answer);
/* On a connection that stays open. */
int client_ask_on(int fd, json_t *request, json_t **answer);
/* Prints with "schema_version" on one line; takes the reference. */
void client_print_json(json_t *o);

#endif
