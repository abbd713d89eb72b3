/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_H
#define AFWRTD_H

/* The whole process; returns its exit status. */
int afwrtd_run(void);

#endif
