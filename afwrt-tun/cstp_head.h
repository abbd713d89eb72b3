/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_CSTP_HEAD_H
#define AFWRT_TUN_CSTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire/addr.h"

/*
 * The HTTP heads that open a tunnel: our CONNECT request and the answer of
 * the node, which is hostile until proved otherwise. Pure functions.
 */
#define CSTP_HEAD_MAX      16384
#define CSTP_MTU_MIN       576  /* RFC 791 */
#define CSTP_MTU_MIN6      1280 /* RFC 8200 */
#define CSTP_MTU_MAX       1500
#define CSTP_SECONDS_MAX   (30 * 86400)
#define CSTP_REKEY_MIN     10
#define CSTP_HEAD_TEXT_MAX 64

struct cstp_params {
	unsigned int status;    /* of HTTP */
	struct afw_addr inner4; /* family 0: none */
	struct afw_addr inner6;
	struct afw_addr dns4, dns6;      /* the first of each family, or none */
	uint32_t mtu;                    /* 0: not said */
	uint32_t dpd, keepalive;         /* s, 0: none */
	uint32_t rekey;                  /* s, 0: none */
	uint32_t idle;                   /* s, 0: none */
	char server[CSTP_HEAD_TEXT_MAX]; /* for the log, printable */
	char reason[CSTP_HEAD_TEXT_MAX]; /* X-Reason of a refusal, printable */
};

/*
 * The request. mtu is that of the uplink. Bytes without the NUL; 0: it does
 * not fit, or host or cookie have characters that do not belong there.
 */
size_t cstp_head_request(
    char *out, size_t size, const char *host, const char *cookie, uint32_t mtu);
/* The tunnel MTU that an uplink of this MTU carries in one TCP segment. */
uint32_t cstp_head_mtu(uint32_t link_mtu);

/*
 * Looks for the end of the head in what was read so far. Its length with the
 * empty line, or 0: not there yet.
 */
size_t cstp_head_end(const char *buf, size_t len);
/*
 * Parses a whole head of len bytes, as cstp_head_end gave it; the buffer is
 * changed. For status 200 the values are checked and bounded, for others only
 * status and reason are meant. NULL, or what is wrong.
 */
const char *cstp_head_parse(struct cstp_params *p, char *head, size_t len);

#endif
