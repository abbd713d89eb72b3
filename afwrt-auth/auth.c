/* SPDX-License-Identifier: ISC */
#include "auth.h"

#include "lib/daemon/daemon.h"

static const struct afw_handler handlers[] = {
    {0, NULL},
};

int
auth_run(void)
{
	static const struct afw_daemon d = {
	    .name = "auth",
	    .role = AFW_AUTH,
	    .user = AFWRT_AUTH_USER,
	    .caps = 0,
	    .handlers = handlers,
	};

	return afw_daemon_run(&d);
}
