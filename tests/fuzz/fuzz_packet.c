/* SPDX-License-Identifier: ISC */
/*
 * libFuzzer entry for the packet path. The first byte says which way the
 * packet goes and how, the rest is the packet, in a buffer of exactly its
 * size. `make fuzz-packet` builds it where there is clang.
 */
#include <stdlib.h>

#include "afwrt-tun/checksum.h"
#include "afwrt-tun/device.h"
#include "tests/unit/path_lab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct route *r1;

static void
lab_setup(void)
{
	lab_open(0);
	r1 = lab_route(1, "10.8.0.2", "fd00:8::2");
	forward_default_set(1);
	lab_flow("192.168.1.5", 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct device_meta m = {0};
	struct lab_packet *drain;
	uint8_t *packet;

	if (size < 2)
		return 0;
	if (r1 == NULL)
		lab_setup();
	m.gso = data[0] & 2 ? 500 : 0;
	m.partial = (data[0] & 6) != 0;
	r1->conns[0].mtu = data[0] & 8 ? 1280 : 576;
	packet = malloc(size - 1);
	if (packet == NULL)
		return 0;
	memcpy(packet, data + 1, size - 1);
	if (data[0] & 16 && size > 20 && (packet[0] & 15) * 4u < size)
		checksum_ip4(packet); /* no use in guessing it */
	if (data[0] & 1) {
		forward_from_device(packet, size - 1, &m);
	} else {
		forward_from_node(&r1->conns[0], packet, size - 1);
		forward_from_node_flush(&r1->conns[0]);
	}
	lab_answer(SOURCE_NONE);
	free(packet);
	drain = malloc(sizeof(*drain));
	while (drain != NULL && lab_to_lan(drain))
		continue;
	free(drain);
	return 0;
}
