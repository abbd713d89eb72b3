/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TESTS_WG_ENV_H
#define AFWRT_TESTS_WG_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "net_env.h"

/* The real afwrt-net with the type wireguard, its interfaces in userspace. */
extern struct env e;

void wg_env_up(void);
void wg_env_down(void);
unsigned int wg_env_set(uint32_t route, const char *name);
/* Two addresses, and nothing else. */
struct afw_m_wg_set wg_env_session(uint32_t route);
unsigned int wg_env_say(const struct afw_m_wg_set *m);
bool wg_env_has_3(struct env *x);

#endif
