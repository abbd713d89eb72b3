/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_USAGE_H
#define AFWRTD_USAGE_H

#include "lib/wire/msg.h"

/* Fills in what p->pid uses of memory and CPU; 0 where it does not show. */
void usage_read(struct afw_m_process *p);

#endif
