/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_H
#define AFWRT_NET_H

/* The whole process; returns its exit status. */
int net_run(void);

#endif
