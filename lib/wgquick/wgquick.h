/* SPDX-License-Identifier: ISC */
#ifndef AFW_WGQUICK_H
#define AFW_WGQUICK_H

#include <stddef.h>

#include "lib/wire/msg.h"

#define WGQUICK_DNS_MAX 4
#define WGQUICK_TEXT    160
/* Base64 of a key, and its NUL. */
#define WGQUICK_KEY_TEXT 45

/* A wg-quick(8) file with one peer. Holds keys: wgquick_wipe it. */
struct wgquick {
	uint8_t private_key[AFW_WG_KEY_SIZE];
	uint8_t public_key[AFW_WG_KEY_SIZE];    /* the peer's */
	uint8_t preshared_key[AFW_WG_KEY_SIZE]; /* zero: none */
	char host[256]; /* of Endpoint: a name, or an address as text */
	uint16_t port;
	uint16_t keepalive;           /* s, 0 off */
	uint32_t mtu;                 /* 0: not said */
	uint32_t addrs, allowed, dns; /* how many */
	struct afw_wg_net addr[AFW_WG_ADDRS_MAX];
	struct afw_wg_net allow[AFW_WG_ALLOWED_MAX];
	struct afw_addr dns_addr[WGQUICK_DNS_MAX];
};

/*
 * Reads one; text ends in NUL behind len bytes. 0, or -1 and a sentence with
 * the line in why, which never quotes a value that may be secret. note, if
 * not NULL, hears of each line that is left out (PostUp, Table, a DNS search
 * domain...), by a sentence that is good during the call.
 */
int wgquick_read(struct wgquick *w, const char *text, size_t len,
    char why[WGQUICK_TEXT], void (*note)(void *arg, const char *what),
    void *arg);
void wgquick_wipe(struct wgquick *w);

/* "10.0.0.2/24", or without a prefix: all of it. 0, or -1 and EINVAL. */
int wgquick_net_parse(struct afw_wg_net *net, const char *text);
/* "10.0.0.2/24", in a buffer of AFW_ADDR_TEXT + 4. */
const char *wgquick_net_print(
    const struct afw_wg_net *net, char *buf, size_t size);
/* 44 characters of base64. 0, or -1 and EINVAL. */
int wgquick_key_parse(uint8_t key[AFW_WG_KEY_SIZE], const char *text);
void wgquick_key_print(
    const uint8_t key[AFW_WG_KEY_SIZE], char text[WGQUICK_KEY_TEXT]);

#endif
