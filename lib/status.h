/* SPDX-License-Identifier: ISC */
#ifndef AFW_STATUS_H
#define AFW_STATUS_H

#include "suite.h"

/* The JSON of afwrt_get_status, malloced; NULL and errno. */
char *status_get(struct suite *s);

#endif
