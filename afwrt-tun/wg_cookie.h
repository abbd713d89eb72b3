/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_WG_COOKIE_H
#define AFWRT_TUN_WG_COOKIE_H

#include "afwrt-tun/wg.h"
#include "afwrt-tun/wg_noise.h"

/* Lasts this long, and the one who has it uses it 5 s less (5.4.7). */
#define WG_COOKIE_MS       120000
#define WG_COOKIE_SLACK_MS 5000
/* More handshakes than this a second are a load, for a second more. */
#define WG_LOAD_PER_SECOND 32
/* From one address under load: this many a second, and as many at once. */
#define WG_SOURCE_PER_SECOND 20
#define WG_SOURCE_BURST      5
#define WG_SOURCES           64

struct wg_source {
	uint64_t at; /* when the tokens were counted */
	uint32_t millitokens;
	uint8_t who[16]; /* the address as 16 bytes */
};

/* The MACs of handshake messages, as the one who sends and who receives. */
struct wg_cookie {
	/* what comes to us */
	uint8_t mac1_key[WG_HASH];
	uint8_t reply_key[WG_HASH];
	uint8_t secret[WG_HASH];
	uint64_t secret_at; /* 0: none yet */
	uint64_t second_at, loaded_until;
	unsigned int in_second;
	struct wg_source sources[WG_SOURCES];
	/* what we send */
	uint8_t peer_mac1_key[WG_HASH];
	uint8_t peer_reply_key[WG_HASH];
	uint8_t cookie[WG_MAC];
	uint64_t cookie_at; /* 0: none */
	uint8_t last_mac1[WG_MAC];
	bool sent; /* last_mac1 awaits a cookie */
};

enum wg_verdict {
	WG_REFUSE,
	WG_CHALLENGE, /* answer with a cookie */
	WG_ACCEPT,
};

int wg_cookie_init(struct wg_cookie *c, const struct wg_identity *id);
/* Writes MAC1 and MAC2 at the end of a message of len bytes. 0, or -1. */
int wg_cookie_sign(struct wg_cookie *c, uint8_t *msg, size_t len, uint64_t now);
enum wg_verdict wg_cookie_check(struct wg_cookie *c, const uint8_t *msg,
    size_t len, const union wg_endpoint *from, uint64_t now);
/* The answer to a message that was challenged. 0, or -1. */
int wg_cookie_reply(struct wg_cookie *c, uint8_t reply[WG_COOKIE_SIZE],
    const uint8_t *msg, size_t len, const union wg_endpoint *from,
    uint64_t now);
/* A cookie reply to what we sent last: used from now on. 0, or -1. */
int wg_cookie_take(
    struct wg_cookie *c, const uint8_t reply[WG_COOKIE_SIZE], uint64_t now);

#endif
