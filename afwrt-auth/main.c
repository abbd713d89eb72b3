/* SPDX-License-Identifier: ISC */
#include "afwrt-auth/auth.h"

int
main(void)
{
	return auth_run();
}
