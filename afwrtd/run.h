/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_RUN_H
#define AFWRTD_RUN_H

#include "child.h"

/* The configuration and where the suite is in its life. */
int run_config_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int run_run_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int run_stop_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int run_wan_handle(void *arg, struct afw_link *l, struct afw_msg *m);

bool run_is_configured(void);
/* Rules are in force (from CONFIG or RUN until STOP), not only remembered. */
bool run_is_applied(void);
bool run_is_stopping(void);
/* The login is behind us, the uplink was there. */
bool run_may_connect(void);
const struct afw_m_config *run_config(void);
int run_log_level(void);
int run_log_level_handle(void *arg, struct afw_link *l, struct afw_msg *m);

/* A helper works; will never work; is gone because all end. */
void run_child_up(struct child *c);
void run_child_failed(struct child *c);
void run_child_gone(void);
/* The backend refuses a login that the suite needs: the end of the run. */
void run_login_refused(void);
/* No request of the library is half done any more. */
void run_requests_idle(void);
/* A helper refused its configuration: true if CONFIG was answered with it. */
bool run_config_failed(unsigned int code, const char *text);

/* The library is gone, or we are told to end: undo everything, then exit. */
void run_end(void);

#endif
