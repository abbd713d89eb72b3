/* SPDX-License-Identifier: ISC */
/*
 * Packets of a WireGuard route: from its TUN into the engine, and back. No
 * NAT, no flow table. The TUN's MTU is the tunnel's, so the kernel itself
 * fragments or tells the sender when a packet is too big.
 */
#include <string.h>

#include "afwrt-tun/checksum.h"
#include "afwrt-tun/coalesce.h"
#include "afwrt-tun/segment.h"
#include "afwrt-tun/wg_udp.h"
#include "lib/daemon/log.h"

static struct wg *sink; /* of the packet in hand */

static void
dropped(const struct wg_udp *u)
{
	if (u->b.wd != NULL)
		u->b.wd->count.dropped++;
}

void
wg_path_begin(struct wg_base *b)
{
	struct wg_udp *u = (struct wg_udp *)b;

	if (u->engine != NULL)
		wg_now(u->engine, (uint64_t)afw_now_ms());
}

/* The engine counts what it cannot take. */
static void
emit(struct conn *c, const uint8_t *data, size_t len)
{
	(void)c;
	(void)wg_output(sink, data, len);
}

/* The field has the pseudo header's sum already. */
static bool
checksum_complete(uint8_t *data, size_t len, const struct device_meta *m)
{
	size_t at = (size_t)m->start + m->offset;
	uint64_t sum;

	if (at + 2 > len)
		return false;
	sum = checksum_add(0, data + m->start, len - m->start);
	checksum_put(data + at, sum);
	if (m->offset == 6 && data[at] == 0 && data[at + 1] == 0)
		memset(data + at, 0xff, 2); /* UDP: 0 is none */
	return true;
}

static bool
send_segments(
    uint8_t *data, size_t len, const struct device_meta *m, uint32_t mtu)
{
	struct packet p;

	if (!packet_parse(&p, data, len))
		return false;
	p.gso = m->gso;
	p.partial = m->partial;
	return segment_tcp(NULL, &p, mtu, emit);
}

void
wg_path_packet(
    struct wg_base *b, uint8_t *data, size_t len, const struct device_meta *m)
{
	struct wg_udp *u = (struct wg_udp *)b;

	if (u->engine == NULL || !wg_allowed_target(&u->allowed, data, len)) {
		dropped(u);
		return;
	}
	sink = u->engine;
	if (m->gso != 0) {
		if (!send_segments(data, len, m, b->mtu))
			dropped(u);
	} else if (!m->partial || checksum_complete(data, len, m)) {
		(void)wg_output(u->engine, data, len);
	} else {
		dropped(u);
	}
}

void
wg_path_end(struct wg_base *b)
{
	struct wg_udp *u = (struct wg_udp *)b;

	if (u->engine == NULL)
		return;
	wg_flush(u->engine);
	wg_udp_settle(u);
}

/* ---- from the node ----------------------------------------------------- */

bool
wg_path_allowed(void *arg, const uint8_t *packet, size_t len)
{
	const struct wg_udp *u = arg;

	return wg_allowed_source(&u->allowed, packet, len);
}

/* RFC 6040, 4.2: the sender of the packet shall know. One that does not take
 * part in it stays as it is, as with the kernel's WireGuard. */
static void
congestion_mark(uint8_t *packet)
{
	uint8_t was[2];

	if (packet[0] >> 4 == 6) {
		if ((packet[1] & 0x30) != 0)
			packet[1] |= 0x30;
	} else if ((packet[1] & 3) != 0) {
		memcpy(was, packet, 2);
		packet[1] |= 3;
		checksum_change(packet + 10, was, packet, 2);
	}
}

void
wg_path_deliver(void *arg, uint8_t *packet, size_t len)
{
	struct wg_udp *u = arg;
	uint8_t proto = packet[packet[0] >> 4 == 4 ? 9 : 6];
	struct device *tun = u->b.wd != NULL ? u->b.wd->tun : NULL;
	struct packet p;
	bool ok;

	if (u->sock.congested)
		congestion_mark(packet);
	if (tun == NULL)
		ok = false;
	else if (proto == PACKET_TCP && packet_parse(&p, packet, len))
		ok = coalesce_add(tun, &p);
	else
		ok = device_write(tun, packet, len, NULL);
	if (!ok)
		dropped(u);
}

void
wg_path_deliver_end(struct wg_udp *u)
{
	uint32_t lost = coalesce_flush();

	if (u->b.wd != NULL)
		u->b.wd->count.dropped += lost;
}
