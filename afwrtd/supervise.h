/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_SUPERVISE_H
#define AFWRTD_SUPERVISE_H

#include "child.h"

/* Watches over children from now on. */
void supervise_init(void);
/* Starts a helper that is off; one that runs is left alone. */
void supervise_want(enum afw_role role);
/* Ends this process of a helper; a new one is started. */
void supervise_kill(struct child *c, const char *why);
/* From now on nothing is restarted. */
void supervise_ending(void);
/* Kills and waits for whatever is left; for the very end. */
void supervise_kill_all(void);

/* Tells it what to log from now on. */
void supervise_log_level(struct child *c);

#endif
