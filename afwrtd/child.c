/* SPDX-License-Identifier: ISC */
/* The table of helpers. */
#include "child.h"

#include "afwrtd.h"

static struct child children[] = {
    {.role = AFW_NET, .prog = "afwrt-net"},
    {.role = AFW_TUN, .prog = "afwrt-tun"},
    {.role = AFW_AUTH, .prog = "afwrt-auth"},
};

#define N (sizeof(children) / sizeof(children[0]))

void
child_init(void)
{
	size_t i;

	for (i = 0; i < N; i++)
		TAILQ_INIT(&children[i].asks);
}

struct child *
child_get(enum afw_role role)
{
	return &children[role - AFW_NET];
}

struct child *
child_next(const struct child *c)
{
	size_t i = (size_t)(c - children) + 1;

	return i < N ? &children[i] : NULL;
}

bool
child_is_wanted(const struct child *c)
{
	return c->state != CHILD_OFF && c->state != CHILD_FAILED;
}

bool
child_all_gone(void)
{
	const struct child *c;

	CHILD_FOREACH(c)
	if (c->pid != 0)
		return false;
	return true;
}
