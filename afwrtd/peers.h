/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_PEERS_H
#define AFWRTD_PEERS_H

#include "lib/wire/msg.h"

/*
 * Channels E, F and G. peers_up: this helper may have peers now; it gets a
 * channel to each other one that may. Harmless when it has them already.
 */
void peers_up(enum afw_role role);
void peers_down(enum afw_role role);

#endif
