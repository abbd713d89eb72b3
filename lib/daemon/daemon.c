/* SPDX-License-Identifier: ISC */
/*
 * Start-up and common life of a helper process. It owns the link to the
 * supervisor and the links to the peers.
 */
#include "config.h"

#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "priv.h"
#include "usage.h"
#include "sandbox.h"

static const struct afw_daemon *self;
static struct event_base *base;
static struct afw_link sup;
static struct afw_link peers[AFW_ROLES];
static uint32_t shutdown_id;

struct afw_link *
afw_daemon_sup(void)
{
	return &sup;
}

struct afw_link *
afw_daemon_peer(enum afw_role role)
{
	return &peers[role];
}

int
afw_hello_send(struct afw_link *l)
{
	struct afw_m_hello h = {.table_sum = afw_table_sum(),
	    .pid = (uint32_t)getpid()};

	(void)afw_str_set(h.build, sizeof(h.build), PACKAGE_VERSION);
	return afw_link_send(l, AFW_MSG_HELLO, 0, &h, -1);
}

const char *
afw_hello_refuses(const struct afw_m_hello *h)
{
	if (h->table_sum != afw_table_sum())
		return "is of another build; install all parts of the suite "
		       "from one package";
	return NULL;
}

static void
log_to_supervisor(int level, const char *line, void *arg)
{
	struct afw_m_log m = {.level = (uint32_t)level};

	(void)arg;
	/* a line that does not fit in the queue is lost, not waited for */
	if (!afw_link_is_open(&sup) || sup.chan.phase == AFW_PH_H) {
		(void)dprintf(STDERR_FILENO, "%s: %s\n", self->name, line);
		return;
	}
	(void)snprintf(m.text, sizeof(m.text), "%s: %s", self->name, line);
	(void)afw_chan_send(&sup.chan, AFW_MSG_LOG, 0, &m, -1);
	if (sup.chan.head != NULL)
		(void)event_add(sup.wr, NULL);
}

static int
start_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_start *st = (const void *)m->payload;

	(void)arg;
	l->chan.self_gen = st->gen;
	l->chan.peer_gen = 1; /* there is only one supervisor in a life */
	l->chan.phase = AFW_PH_S;
	afw_log_level_set((int)st->log_level);
	if (self->setup != NULL)
		self->setup(base);
	if (afw_link_send(l, AFW_MSG_READY, 0, NULL, -1) == -1)
		return -1;
	l->chan.phase = AFW_PH_R;
	return 0;
}

static int
ping_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	struct afw_m_usage u;

	afw_usage_read(&u);
	(void)afw_link_send(l, AFW_MSG_PONG, m->hdr.id, &u, -1);
	return 0;
}

static int
log_level_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_log_level *level = (const void *)m->payload;

	(void)arg;
	afw_log_level_set((int)level->level);
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

static void
peer_closed(void *arg, struct afw_link *l, const char *why)
{
	enum afw_role role = (enum afw_role)(l - peers);

	(void)arg;
	if (*why != '\0')
		log_warn("%s: closed: %s", afw_role_name(role), why);
	afw_link_close(l);
	if (self->peer_down != NULL)
		self->peer_down(role);
}

static int
peer_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_peer *p = (const void *)m->payload;
	enum afw_role role = (enum afw_role)p->role;
	struct afw_link *peer = &peers[role];
	static const struct afw_handler none[] = {{0, NULL}};

	(void)arg;
	if (role == self->role)
		return -1;
	if (peer->rd != NULL) {
		afw_link_close(peer);
		if (self->peer_down != NULL)
			self->peer_down(role);
	}
	if (afw_link_open(peer, base, afw_msg_take_fd(m), self->role, role,
		self->peer_handlers != NULL ? self->peer_handlers : none,
		peer_closed, NULL) == -1) {
		log_warn("%s: channel: %s", afw_role_name(role),
		    strerror(errno));
		return 0;
	}
	peer->chan.phase = AFW_PH_R;
	peer->chan.self_gen = l->chan.self_gen;
	peer->chan.peer_gen = p->gen;
	if (self->peer_up != NULL)
		self->peer_up(role, peer);
	return 0;
}

static void
shutdown_done(void)
{
	afw_link_status(&sup, shutdown_id, AFW_OK, NULL);
	afw_link_drain(&sup, 1000);
	(void)event_base_loopbreak(base);
}

static int
shutdown_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_shutdown *s = (const void *)m->payload;

	(void)arg;
	(void)l;
	shutdown_id = m->hdr.id;
	if (self->shutdown != NULL)
		self->shutdown(s->keep_blocked != 0, shutdown_done);
	else
		shutdown_done();
	return 0;
}

static const struct afw_handler core_handlers[] = {
    {AFW_MSG_START, start_handle},
    {AFW_MSG_PING, ping_handle},
    {AFW_MSG_LOG_LEVEL, log_level_handle},
    {AFW_MSG_PEER, peer_handle},
    {AFW_MSG_SHUTDOWN, shutdown_handle},
    {0, NULL},
};

/* The core's messages first, then the daemon's own, in one table. */
static const struct afw_handler *
handlers_join(const struct afw_handler *own)
{
	static struct afw_handler all[64];
	size_t n = 0;
	const struct afw_handler *h;

	for (h = core_handlers; h->type != 0; h++)
		all[n++] = *h;
	for (h = own; h != NULL && h->type != 0; h++) {
		if (n == sizeof(all) / sizeof(all[0]) - 1)
			fatal("%s: too many handlers", self->name);
		all[n++] = *h;
	}
	return all;
}

static void
sup_closed(void *arg, struct afw_link *l, const char *why)
{
	(void)arg;
	afw_link_close(l);
	if (*why != '\0')
		log_err("supervisor: %s", why);
	(void)event_base_loopbreak(base);
}

static void
libevent_log(int severity, const char *msg)
{
	if (severity >= EVENT_LOG_WARN)
		log_warn("libevent: %s", msg);
}

static void
libevent_fatal(int err)
{
	fatal("libevent: internal error %d", err);
}

int
afw_daemon_run(const struct afw_daemon *d)
{
	struct stat st;
	sigset_t none;

	self = d;
	afw_log_init(d->name);
	if (fstat(AFW_LINK_FD, &st) == -1 || !S_ISSOCK(st.st_mode)) {
		(void)fprintf(stderr,
		    "afwrt-%s is started by afwrtd, not by hand\n", d->name);
		return 2;
	}
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	afw_usage_open();
	if (d->privileged != NULL)
		d->privileged();
	afw_priv_drop(d->user, AFWRT_CHROOT_DIR, d->caps);
	event_set_log_callback(libevent_log);
	event_set_fatal_callback(libevent_fatal);
	if ((base = event_base_new()) == NULL)
		fatal("%s: event loop: %s", d->name, strerror(errno));
	afw_sandbox(d->role);
	if (afw_link_open(&sup, base, AFW_LINK_FD, d->role, AFW_SUP,
		handlers_join(d->handlers), sup_closed, NULL) == -1)
		fatal("%s: link: %s", d->name, strerror(errno));
	afw_log_sink_set(log_to_supervisor, NULL);
	if (afw_hello_send(&sup) == -1)
		fatal("%s: supervisor is gone", d->name);
	(void)event_base_dispatch(base);
	return 0;
}
