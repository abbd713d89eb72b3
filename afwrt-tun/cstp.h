/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_CSTP_H
#define AFWRT_TUN_CSTP_H

#include <stddef.h>
#include <stdint.h>

/*
 * Frames of the tunnel protocol, draft-mavrogiannopoulos-openconnect: eight
 * bytes and a payload, exactly one frame in exactly one TLS record.
 */
#define CSTP_HEAD        8
#define CSTP_PAYLOAD_MAX (16384 - CSTP_HEAD) /* a TLS record's, RFC 5246 */

enum cstp_type {
	CSTP_DATA = 0,
	CSTP_DPD_REQUEST = 3,
	CSTP_DPD_ANSWER = 4,
	CSTP_DISCONNECT = 5,
	CSTP_KEEPALIVE = 7,
	CSTP_COMPRESSED = 8,
	CSTP_TERMINATE = 9
};

/* The first byte of a CSTP_DISCONNECT's payload when the user logs out. */
#define CSTP_BYE_USER 0xb0

struct cstp_frame {
	uint8_t type; /* one of the above, never CSTP_COMPRESSED */
	uint8_t *payload;
	size_t len;
};

/*
 * Writes a frame to out, which has room for CSTP_HEAD + len bytes; payload
 * may be NULL when len is 0. The bytes written, or 0: len is too big.
 */
size_t cstp_build(uint8_t *out, uint8_t type, const void *payload, size_t len);
/* The one frame in a record; f points into it. NULL, or what is wrong. */
const char *cstp_parse(struct cstp_frame *f, uint8_t *record, size_t len);
/* 4 or 6 for a payload that can be an IP packet of that version, else 0. */
int cstp_ip_version(const uint8_t *payload, size_t len);

#endif
