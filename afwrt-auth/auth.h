/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_H
#define AFWRT_AUTH_H

/* The whole process; returns its exit status. */
int auth_run(void);

#endif
