/* SPDX-License-Identifier: ISC */
#ifndef CTL_SERVICE_H
#define CTL_SERVICE_H

#include "ctl.h"

/* What the parts of the service need of run.c. */

/* One line to standard error; level as in syslog(3). */
void service_log(int level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* To that function instead; NULL: as before. */
void service_log_to(void (*fn)(int level, const char *line));
/* Logs what is wrong with section.key; -1. */
int service_config_error(
    const char *section, const char *key, const char *what);
/* 0, 1, false or true, if it is there. 0, or -1 (logged). */
int service_flag(
    const json_t *section, const char *name, const char *key, bool *value);
/* The file as an object, or NULL (logged). */
json_t *service_config_load(const char *path);
/* The library's part of it, for free(); it may hold secrets. */
char *service_config_text(const json_t *config);
/* The device has a token again: a run that lacked one is begun anew. */
void service_registered(void);

#endif
