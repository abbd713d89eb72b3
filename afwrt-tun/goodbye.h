/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_GOODBYE_H
#define AFWRT_TUN_GOODBYE_H

#include "afwrt-tun/transport.h"

/*
 * Takes a transport over, logs out with text and closes it when the node has
 * got it or the transport's patience is over; then done(arg), always from the
 * loop.
 */
void goodbye_start(
    struct transport *t, const char *text, void (*done)(void *arg), void *arg);

#endif
