/* SPDX-License-Identifier: ISC */
#include "types.h"

#include <stdio.h>
#include <stdlib.h>

#include "afwrtd.h"
#include "ask.h"
#include "run.h"

struct asked {
	struct route *r;
	bool rules;
	afw_reply_cb cb;
	void *arg;
};

bool
types_is_wg(const struct route *r)
{
	return r->type == AFW_TYPE_WIREGUARD;
}

static bool
is_managed(void)
{
	return (run_config()->flags & AFW_C_WG_MANAGED) != 0;
}

/* What has no rule goes by its tunnel, as if it had one. */
static bool
is_gateway(const struct route *r)
{
	return r->is_default &&
	    (run_config()->flags & AFW_C_DEFAULT_GATEWAY) != 0;
}

void
types_note(struct route *r, const struct afw_msg *m)
{
	const struct afw_m_location_info *i = (const void *)m->payload;

	if (m->hdr.type != AFW_MSG_LOCATION_INFO)
		return;
	r->is_listed = true;
	r->listed = i->type;
}

/*
 * With "type": "wireguard" there is no TUN of the suite, so a location of
 * type hydra-tcp gets an interface all the same: its devices are blocked by
 * it. Where the routing of WireGuard is the application's, the rules of such a
 * location stay with the suite's TUN, for the same reason.
 */
void
types_settle(struct route *r, bool rules)
{
	uint32_t type = run_config()->type;

	if (r->set || r->wg)
		return;
	if (type == AFW_TYPE_HYDRA_TCP && r->listed == AFW_TYPE_WIREGUARD &&
	    (!rules || is_managed()))
		type = AFW_TYPE_WIREGUARD;
	r->type = type;
}

unsigned int
types_refuse(const struct route *r, bool rules, const char **why)
{
	uint32_t type = run_config()->type;

	if (type == AFW_TYPE_WIREGUARD && r->listed == AFW_TYPE_HYDRA_TCP) {
		*why = "the location is of type hydra-tcp: set \"type\": "
		       "\"hydra-tcp\" to have both";
		return AFW_ENOTSUP;
	}
	if (r->listed != 0)
		type = r->listed;
	if (rules && type == AFW_TYPE_WIREGUARD && !is_managed()) {
		*why = "the location is of type wireguard and "
		       "\"wireguard_routing\" is \"manual\": rules are the "
		       "application's";
		return AFW_ENOTSUP;
	}
	if (is_gateway(r) && type == AFW_TYPE_WIREGUARD && !is_managed()) {
		*why = "the location is of type wireguard: "
		       "\"default_gateway\" through it needs "
		       "\"wireguard_routing\": \"managed\"";
		return AFW_ENOTSUP;
	}
	return AFW_OK;
}

static void
check_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct asked *a = arg;
	char why[128];

	if (m != NULL)
		types_note(a->r, m);
	types_settle(a->r, a->rules);
	if (code == AFW_ENOENT && m != NULL) {
		(void)snprintf(why, sizeof(why),
		    "the backend's list has no location \"%.64s\"",
		    a->r->location);
		text = why;
	}
	a->cb(a->arg, code == AFW_ENOENT && m != NULL ? code : AFW_OK, text, m);
	free(a);
}

void
types_ask(
    struct route *r, unsigned int ms, bool rules, afw_reply_cb cb, void *arg)
{
	struct asked *a = afwrtd_alloc(sizeof(*a));
	struct afw_m_location where = {{0}};

	a->r = r;
	a->rules = rules;
	a->cb = cb;
	a->arg = arg;
	(void)afw_str_set(where.location, sizeof(where.location), r->location);
	ask(AFW_AUTH, AFW_MSG_LOCATION_CHECK, &where, ms, false, check_reply,
	    a);
}
