/* SPDX-License-Identifier: ISC */
#include "afwrtd.h"

int
afwrtd_run(void)
{
	return 0;
}
