/* SPDX-License-Identifier: ISC */
#include "sandbox.h"

void
afw_sandbox(enum afw_role role)
{
	(void)role;
}
