/* SPDX-License-Identifier: ISC */
#include "net.h"

#include <linux/capability.h>

#include "lib/daemon/daemon.h"

static const struct afw_handler handlers[] = {
    {0, NULL},
};

int
net_run(void)
{
	static const struct afw_daemon d = {
	    .name = "net",
	    .role = AFW_NET,
	    .user = AFWRT_NET_USER,
	    .caps = UINT64_C(1) << CAP_NET_ADMIN,
	    .handlers = handlers,
	};

	return afw_daemon_run(&d);
}
