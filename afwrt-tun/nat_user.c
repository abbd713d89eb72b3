/* SPDX-License-Identifier: ISC */
/*
 * Users stand in a hash by address and in a list of those of about the same
 * size (the class is the logarithm of the count), so that the biggest is
 * found without a search.
 */
#include "afwrt-tun/nat_user.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "afwrt-tun/hash.h"
#include "afwrt-tun/nat_table.h"

#define CLASSES 32
#define HEADS   4096

struct user {
	struct user *next;       /* in its hash chain */
	struct user *up, **back; /* in its class */
	uint32_t first, last;    /* entries, oldest first */
	uint32_t count;
	uint8_t family;
	uint8_t addr[16];
};

struct link {
	struct user *user;
	uint32_t next, prev;
};

static struct link *links;
static uint32_t n_links;
static struct user *heads[HEADS];
static struct user *classes[CLASSES];

static unsigned int
class_of(uint32_t count)
{
	unsigned int c = 0;

	while (count > 1) {
		count >>= 1;
		c++;
	}
	return c;
}

static void
class_remove(struct user *u)
{
	*u->back = u->up;
	if (u->up != NULL)
		u->up->back = u->back;
}

static void
class_insert(struct user *u)
{
	struct user **head = &classes[class_of(u->count)];

	u->up = *head;
	u->back = head;
	if (*head != NULL)
		(*head)->back = &u->up;
	*head = u;
}

static struct user **
user_find(uint8_t family, const uint8_t *addr)
{
	uint8_t k[24] = {0};
	struct user **u;

	memcpy(k, addr, 16);
	k[16] = family;
	u = &heads[hash_words(k, sizeof(k)) % HEADS];
	while (*u != NULL &&
	    ((*u)->family != family || memcmp((*u)->addr, addr, 16) != 0))
		u = &(*u)->next;
	return u;
}

static struct user *
user_get(uint8_t family, const uint8_t *addr)
{
	struct user **u = user_find(family, addr);

	if (*u == NULL) {
		*u = calloc(1, sizeof(**u));
		if (*u == NULL)
			return NULL;
		(*u)->family = family;
		memcpy((*u)->addr, addr, 16);
		(*u)->first = (*u)->last = NAT_NONE;
		class_insert(*u);
	}
	return *u;
}

static void
resize(struct user *u, uint32_t count)
{
	if (class_of(count) == class_of(u->count)) {
		u->count = count;
		return;
	}
	class_remove(u);
	u->count = count;
	class_insert(u);
}

static void
append(struct user *u, uint32_t i)
{
	links[i].user = u;
	links[i].next = NAT_NONE;
	links[i].prev = u->last;
	if (u->last == NAT_NONE)
		u->first = i;
	else
		links[u->last].next = i;
	u->last = i;
}

static void
detach(struct user *u, uint32_t i)
{
	struct link *l = &links[i];

	if (l->prev == NAT_NONE)
		u->first = l->next;
	else
		links[l->prev].next = l->next;
	if (l->next == NAT_NONE)
		u->last = l->prev;
	else
		links[l->next].prev = l->prev;
	l->user = NULL;
}

int
nat_user_init(uint32_t entries)
{
	nat_user_free();
	links = calloc(entries, sizeof(*links));
	if (links == NULL)
		return -1;
	n_links = entries;
	return 0;
}

void
nat_user_free(void)
{
	struct user *u;
	unsigned int i;

	for (i = 0; i < HEADS; i++)
		while ((u = heads[i]) != NULL) {
			heads[i] = u->next;
			free(u);
		}
	memset(classes, 0, sizeof(classes));
	free(links);
	links = NULL;
	n_links = 0;
}

int
nat_user_add(uint32_t i, uint8_t family, const uint8_t *addr)
{
	struct user *u = user_get(family, addr);

	if (u == NULL)
		return -1;
	append(u, i);
	resize(u, u->count + 1);
	return 0;
}

void
nat_user_remove(uint32_t i)
{
	struct user *u = links[i].user, **chain;

	detach(u, i);
	if (u->count > 1) {
		resize(u, u->count - 1);
		return;
	}
	class_remove(u);
	chain = user_find(u->family, u->addr);
	*chain = u->next;
	free(u);
}

void
nat_user_touch(uint32_t i)
{
	struct user *u = links[i].user;

	if (u->last == i)
		return;
	detach(u, i);
	append(u, i);
}

uint32_t
nat_user_count(uint8_t family, const uint8_t *addr)
{
	struct user *u = *user_find(family, addr);

	return u == NULL ? 0 : u->count;
}

uint32_t
nat_user_oldest(uint8_t family, const uint8_t *addr)
{
	struct user *u = *user_find(family, addr);

	return u == NULL ? NAT_NONE : u->first;
}

uint32_t
nat_user_oldest_biggest(void)
{
	unsigned int c;

	for (c = CLASSES; c-- > 0;)
		if (classes[c] != NULL)
			return classes[c]->first;
	return NAT_NONE;
}
