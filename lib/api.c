/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <afwrt.h>

__attribute__((visibility("default"))) const char *
afwrt_version(void)
{
	return PACKAGE_VERSION;
}
