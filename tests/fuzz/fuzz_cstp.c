/* SPDX-License-Identifier: ISC */
/*
 * libFuzzer entry for what a node says by CSTP: the answer to CONNECT and the
 * frames after it. The first byte says which of the two it is.
 */
#include <stdlib.h>
#include <string.h>

#include "afwrt-tun/cstp.h"
#include "afwrt-tun/cstp_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
frame(uint8_t *record, size_t len)
{
	struct cstp_frame f;

	if (cstp_parse(&f, record, len) != NULL)
		return;
	if (f.payload < record || f.payload + f.len != record + len)
		abort();
	if (f.type == CSTP_DATA && cstp_ip_version(f.payload, f.len) == 0)
		abort();
}

static void
head(char *text, size_t len)
{
	struct cstp_params p;
	size_t end = cstp_head_end(text, len);

	if (end > len)
		abort();
	if (end == 0 || cstp_head_parse(&p, text, end) != NULL ||
	    p.status != 200)
		return;
	if (p.mtu > CSTP_MTU_MAX || (p.mtu != 0 && p.mtu < CSTP_MTU_MIN))
		abort();
	if (p.inner4.family == 0 && p.inner6.family == 0)
		abort();
	if (strnlen(p.reason, sizeof(p.reason)) == sizeof(p.reason) ||
	    strnlen(p.server, sizeof(p.server)) == sizeof(p.server))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact;

	if (size < 2 || (exact = malloc(size - 1)) == NULL)
		return 0;
	memcpy(exact, data + 1, size - 1);
	if ((data[0] & 1) != 0)
		frame(exact, size - 1);
	else
		head((char *)exact, size - 1);
	free(exact);
	return 0;
}
