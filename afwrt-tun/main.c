/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/tun.h"

int
main(void)
{
	return tun_run();
}
