/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/mss.h"

#include <string.h>

#include "afwrt-tun/checksum.h"

/* Offset of the MSS value in the TCP header, 0 if it is not there. */
static uint32_t
mss_find(const uint8_t *h, uint32_t hlen)
{
	uint32_t i = 20;

	while (i < hlen && h[i] != 0) {
		if (h[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= hlen || h[i + 1] < 2 || h[i + 1] > hlen - i)
			return 0;
		if (h[i] == 2)
			return h[i + 1] == 4 ? i + 2 : 0;
		i += h[i + 1];
	}
	return 0;
}

void
mss_clamp(struct packet *p, uint32_t mtu)
{
	uint32_t overhead = p->family == 4 ? 40 : 60, at, even, n;
	uint8_t *h = p->data + p->l4, was[4];

	if (p->proto != PACKET_TCP || p->frag_off != 0 ||
	    (packet_tcp_flags(p) & PACKET_SYN) == 0 || mtu <= overhead)
		return;
	at = mss_find(h, (uint32_t)(h[12] >> 4) * 4);
	if (at == 0 || get16(h + at) <= mtu - overhead)
		return;
	even = at & ~1u; /* the sum goes by 16-bit words of the header */
	n = at == even ? 2 : 4;
	memcpy(was, h + even, n);
	put16(h + at, mtu - overhead);
	if (!p->partial)
		checksum_change(h + 16, was, h + even, n);
}
