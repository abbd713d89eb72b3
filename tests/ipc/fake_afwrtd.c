/* SPDX-License-Identifier: ISC */
/*
 * An afwrtd for the tests of the library: it speaks channel A and does
 * nothing. Its environment is clean, so it is told what to do by the file
 * "mode" in AFWRT_LIBEXECDIR, and by the names of the locations:
 *
 *   modes      sum (another build), mute (no HELLO), dead (exits at once),
 *              stuck (ignores the end of file)
 *   locations  nowhere (ENOENT), silent (no answer), die (exits), bad (a
 *              violation), flood (2000 events first), authup (EV_AUTH_UP
 *              first), later (answered with the next request), queue-full
 *
 * It writes what it was born with to "report", and each message's name to
 * "seen".
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/wire/blob.h"
#include "lib/wire/channel.h"

#define RULES 1024

static struct afw_chan chan;
static struct afw_m_protect rules[RULES];
static size_t nrules;
static char vl_default[AFW_LOCATION_SIZE];
static bool is_wireguard;
static uint32_t later;
static int seen_fd;
static unsigned int seq;
static char mode[32];

static int
file_open(const char *name, int flags)
{
	char path[1024];

	(void)snprintf(
	    path, sizeof(path), "%s/%s", getenv("AFWRT_LIBEXECDIR"), name);
	return open(path, flags | O_CLOEXEC, 0600);
}

/* Environment, descriptors and ids: what the library promised. */
static void
report(void)
{
	int fd = file_open("report", O_WRONLY | O_CREAT | O_TRUNC);
	extern char **environ;
	struct dirent *d;
	char **e;
	DIR *dir;

	if (fd == -1)
		return;
	(void)dprintf(fd, "pid %d sid %d\n", (int)getpid(),
	    (int)getsid(0) == (int)getpid());
	for (e = environ; *e != NULL; e++)
		(void)dprintf(fd, "env %s\n", *e);
	if ((dir = opendir("/proc/self/fd")) != NULL) {
		while ((d = readdir(dir)) != NULL)
			if (d->d_name[0] != '.' && atoi(d->d_name) != fd &&
			    atoi(d->d_name) != dirfd(dir) &&
			    atoi(d->d_name) != seen_fd)
				(void)dprintf(fd, "fd %s\n", d->d_name);
		(void)closedir(dir);
	}
	(void)close(fd);
}

static void
status(uint32_t id, unsigned int code, const char *text)
{
	struct afw_m_status m = {.code = code};

	(void)afw_str_set(m.text, sizeof(m.text), text);
	(void)afw_chan_send(&chan, AFW_MSG_STATUS, id, &m, -1);
}

static void
route_event(const char *location, unsigned int state, unsigned int reason)
{
	struct afw_m_ev_route m = {
	    .state = state, .reason = reason, .seq = ++seq};

	(void)afw_str_set(m.location, sizeof(m.location), location);
	(void)afw_chan_send(&chan, AFW_MSG_EV_ROUTE, 0, &m, -1);
}

static void
protect(uint32_t id, const struct afw_m_protect *p)
{
	size_t i;
	int n;

	if (strcmp(p->location, "nowhere") == 0) {
		status(id, AFW_ENOENT, "unknown location nowhere");
		return;
	}
	if (strcmp(p->location, "silent") == 0)
		return;
	if (strcmp(p->location, "die") == 0)
		_exit(1);
	if (strcmp(p->location, "bad") == 0)
		(void)send(chan.fd, "rubbish", 7, MSG_NOSIGNAL);
	if (strcmp(p->location, "later") == 0) {
		later = id;
		return;
	}
	if (strcmp(p->location, "authup") == 0)
		(void)afw_chan_send(&chan, AFW_MSG_EV_AUTH_UP, 0, NULL, -1);
	if (strcmp(p->location, "flood") == 0)
		for (n = 0; n < 2000; n++)
			route_event(n == 7 ? "early" : "flood",
			    AFW_ROUTE_CONNECTED + (unsigned int)n % 2, 0);
	for (i = 0; i < nrules; i++)
		if (afw_key_equal(&rules[i].key, &p->key))
			break;
	if (i == RULES) {
		status(id, AFW_ENOSPC, "");
		return;
	}
	rules[i] = *p;
	nrules += i == nrules;
	status(id, AFW_OK, "");
}

static void
unprotect(uint32_t id, const struct afw_key *k)
{
	size_t i;

	for (i = 0; i < nrules; i++)
		if (afw_key_equal(&rules[i].key, k)) {
			rules[i] = rules[--nrules];
			status(id, AFW_OK, "");
			return;
		}
	status(id, AFW_ENOENT, "no such rule");
}

static void
query(uint32_t id)
{
	struct afw_m_process p = {.role = AFW_SUP,
	    .pid = (uint32_t)getpid(),
	    .gen = 1,
	    .rss_bytes = 4096,
	    .cpu_ms = 2500};
	struct afw_m_route_info r;
	size_t i;

	(void)afw_chan_send(&chan, AFW_MSG_QUERY_PROCESS, id, &p, -1);
	memset(&r, 0, sizeof(r));
	(void)afw_str_set(r.location, sizeof(r.location), "de-berlin");
	r.is_default = 1;
	r.type = AFW_TYPE_HYDRA_TCP;
	r.rules = 2;
	r.type = AFW_TYPE_HYDRA_TCP;
	r.stats.route = 1;
	r.stats.state = AFW_ROUTE_CONNECTED;
	r.stats.up_bytes = UINT64_C(1) << 40;
	r.stats.rtt_us = 12500;
	r.stats.flows = 2;
	r.stats.failed[AFW_REASON_TIMEOUT] = 3;
	r.stats.failed[AFW_REASON_TLS] = 1;
	r.stats.mtu = 1400;
	(void)afw_addr_parse(&r.stats.server, "192.0.2.1");
	(void)afw_addr_parse(&r.stats.inner4, "10.1.2.3");
	(void)afw_chan_send(&chan, AFW_MSG_QUERY_ROUTE, id, &r, -1);
	(void)afw_str_set(r.location, sizeof(r.location), "us");
	r.is_default = 0;
	r.type = AFW_TYPE_WIREGUARD;
	r.wg_impl = AFW_WG_USERSPACE;
	(void)afw_str_set(r.ifname, sizeof(r.ifname), "wg0");
	(void)afw_chan_send(&chan, AFW_MSG_QUERY_ROUTE, id, &r, -1);
	for (i = 0; i < nrules; i++)
		(void)afw_chan_send(
		    &chan, AFW_MSG_QUERY_RULE, id, &rules[i], -1);
	status(id, AFW_OK, "");
}

static void
locations(uint32_t id)
{
	static const char text[] = "{\"result\": \"OK\",  \"locations\": "
				   "[{\"name\": \"us\", \"labels\": "
				   "{\"country\": \"us\"}}]}";
	struct afw_m_blob b = {.len = sizeof(text) - 1};

	(void)afw_chan_send(&chan, AFW_MSG_LOCATIONS_JSON, id, &b,
	    afw_blob_make(text, sizeof(text) - 1));
}

static void
registration(uint32_t id, const struct afw_m_credentials *c)
{
	struct afw_m_token t;

	if (strcmp(c->token, "refused") == 0) {
		struct afw_m_status s = {
		    .code = AFW_EACCES, .text = "OAUTH_ERROR"};

		(void)afw_chan_send(&chan, AFW_MSG_EV_INVALID_AUTH, 0, &s, -1);
		status(id, AFW_EACCES, "OAUTH_ERROR");
		return;
	}
	memset(&t, 0, sizeof(t));
	(void)snprintf(t.token, sizeof(t.token), "token-of-%s", c->method);
	if (strcmp(c->method, "both") == 0)
		(void)afw_chan_send(&chan, AFW_MSG_EV_TOKEN, 0, &t, -1);
	(void)afw_chan_send(&chan, AFW_MSG_REGISTERED, id, &t, -1);
}

static void
bandwidth(void)
{
	struct afw_m_bandwidth b = {
	    .interval_ms = 100, .n_points = 5, .down = 1000, .up = 10};

	(void)afw_str_set(b.location, sizeof(b.location), "us");
	(void)afw_chan_send(&chan, AFW_MSG_EV_BANDWIDTH, 0, &b, -1);
	(void)afw_str_set(b.location, sizeof(b.location), "de");
	b.last = 1;
	(void)afw_chan_send(&chan, AFW_MSG_EV_BANDWIDTH, 0, &b, -1);
}

static void
run(uint32_t id)
{
	struct afw_m_log l = {.level = 6, .text = "fake: running"};

	if (strcmp(vl_default, "no-wan") == 0) {
		status(id, AFW_ENODEV, "wan0 did not appear");
		return;
	}
	(void)afw_chan_send(&chan, AFW_MSG_LOG, 0, &l, -1);
	status(id, AFW_OK, "");
	if (is_wireguard)
		(void)afw_chan_send(&chan, AFW_MSG_EV_READY, 0, NULL, -1);
	if (vl_default[0] != '\0')
		route_event(vl_default, AFW_ROUTE_CONNECTED, 0);
	bandwidth();
	if (strcmp(vl_default, "refused") == 0) {
		struct afw_m_status s = {.code = AFW_EACCES};

		(void)afw_str_set(s.text, sizeof(s.text), "USER_SUSPENDED");
		(void)afw_chan_send(&chan, AFW_MSG_EV_INVALID_AUTH, 0, &s, -1);
		(void)afw_chan_send(&chan, AFW_MSG_EV_STOPPED, 0, &s, -1);
	}
}

static void
stop(uint32_t id)
{
	struct afw_m_status s = {.code = AFW_OK};

	if (vl_default[0] != '\0')
		route_event(vl_default, AFW_ROUTE_DISCONNECTED, 0);
	(void)afw_chan_send(&chan, AFW_MSG_EV_STOPPED, 0, &s, -1);
	status(id, AFW_OK, "");
}

static void
verify(uint32_t id, const struct afw_m_verify *v)
{
	if (strcmp(v->username, "away") == 0)
		status(id, AFW_ENETUNREACH, "");
	else
		status(id,
		    strcmp(v->password, "right") == 0 ? AFW_OK : AFW_EACCES,
		    "");
}

static void
tunnel(uint32_t id, const char *location, const char *iface)
{
	if (iface[0] != '\0')
		(void)dprintf(seen_fd, "IFACE %s\n", iface);
	if (strcmp(iface, "taken") == 0)
		status(id, AFW_EBUSY, "the interface name is in use");
	else if (strcmp(location, "exists") == 0)
		status(id, AFW_EEXIST, "");
	else if (strcmp(location, "used") == 0)
		status(id, AFW_EBUSY, "a rule uses it");
	else if (strcmp(location, "nowhere") == 0)
		status(id, AFW_ENOENT, "");
	else
		status(id, AFW_OK, "");
}

/* hydra_tun_fd: /dev/null in the tests. */
static void
tun_given(const struct afw_m_config *c, int fd)
{
	struct stat st, null;

	if ((c->flags & AFW_C_TUN_FD) != 0 && fstat(fd, &st) == 0 &&
	    stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev)
		(void)dprintf(seen_fd, "TUN_FD\n");
}

static void
message(struct afw_msg *m)
{
	const void *p = m->payload;
	uint32_t id = m->hdr.id;

	(void)dprintf(seen_fd, "%s\n", m->row->name);
	if (m->hdr.type == AFW_MSG_CONFIG && m->fd != -1)
		tun_given(p, m->fd);
	if (later != 0 && m->hdr.id != 0) {
		status(later, AFW_OK, "");
		later = 0;
	}
	switch (m->hdr.type) {
	case AFW_MSG_CONFIG:
		(void)strcpy(
		    vl_default, ((const struct afw_m_config *)p)->vl_default);
		is_wireguard = ((const struct afw_m_config *)p)->type ==
		    AFW_TYPE_WIREGUARD;
		if (strcmp(vl_default, "unable") == 0)
			status(id, AFW_ENOSYS, "unable: not implemented");
		else
			status(id, AFW_OK, "");
		break;
	case AFW_MSG_PROTECT:
		protect(id, p);
		break;
	case AFW_MSG_UNPROTECT:
		unprotect(id, &((const struct afw_m_key *)p)->key);
		break;
	case AFW_MSG_QUERY:
		query(id);
		break;
	case AFW_MSG_LOCATIONS:
		locations(id);
		break;
	case AFW_MSG_REGISTER:
		registration(id, p);
		break;
	case AFW_MSG_RUN:
		run(id);
		break;
	case AFW_MSG_STOP:
		stop(id);
		break;
	case AFW_MSG_VERIFY_USER:
		verify(id, p);
		break;
	case AFW_MSG_TUNNEL_SETUP:
		tunnel(id, ((const struct afw_m_tunnel *)p)->location,
		    ((const struct afw_m_tunnel *)p)->iface);
		break;
	case AFW_MSG_TUNNEL_TEARDOWN:
		tunnel(id, ((const struct afw_m_location *)p)->location, "");
		break;
	case AFW_MSG_BATCH_BEGIN:
		break;
	default:
		status(id, AFW_OK, "");
		break;
	}
}

static void
serve(void)
{
	struct pollfd pfd = {.fd = chan.fd, .events = POLLIN};
	struct afw_msg m;
	int rc;

	for (;;) {
		pfd.events =
		    (short)(POLLIN | (chan.head != NULL ? POLLOUT : 0));
		(void)poll(&pfd, 1, -1);
		(void)afw_chan_flush(&chan);
		while ((rc = afw_chan_recv(&chan, &m)) == 1) {
			message(&m);
			afw_msg_done(&m);
		}
		if (rc == -1)
			return;
	}
}

int
main(void)
{
	struct afw_m_hello h = {.table_sum = afw_table_sum(),
	    .pid = (uint32_t)getpid(),
	    .build = "fake"};
	ssize_t n;
	int fd;

	if ((fd = file_open("mode", O_RDONLY)) != -1) {
		n = read(fd, mode, sizeof(mode) - 1);
		mode[n > 0 ? n : 0] = '\0';
		(void)close(fd);
	}
	seen_fd = file_open("seen", O_WRONLY | O_CREAT | O_APPEND);
	report();
	if (strcmp(mode, "dead") == 0)
		return 1;
	if (strcmp(mode, "sum") == 0)
		h.table_sum++;
	if (afw_chan_init(&chan, 3, AFW_SUP, AFW_LIB) == -1)
		return 2;
	if (strcmp(mode, "mute") != 0)
		(void)afw_chan_send(&chan, AFW_MSG_HELLO, 0, &h, -1);
	chan.phase = AFW_PH_R;
	chan.self_gen = chan.peer_gen = 1;
	serve();
	while (strcmp(mode, "stuck") == 0)
		(void)pause();
	return 0;
}
