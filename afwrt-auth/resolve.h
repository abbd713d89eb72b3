/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_RESOLVE_H
#define AFWRT_AUTH_RESOLVE_H

#include <stddef.h>

#include "fail.h"

#define RESOLVE_MAX 8 /* addresses a name */

struct resolve;

/* n addresses in no order, or 0 and why. */
typedef void (*resolve_cb)(
    void *arg, const struct afw_addr *addrs, size_t n, const struct fail *why);

/* The nameservers and names of the system; text ends in NUL. */
void resolve_set_resolv_conf(const char *text);
void resolve_set_hosts(const char *text);
/* Names are asked at this port; 53 unless a test says else. */
void resolve_set_port(uint16_t port);

/*
 * Looks up a name, asking for the families of the policy; an address is its
 * own answer. cb runs from the loop.
 */
struct resolve *resolve_name(
    const char *name, enum afw_v4v6 policy, resolve_cb cb, void *arg);
void resolve_cancel(struct resolve *r);

#endif
