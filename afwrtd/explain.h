/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_EXPLAIN_H
#define AFWRTD_EXPLAIN_H

#include "lib/daemon/link.h"

/* EXPLAIN: afwrt-net knows the rule, we know its location. */
int explain_handle(void *arg, struct afw_link *l, struct afw_msg *m);

#endif
