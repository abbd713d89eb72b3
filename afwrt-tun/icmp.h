/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_ICMP_H
#define AFWRT_TUN_ICMP_H

#include "afwrt-tun/packet.h"

#define ICMP_MAX 1280 /* bytes that a built packet may have */

enum icmp_error {
	ICMP_TOO_BIG,     /* with the MTU */
	ICMP_UNREACHABLE, /* no way there now */
	ICMP_PROHIBITED,  /* never: the location lacks this family */
	ICMP_KINDS
};

/*
 * The error that tells p's sender why p does not go on. Returns its length,
 * 0 when none may be sent about such a packet.
 */
size_t icmp_build(uint8_t buf[ICMP_MAX], const struct packet *p,
    enum icmp_error why, uint32_t mtu);
/* The TCP reset that answers p (RFC 9293, 3.10.7.1); 0 for a reset. */
size_t icmp_build_reset(uint8_t buf[ICMP_MAX], const struct packet *p);

#endif
