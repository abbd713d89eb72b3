/* SPDX-License-Identifier: ISC */
#include "errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/wire/error.h"

static _Thread_local char last[512];

int
errors_set(int e, const char *fmt, ...)
{
	char text[sizeof(last)];
	va_list ap;

	/* an argument may be the last error itself */
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)snprintf(last, sizeof(last), "%s", text);
	errno = e;
	return -1;
}

int
errors_set_code(unsigned int code, const char *text, const char *what)
{
	if (text == NULL || *text == '\0')
		text = afw_error_text(code);
	return errors_set(afw_error_errno(code), "%s: %s", what, text);
}

const char *
errors_last(void)
{
	return last;
}

void
errors_keep(struct errors_kept *k)
{
	_Static_assert(sizeof(k->text) == sizeof(last), "all of it");
	k->e = errno;
	memcpy(k->text, last, sizeof(last));
}

void
errors_restore(const struct errors_kept *k)
{
	memcpy(last, k->text, sizeof(last));
	errno = k->e;
}
