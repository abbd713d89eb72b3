/* SPDX-License-Identifier: ISC */
/*
 * The table of WireGuard routes. One fact, one place: what a route is called,
 * which interface, mark and table it has. Who makes the interface is
 * wg_iface.c, who asks for it is wg_request.c.
 */
#include "wg_route.h"

#include <stddef.h>
#include <string.h>

#include "state.h"

static struct wg_route table[AFW_ROUTES_MAX];

const struct wg_route *
wg_route_next(const struct wg_route *w)
{
	size_t i = w == NULL ? 0 : (size_t)(w - table) + 1;

	for (; i < AFW_ROUTES_MAX; i++)
		if (table[i].route != 0)
			return &table[i];
	return NULL;
}

const struct wg_route *
wg_route_find(uint32_t route)
{
	const struct wg_route *w = NULL;

	if (route == 0)
		return NULL;
	while ((w = wg_route_next(w)) != NULL && w->route != route)
		;
	return w;
}

uint32_t
wg_route_mark(uint32_t route)
{
	const struct wg_route *w = wg_route_find(route);

	return w != NULL && w->mark != 0 ? w->mark : net.cfg.fwmark;
}

struct wg_route *
wg_route_add(uint32_t route)
{
	struct wg_route *w = NULL;
	size_t i;

	if (route == 0)
		return NULL;
	for (i = 0; i < AFW_ROUTES_MAX; i++) {
		if (table[i].route == route)
			return &table[i];
		if (table[i].route == 0 && w == NULL)
			w = &table[i];
	}
	if (w != NULL)
		w->route = route;
	return w;
}

void
wg_route_drop(uint32_t route)
{
	size_t i;

	for (i = 0; i < AFW_ROUTES_MAX; i++)
		if (table[i].route == route)
			memset(&table[i], 0, sizeof(table[i]));
}
