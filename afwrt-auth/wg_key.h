/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_WG_KEY_H
#define AFWRT_AUTH_WG_KEY_H

#include "lib/wire/msg.h"

struct wg_key;

/* private_key is good during the call; NULL: why says the reason. */
typedef void (*wg_key_cb)(
    void *arg, const uint8_t private_key[AFW_WG_KEY_SIZE], const char *why);

/*
 * The key pair of a location: the one that was kept, or a new one, which is
 * kept before it is used. cb runs once, from the loop.
 */
struct wg_key *wg_key_get(const char *location, wg_key_cb cb, void *arg);
void wg_key_cancel(struct wg_key *k);

/* X25519 with the base point. 0, or -1: not a usable private key. */
int wg_key_public(uint8_t public_key[AFW_WG_KEY_SIZE],
    const uint8_t private_key[AFW_WG_KEY_SIZE]);

#endif
