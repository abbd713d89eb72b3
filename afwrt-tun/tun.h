/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_H
#define AFWRT_TUN_H

#include <event2/event.h>

#include "lib/wire/msg.h"

/* What all parts of the process want to know. */
struct tun_env {
	struct event_base *base;
	struct afw_m_tun_config conf;
	struct afw_m_wan wan;
	bool wan_known; /* afwrt-net said something about the uplink */
};

const struct tun_env *tun_env(void);
/* False when afwrt-net said that the uplink is down. */
bool tun_wan_usable(void);

/* The whole process; returns its exit status. */
int tun_run(void);

#endif
