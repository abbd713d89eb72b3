/* SPDX-License-Identifier: ISC */
#ifndef AFW_DAEMON_USAGE_H
#define AFW_DAEMON_USAGE_H

#include "lib/wire/msg.h"

/* Before the sandbox closes: the file that is read later. */
void afw_usage_open(void);
/* Memory and CPU time of this process; what is not known is 0. */
void afw_usage_read(struct afw_m_usage *u);

#endif
