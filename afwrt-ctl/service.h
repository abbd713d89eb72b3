/* SPDX-License-Identifier: ISC */
#ifndef CTL_SERVICE_H
#define CTL_SERVICE_H

#include <sys/types.h>

#include "ctl.h"

/* What the parts of the service need of run.c. */

/* One line to standard error; level as in syslog(3). */
void service_log(int level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* To that function instead; NULL: as before. */
void service_log_to(void (*fn)(int level, const char *line));
/* The device has a token again: a run that lacked one is begun anew. */
void service_registered(void);

/* The user that the service was started as; the keeper is that one. */
uid_t service_starter(void);

/* ---- service_config.c --------------------------------------------------- */

/* Logs what is wrong with section.key; -1. */
int service_config_error(
    const char *section, const char *key, const char *what);
/* 0, 1, false or true, if it is there. 0, or -1 (logged). */
int service_flag(
    const json_t *section, const char *name, const char *key, bool *value);
/* Warns of keys that are not among these; the list ends with NULL. */
void service_unknown_warn(
    const json_t *section, const char *name, const char *const *keys);
/* That section, NULL if there is none or it is disabled; *rc becomes -1 when
 * it is wrong (logged). */
const json_t *service_section(const json_t *config, const char *name, int *rc);
/* Logs that a file cannot be read, by errno, and who must be able to. */
void service_unreadable(const char *what, const char *path);
/* The file as an object, or NULL (logged). */
json_t *service_config_load(const char *path);
/* The same from an open file, which is taken. */
json_t *service_config_read(int fd, const char *path);
/* The library's part of it, for free(); it may hold secrets. */
char *service_config_text(const json_t *config);
/* Every error and unknown key is logged. 0, or -1: there are errors. */
int service_config_check(const json_t *config);

#endif
