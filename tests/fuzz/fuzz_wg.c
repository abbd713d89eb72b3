/* SPDX-License-Identifier: ISC */
/*
 * libFuzzer entry for datagrams of the WireGuard engine: a peer with a session
 * gets what is made up, with a right MAC1 and one of its own indices where
 * the first byte says so.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/wg_lab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
dress(uint8_t how, uint8_t *b, size_t len)
{
	struct wg_session *s = lab[1].wg->current;

	if (len < 16)
		return;
	if ((how & 1) != 0) {
		memset(b + 1, 0, 3);
		b[0] = (uint8_t)(1 + (b[0] & 3));
	}
	if ((how & 2) != 0 && s != NULL)
		wg_put32(b + 4, s->local);
	if ((how & 4) != 0 && lab[1].wg->pending)
		wg_put32(b + (b[0] == 3 ? 4 : 8), lab[1].wg->index);
	if ((how & 8) != 0 && len > 2 * WG_MAC)
		(void)wg_mac(b + len - 2 * WG_MAC, lab[1].wg->cookie.mac1_key,
		    WG_HASH, b, len - 2 * WG_MAC);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lab_datagram d;
	unsigned int before;
	uint8_t *exact;

	if (size < 2 || (exact = malloc(size - 1)) == NULL)
		return 0;
	if (lab[0].wg == NULL) {
		lab_open();
		lab_connect();
	}
	memcpy(exact, data + 1, size - 1);
	dress(data[0], exact, size - 1);
	if ((data[0] & 16) != 0)
		wg_reconnect(lab[1].wg);
	before = lab[1].delivered;
	wg_input(lab[1].wg, exact, size - 1, &lab[0].me);
	if (lab[1].delivered != before)
		abort(); /* nobody has the keys */
	free(exact);
	while (lab_take(&d))
		continue;
	lab_ms += (uint64_t)(data[0] >> 5) * 100;
	(void)wg_tick(lab[1].wg, lab_ms);
	while (lab_take(&d))
		continue;
	return 0;
}
