/* SPDX-License-Identifier: ISC */
#include "neigh_env.h"

#include <sys/wait.h>

#include <check.h>
#include <signal.h>
#include <stdlib.h>

struct env e;
pid_t lan;
static const char *want_addr;
static uint32_t want_route;

void
neigh_up(void)
{
	env_namespace();
	env_config(&e);
	env_start(&e);
	lan = 0;
}

void
neigh_down(void)
{
	if (e.pid > 0)
		env_kill(&e);
	if (lan > 0) {
		(void)kill(lan, SIGKILL);
		(void)waitpid(lan, NULL, 0);
	}
	free(e.flow);
}

struct afw_key
neigh_key(const char *text)
{
	struct afw_key k = {.kind = AFW_KEY_MAC};

	if (afw_mac_parse(k.mac, text) == 0)
		return k;
	k.kind = AFW_KEY_IP;
	if (afw_addr_parse(&k.addr, text) == 0)
		return k;
	k.kind = AFW_KEY_IFACE;
	ck_assert_int_eq(afw_str_set(k.iface, sizeof(k.iface), text), 0);
	return k;
}

unsigned int
neigh_rule(const char *text, uint32_t route)
{
	struct afw_m_rule r = {.key = neigh_key(text), .route = route};

	return env_ask(&e, AFW_MSG_NET_RULE_SET, &r, -1);
}

unsigned int
neigh_unrule(const char *text)
{
	struct afw_m_key k = {.key = neigh_key(text)};

	return env_ask(&e, AFW_MSG_NET_RULE_DEL, &k, -1);
}

static bool
flow_is(struct env *x)
{
	return env_flow(x, want_addr) == want_route;
}

bool
neigh_flow_is(const char *addr, uint32_t route)
{
	want_addr = addr;
	want_route = route;
	return env_until(&e, flow_is);
}

void
neigh_set(const char *addr, const char *mac, const char *dev, const char *state)
{
	ck_assert_int_eq(sh("ip neigh replace %s lladdr %s dev %s nud %s", addr,
			     mac, dev, state),
	    0);
}
