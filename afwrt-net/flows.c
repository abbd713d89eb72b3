/* SPDX-License-Identifier: ISC */
/*
 * What afwrt-tun is told: the device, and the route of each address. A replay
 * of all flows keeps a bounded number of requests under way, whatever their
 * number, and always tells the newest route, also of a rule that changes in
 * the meantime.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"
#include "state.h"

#define ONE_TIMEOUT_MS    1000
#define REPLAY_TIMEOUT_MS 5000
#define REPLAY_WINDOW     64

static struct {
	bool active;
	bool bracket; /* BEGIN was sent, so END is owed */
	bool broken;  /* tun is gone: no more */
	bool again;   /* asked for once more meanwhile */
	struct afw_key *key;
	size_t n, next, under_way;
	unsigned int code;
	char text[160];
	void (*done)(unsigned int, const char *);
	void (*done_again)(unsigned int, const char *);
} replay;

static void replay_pump(void);

static struct afw_link *
tun_link(void)
{
	struct afw_link *l = afw_daemon_peer(AFW_TUN);

	return afw_link_is_open(l) ? l : NULL;
}

bool
flows_set(const struct afw_addr *a, uint32_t route, afw_reply_cb cb, void *arg)
{
	struct afw_m_flow m = {.addr = *a, .route = route};
	struct afw_link *l = tun_link();

	return l != NULL &&
	    afw_link_request(l, AFW_MSG_FLOW_SET, &m, -1, ONE_TIMEOUT_MS, false,
		cb, arg) != 0;
}

void
flows_del(const struct afw_addr *a)
{
	struct afw_m_flow m = {.addr = *a};
	struct afw_link *l = tun_link();

	if (l != NULL)
		(void)afw_link_request(l, AFW_MSG_FLOW_DEL, &m, -1,
		    ONE_TIMEOUT_MS, false, NULL, NULL);
}

static void
replay_start(void (*done)(unsigned int, const char *))
{
	struct afw_link *l = tun_link();
	struct device *d = NULL;
	size_t i = 0;

	memset(&replay, 0, sizeof(replay));
	replay.active = true;
	replay.done = done;
	replay.key = calloc(net.devices.n + 1, sizeof(*replay.key));
	if (replay.key == NULL)
		fatal("flows: out of memory");
	while (device_next(&net.devices, &i, &d))
		if (d->key.kind == AFW_KEY_IP)
			replay.key[replay.n++] = d->key;
	/* before the supervisor has told all we must not say "these only" */
	replay.bracket = net.synced;
	if (l == NULL ||
	    (replay.bracket &&
		afw_link_send(l, AFW_MSG_FLOW_SYNC_BEGIN, 0, NULL, -1) == -1))
		replay.broken = true;
	replay_pump();
}

static void
replay_end(void)
{
	void (*done)(unsigned int, const char *) = replay.done;
	void (*next)(unsigned int, const char *) = replay.done_again;
	unsigned int code = replay.code;
	bool again = replay.again;
	char text[sizeof(replay.text)];

	memcpy(text, replay.text, sizeof(text));
	free(replay.key);
	memset(&replay, 0, sizeof(replay));
	if (again)
		replay_start(next);
	if (done != NULL)
		done(code, text);
	else if (code != AFW_OK)
		log_warn("flows: tun refused one: %s", text);
}

static void
replay_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	(void)arg;
	(void)m;
	replay.under_way--;
	if (code == AFW_EPIPE) {
		replay.broken = true;
	} else if (code != AFW_OK && replay.code == AFW_OK) {
		replay.code = code;
		(void)snprintf(replay.text, sizeof(replay.text), "%s", text);
	}
	replay_pump();
}

static void
replay_send(struct afw_link *l, const struct afw_key *k)
{
	const struct device *d = device_find(&net.devices, k);
	struct afw_m_flow m;

	if (d == NULL)
		return; /* removed in the meantime */
	m.addr = k->addr;
	m.route = d->route;
	if (afw_link_request(l, AFW_MSG_FLOW_SET, &m, -1, REPLAY_TIMEOUT_MS,
		false, replay_cb, NULL) == 0)
		replay.broken = true;
	else
		replay.under_way++;
}

static void
replay_pump(void)
{
	struct afw_link *l = tun_link();

	if (l == NULL)
		replay.broken = true;
	while (!replay.broken && replay.next < replay.n &&
	    replay.under_way < REPLAY_WINDOW)
		replay_send(l, &replay.key[replay.next++]);
	if (!replay.broken && replay.next == replay.n && replay.bracket) {
		replay.bracket = false;
		(void)afw_link_send(l, AFW_MSG_FLOW_SYNC_END, 0, NULL, -1);
	}
	if (replay.under_way == 0 && (replay.broken || replay.next == replay.n))
		replay_end();
}

bool
flows_replay(void (*done)(unsigned int code, const char *text))
{
	if (!replay.active) {
		replay_start(done);
		return true;
	}
	if (done != NULL && replay.done_again != NULL)
		return false;
	replay.again = true;
	if (done != NULL)
		replay.done_again = done;
	return true;
}

void
flows_detach(void)
{
	replay.done = replay.done_again = NULL;
}

void
flows_device(struct afw_link *l)
{
	struct afw_m_device m = {.ifindex = net.tun.ifindex,
	    .mtu = net.tun.mtu,
	    .vnet_hdr = net.tun.vnet_hdr};
	int fd;

	if (!afw_link_is_open(l) || net.mode != NET_ON || net.tun.ifindex == 0)
		return;
	if ((net.cfg.flags & AFW_C_NO_SOCKET_SETUP) == 0)
		m.addr = net.cfg.tun_addr;
	if ((fd = fcntl(net.tun.fd, F_DUPFD_CLOEXEC, 0)) == -1) {
		log_err("interface %s: descriptor not copied", net.tun.name);
		return;
	}
	(void)afw_link_send(l, AFW_MSG_DEVICE, 0, &m, fd);
	if (net.synced || net.devices.n > 0)
		(void)flows_replay(NULL);
}
