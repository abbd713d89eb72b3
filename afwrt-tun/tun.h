/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_H
#define AFWRT_TUN_H

/* The whole process; returns its exit status. */
int tun_run(void);

#endif
