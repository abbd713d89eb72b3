/* SPDX-License-Identifier: ISC */
#ifndef CTL_SERVICE_H
#define CTL_SERVICE_H

#include "ctl.h"

/* What the parts of the service need of run.c. */

/* One line to standard error; level as in syslog(3). */
void service_log(int level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Logs what is wrong with section.key; -1. */
int service_config_error(
    const char *section, const char *key, const char *what);
/* 0, 1, false or true, if it is there. 0, or -1 (logged). */
int service_flag(
    const json_t *section, const char *name, const char *key, bool *value);
/* The device has a token again: a run that lacked one is begun anew. */
void service_registered(void);

#endif
