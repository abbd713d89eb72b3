/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_H
#define AFWRT_H
const char *afwrt_version(void);
#endif
