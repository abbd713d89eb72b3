/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_STATS_H
#define AFWRT_TUN_STATS_H

#include "lib/daemon/link.h"

/* Answers ROUTE_STATS: one item a route, then STATUS. */
int stats_handle(void *arg, struct afw_link *l, struct afw_msg *m);

#endif
