/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/answer.h"

#include <string.h>

#include "afwrt-tun/clock.h"
#include "afwrt-tun/device.h"
#include "afwrt-tun/hash.h"

#define SOURCES 256

/* Answers a second that one source gets (sources share a place by chance).
 * Resets are many when a device with open connections changes its route. */
static const uint16_t rates[] = {
    [ICMP_TOO_BIG] = 200,
    [ICMP_UNREACHABLE] = 50,
    [ICMP_PROHIBITED] = 50,
    [ICMP_KINDS] = 500, /* resets */
};

static struct {
	uint32_t second;
	uint16_t count;
} sources[ICMP_KINDS + 1][SOURCES];

static struct device *device;

void
answer_init(struct device *d)
{
	device = d;
}

static bool
answer_allowed(const struct packet *p, unsigned int kind)
{
	uint8_t k[16] = {0};
	uint32_t i;

	memcpy(k, p->src, p->alen);
	i = hash_words(k, sizeof(k)) % SOURCES;
	if (sources[kind][i].second != clock_now) {
		sources[kind][i].second = clock_now;
		sources[kind][i].count = 0;
	}
	if (sources[kind][i].count >= rates[kind])
		return false;
	sources[kind][i].count++;
	return true;
}

void
answer_error(const struct packet *p, enum icmp_error why, uint32_t mtu)
{
	uint8_t buf[ICMP_MAX];
	size_t n;

	if (!answer_allowed(p, why))
		return;
	n = icmp_build(buf, p, why, mtu);
	if (n != 0)
		(void)device_write(device, buf, n, NULL);
}

void
answer_reset(const struct packet *p)
{
	uint8_t buf[ICMP_MAX];
	size_t n;

	if (!answer_allowed(p, ICMP_KINDS))
		return;
	n = icmp_build_reset(buf, p);
	if (n != 0)
		(void)device_write(device, buf, n, NULL);
}
