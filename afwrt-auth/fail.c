/* SPDX-License-Identifier: ISC */
#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
fail_clean(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = ' ';
}

void
fail_set(struct fail *f, enum afw_reason reason, const char *fmt, ...)
{
	va_list ap;

	memset(f, 0, sizeof(*f));
	f->reason = reason;
	va_start(ap, fmt);
	(void)vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
	va_end(ap);
	fail_clean(f->detail);
}

void
fail_from_errno(struct fail *f, int e)
{
	switch (e) {
	case ETIMEDOUT:
		fail_set(f, AFW_REASON_TIMEOUT, "%s", "");
		break;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case ENODEV:
		fail_set(f, AFW_REASON_UNREACHABLE, "%s", "");
		break;
	case ECONNREFUSED:
		fail_set(f, AFW_REASON_CONNECT, "connection refused");
		break;
	case ECONNRESET:
	case EPIPE:
		fail_set(f, AFW_REASON_CONNECT, "connection reset");
		break;
	default:
		fail_set(f, AFW_REASON_CONNECT, "%s", strerror(e));
		break;
	}
}

unsigned int
fail_code(const struct fail *f)
{
	switch (f->reason) {
	case AFW_REASON_NONE:
		return AFW_OK;
	case AFW_REASON_CONNECT:
	case AFW_REASON_UNREACHABLE:
	case AFW_REASON_TLS:
	case AFW_REASON_NO_SERVER:
		return AFW_ENETUNREACH;
	case AFW_REASON_TIMEOUT:
		return AFW_ETIMEDOUT;
	case AFW_REASON_AUTH:
	case AFW_REASON_LIMIT:
		return AFW_EACCES;
	case AFW_REASON_LOCATION:
		return AFW_ENOENT;
	default:
		return AFW_EPROTO;
	}
}

const char *
fail_print(const struct fail *f, char *buf, size_t size)
{
	char word[AFW_DETAIL_SIZE + 32];

	(void)afw_reason_print(f->reason, f->detail, word, sizeof(word));
	if (f->detail[0] != '\0' && f->reason != AFW_REASON_TLS)
		(void)snprintf(buf, size, "%s (%s)", word, f->detail);
	else
		(void)snprintf(buf, size, "%s", word);
	return buf;
}
