/* SPDX-License-Identifier: ISC */
#include "wg_env.h"

#include "lib/daemon/log.h"

struct env e;

void
wg_env_up(void)
{
	env_namespace();
	env_config(&e);
	e.cfg.type = AFW_TYPE_WIREGUARD;
	env_start(&e);
}

void
wg_env_down(void)
{
	env_end(&e);
}

unsigned int
wg_env_set(uint32_t route, const char *name)
{
	return env_wg_set(&e, route, AFW_WG_USERSPACE, 0, name);
}

struct afw_m_wg_set
wg_env_session(uint32_t route)
{
	struct afw_m_wg_set m = {.route = route, .addrs = 2};

	(void)afw_addr_parse(&m.addr[0].addr, "10.9.0.2");
	m.addr[0].prefix = 24;
	(void)afw_addr_parse(&m.addr[1].addr, "fd09::2");
	m.addr[1].prefix = 64;
	return m;
}

unsigned int
wg_env_say(const struct afw_m_wg_set *m)
{
	return env_ask_of(&e, &e.tun, AFW_MSG_WG_SET, m);
}

bool
wg_env_has_3(struct env *x)
{
	return x->wg[3].devices > 0;
}
