/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_REPLAY_H
#define AFWRTD_REPLAY_H

#include "child.h"

/*
 * Tells a helper all it has to know, and lets it work when it has answered.
 * replay_start is for a new process; replay_more for when there is more to
 * know (the configuration came, or a run begins after a stop): it does nothing
 * for a helper that is not there, because that one will hear everything.
 */
void replay_start(struct child *c);
void replay_more(enum afw_role role);
/* The NAT table's memory does not outlive this call. */
void replay_nat_forget(void);

#endif
