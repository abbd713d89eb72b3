/* SPDX-License-Identifier: ISC */
/*
 * MAC1, MAC2 and cookies (whitepaper 5.3 and 5.4.7). A message without a right
 * MAC1 costs one hash. When more handshakes come in than an honest peer makes,
 * the sender must prove its address with a cookie before any X25519 is done,
 * and even then each address gets so many a second only.
 */
#include "afwrt-tun/wg_cookie.h"

#include <string.h>

/* Offsets in the cookie reply: type and receiver come first. */
#define C_NONCE  8
#define C_COOKIE 32

static int
label_key(uint8_t out[WG_HASH], const char *label, const uint8_t key[WG_KEY])
{
	return wg_hash(out, label, strlen(label), key, WG_KEY);
}

int
wg_cookie_init(struct wg_cookie *c, const struct wg_identity *id)
{
	memset(c, 0, sizeof(*c));
	if (label_key(c->mac1_key, "mac1----", id->public_key) != 0 ||
	    label_key(c->reply_key, "cookie--", id->public_key) != 0 ||
	    label_key(c->peer_mac1_key, "mac1----", id->peer_key) != 0)
		return -1;
	return label_key(c->peer_reply_key, "cookie--", id->peer_key);
}

int
wg_cookie_sign(struct wg_cookie *c, uint8_t *msg, size_t len, uint64_t now)
{
	uint8_t *mac2 = msg + len - WG_MAC, *mac1 = mac2 - WG_MAC;

	if (wg_mac(mac1, c->peer_mac1_key, WG_HASH, msg,
		(size_t)(mac1 - msg)) != 0)
		return -1;
	memcpy(c->last_mac1, mac1, WG_MAC);
	c->sent = true;
	memset(mac2, 0, WG_MAC);
	if (c->cookie_at == 0 ||
	    now - c->cookie_at >= WG_COOKIE_MS - WG_COOKIE_SLACK_MS)
		return 0;
	return wg_mac(mac2, c->cookie, WG_MAC, msg, (size_t)(mac2 - msg));
}

/* Address and port as bytes for the MAC; the address alone is 16 of them. */
static void
source_bytes(uint8_t out[18], const union wg_endpoint *from)
{
	memset(out, 0, 18);
	if (from->sa.sa_family == AF_INET) {
		memcpy(out, &from->in.sin_addr, 4);
		memcpy(out + 16, &from->in.sin_port, 2);
	} else {
		memcpy(out, &from->in6.sin6_addr, 16);
		memcpy(out + 16, &from->in6.sin6_port, 2);
	}
}

static int
cookie_of(struct wg_cookie *c, uint8_t out[WG_MAC],
    const union wg_endpoint *from, uint64_t now)
{
	uint8_t who[18];

	if (c->secret_at == 0 || now - c->secret_at >= WG_COOKIE_MS) {
		if (wg_random(c->secret, sizeof(c->secret)) != 0)
			return -1;
		c->secret_at = now;
	}
	source_bytes(who, from);
	return wg_mac(out, c->secret, sizeof(c->secret), who, sizeof(who));
}

static bool
under_load(struct wg_cookie *c, uint64_t now)
{
	if (now - c->second_at >= 1000) {
		c->second_at = now;
		c->in_second = 0;
	}
	if (++c->in_second > WG_LOAD_PER_SECOND)
		c->loaded_until = now + 1000;
	return now < c->loaded_until;
}

/*
 * May this address (of IPv6: its /64), proved by a cookie, have one more
 * handshake now? Its place is a keyed hash, so that nobody can choose it.
 */
static bool
source_has_token(
    struct wg_cookie *c, const union wg_endpoint *from, uint64_t now)
{
	struct wg_source *s;
	uint8_t who[18], mac[WG_MAC];
	uint64_t t;

	source_bytes(who, from);
	if (from->sa.sa_family == AF_INET6)
		memset(who + 8, 0, 8);
	if (wg_mac(mac, c->secret, sizeof(c->secret), who, 16) != 0)
		return false;
	s = &c->sources[mac[0] % WG_SOURCES];
	if (s->at == 0 || memcmp(s->who, who, sizeof(s->who)) != 0) {
		memcpy(s->who, who, sizeof(s->who));
		t = WG_SOURCE_BURST * 1000;
	} else {
		t = s->millitokens + (now - s->at) * WG_SOURCE_PER_SECOND;
	}
	if (t > WG_SOURCE_BURST * 1000)
		t = WG_SOURCE_BURST * 1000;
	s->at = now;
	s->millitokens = (uint32_t)t;
	if (t < 1000)
		return false;
	s->millitokens -= 1000;
	return true;
}

enum wg_verdict
wg_cookie_check(struct wg_cookie *c, const uint8_t *msg, size_t len,
    const union wg_endpoint *from, uint64_t now)
{
	const uint8_t *mac2 = msg + len - WG_MAC, *mac1 = mac2 - WG_MAC;
	uint8_t mac[WG_MAC], cookie[WG_MAC];

	if (wg_mac(mac, c->mac1_key, WG_HASH, msg, (size_t)(mac1 - msg)) != 0 ||
	    !wg_same(mac, mac1, WG_MAC))
		return WG_REFUSE;
	if (!under_load(c, now))
		return WG_ACCEPT;
	if (cookie_of(c, cookie, from, now) != 0 ||
	    wg_mac(mac, cookie, WG_MAC, msg, (size_t)(mac2 - msg)) != 0)
		return WG_REFUSE;
	if (!wg_same(mac, mac2, WG_MAC))
		return WG_CHALLENGE;
	return source_has_token(c, from, now) ? WG_ACCEPT : WG_REFUSE;
}

int
wg_cookie_reply(struct wg_cookie *c, uint8_t reply[WG_COOKIE_SIZE],
    const uint8_t *msg, size_t len, const union wg_endpoint *from, uint64_t now)
{
	uint8_t cookie[WG_MAC];

	memset(reply, 0, WG_COOKIE_SIZE);
	wg_put32(reply, WG_M_COOKIE);
	memcpy(reply + 4, msg + 4, 4);
	if (wg_random(reply + C_NONCE, WG_XNONCE) != 0 ||
	    cookie_of(c, cookie, from, now) != 0)
		return -1;
	return wg_xseal(c->reply_key, reply + C_NONCE, reply + C_COOKIE, cookie,
	    WG_MAC, msg + len - 2 * WG_MAC, WG_MAC);
}

int
wg_cookie_take(
    struct wg_cookie *c, const uint8_t reply[WG_COOKIE_SIZE], uint64_t now)
{
	uint8_t cookie[WG_MAC];

	if (!c->sent)
		return -1;
	if (wg_xopen(c->peer_reply_key, reply + C_NONCE, cookie,
		reply + C_COOKIE, WG_MAC + WG_TAG, c->last_mac1, WG_MAC) != 0)
		return -1;
	memcpy(c->cookie, cookie, WG_MAC);
	c->cookie_at = now;
	c->sent = false;
	return 0;
}
