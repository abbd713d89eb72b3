/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_SESSIONS_H
#define AFWRT_AUTH_SESSIONS_H

#include "lib/daemon/link.h"

/* SESSION_GET and SESSION_END of afwrt-tun. */
int sessions_get(void *arg, struct afw_link *l, struct afw_msg *m);
int sessions_end(void *arg, struct afw_link *l, struct afw_msg *m);
/* afwrt-tun is gone: nobody waits; what is on its way is finished and kept. */
void sessions_tun_down(void);
/* Backend or account changed: all credentials are void. */
void sessions_reset(void);
/* A new token or new credentials: renewals that were refused are repeated. */
void sessions_account_changed(void);

#endif
