/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_QUERY_H
#define AFWRTD_QUERY_H

#include "lib/daemon/link.h"

int query_handle(void *arg, struct afw_link *l, struct afw_msg *m);
/* The library took what waited: goes on with a long answer. */
void query_more(void);

#endif
