/* SPDX-License-Identifier: ISC */
#ifndef CTL_RELOAD_H
#define CTL_RELOAD_H

#include <jansson.h>

/*
 * The configuration file read again. What has changed in the file since it
 * was read last (or dumped) is done; what has not, is not touched, so a rule
 * that came by the control interface stays.
 */

/* config is what the service is started with. */
void reload_begin(const json_t *config);
/* Reads the file and does the differences; all of it is logged. */
void reload_now(void);
/* The file has been written: config is in it now, and in force. */
void reload_dumped(const json_t *config);
void reload_forget(void);

#endif
