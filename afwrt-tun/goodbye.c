/* SPDX-License-Identifier: ISC */
#include "goodbye.h"

#include <stdlib.h>

#include "lib/daemon/log.h"

struct goodbye {
	struct transport *t;
	void (*done)(void *arg);
	void *arg;
};

static void
nothing(void *arg)
{
	(void)arg;
}

static void
packet(void *arg, uint8_t *data, size_t len)
{
	(void)arg;
	(void)data;
	(void)len;
}

static void
opened(void *arg, const struct transport_params *p)
{
	(void)arg;
	(void)p;
}

static void
down(void *arg, const struct transport_end *end)
{
	struct goodbye *g = arg;

	(void)end;
	g->t->ops->close(g->t);
	g->done(g->arg);
	free(g);
}

static const struct transport_owner owner = {
    .secured = nothing,
    .opened = opened,
    .packet = packet,
    .batch_end = nothing,
    .drained = nothing,
    .rekey = nothing,
    .down = down,
};

void
goodbye_start(
    struct transport *t, const char *text, void (*done)(void *arg), void *arg)
{
	struct goodbye *g = malloc(sizeof(*g));

	if (g == NULL)
		fatal("%s: out of memory", afw_log_name());
	g->t = t;
	g->done = done;
	g->arg = arg;
	t->owner = &owner;
	t->arg = g;
	t->ops->bye(t, text);
}
