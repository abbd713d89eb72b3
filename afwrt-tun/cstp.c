/* SPDX-License-Identifier: ISC */
#include "cstp.h"

#include <stdbool.h>
#include <string.h>

static const uint8_t magic[4] = {'S', 'T', 'F', 1};

size_t
cstp_build(uint8_t *out, uint8_t type, const void *payload, size_t len)
{
	if (len > CSTP_PAYLOAD_MAX)
		return 0;
	memcpy(out, magic, sizeof(magic));
	out[4] = (uint8_t)(len >> 8);
	out[5] = (uint8_t)len;
	out[6] = type;
	out[7] = 0;
	if (len > 0)
		memcpy(out + CSTP_HEAD, payload, len);
	return CSTP_HEAD + len;
}

static bool
type_known(uint8_t type)
{
	switch (type) {
	case CSTP_DATA:
	case CSTP_DPD_REQUEST:
	case CSTP_DPD_ANSWER:
	case CSTP_DISCONNECT:
	case CSTP_KEEPALIVE:
	case CSTP_TERMINATE:
		return true;
	default:
		return false;
	}
}

const char *
cstp_parse(struct cstp_frame *f, uint8_t *record, size_t len)
{
	size_t claimed;

	if (len < CSTP_HEAD)
		return "frame shorter than its head";
	if (memcmp(record, magic, sizeof(magic)) != 0 || record[7] != 0)
		return "frame with a bad head";
	claimed = (size_t)record[4] << 8 | record[5];
	if (claimed != len - CSTP_HEAD)
		return "frame and record differ in length";
	if (record[6] == CSTP_COMPRESSED)
		return "compressed packet, which was not offered";
	if (!type_known(record[6]))
		return "frame of an unknown type";
	if (record[6] == CSTP_DATA &&
	    cstp_ip_version(record + CSTP_HEAD, claimed) == 0)
		return "data that is no IP packet";
	f->type = record[6];
	f->payload = record + CSTP_HEAD;
	f->len = claimed;
	return NULL;
}

int
cstp_ip_version(const uint8_t *payload, size_t len)
{
	if (len >= 20 && payload[0] >> 4 == 4)
		return 4;
	if (len >= 40 && payload[0] >> 4 == 6)
		return 6;
	return 0;
}
