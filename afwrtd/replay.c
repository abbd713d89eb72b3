/* SPDX-License-Identifier: ISC */
/*
 * What a helper is told when it starts. The order is the contract: see
 * "Restart of a helper" in HACKING.md. A channel keeps the order, so that
 * messages of one helper are sent in one go; only afwrt-net's rules wait for
 * its configuration to be accepted.
 */
#include "config.h"

#include "replay.h"

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "afwrtd.h"
#include "ask.h"
#include "batch.h"
#include "files.h"
#include "lib/daemon/log.h"
#include "library.h"
#include "peers.h"
#include "relay.h"
#include "routes.h"
#include "run.h"
#include "supervise.h"
#include "sync.h"
#include "wg.h"

#define STEP_MS     10000
#define CONFLICT_MS 2000 /* that a former suite may take to be gone */
#define AGAIN_MS    100

static void net_again_cb(evutil_socket_t fd, short what, void *arg);

static int nat_fd = -1;
static bool nat_used;

static void
replay_failed(struct child *c)
{
	log_err("%s: %s", c->prog, c->replay_text);
	if (run_config_failed(c->replay_code, c->replay_text)) {
		c->state = CHILD_UP; /* another CONFIG may be better */
		ask_flush(c);
		return;
	}
	supervise_kill(c, "could not be told what it has to know");
}

static void
replay_done(struct child *c)
{
	if (c->replay_code != AFW_OK) {
		replay_failed(c);
		return;
	}
	if (c->replay_more) {
		replay_start(c);
		return;
	}
	c->state = CHILD_UP;
	if (c->role == AFW_AUTH && c->restarts > 0 && relay_is_configured())
		(void)afw_link_send(
		    library_link(), AFW_MSG_EV_AUTH_UP, 0, NULL, -1);
	ask_flush(c);
	run_child_up(c);
	if (c->role == AFW_NET)
		batch_net_up();
}

static void
replay_note(struct child *c, unsigned int code, const char *text)
{
	if (code == AFW_OK || c->replay_code != AFW_OK)
		return;
	c->replay_code = code;
	(void)snprintf(c->replay_text, sizeof(c->replay_text), "%s", text);
}

/* An answer of a process that is being told; the dead ones do not count. */
static void
replay_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct child *c = arg;

	(void)m;
	if (c->state != CHILD_REPLAY)
		return;
	replay_note(c, code, text);
	if (--c->replay_left == 0)
		replay_done(c);
}

static void
replay_step(struct child *c, enum afw_msg_type type, const void *payload,
    int fd, afw_reply_cb cb)
{
	if (afw_link_request(
		&c->link, type, payload, fd, STEP_MS, false, cb, c) != 0)
		c->replay_left++;
}

/* The interfaces of WireGuard routes, before the rules that lead there. */
static void
net_interfaces(void *arg)
{
	struct child *c = arg;

	c->replay_left += wg_replay_net(c, STEP_MS, replay_reply, c);
}

static void
net_synced(void *arg, unsigned int code, const char *text)
{
	struct child *c = arg;

	replay_reply(c, code, text, NULL);
}

/*
 * What a suite that was killed has left belongs to its afwrt-net until that
 * has gone, too. So a conflict counts only when it is there to stay.
 */
static int64_t net_since;

static bool
net_may_try_again(struct child *c, unsigned int code)
{
	static struct event *timer;

	if (code != AFW_ECONFLICT && code != AFW_EBUSY) {
		net_since = 0;
		return false;
	}
	if (net_since == 0)
		net_since = afw_now_ms();
	if (afw_now_ms() - net_since > CONFLICT_MS) {
		net_since = 0;
		return false;
	}
	if (timer == NULL)
		timer = afwrtd_timer(net_again_cb, c);
	afwrtd_timer_set(timer, AGAIN_MS);
	return true;
}

static void
net_configured(
    void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct child *c = arg;

	if (c->state != CHILD_REPLAY || net_may_try_again(c, code))
		return;
	if (code == AFW_OK) {
		c->configured = true;
		if (batch_was_committed()) {
			sync_start(net_interfaces, net_synced, c);
			return;
		}
		net_interfaces(c);
	} else {
		files_keep_close(); /* if that was why, a new one will do */
	}
	replay_reply(c, code, text, m);
}

/* With "type": "wireguard" there is no TUN of the suite. */
static bool
has_tun(void)
{
	return run_config()->type != AFW_TYPE_WIREGUARD;
}

static void
net_again_cb(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	int tun = -1;

	(void)fd;
	(void)what;
	if (c->state != CHILD_REPLAY || c->configured)
		return;
	if ((has_tun() && (tun = files_tun_open()) == -1) ||
	    afw_link_request(&c->link, AFW_MSG_NET_CONFIG, run_config(), tun,
		STEP_MS, false, net_configured, c) == 0)
		replay_reply(c, AFW_EPIPE, "afwrt-net is gone", NULL);
}

static void
net_replay(struct child *c)
{
	int fd = -1;

	peers_up(AFW_NET);
	if (!run_is_applied() || c->configured)
		return;
	if (has_tun() && (fd = files_tun_open()) == -1) {
		replay_note(c, afw_error_from_errno(errno), files_last_error());
		return;
	}
	replay_step(c, AFW_MSG_NET_CONFIG, run_config(), fd, net_configured);
}

static int
nat_dup(void)
{
	if (nat_fd == -1)
		nat_fd = memfd_create("afwrt-nat", MFD_CLOEXEC);
	return nat_fd == -1 ? -1 : fcntl(nat_fd, F_DUPFD_CLOEXEC, 0);
}

void
replay_nat_forget(void)
{
	if (nat_fd != -1)
		(void)close(nat_fd);
	nat_fd = -1;
	nat_used = false;
}

static void
tun_configured(
    void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct child *c = arg;

	if (code == AFW_OK) {
		nat_used = true;
		c->configured = true;
	}
	replay_reply(c, code, text, m);
}

static void
tun_config_send(struct child *c)
{
	const struct afw_m_config *cf = run_config();
	struct afw_m_tun_config t = {
	    .default_route = routes_default_id(),
	    .connections = cf->connections,
	    .rcvbuf = cf->rcvbuf,
	    .sndbuf = cf->sndbuf,
	    .v4v6 = cf->v4v6,
	    .fresh = !nat_used,
	};
	int fd = nat_dup();

	if (fd == -1) {
		replay_note(c, afw_error_from_errno(errno),
		    "no memory for the NAT table");
		return;
	}
	replay_step(c, AFW_MSG_TUN_CONFIG, &t, fd, tun_configured);
}

/* One route that tun refuses must not keep the others down. */
static void
route_told(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	if (code != AFW_OK && m != NULL)
		log_err("tun: a route was refused: %s", text);
	replay_reply(arg, m != NULL ? AFW_OK : code, text, m);
}

static void
tun_replay(struct child *c)
{
	struct route *r = NULL;
	struct afw_m_route set;

	if (!c->configured && run_is_configured()) {
		tun_config_send(c);
		while ((r = routes_next(r)) != NULL) {
			if (!r->set)
				continue;
			wg_replay_tun(r);
			routes_message(r, &set);
			replay_step(c, AFW_MSG_ROUTE_SET, &set, -1, route_told);
		}
	}
	peers_up(AFW_TUN);
}

/* A backend that cannot be told is the library's to hear of, not a reason to
 * go without the others. */
static void
backend_told(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	if (code != AFW_OK && m != NULL)
		log_err("auth: a backend was refused: %s", text);
	replay_reply(arg, m != NULL ? AFW_OK : code, text, m);
}

static void
auth_replay(struct child *c)
{
	const struct afw_m_auth_config *ac = relay_auth_config();
	const struct afw_m_backend *b;
	const char *path;
	unsigned int i;

	files_send_all();
	if (ac != NULL && !c->configured) {
		replay_step(c, AFW_MSG_AUTH_CONFIG, ac, -1, replay_reply);
		for (i = 0; i < AFW_BACKENDS_MAX; i++) {
			if ((b = relay_backend(i)) == NULL)
				continue;
			if ((path = files_url_path(b->url)) != NULL)
				(void)files_send(AFW_FILE_BACKEND, path);
			replay_step(c, AFW_MSG_BACKEND, b, -1, backend_told);
		}
		c->configured = true;
	}
	peers_up(AFW_AUTH);
}

void
replay_start(struct child *c)
{
	c->state = CHILD_REPLAY;
	c->replay_more = false;
	c->replay_left = 0;
	c->replay_code = AFW_OK;
	c->replay_text[0] = '\0';
	if (c->role == AFW_NET)
		net_replay(c);
	else if (c->role == AFW_TUN)
		tun_replay(c);
	else
		auth_replay(c);
	if (c->replay_left == 0)
		replay_done(c);
}

void
replay_more(enum afw_role role)
{
	struct child *c = child_get(role);

	if (c->state == CHILD_UP)
		replay_start(c);
	else if (c->state == CHILD_REPLAY)
		c->replay_more = true;
}
