/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/probe.h"

#include <string.h>

#include "afwrt-tun/checksum.h"
#include "afwrt-tun/hash.h"
#include "afwrt-tun/packet.h"

/* RFC 5737: where nobody is, for a node whose own address is an IPv6 one or
 * never comes out of a device */
static const uint8_t nobody[4] = {192, 0, 2, 1};

bool
probe_init(
    struct probe *p, const struct afw_addr *inner, const struct afw_addr *node)
{
	size_t i;

	bool usable = node->family == 4 && node->b[0] != 127;

	if (inner->family != 4)
		return false;
	memcpy(p->src, inner->b, 4);
	memcpy(p->dst, usable ? node->b : nobody, 4);
	for (i = 0; i < sizeof(p->mark); i += 4)
		put32(p->mark + i, hash_random());
	return true;
}

void
probe_build(const struct probe *p, uint8_t packet[PROBE_SIZE])
{
	uint8_t *icmp = packet + 20;

	memset(packet, 0, PROBE_SIZE);
	packet[0] = 0x45;
	put16(packet + 2, PROBE_SIZE);
	packet[8] = 1; /* hop */
	packet[9] = PACKET_ICMP;
	memcpy(packet + 12, p->src, 4);
	memcpy(packet + 16, p->dst, 4);
	checksum_ip4(packet);
	icmp[0] = 8; /* echo request */
	memcpy(icmp + 4, p->mark, sizeof(p->mark));
	checksum_put(icmp + 2, checksum_add(0, icmp, PROBE_SIZE - 20));
}

/* With our header and the first eight bytes behind it. */
static bool
quotes(const struct probe *p, const uint8_t *quoted)
{
	return quoted[0] == 0x45 && quoted[9] == PACKET_ICMP &&
	    memcmp(quoted + 12, p->src, 4) == 0 &&
	    memcmp(quoted + 16, p->dst, 4) == 0 &&
	    memcmp(quoted + 24, p->mark, 4) == 0;
}

enum probe_answer
probe_answered(const struct probe *p, const uint8_t *packet, size_t len)
{
	const uint8_t *icmp = packet + 20;

	if (len < PROBE_SIZE || packet[0] != 0x45 || packet[9] != PACKET_ICMP ||
	    memcmp(packet + 16, p->src, 4) != 0)
		return PROBE_NO;
	if (icmp[0] == 0 && memcmp(packet + 12, p->dst, 4) == 0 &&
	    memcmp(icmp + 4, p->mark, sizeof(p->mark)) == 0)
		return PROBE_ECHO;
	/* unreachable, or out of hops */
	if ((icmp[0] == 3 || icmp[0] == 11) && len >= 28 + 28 &&
	    quotes(p, packet + 28))
		return PROBE_ERROR;
	return PROBE_NO;
}
