/* SPDX-License-Identifier: ISC */
#ifndef AFW_WIRE_ERROR_H
#define AFW_WIRE_ERROR_H

/*
 * What a handler answers when it refuses a request, and what travels in a
 * STATUS message. The numbers are ours, so that they mean the same on every
 * libc; the library turns them into errno.
 */
enum afw_error {
	AFW_OK = 0,
	AFW_EINVAL,
	AFW_ENOENT,
	AFW_EEXIST,
	AFW_EBUSY,
	AFW_ENOSPC,
	AFW_ENOTSUP,
	AFW_ENOSYS,
	AFW_EACCES,
	AFW_EPERM,
	AFW_EALREADY,
	AFW_ENODEV,
	AFW_ENETUNREACH,
	AFW_ETIMEDOUT,
	AFW_EPROTO,
	AFW_EPIPE,
	AFW_ENOMEM,
	AFW_EIO,
	AFW_ECONFLICT, /* mark, table or priority is in use by somebody else */
	AFW_EMAX
};

/* errno value for a code; EPROTO for one that is unknown. */
int afw_error_errno(unsigned int code);
/* The code for an errno value; AFW_EIO for one without a row. */
unsigned int afw_error_from_errno(int e);
/* "busy", "no such entry"; static. */
const char *afw_error_text(unsigned int code);

#endif
