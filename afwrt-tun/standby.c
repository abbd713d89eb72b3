/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/standby.h"

#include "afwrt-tun/route_private.h"
#include "lib/daemon/log.h"

static void
nothing(void *arg)
{
	(void)arg;
}

static void
opened(void *arg, const struct transport_params *p)
{
	struct route *r = arg;
	struct transport *t = r->priv->kept;

	r->priv->kept = NULL;
	(void)evtimer_del(r->priv->retry);
	log_debug("route %s: the node is back", r->conf.location);
	route_state_up(r, t, p);
}

/* It was down before. */
static void
down(void *arg, const struct transport_end *end)
{
	(void)arg;
	(void)end;
}

static const struct transport_owner owner = {
    .secured = nothing,
    .opened = opened,
    .batch_end = nothing,
    .drained = nothing,
    .rekey = nothing,
    .down = down,
};

bool
standby_keep(struct route *r, struct transport *t)
{
	if (r->conf.type != AFW_TYPE_WIREGUARD)
		return false;
	standby_drop(r);
	r->priv->kept = t;
	t->owner = &owner;
	t->arg = r;
	return true;
}

void
standby_drop(struct route *r)
{
	struct transport *t = r->priv->kept;

	r->priv->kept = NULL;
	if (t != NULL)
		t->ops->close(t);
}
