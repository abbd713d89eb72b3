/* SPDX-License-Identifier: ISC */
#include <afwrt.h>
#include <stdio.h>

int
main(void)
{
	(void)puts(afwrt_version());
	return 0;
}
