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
	struct conn *c = arg;
	struct transport *t = c->priv->kept;

	c->priv->kept = NULL;
	(void)evtimer_del(c->priv->retry);
	log_debug("route %s: the node is back", c->r->conf.location);
	conn_up(c, t, p);
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
standby_keep(struct conn *c, struct transport *t)
{
	if (c->r->conf.type != AFW_TYPE_WIREGUARD)
		return false;
	standby_drop(c);
	c->priv->kept = t;
	t->owner = &owner;
	t->arg = c;
	return true;
}

void
standby_drop(struct conn *c)
{
	struct transport *t = c->priv->kept;

	c->priv->kept = NULL;
	if (t != NULL)
		t->ops->close(t);
}
