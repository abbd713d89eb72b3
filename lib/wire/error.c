/* SPDX-License-Identifier: ISC */
#include "error.h"

#include <errno.h>
#include <stddef.h>

static const struct {
	int e;
	const char *text;
} errors[AFW_EMAX] = {
	[AFW_OK] = {0, "done"},
	[AFW_EINVAL] = {EINVAL, "invalid argument"},
	[AFW_ENOENT] = {ENOENT, "no such entry"},
	[AFW_EEXIST] = {EEXIST, "exists already"},
	[AFW_EBUSY] = {EBUSY, "in use"},
	[AFW_ENOSPC] = {ENOSPC, "limit reached"},
	[AFW_ENOTSUP] = {ENOTSUP, "not supported here"},
	[AFW_ENOSYS] = {ENOSYS, "not implemented"},
	[AFW_EACCES] = {EACCES, "refused by the backend"},
	[AFW_EPERM] = {EPERM, "no privilege"},
	[AFW_EALREADY] = {EALREADY, "already running"},
	[AFW_ENODEV] = {ENODEV, "no such interface"},
	[AFW_ENETUNREACH] = {ENETUNREACH, "network unreachable"},
	[AFW_ETIMEDOUT] = {ETIMEDOUT, "timed out"},
	[AFW_EPROTO] = {EPROTO, "unreadable answer"},
	[AFW_EPIPE] = {EPIPE, "the suite is gone"},
	[AFW_ENOMEM] = {ENOMEM, "out of memory"},
	[AFW_EIO] = {EIO, "system error"},
	[AFW_ECONFLICT] = {EBUSY, "taken by another program"},
};

int
afw_error_errno(unsigned int code)
{
	return code < AFW_EMAX ? errors[code].e : EPROTO;
}

unsigned int
afw_error_from_errno(int e)
{
	size_t i;

	for (i = 0; i < AFW_EMAX; i++)
		if (errors[i].e == e)
			return (unsigned int)i;
	return AFW_EIO;
}

const char *
afw_error_text(unsigned int code)
{
	return code < AFW_EMAX ? errors[code].text : "unknown error";
}
