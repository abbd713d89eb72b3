/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_COALESCE_H
#define AFWRT_TUN_COALESCE_H

#include "afwrt-tun/packet.h"

/*
 * Packets on their way to a device. TCP segments that follow each other
 * within a batch become one write, when the device takes that; all others go
 * at once, and never before an older one of their connection. The result is
 * false when the device did not take a packet.
 */
struct device;
bool coalesce_add(struct device *d, const struct packet *p);
/* The end of a batch, before one of another device; how many packets the device
 * did not take. */
uint32_t coalesce_flush(void);

#endif
