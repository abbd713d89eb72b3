/* SPDX-License-Identifier: ISC */
/*
 * The life of the helpers: start, HELLO, watch, bury, start again. A process
 * is dead when it was reaped *and* its link was read to the end, so that its
 * last words are heard; whichever comes first, the other is hurried along.
 */
#include "config.h"

#include "supervise.h"

#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "afwrtd.h"
#include "ask.h"
#include "files.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"
#include "library.h"
#include "peers.h"
#include "relay.h"
#include "replay.h"
#include "routes.h"
#include "run.h"
#include "spawn.h"
#include "state.h"

#define HELLO_MS        5000 /* from start to READY */
#define HURRY_MS        1000 /* from the end of link or process to the other's */
#define BACKOFF_MIN_MS  100
#define BACKOFF_MAX_MS  10000
#define STEADY_MS       60000 /* a run this long forgets earlier deaths */
#define HALVING_MS      2000  /* and each so long halves the wait */
#define PING_MS         5000
#define PING_MISSES     3
#define EXIT_IMPOSSIBLE 2
#define LINES_MAX       1000 /* of one helper in ten seconds */

static struct event *sigchld, *ping_timer;
static uint32_t last_gen;
static bool ending;

static void child_dead(struct child *c);

static const char *
name_of(const struct child *c)
{
	return afw_role_name(c->role);
}

void
supervise_kill(struct child *c, const char *why)
{
	log_err("%s: killed: %s", c->prog, why);
	if (c->pid != 0)
		(void)kill(c->pid, SIGKILL);
}

static void
child_fail(struct child *c, unsigned int code, const char *text)
{
	c->state = CHILD_FAILED;
	c->fail_code = code;
	(void)snprintf(c->fail_text, sizeof(c->fail_text), "%s", text);
	log_err("%s: not started again: %s", c->prog, text);
	ask_fail(c);
	run_child_failed(c);
}

static void
ping_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct child *c = arg;

	(void)text;
	if (code == AFW_OK) {
		c->missed = 0;
		if (m != NULL && m->hdr.type == AFW_MSG_PONG)
			memcpy(&c->usage, m->payload, sizeof(c->usage));
		return;
	}
	if (code != AFW_ETIMEDOUT ||
	    (c->state != CHILD_UP && c->state != CHILD_REPLAY))
		return;
	if (++c->missed == PING_MISSES)
		supervise_kill(c, "did not answer three times");
	else
		log_warn("%s: does not answer", c->prog);
}

static void
child_ping(struct child *c)
{
	(void)afw_link_request(
	    &c->link, AFW_MSG_PING, NULL, -1, PING_MS, false, ping_reply, c);
}

static void
log_level_reply(
    void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	const struct child *c = arg;

	(void)m;
	if (code != AFW_OK)
		log_warn("%s: log level: %s", c->prog, text);
}

/* One that is starting gets it when it is ready. */
void
supervise_log_level(struct child *c)
{
	struct afw_m_log_level m = {.level = (uint32_t)run_log_level()};

	if (!c->linked || c->link.chan.phase != AFW_PH_R ||
	    c->state == CHILD_DYING)
		return;
	c->log_level = m.level;
	(void)afw_link_request(&c->link, AFW_MSG_LOG_LEVEL, &m, -1, PING_MS,
	    false, log_level_reply, c);
}

static int
hello_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct child *c = arg;
	const char *refused = afw_hello_refuses((const void *)m->payload);
	struct afw_m_start st = {
	    .gen = c->gen, .log_level = (uint32_t)run_log_level()};
	char text[160];

	if (c->state != CHILD_HELLO)
		return -1;
	if (refused != NULL) {
		(void)snprintf(text, sizeof(text), "%s %s", c->prog, refused);
		child_fail(c, AFW_EPROTO, text);
		(void)kill(c->pid, SIGKILL);
		return 0;
	}
	if (afw_link_send(l, AFW_MSG_START, 0, &st, -1) == -1)
		return 0;
	l->chan.self_gen = 1;
	l->chan.peer_gen = c->gen;
	l->chan.phase = AFW_PH_S;
	c->state = CHILD_READY;
	c->log_level = st.log_level;
	return 0;
}

static int
ready_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct child *c = arg;

	(void)m;
	l->chan.phase = AFW_PH_R;
	(void)evtimer_del(c->timer);
	log_info("%s: started, pid %d, generation %u", name_of(c), (int)c->pid,
	    c->gen);
	memset(&c->usage, 0, sizeof(c->usage));
	child_ping(c);
	if (c->log_level != (uint32_t)run_log_level())
		supervise_log_level(c);
	replay_start(c);
	return 0;
}

static int
log_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct afw_m_log *lm = (void *)m->payload;
	struct child *c = arg;
	char *p;

	(void)l;
	if (!afw_log_wants(LOG_DEBUG) &&
	    !afw_ratelimit_ok(&c->lines, LINES_MAX))
		return 0;
	for (p = lm->text; *p != '\0'; p++) /* a line stays one line */
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	library_log((int)lm->level, lm->text);
	return 0;
}

static const struct afw_handler handlers[] = {
    {AFW_MSG_HELLO, hello_handle},
    {AFW_MSG_READY, ready_handle},
    {AFW_MSG_LOG, log_handle},
    {AFW_MSG_WAN, run_wan_handle},
    {AFW_MSG_NET_KEEP, files_keep_handle},
    {AFW_MSG_ROUTE_EVENT, routes_event_handle},
    {AFW_MSG_FILE_GET, files_get_handle},
    {AFW_MSG_CACHE_SAVE, files_save_handle},
    {AFW_MSG_STATE_GET, state_get_handle},
    {AFW_MSG_STATE_SAVE, state_save_handle},
    {AFW_MSG_AUTH_TOKEN_NEW, relay_token_new_handle},
    {AFW_MSG_AUTH_INVALID, relay_invalid_handle},
    {AFW_MSG_AUTH_EXPIRED, relay_expired_handle},
    {0, NULL},
};

/* What others must know at once: this one does not answer any more. */
static void
child_down(struct child *c)
{
	if (c->state != CHILD_FAILED)
		c->state = CHILD_DYING;
	peers_down(c->role);
	if (c->role == AFW_TUN)
		routes_tun_died();
}

static void
link_closed(void *arg, struct afw_link *l, const char *why)
{
	struct child *c = arg;

	if (*why != '\0') {
		c->violations++;
		supervise_kill(c, why);
	}
	child_down(c);
	c->linked = false;
	afw_link_close(l);
	if (c->pid == 0)
		child_dead(c);
	else
		afwrtd_timer_set(c->timer, HURRY_MS);
}

static void
child_start(struct child *c)
{
	char path[AFW_PATH_SIZE], text[sizeof(c->fail_text)];
	int fd;

	if (spawn_start(c->prog, &c->pid, &fd, path, sizeof(path)) == -1) {
		(void)snprintf(
		    text, sizeof(text), "%.120s: %s", path, strerror(errno));
		c->pid = 0;
		child_fail(c, afw_error_from_errno(errno), text);
		return;
	}
	if (afw_link_open(&c->link, afwrtd_base, fd, AFW_SUP, c->role, handlers,
		link_closed, c) == -1)
		fatal("%s: link: %s", c->prog, strerror(errno));
	c->linked = true;
	c->state = CHILD_HELLO;
	c->configured = false;
	c->missed = 0;
	c->gen = ++last_gen;
	c->started_ms = afw_now_ms();
	afwrtd_timer_set(c->timer, HELLO_MS);
}

static void
child_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	switch (c->state) {
	case CHILD_BACKOFF:
		c->restarts++;
		child_start(c);
		break;
	case CHILD_HELLO:
	case CHILD_READY:
		supervise_kill(c, "did not get ready in 5 s");
		break;
	default: /* the process or its link outlives the other */
		if (c->pid != 0)
			(void)kill(c->pid, SIGKILL);
		else if (c->linked)
			link_closed(c, &c->link, "");
	}
}

/*
 * What dies as it starts waits longer each time; what has done its work for a
 * while and dies is back at once, however often it has died before.
 */
static void
backoff_forget(struct child *c)
{
	int64_t ran = afw_now_ms() - c->started_ms;

	if (ran >= STEADY_MS)
		c->backoff_ms = 0;
	for (; ran >= HALVING_MS && c->backoff_ms > 0; ran -= HALVING_MS)
		c->backoff_ms /= 2;
	if (c->backoff_ms < BACKOFF_MIN_MS)
		c->backoff_ms = 0;
}

static void
child_backoff(struct child *c)
{
	backoff_forget(c);
	c->state = CHILD_BACKOFF;
	log_warn("%s: started again in %u ms", c->prog, c->backoff_ms);
	afwrtd_timer_set(c->timer, c->backoff_ms);
	if (c->backoff_ms == 0)
		c->backoff_ms = BACKOFF_MIN_MS;
	else if (c->backoff_ms < BACKOFF_MAX_MS / 2)
		c->backoff_ms *= 2;
	else
		c->backoff_ms = BACKOFF_MAX_MS;
}

/* Reaped, and its link read to the end. */
static void
child_dead(struct child *c)
{
	char text[120];

	(void)evtimer_del(c->timer);
	if (ending) {
		c->state = CHILD_OFF;
		run_child_gone();
	} else if (c->state == CHILD_FAILED) {
		return;
	} else if (WIFEXITED(c->status) &&
	    WEXITSTATUS(c->status) == EXIT_IMPOSSIBLE) {
		(void)snprintf(text, sizeof(text),
		    "%s: its configuration is impossible; see the log",
		    c->prog);
		child_fail(c, AFW_EPIPE, text);
	} else {
		child_backoff(c);
	}
}

static void
child_reaped(struct child *c, int status)
{
	c->pid = 0;
	c->status = status;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_err("%s: KILLED BY ITS SANDBOX: it made a system call that "
			"it must never make",
		    c->prog);
	else if (WIFSIGNALED(status))
		log_warn("%s: died of signal %d", c->prog, WTERMSIG(status));
	else if (!ending || WEXITSTATUS(status) != 0)
		log_warn(
		    "%s: exited with status %d", c->prog, WEXITSTATUS(status));
	if (c->linked)
		afwrtd_timer_set(c->timer, HURRY_MS);
	else
		child_dead(c);
}

static struct child *
child_of_pid(pid_t pid)
{
	struct child *c;

	CHILD_FOREACH(c)
	if (c->pid == pid)
		return c;
	return NULL;
}

static void
sigchld_cb(evutil_socket_t sig, short what, void *arg)
{
	struct child *c;
	pid_t pid;
	int status;

	(void)sig;
	(void)what;
	(void)arg;
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if ((c = child_of_pid(pid)) == NULL)
			continue;
		if (WIFSTOPPED(status))
			supervise_kill(c, "was stopped by a signal");
		else
			child_reaped(c, status);
	}
}

static void
ping_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct child *c;

	(void)fd;
	(void)what;
	(void)arg;
	CHILD_FOREACH(c)
	if (c->state == CHILD_UP || c->state == CHILD_REPLAY)
		child_ping(c);
	files_resolv_check();
	afwrtd_timer_set(ping_timer, PING_MS);
}

void
supervise_init(void)
{
	struct child *c;

	child_init();
	CHILD_FOREACH(c)
	c->timer = afwrtd_timer(child_timer_cb, c);
	sigchld = evsignal_new(afwrtd_base, SIGCHLD, sigchld_cb, NULL);
	if (sigchld == NULL || evsignal_add(sigchld, NULL) == -1)
		fatal("afwrtd: cannot watch children: %s", strerror(errno));
	ping_timer = afwrtd_timer(ping_timer_cb, NULL);
	afwrtd_timer_set(ping_timer, PING_MS);
}

void
supervise_want(enum afw_role role)
{
	struct child *c = child_get(role);

	bool failed = c->state == CHILD_FAILED && c->pid == 0 && !c->linked;

	if ((c->state == CHILD_OFF || failed) && !ending)
		child_start(c);
}

void
supervise_ending(void)
{
	struct child *c;

	ending = true;
	CHILD_FOREACH(c)
	if (c->state == CHILD_BACKOFF) {
		(void)evtimer_del(c->timer);
		c->state = CHILD_OFF;
		ask_fail(c);
	}
}

void
supervise_kill_all(void)
{
	struct child *c;
	int status;

	CHILD_FOREACH(c)
	{
		if (c->pid == 0)
			continue;
		log_warn("%s: did not end by itself: killed", c->prog);
		(void)kill(c->pid, SIGKILL);
		while (waitpid(c->pid, &status, 0) == -1 && errno == EINTR)
			;
		c->pid = 0;
	}
}
