/* SPDX-License-Identifier: ISC */
#include "afwrtd/afwrtd.h"

int
main(void)
{
	return afwrtd_run();
}
