/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_REQUESTS_H
#define AFWRTD_REQUESTS_H

#include "routes.h"

/*
 * PROTECT, UNPROTECT, TUNNEL_SETUP and TUNNEL_TEARDOWN: what takes several
 * steps at several helpers. Requests about one key or one location run one
 * after the other, in the order in which they came.
 */
int requests_protect_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int requests_unprotect_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int requests_setup_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int requests_teardown_handle(void *arg, struct afw_link *l, struct afw_msg *m);

/* The list says that a route has another type than it was set up with: in its
 * turn it is made anew. */
void requests_retype(const struct route *r);

/* What was in the way may be gone: look at those that wait. */
void requests_resume(void);
/* None runs; those that wait do not count. */
bool requests_idle(void);

#endif
