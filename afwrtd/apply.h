/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_APPLY_H
#define AFWRTD_APPLY_H

/*
 * After a stop: what is remembered is put in force again. First afwrt-auth is
 * asked for the types of the locations, then go runs, which has to tell
 * apply_now when it still wants it.
 */
void apply_start(void (*go)(void));
/* The helpers hear again what they had forgotten. */
void apply_now(void);

#endif
