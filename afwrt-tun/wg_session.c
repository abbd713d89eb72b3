/* SPDX-License-Identifier: ISC */
/*
 * Data messages under the keys of one handshake: counters, the window against
 * replay (RFC 6479), padding.
 */
#include "afwrt-tun/wg_session.h"

#include <stdlib.h>
#include <string.h>

#define WORD(c) ((c) / 64 % (WG_WINDOW_RING / 64))
#define BIT(c)  (UINT64_C(1) << ((c) % 64))

bool
wg_replay_ok(const struct wg_replay *r, uint64_t counter)
{
	if (counter >= r->next)
		return true;
	if (r->next - counter > WG_WINDOW)
		return false;
	return (r->seen[WORD(counter)] & BIT(counter)) == 0;
}

void
wg_replay_mark(struct wg_replay *r, uint64_t counter)
{
	uint64_t word, last;

	if (counter >= r->next) {
		/* the words from that of the last one on are new */
		word = r->next == 0 ? 0 : (r->next - 1) / 64 + 1;
		last = counter / 64;
		if (last >= word + WG_WINDOW_RING / 64)
			word = last - WG_WINDOW_RING / 64 + 1;
		for (; word <= last; word++)
			r->seen[word % (WG_WINDOW_RING / 64)] = 0;
		r->next = counter + 1;
	}
	r->seen[WORD(counter)] |= BIT(counter);
}

struct wg_session *
wg_session_new(const struct wg_keys *k, bool initiator, uint32_t local,
    uint32_t remote, uint64_t now)
{
	struct wg_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->seal = wg_aead_new(k->send, true);
	s->open = wg_aead_new(k->recv, false);
	s->initiator = initiator;
	s->local = local;
	s->remote = remote;
	s->born = now;
	if (s->seal != NULL && s->open != NULL)
		return s;
	wg_session_free(s);
	return NULL;
}

void
wg_session_free(struct wg_session *s)
{
	if (s == NULL)
		return;
	EVP_CIPHER_CTX_free(s->seal);
	EVP_CIPHER_CTX_free(s->open);
	free(s);
}

bool
wg_session_is_young(const struct wg_session *s, uint64_t now)
{
	return s != NULL && now - s->born < WG_REJECT_AFTER_MS;
}

bool
wg_session_can_send(const struct wg_session *s, uint64_t now)
{
	return wg_session_is_young(s, now) &&
	    s->counter < WG_REJECT_AFTER_MESSAGES;
}

size_t
wg_session_padding(size_t len, size_t mtu)
{
	size_t padded = (len + 15) / 16 * 16;

	if (mtu == 0 || padded <= mtu)
		return padded - len;
	return len < mtu ? mtu - len : 0;
}

int
wg_session_seal(struct wg_session *s, uint8_t *out, const uint8_t *packet,
    size_t len, size_t pad)
{
	uint8_t *body = out + WG_DATA_HEADER;
	uint8_t nonce[12];

	wg_put32(out, WG_M_DATA);
	wg_put32(out + 4, s->remote);
	wg_put64(out + 8, s->counter);
	wg_nonce(nonce, s->counter);
	s->counter++;
	if (pad > 0) {
		memcpy(body, packet, len);
		memset(body + len, 0, pad);
		packet = body;
	}
	return wg_aead_seal(s->seal, nonce, body, packet, len + pad, NULL, 0);
}

ssize_t
wg_session_open(struct wg_session *s, uint8_t *msg, size_t len, uint64_t now)
{
	uint8_t *body = msg + WG_DATA_HEADER;
	uint8_t nonce[12];
	uint64_t counter;

	if (len < WG_DATA_HEADER + WG_TAG || !wg_session_is_young(s, now))
		return -1;
	counter = wg_get64(msg + 8);
	if (counter >= WG_REJECT_AFTER_MESSAGES ||
	    !wg_replay_ok(&s->replay, counter))
		return -1;
	len -= WG_DATA_HEADER;
	wg_nonce(nonce, counter);
	if (wg_aead_open(s->open, nonce, body, body, len, NULL, 0) != 0)
		return -1;
	wg_replay_mark(&s->replay, counter);
	return (ssize_t)(len - WG_TAG);
}

ssize_t
wg_session_ip_length(const uint8_t *p, size_t n)
{
	size_t len;

	if (n >= 20 && p[0] >> 4 == 4) {
		len = (size_t)p[2] << 8 | p[3];
		return len >= 20 && len <= n ? (ssize_t)len : -1;
	}
	if (n >= 40 && p[0] >> 4 == 6) {
		len = ((size_t)p[4] << 8 | p[5]) + 40;
		return len <= n ? (ssize_t)len : -1;
	}
	return -1;
}
