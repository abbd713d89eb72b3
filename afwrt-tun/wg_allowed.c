/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/wg_allowed.h"

#include <stdlib.h>
#include <string.h>

static void
range_make(struct wg_range *r, const struct afw_wg_net *net)
{
	unsigned int i, bits, bytes = net->addr.family == 4 ? 4 : 16;
	uint8_t host;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < bytes; i++) {
		bits = net->prefix > i * 8 ? net->prefix - i * 8u : 0;
		host = bits >= 8 ? 0 : (uint8_t)(0xff >> bits);
		r->first[i] = net->addr.b[i] & (uint8_t)~host;
		r->last[i] = net->addr.b[i] | host;
	}
}

static int
range_compare(const void *a, const void *b)
{
	return memcmp(((const struct wg_range *)a)->first,
	    ((const struct wg_range *)b)->first, 16);
}

/* Prefixes overlap only by lying inside of each other. */
static uint32_t
ranges_merge(struct wg_range *r, uint32_t n)
{
	uint32_t i, out = 0;

	qsort(r, n, sizeof(*r), range_compare);
	for (i = 0; i < n; i++) {
		if (out > 0 && memcmp(r[i].first, r[out - 1].last, 16) <= 0) {
			if (memcmp(r[i].last, r[out - 1].last, 16) > 0)
				memcpy(r[out - 1].last, r[i].last, 16);
		} else {
			r[out++] = r[i];
		}
	}
	return out;
}

void
wg_allowed_set(struct wg_allowed *a, const struct afw_wg_net *net, uint32_t n)
{
	uint32_t i;

	memset(a, 0, sizeof(*a));
	a->n = n < AFW_WG_ALLOWED_MAX ? n : AFW_WG_ALLOWED_MAX;
	memcpy(a->net, net, a->n * sizeof(*net));
	for (i = 0; i < a->n; i++)
		if (net[i].addr.family == 4)
			range_make(&a->r4[a->n4++], &net[i]);
		else
			range_make(&a->r6[a->n6++], &net[i]);
	a->n4 = ranges_merge(a->r4, a->n4);
	a->n6 = ranges_merge(a->r6, a->n6);
}

bool
wg_allowed_has(
    const struct wg_allowed *a, unsigned int family, const uint8_t *addr)
{
	const struct wg_range *r = family == 4 ? a->r4 : a->r6;
	uint32_t low = 0, high = family == 4 ? a->n4 : a->n6, mid;
	size_t size = family == 4 ? 4 : 16;

	while (low < high) {
		mid = (low + high) / 2;
		if (memcmp(addr, r[mid].first, size) < 0)
			high = mid;
		else if (memcmp(addr, r[mid].last, size) > 0)
			low = mid + 1;
		else
			return true;
	}
	return false;
}

/* at4, at6: where the address stands. */
static bool
packet_has(const struct wg_allowed *a, const uint8_t *packet, size_t len,
    size_t at4, size_t at6)
{
	if (len >= 20 && packet[0] >> 4 == 4)
		return wg_allowed_has(a, 4, packet + at4);
	if (len >= 40 && packet[0] >> 4 == 6)
		return wg_allowed_has(a, 6, packet + at6);
	return false;
}

bool
wg_allowed_source(const struct wg_allowed *a, const uint8_t *packet, size_t len)
{
	return packet_has(a, packet, len, 12, 8);
}

bool
wg_allowed_target(const struct wg_allowed *a, const uint8_t *packet, size_t len)
{
	return packet_has(a, packet, len, 16, 24);
}
