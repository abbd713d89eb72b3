/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_MSS_H
#define AFWRT_TUN_MSS_H

#include "afwrt-tun/packet.h"

/* Lowers the MSS that a SYN offers to what a packet of mtu bytes holds. */
void mss_clamp(struct packet *p, uint32_t mtu);

#endif
