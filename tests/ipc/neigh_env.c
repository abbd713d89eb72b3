/* SPDX-License-Identifier: ISC */
#include "neigh_env.h"

#include <sys/wait.h>

#include <check.h>
#include <signal.h>

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
	env_end(&e);
	if (lan > 0) {
		(void)kill(lan, SIGKILL);
		(void)waitpid(lan, NULL, 0);
	}
}

unsigned int
neigh_rule(const char *text, uint32_t route)
{
	return env_key_rule(&e, text, route);
}

unsigned int
neigh_unrule(const char *text)
{
	return env_key_unrule(&e, text);
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
