/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_ANSWER_H
#define AFWRT_TUN_ANSWER_H

#include "afwrt-tun/icmp.h"

struct device;

void answer_init(struct device *d);
/* Tell the device why its packet does not go on; at most so many a second
 * for one source. */
void answer_error(const struct packet *p, enum icmp_error why, uint32_t mtu);
void answer_reset(const struct packet *p);

#endif
