/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_FAIL_H
#define AFWRT_AUTH_FAIL_H

#include "lib/wire/msg.h"

/* Why something did not work, as it will stand in an event. */
struct fail {
	uint32_t reason; /* enum afw_reason, AFW_REASON_NONE: it did work */
	char detail[AFW_DETAIL_SIZE];
};

void fail_set(struct fail *f, enum afw_reason reason, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* From the errno of a socket call: unreachable, timed out, or not connected. */
void fail_from_errno(struct fail *f, int e);
/* The AFW_E code that answers a request which failed so. */
unsigned int fail_code(const struct fail *f);
/* "tls: expired", "connection failed (connection refused)"; for logs. */
const char *fail_print(const struct fail *f, char *buf, size_t size);
/* Text from outside as one clean line of printable ASCII. */
void fail_clean(char *text);

#endif
