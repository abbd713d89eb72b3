/* SPDX-License-Identifier: ISC */
#include "peers.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "lib/daemon/log.h"

static bool up[AFW_ROLES];
static bool joined[AFW_ROLES][AFW_ROLES];

static void
peer_send(struct child *to, const struct child *other, int fd)
{
	struct afw_m_peer p = {.role = other->role, .gen = other->gen};

	if (afw_link_send(&to->link, AFW_MSG_PEER, 0, &p, fd) == -1)
		log_debug(
		    "%s: is gone before it met %s", to->prog, other->prog);
}

static void
peers_join(struct child *a, struct child *b)
{
	int sv[2];

	if (afw_chan_pair(sv) == -1) {
		log_err(
		    "%s: channel to %s: %s", a->prog, b->prog, strerror(errno));
		return;
	}
	joined[a->role][b->role] = joined[b->role][a->role] = true;
	peer_send(a, b, sv[0]);
	peer_send(b, a, sv[1]);
}

void
peers_up(enum afw_role role)
{
	struct child *self = child_get(role), *c;

	up[role] = true;
	CHILD_FOREACH(c)
	if (c != self && up[c->role] && !joined[role][c->role])
		peers_join(self, c);
}

void
peers_down(enum afw_role role)
{
	unsigned int i;

	up[role] = false;
	for (i = 0; i < AFW_ROLES; i++)
		joined[role][i] = joined[i][role] = false;
}
