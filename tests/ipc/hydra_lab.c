/* SPDX-License-Identifier: ISC */
#include "hydra_lab.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/daemon/daemon.h"
#include "lib/wire/blob.h"

/* ---- waiting ----------------------------------------------------------- */

bool
suite_await(struct suite *s, int ms, bool (*cond)(struct suite *s))
{
	struct timeval tick = {0, 2000};
	int64_t end;
	struct timespec ts;
	bool good;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	end = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + ms;
	while (!(good = cond != NULL && cond(s))) {
		(void)clock_gettime(CLOCK_MONOTONIC, &ts);
		if ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 >= end)
			break;
		(void)event_base_loopexit(s->base, &tick);
		(void)event_base_dispatch(s->base);
	}
	return good;
}

void
suite_run(struct suite *s, int ms)
{
	(void)suite_await(s, ms, NULL);
}

/* ---- supervisor -------------------------------------------------------- */

static void
closed(void *arg, struct afw_link *l, const char *why)
{
	(void)arg;
	if (*why != '\0')
		(void)printf("link: %s\n", why);
	afw_link_close(l);
}

static int
hello_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct suite *s = arg;
	struct afw_m_start st = {.gen = s->gen, .log_level = 6};

	if (getenv("HYDRA_DEBUG") != NULL)
		st.log_level = 7;
	if (afw_hello_refuses((const void *)m->payload) != NULL)
		return -1;
	if (afw_link_send(l, AFW_MSG_START, 0, &st, -1) == -1)
		return -1;
	l->chan.self_gen = 1;
	l->chan.peer_gen = s->gen;
	l->chan.phase = AFW_PH_S;
	return 0;
}

static int
ready_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct suite *s = arg;

	(void)m;
	l->chan.phase = AFW_PH_R;
	s->ready = true;
	return 0;
}

static int
log_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_log *log = (const void *)m->payload;

	(void)arg;
	(void)l;
	(void)printf("    %s\n", log->text);
	(void)fflush(stdout);
	return 0;
}

static int
event_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct suite *s = arg;

	(void)l;
	ck_assert_uint_lt(s->n_events, EVENTS_MAX);
	memcpy(&s->events[s->n_events++], m->payload, sizeof(s->events[0]));
	return 0;
}

static const struct afw_handler sup_handlers[] = {
    {AFW_MSG_HELLO, hello_handle},
    {AFW_MSG_READY, ready_handle},
    {AFW_MSG_LOG, log_handle},
    {AFW_MSG_ROUTE_EVENT, event_handle},
    {0, NULL},
};

static bool
is_ready(struct suite *s)
{
	return s->ready;
}

static bool
is_done(struct suite *s)
{
	return s->done;
}

static void
request_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct suite *s = arg;

	(void)text;
	if (m != NULL && m->hdr.type == AFW_MSG_ROUTE_STATS_ITEM) {
		memcpy(&s->stats, m->payload, sizeof(s->stats));
		return;
	}
	s->code = code;
	s->done = true;
}

unsigned int
suite_request(struct suite *s, enum afw_msg_type type, const void *payload)
{
	int fd = type == AFW_MSG_TUN_CONFIG ? memfd_create("nat", 0) : -1;

	s->done = false;
	ck_assert_uint_ne(afw_link_request(&s->sup, type, payload, fd, 5000,
			      type == AFW_MSG_ROUTE_STATS, request_cb, s),
	    0);
	ck_assert(suite_await(s, 6000, is_done));
	return s->code;
}

unsigned int
suite_flow(struct suite *s, uint32_t route)
{
	struct afw_m_flow f = {
	    .addr = {.family = 4, .b = {10, 0, 0, 1}}, .route = route};

	s->done = false;
	ck_assert_uint_ne(afw_link_request(&s->net, AFW_MSG_FLOW_SET, &f, -1,
			      5000, false, request_cb, s),
	    0);
	ck_assert(suite_await(s, 6000, is_done));
	return s->code;
}

void
suite_stats(struct suite *s)
{
	ck_assert_uint_eq(suite_request(s, AFW_MSG_ROUTE_STATS, NULL), AFW_OK);
}

void
suite_start(struct suite *s)
{
	struct afw_m_tun_config c = {.default_route = s->default_route,
	    .connections = 1,
	    .v4v6 = AFW_V4V6_LEGACY,
	    .fresh = 1};
	int sv[2];

	if (s->base == NULL)
		s->base = event_base_new();
	s->gen++;
	s->ready = false;
	ck_assert_int_eq(afw_chan_pair(sv), 0);
	if ((s->pid = fork()) == 0) {
		if (dup2(sv[1], AFW_LINK_FD) != AFW_LINK_FD)
			_exit(126);
		/* the leak check cannot work in a chroot */
		(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
		(void)execl(
		    s->whole ? AFWRT_TUN : HYDRA_STUB, "afwrt-tun", NULL);
		_exit(127);
	}
	(void)close(sv[1]);
	ck_assert_int_eq(afw_link_open(&s->sup, s->base, sv[0], AFW_SUP,
			     AFW_TUN, sup_handlers, closed, s),
	    0);
	s->sup.chan.phase = AFW_PH_H;
	ck_assert(suite_await(s, 5000, is_ready));
	ck_assert_uint_eq(suite_request(s, AFW_MSG_TUN_CONFIG, &c), AFW_OK);
}

unsigned int
suite_route(struct suite *s, uint32_t id, uint32_t flags,
    enum afw_reconnect reconnect, uint32_t seq)
{
	struct afw_m_route r = {.route = id,
	    .flags = flags,
	    .type = AFW_TYPE_HYDRA_TCP,
	    .reconnect = reconnect,
	    .seq = seq};

	(void)snprintf(r.location, sizeof(r.location), "loc%u", id);
	return suite_request(s, AFW_MSG_ROUTE_SET, &r);
}

const struct afw_m_route_event *
suite_event(struct suite *s, unsigned int n, int ms)
{
	int64_t i;

	for (i = 0; i < ms && s->n_events <= n; i += 20)
		suite_run(s, 20);
	ck_assert_msg(s->n_events > n, "no event %u in %d ms", n, ms);
	return &s->events[n];
}

/* ---- afwrt-net --------------------------------------------------------- */

static int
socket_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_socket *p = (const void *)m->payload;
	struct suite *s = arg;

	s->sockets++;
	if (s->socket_refusal != 0)
		return (int)s->socket_refusal;
	ck_assert_uint_eq(p->scope, AFW_SCOPE_WAN);
	ck_assert_uint_eq(p->stream, 1);
	(void)afw_link_send(l, AFW_MSG_SOCKET, m->hdr.id, NULL,
	    socket(p->family == 4 ? AF_INET : AF_INET6,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	return 0;
}

static int
source_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct suite *s = arg;

	s->sources++;
	if (s->source_answer != NO_WORD)
		afw_link_status(l, m->hdr.id, s->source_answer, NULL);
	return 0;
}

static const struct afw_handler net_handlers[] = {
    {AFW_MSG_SOURCE_GET, source_handle},
    {AFW_MSG_SOCKET_GET, socket_handle},
    {0, NULL},
};

void
suite_wan(struct suite *s, bool up, const char *ifname)
{
	struct afw_m_wan w = {.up = up, .mtu = 1500, .has4 = 1};

	(void)snprintf(w.ifname, sizeof(w.ifname), "%s", ifname);
	(void)afw_link_send(&s->net, AFW_MSG_WAN, 0, &w, -1);
}

/* ---- afwrt-auth -------------------------------------------------------- */

static void
session_send(struct suite *s, struct afw_link *l, struct afw_msg *m,
    const struct answer *a)
{
	const struct afw_m_session_get *g = (const void *)m->payload;
	struct afw_m_session r = {.route = g->route};
	char path[64], *ca;
	size_t len;
	int fd;

	(void)s;
	ck_assert_int_eq(afw_addr_parse(&r.server, LAB_SERVER), 0);
	r.port = a->port != 0 ? a->port : (uint16_t)LAB_PORT(a->node);
	(void)afw_str_set(
	    r.host, sizeof(r.host), a->host != NULL ? a->host : "node.test");
	(void)afw_str_set(r.cookie, sizeof(r.cookie), a->cookie);
	(void)snprintf(path, sizeof(path), "%s/%s", lab_folder,
	    a->ca != NULL ? a->ca : "ca.pem");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(afw_file_read(fd, 65536, &ca, &len), 0);
	(void)close(fd);
	r.ca_len = (uint32_t)len;
	(void)afw_link_send(
	    l, AFW_MSG_SESSION, m->hdr.id, &r, afw_blob_make(ca, len));
	free(ca);
}

static int
session_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct suite *s = arg;
	const struct afw_m_session_get *g = (const void *)m->payload;
	struct afw_m_session_fail f = {.route = g->route};
	const struct answer *a;
	unsigned int n = s->n_whys;

	ck_assert_uint_lt(s->n_whys, EVENTS_MAX);
	s->conns[s->n_whys] = g->conn;
	s->whys[s->n_whys++] = g->why;
	if (n >= s->n_answers)
		n = s->n_answers - 1;
	a = &s->answers[n];
	if (a->fail == AFW_REASON_NONE) {
		session_send(s, l, m, a);
		return 0;
	}
	f.reason = a->fail;
	f.permanent = a->permanent;
	(void)afw_link_send(l, AFW_MSG_SESSION_FAIL, m->hdr.id, &f, -1);
	return 0;
}

static int
session_end_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)l;
	(void)m;
	((struct suite *)arg)->session_ends++;
	return 0;
}

static const struct afw_handler auth_handlers[] = {
    {AFW_MSG_SESSION_GET, session_handle},
    {AFW_MSG_SESSION_END, session_end_handle},
    {0, NULL},
};

static void
peer_make(struct suite *s, struct afw_link *l, enum afw_role role,
    const struct afw_handler *handlers)
{
	struct afw_m_peer p = {.role = role, .gen = 7};
	int sv[2];

	ck_assert_int_eq(afw_chan_pair(sv), 0);
	ck_assert_int_eq(afw_link_open(l, s->base, sv[0], role, AFW_TUN,
			     handlers, closed, s),
	    0);
	l->chan.phase = AFW_PH_R;
	l->chan.self_gen = 7;
	l->chan.peer_gen = s->gen;
	ck_assert_int_eq(afw_link_send(&s->sup, AFW_MSG_PEER, 0, &p, sv[1]), 0);
}

void
suite_peers(struct suite *s)
{
	struct afw_m_device d = {.ifindex = 1, .mtu = 1500};
	int sv[2];

	peer_make(s, &s->net, AFW_NET, net_handlers);
	peer_make(s, &s->auth, AFW_AUTH, auth_handlers);
	suite_wan(s, true, "wan0");
	ck_assert_int_eq(afw_chan_pair(sv), 0);
	s->device = sv[0];
	ck_assert_int_eq(
	    afw_link_send(&s->net, AFW_MSG_DEVICE, 0, &d, sv[1]), 0);
}

void
suite_kill(struct suite *s)
{
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	s->pid = 0;
	afw_link_close(&s->sup);
	afw_link_close(&s->net);
	afw_link_close(&s->auth);
	if (s->device != -1)
		(void)close(s->device);
	s->device = -1;
}

void
suite_free(struct suite *s)
{
	if (s->pid > 0)
		suite_kill(s);
	event_base_free(s->base);
}

/* ---- packets ----------------------------------------------------------- */

static uint16_t
checksum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void
ping_send(struct suite *s, uint32_t route, unsigned int node, uint16_t number)
{
	uint8_t buf[4 + 28] = {0}, *ip = buf + 4;
	const uint8_t dst[4] = {10, 99, (uint8_t)(node + 1), 1};

	memcpy(buf, &route, 4);
	ip[0] = 0x45;
	ip[3] = 28;
	ip[8] = 64;
	ip[9] = IPPROTO_ICMP;
	if (s->whole) /* that of suite_flow */
		memcpy(ip + 12, "\x0a\0\0\1", 4);
	else
		memcpy(ip + 12, s->stats.inner4.b, 4);
	memcpy(ip + 16, dst, 4);
	put16(ip + 10, checksum(ip, 20));
	ip[20] = 8; /* echo request */
	put16(ip + 26, number);
	put16(ip + 22, checksum(ip + 20, 8));
	ck_assert_int_gt(send(s->device, s->whole ? ip : buf,
			     s->whole ? 28 : sizeof(buf), 0),
	    0);
}

int
ping_recv(struct suite *s)
{
	uint8_t buf[4 + 1500], *ip = s->whole ? buf : buf + 4;
	ssize_t n;

	while ((n = recv(s->device, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		if (n == ip - buf + 28 && ip[9] == IPPROTO_ICMP && ip[20] == 0)
			return ip[26] << 8 | ip[27];
	return -1;
}
