/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_RELAY_H
#define AFWRTD_RELAY_H

#include "lib/daemon/link.h"

/*
 * Between A and D: questions of the library to afwrt-auth, and what auth has
 * to tell. Configuration is remembered for a restart of auth; secrets never.
 */
int relay_config_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int relay_backend_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int relay_token_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int relay_credentials_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int relay_register_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int relay_locations_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int relay_verify_handle(void *arg, struct afw_link *l, struct afw_msg *m);

int relay_token_new_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int relay_invalid_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int relay_expired_handle(void *arg, struct afw_link *l, struct afw_msg *m);

/* What was configured: NULL if nothing was, or no backend of that index. */
const struct afw_m_auth_config *relay_auth_config(void);
const struct afw_m_backend *relay_backend(unsigned int i);
bool relay_is_configured(void);

#endif
