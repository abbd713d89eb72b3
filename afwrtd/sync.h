/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_SYNC_H
#define AFWRTD_SYNC_H

/*
 * Tells afwrt-net every rule in one go: NET_SYNC_BEGIN, a NET_RULE_SET each,
 * NET_SYNC_COMMIT. What a batch being committed wants counts. One at a time:
 * a later one takes the place of one that runs, whose callback then gets
 * AFW_EPIPE. begun, if not NULL, runs when BEGIN was sent; cb runs exactly
 * once, not before this returns.
 */
void sync_start(void (*begun)(void *arg),
    void (*cb)(void *arg, unsigned int code, const char *text), void *arg);

#endif
