/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_BATCH_H
#define AFWRTD_BATCH_H

#include "lib/daemon/link.h"

/* Between BATCH_BEGIN and BATCH_COMMIT rules are only recorded. */
bool batch_is_open(void);
/* A commit is under way: requests about rules wait. */
bool batch_is_busy(void);
/* afwrt-net knows which rules there are; before that it must not be told
 * "none", because it would open what a crash left closed. */
bool batch_was_committed(void);
void batch_mark_committed(void);

/* Records; 0 or a code, with the reason in *why. */
unsigned int batch_protect(const struct afw_m_protect *p, const char **why);
unsigned int batch_unprotect(const struct afw_key *key);

int batch_begin_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int batch_commit_handle(void *arg, struct afw_link *l, struct afw_msg *m);
/* afwrt-net works (again): a commit that waited for it goes on. */
void batch_net_up(void);

#endif
