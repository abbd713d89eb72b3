/* SPDX-License-Identifier: ISC */
#include "tun.h"

#include "lib/daemon/daemon.h"

static const struct afw_handler handlers[] = {
    {0, NULL},
};

int
tun_run(void)
{
	static const struct afw_daemon d = {
	    .name = "tun",
	    .role = AFW_TUN,
	    .user = AFWRT_TUN_USER,
	    .caps = 0,
	    .handlers = handlers,
	};

	return afw_daemon_run(&d);
}
