/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/checksum.h"

#include <string.h>

uint64_t
checksum_add(uint64_t sum, const void *p, size_t n)
{
	const uint8_t *b = p;
	uint64_t s = 0, t = 0;
	uint32_t w[8];
	uint16_t h;
	uint8_t last[2] = {0, 0};

	/* 32-bit words in 64-bit sums: no carry is lost */
	for (; n >= 32; n -= 32, b += 32) {
		memcpy(w, b, 32);
		s += (uint64_t)w[0] + w[1] + w[2] + w[3];
		t += (uint64_t)w[4] + w[5] + w[6] + w[7];
	}
	for (; n >= 4; n -= 4, b += 4) {
		memcpy(w, b, 4);
		s += w[0];
	}
	if (n >= 2) {
		memcpy(&h, b, 2);
		s += h;
		b += 2;
		n -= 2;
	}
	if (n == 1) {
		last[0] = *b;
		memcpy(&h, last, 2);
		s += h;
	}
	return sum + checksum_fold(s) + checksum_fold(t);
}

uint16_t
checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint64_t
checksum_pseudo(const uint8_t *src, const uint8_t *dst, size_t alen,
    uint8_t proto, uint32_t len)
{
	uint8_t tail[8] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16),
	    (uint8_t)(len >> 8), (uint8_t)len, 0, 0, 0, proto};
	uint64_t sum;

	sum = checksum_add(0, src, alen);
	sum = checksum_add(sum, dst, alen);
	return checksum_add(sum, tail, sizeof(tail));
}

void
checksum_put(uint8_t *field, uint64_t sum)
{
	uint16_t c = (uint16_t)~checksum_fold(sum);

	memcpy(field, &c, 2);
}

void
checksum_change(uint8_t *field, const void *was, const void *is, size_t n)
{
	const uint8_t *a = was, *b = is;
	uint16_t c, x, y;
	uint64_t sum;
	size_t i;

	memcpy(&c, field, 2);
	sum = (uint16_t)~c;
	for (i = 0; i + 2 <= n; i += 2) {
		memcpy(&x, a + i, 2);
		memcpy(&y, b + i, 2);
		sum += (uint64_t)(uint16_t)~x + y;
	}
	checksum_put(field, sum);
}

void
checksum_change_udp(uint8_t *field, const void *was, const void *is, size_t n)
{
	if (field[0] == 0 && field[1] == 0)
		return;
	checksum_change(field, was, is, n);
	if (field[0] == 0 && field[1] == 0)
		field[0] = field[1] = 0xff;
}

void
checksum_ip4(uint8_t *ip)
{
	ip[10] = ip[11] = 0;
	checksum_put(ip + 10, checksum_add(0, ip, (size_t)(ip[0] & 15) * 4));
}
