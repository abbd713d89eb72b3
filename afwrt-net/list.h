/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_LIST_H
#define AFWRT_NET_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A ring of members of other structs; the head is one of its own. */
struct list {
	struct list *prev, *next;
};

#define LIST_OF(p, type, member) \
	((type *)(void *)((char *)(p)-offsetof(type, member)))

static inline void
list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}

/* At the end; it must not be in another ring. */
static inline void
list_add(struct list *l, struct list *x)
{
	x->prev = l->prev;
	x->next = l;
	l->prev->next = x;
	l->prev = x;
}

static inline void
list_del(struct list *x)
{
	x->prev->next = x->next;
	x->next->prev = x->prev;
	list_init(x);
}

#endif
