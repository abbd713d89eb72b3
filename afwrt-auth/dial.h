/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_DIAL_H
#define AFWRT_AUTH_DIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "fail.h"

#define DIAL_MAX 9 /* RESOLVE_MAX and one more */

struct dial;

/* fd, connected, is the callback's to keep; -1: see why. */
typedef void (*dial_cb)(
    void *arg, int fd, const struct afw_addr *addr, const struct fail *why);

struct dial_opts {
	const struct afw_addr *addrs; /* n of them, the best first; copied */
	size_t n;
	uint16_t port;
	bool loopback; /* addresses of the loopback are meant so */
	unsigned int stagger_ms;
};

/*
 * TCP to the first of several addresses that takes it: the next one is begun
 * when one fails, or stagger_ms after it without giving that one up. Has no
 * limit in time. cb runs once, from the loop.
 */
struct dial *dial_start(const struct dial_opts *o, dial_cb cb, void *arg);
void dial_cancel(struct dial *d);

/*
 * Puts addresses in the order in which they are to be tried, and leaves out
 * those that the policy excludes and doubles. Returns how many are left.
 */
size_t dial_order(struct afw_addr *addrs, size_t n, enum afw_v4v6 policy);

#endif
