/* SPDX-License-Identifier: ISC */
/*
 * The table of WireGuard routes. One fact, one place: what a route is called,
 * which interface, mark and table it has. Who makes the interface is
 * wg_iface.c, who asks for it is wg_request.c.
 */
#include "wg_route.h"

#include <stddef.h>

#include "lib/wire/channel.h"
#include "state.h"
#include "wg_iface.h"

static struct wg_iface table[AFW_ROUTES_MAX];

struct wg_iface *
wg_route_each(const struct wg_iface *i)
{
	size_t n = i == NULL ? 0 : (size_t)(i - table) + 1;

	for (; n < AFW_ROUTES_MAX; n++)
		if (table[n].w.route != 0)
			return &table[n];
	return NULL;
}

/* w is the first of a struct wg_iface in the table. */
const struct wg_route *
wg_route_next(const struct wg_route *w)
{
	const struct wg_iface *i = wg_route_each((const void *)w);

	return i != NULL ? &i->w : NULL;
}

struct wg_iface *
wg_route_iface(uint32_t route)
{
	struct wg_iface *i = NULL;

	if (route == 0)
		return NULL;
	while ((i = wg_route_each(i)) != NULL && i->w.route != route)
		;
	return i;
}

const struct wg_route *
wg_route_find(uint32_t route)
{
	const struct wg_iface *i = wg_route_iface(route);

	return i != NULL ? &i->w : NULL;
}

uint32_t
wg_route_mark(uint32_t route)
{
	const struct wg_route *w = wg_route_find(route);

	return w != NULL && w->mark != 0 ? w->mark : net.cfg.fwmark;
}

bool
wg_route_has(uint32_t ifindex)
{
	const struct wg_iface *i = NULL;

	if (ifindex == 0)
		return false;
	while ((i = wg_route_each(i)) != NULL && i->w.ifindex != ifindex)
		;
	return i != NULL;
}

struct wg_iface *
wg_route_add(uint32_t route)
{
	struct wg_iface *i = wg_route_iface(route);
	size_t n;

	if (i != NULL)
		return i;
	for (n = 0; n < AFW_ROUTES_MAX; n++)
		if (table[n].w.route == 0) {
			table[n].w.route = route;
			table[n].tun.fd = -1;
			return &table[n];
		}
	return NULL;
}

void
wg_route_drop(struct wg_iface *i)
{
	afw_wipe(i, sizeof(*i));
}
