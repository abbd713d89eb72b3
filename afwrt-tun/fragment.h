/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_FRAGMENT_H
#define AFWRT_TUN_FRAGMENT_H

#include "afwrt-tun/packet.h"
#include "afwrt-tun/route.h"

#define FRAGMENT_RECORDS 256
#define FRAGMENT_SHARE   (FRAGMENT_RECORDS / 4) /* of one address */
#define FRAGMENT_HELD    16                     /* of one datagram */
#define FRAGMENT_BYTES   (256 * 1024)           /* held, all together */

/*
 * Only the first fragment of a datagram has the ports, so what NAT made of it
 * is kept for the others, by addresses and id; those that come before it are
 * held for it.
 */
struct fragment_key {
	uint32_t route, id;
	uint8_t out, family, proto;
	uint8_t conn; /* from the node: which connection; to it 0 */
	uint8_t src[16], dst[16];
};

/* Of a packet that is not translated yet; out: to the node. */
void fragment_key(struct fragment_key *k, const struct conn *c, bool out,
    const struct packet *p);
/*
 * A later fragment: true when it is translated and may go, to the node by
 * that connection. If not, it is held or (false in *held) dropped.
 */
bool fragment_later(const struct fragment_key *k, struct packet *p, bool *held,
    unsigned int *conn);
/*
 * The first one, as NAT has translated it: gets its id, is handed to emit,
 * and what was held for it then, too.
 */
void fragment_first(const struct fragment_key *k, struct conn *c,
    struct packet *p, void (*emit)(struct conn *c, struct packet *p));
/* Once a second. */
void fragment_tick(void);
/* All of a connection. */
void fragment_drop(const struct conn *c);
uint32_t fragment_count(void);

#endif
