/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_STATE_H
#define AFWRTD_STATE_H

#include "lib/daemon/link.h"

/*
 * STATE_GET and STATE_SAVE: config_dir/wg-LOCATION.key, which only afwrt-auth
 * may ask for, and .stamp, which only afwrt-tun may.
 */
int state_get_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int state_save_handle(void *arg, struct afw_link *l, struct afw_msg *m);

#endif
