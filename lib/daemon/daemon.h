/* SPDX-License-Identifier: ISC */
#ifndef AFW_DAEMON_DAEMON_H
#define AFW_DAEMON_DAEMON_H

#include "link.h"

/* The descriptor every process of the suite is born with: its supervisor. */
#define AFW_LINK_FD 3

/*
 * What makes a helper: afwrt-net, afwrt-tun and afwrt-auth each fill one in
 * and call afw_daemon_run from main. In order: log, privilege drop, sandbox,
 * HELLO, START awaited, setup(), READY, loop.
 */
struct afw_daemon {
	const char *name; /* "net", as it stands in log lines */
	enum afw_role role;
	const char *user;
	uint64_t caps; /* bits 1 << CAP_... that are kept */
	/* before privilege is dropped; may be NULL */
	void (*privileged)(void);
	/* after START, before READY */
	void (*setup)(struct event_base *base);
	/* messages of the supervisor; arg is NULL */
	const struct afw_handler *handlers;
	/* messages of the peers; arg is NULL. NULL when there are none */
	const struct afw_handler *peer_handlers;
	/* a channel to a peer was made (again) or is gone; may be NULL. After
	 * peer_down a new peer_up follows when the peer was restarted */
	void (*peer_up)(enum afw_role role, struct afw_link *l);
	void (*peer_down)(enum afw_role role);
	/* undo everything unless keep_blocked, then the process ends; reply to
	 * SHUTDOWN is sent by the core after done() is called; may be NULL */
	void (*shutdown)(bool keep_blocked, void (*done)(void));
};

/* Runs until the supervisor is gone or SHUTDOWN; the exit status. */
int afw_daemon_run(const struct afw_daemon *d);

/* The link to the supervisor, and to a peer (closed if there is none). */
struct afw_link *afw_daemon_sup(void);
struct afw_link *afw_daemon_peer(enum afw_role role);

/* Sends HELLO on a link in phase H. */
int afw_hello_send(struct afw_link *l);
/* NULL when the other side was built with the same table, else a sentence. */
const char *afw_hello_refuses(const struct afw_m_hello *h);

#endif
