/* SPDX-License-Identifier: ISC */
/*
 * Sockets from afwrt-net. While that process is being restarted requests
 * wait here; their owners have time limits of their own.
 */
#include "sock.h"

#include <sys/queue.h>

#include <errno.h>
#include <stdlib.h>

#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

#define SOCKET_TIMEOUT 5000 /* ms */

struct sock {
	LIST_ENTRY(sock) entry;
	struct afw_m_socket want;
	bool asked;
	sock_cb cb;
	void *arg;
};

static LIST_HEAD(, sock) waiting = LIST_HEAD_INITIALIZER(waiting);
static struct afw_m_wan wan;
static bool wan_known;

static void
sock_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct sock *s = arg, copy = *s;

	(void)text;
	if (code == AFW_EPIPE) { /* net died: sock_net_up asks again */
		s->asked = false;
		return;
	}
	LIST_REMOVE(s, entry);
	free(s);
	if (code == AFW_OK && m != NULL && m->hdr.type == AFW_MSG_SOCKET)
		copy.cb(copy.arg, afw_msg_take_fd(m), 0);
	else
		copy.cb(copy.arg, -1, afw_error_errno(code));
}

static void
sock_ask(struct sock *s)
{
	struct afw_link *net = afw_daemon_peer(AFW_NET);

	if (net == NULL || !afw_link_is_open(net))
		return;
	s->asked = afw_link_request(net, AFW_MSG_SOCKET_GET, &s->want, -1,
		       SOCKET_TIMEOUT, false, sock_reply, s) != 0;
}

struct sock *
sock_get(unsigned int family, bool stream, enum afw_scope scope, sock_cb cb,
    void *arg)
{
	struct sock *s = calloc(1, sizeof(*s));

	if (s == NULL)
		fatal("auth: out of memory");
	s->want.family = family;
	s->want.stream = stream;
	s->want.scope = scope;
	s->cb = cb;
	s->arg = arg;
	LIST_INSERT_HEAD(&waiting, s, entry);
	sock_ask(s);
	return s;
}

void
sock_cancel(struct sock *s)
{
	struct afw_link *net = afw_daemon_peer(AFW_NET);

	if (s->asked && net != NULL)
		afw_link_cancel(net, s);
	LIST_REMOVE(s, entry);
	free(s);
}

void
sock_net_up(void)
{
	struct sock *s;

	LIST_FOREACH (s, &waiting, entry)
		if (!s->asked)
			sock_ask(s);
}

void
sock_net_down(void)
{
	wan_known = false;
}

bool
sock_wan_has(unsigned int family)
{
	if (!wan_known)
		return true;
	return family == 4 ? wan.has4 != 0 : wan.has6 != 0;
}

void
sock_wan_set(const struct afw_m_wan *w)
{
	wan = *w;
	wan_known = true;
}
