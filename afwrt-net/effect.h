/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_EFFECT_H
#define AFWRT_NET_EFFECT_H

#include <stdbool.h>
#include <stdint.h>

#include "flows.h"
#include "lib/wire/msg.h"

/* The route that the rules give to an address now, 0 none. */
uint32_t effect_of(const struct afw_addr *a);
/* How many have a route now, by the kind of the rule. */
void effect_count(struct afw_m_addrs *n);
/* The same, and by which rule. */
void effect_explain(const struct afw_addr *a, struct afw_m_explained *x);
/*
 * What a change may have touched is looked at, and afwrt-tun told what it did
 * change; w (may be NULL) waits for that.
 */
void effect_addr(const struct afw_addr *a, struct flows_wait *w);
void effect_mac(const uint8_t mac[6], struct flows_wait *w);
void effect_key(const struct afw_key *k, struct flows_wait *w);
void effect_all(struct flows_wait *w);
/* Links changed: names, masters; or rules that name some did. */
void effect_links(void);
/* Whether a rule names a port of a bridge. */
bool effect_ports(void);
bool effect_is_port(const struct afw_key *k);
/* The addresses that a key means now, as keys; the caller frees. */
struct afw_key *effect_addrs(const struct afw_key *k, size_t n, size_t *count);

#endif
