/* SPDX-License-Identifier: ISC */
#include "afwrt-net/net.h"

int
main(void)
{
	return net_run();
}
