/* SPDX-License-Identifier: ISC */
#include "net_env.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"

#define WAIT_MS 5000

int
sh(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	return system(cmd);
}

const char *
out(const char *fmt, ...)
{
	static char buf[4 * 1024 * 1024];
	char cmd[1024];
	va_list ap;
	size_t n;
	FILE *f;

	va_start(ap, fmt);
	(void)vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	ck_assert_ptr_nonnull(f = popen(cmd, "r"));
	n = fread(buf, 1, sizeof(buf) - 1, f);
	buf[n] = '\0';
	(void)pclose(f);
	return buf;
}

void
env_namespace(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNET) == -1) {
		(void)fprintf(stderr,
		    "SKIP: needs root and network "
		    "namespaces\n");
		exit(77);
	}
	ck_assert_int_eq(sh("ip link set lo up && "
			    "ip link add lan0 type veth peer name lan1 && "
			    "ip link add wan0 type veth peer name wan1 && "
			    "ip link set lan0 up && ip link set lan1 up && "
			    "ip addr add 192.168.50.1/24 dev lan0 && "
			    "ip addr add 203.0.113.2/24 dev wan0 && "
			    "ip link set wan0 up && ip link set wan1 up && "
			    "ip route add default via 203.0.113.1"),
	    0);
}

pid_t
env_behind(const char *ifname)
{
	pid_t pid;
	int sv[2];
	char c;

	ck_assert_int_eq(pipe(sv), 0);
	ck_assert_int_ne(pid = fork(), -1);
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) == -1 || write(sv[1], "x", 1) != 1)
			_exit(1);
		(void)close(sv[1]);
		for (;;)
			(void)pause();
	}
	(void)close(sv[1]);
	ck_assert_int_eq(read(sv[0], &c, 1), 1);
	(void)close(sv[0]);
	ck_assert_int_eq(sh("ip link set %s netns %d && nsenter -t %d -n sh "
			    "-c 'ip link set lo up && ip link set %s up'",
			     ifname, (int)pid, (int)pid, ifname),
	    0);
	return pid;
}

void
env_config(struct env *e)
{
	struct afw_m_config *c = &e->cfg;
	size_t i;

	memset(e, 0, sizeof(*e));
	for (i = 0; i < ENV_WG; i++)
		e->wg[i].kept = e->wg[i].fd = -1;
	e->kept = e->device = e->sock = -1;
	e->sup.fd = e->tun.fd = e->auth.fd = -1;
	(void)afw_str_set(c->tun_ifname, sizeof(c->tun_ifname), "wrt0");
	(void)afw_str_set(c->wan_ifname, sizeof(c->wan_ifname), "wan0");
	(void)afw_addr_parse(&c->tun_addr, "100.73.0.73");
	c->flags = AFW_C_LAN_BYPASS;
	c->fwmark = 0x8;
	c->fwmark_mask = UINT32_MAX;
	c->route_table = 47;
	c->rule_priority = 10;
	c->type = AFW_TYPE_HYDRA_TCP;
	c->wg_impl = AFW_WG_AUTO;
	c->reconnect = AFW_RECONNECT_AUTO;
	c->v4v6 = AFW_V4V6_BOTH;
	c->connections = 1;
	c->log_level = 6;
}

static void
child_run(int fd, int (*run)(void))
{
	const char *bin = getenv("AFWRT_NET");
	char *const argv[] = {(char *)(uintptr_t) "afwrt-net", NULL};

	/* the leak checker needs /proc, and there is none in the chroot */
	(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	if (bin == NULL)
		bin = "afwrt-net/afwrt-net";
	if (fd == 3)
		(void)fcntl(fd, F_SETFD, 0);
	else
		(void)dup2(fd, 3);
	if (run != NULL)
		_exit(run());
	(void)execv(bin, argv);
	(void)fprintf(stderr, "%s: %s\n", bin, strerror(errno));
	_exit(127);
}

static void
status_reply(struct afw_chan *c, uint32_t id, unsigned int code)
{
	struct afw_m_status st = {.code = code};

	(void)afw_str_set(st.text, sizeof(st.text), "as the test says");
	(void)afw_chan_send(c, AFW_MSG_STATUS, id, &st, -1);
}

static struct env_flow *
flow_find(const struct env *e, const struct afw_addr *a)
{
	size_t i;

	for (i = 0; i < e->flows; i++)
		if (afw_addr_equal(&e->flow[i].addr, a))
			return &e->flow[i];
	return NULL;
}

uint32_t
env_flow(const struct env *e, const char *addr)
{
	const struct env_flow *f;
	struct afw_addr a;

	ck_assert_int_eq(afw_addr_parse(&a, addr), 0);
	return (f = flow_find(e, &a)) != NULL ? f->route : 0;
}

static void
flow_take(struct env *e, const struct afw_msg *m)
{
	const struct afw_m_flow *f = (const void *)m->payload;
	/* among very many a search each would take too long */
	struct env_flow *at = e->flows < 1000 ? flow_find(e, &f->addr) : NULL;

	if (m->hdr.type == AFW_MSG_FLOW_SET) {
		e->flow_sets++;
		if (at == NULL) {
			ck_assert_uint_lt(e->flows, ENV_FLOWS);
			at = &e->flow[e->flows++];
		}
		at->addr = f->addr;
		at->route = f->route;
	} else if (at != NULL) {
		*at = e->flow[--e->flows];
	}
	if (!e->tun_mute)
		status_reply(&e->tun, m->hdr.id,
		    m->hdr.type == AFW_MSG_FLOW_SET ? e->tun_refuses : AFW_OK);
}

static void
log_take(struct env *e, const struct afw_m_log *l)
{
	size_t n = strlen(e->log);

	if (n + sizeof(l->text) >= sizeof(e->log))
		n = 0;
	(void)snprintf(e->log + n, sizeof(e->log) - n, "%s\n", l->text);
	if (getenv("AFWRT_TEST_LOG") != NULL)
		(void)fprintf(stderr, "  <%u> %s\n", l->level, l->text);
}

static void
fd_replace(int *fd, int by)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = by;
}

static void
keep_take(struct env *e, uint32_t route, struct afw_msg *m)
{
	ck_assert_uint_lt(route, ENV_WG);
	fd_replace(
	    route == 0 ? &e->kept : &e->wg[route].kept, afw_msg_take_fd(m));
}

static void
wg_device_take(
    struct env *e, const struct afw_m_wg_device *d, struct afw_msg *m)
{
	ck_assert_uint_lt(d->route, ENV_WG);
	fd_replace(&e->wg[d->route].fd, afw_msg_take_fd(m));
	e->wg[d->route].dev = *d;
	e->wg[d->route].devices++;
}

/* Everything that is not the answer to a request of the test. */
static void
event_take(struct env *e, struct afw_chan *c, struct afw_msg *m)
{
	const void *p = m->payload;

	switch (m->hdr.type) {
	case AFW_MSG_LOG:
		log_take(e, p);
		break;
	case AFW_MSG_NET_KEEP:
		keep_take(e, ((const struct afw_m_keep *)p)->route, m);
		break;
	case AFW_MSG_WG_DEVICE:
		wg_device_take(e, p, m);
		break;
	case AFW_MSG_WAN:
		if (c == &e->sup)
			e->wan = *(const struct afw_m_wan *)p, e->wans++;
		else if (c == &e->tun)
			e->wan_tun = *(const struct afw_m_wan *)p,
			e->wans_tun++;
		else
			e->wan_auth = *(const struct afw_m_wan *)p,
			e->wans_auth++;
		break;
	case AFW_MSG_DEVICE:
		if (e->device != -1)
			(void)close(e->device);
		e->device = afw_msg_take_fd(m);
		e->dev = *(const struct afw_m_device *)p;
		break;
	case AFW_MSG_FLOW_SYNC_BEGIN:
		e->flows = 0;
		break;
	case AFW_MSG_FLOW_SYNC_END:
		e->syncs++;
		break;
	case AFW_MSG_FLOW_SET:
	case AFW_MSG_FLOW_DEL:
		flow_take(e, m);
		break;
	case AFW_MSG_HELLO:
	case AFW_MSG_READY:
		e->next_id = 1;
		break;
	}
}

/* One message of one end, if there is one. True: it answers id. */
static bool
serve(struct env *e, struct afw_chan *c, uint32_t id)
{
	struct afw_msg m;
	int rc = afw_chan_recv(c, &m);
	bool mine = false;

	if (rc == -1 && errno == EPROTO)
		ck_abort_msg("violation: %s", c->why);
	if (rc == -1) {
		afw_chan_close(c);
		return false;
	}
	if (rc == 0)
		return false;
	if (m.row->kind == AFW_RP && m.hdr.id == id) {
		mine = true;
		memset(&e->st, 0, sizeof(e->st));
		if (m.hdr.type == AFW_MSG_STATUS)
			memcpy(&e->st, m.payload, sizeof(e->st));
		else if (m.hdr.type == AFW_MSG_SOCKET)
			e->sock = afw_msg_take_fd(&m);
		else if (m.hdr.type == AFW_MSG_NET_WG)
			memcpy(&e->net_wg, m.payload, sizeof(e->net_wg));
		else if (m.hdr.type == AFW_MSG_WG_STATE)
			memcpy(&e->wg_state, m.payload, sizeof(e->wg_state));
		else if (m.hdr.type == AFW_MSG_EXPLAINED)
			memcpy(&e->explained, m.payload, sizeof(e->explained));
	} else if (m.row->kind != AFW_RP) {
		event_take(e, c, &m);
	}
	afw_msg_done(&m);
	return mine;
}

/* Waits for traffic and serves it. True: request id of chan was answered. */
static bool
round_serve(struct env *e, struct afw_chan *of, uint32_t id, int ms)
{
	struct afw_chan *c[] = {&e->sup, &e->tun, &e->auth};
	struct pollfd pfd[3];
	size_t i;

	for (i = 0; i < 3; i++) {
		pfd[i].fd = c[i]->fd;
		pfd[i].events = POLLIN;
		if (c[i]->fd != -1)
			(void)afw_chan_flush(c[i]);
	}
	if (poll(pfd, 3, ms) <= 0)
		return false;
	for (i = 0; i < 3; i++)
		if (c[i]->fd != -1 && pfd[i].revents != 0 &&
		    serve(e, c[i], c[i] == of ? id : 0))
			return true;
	return false;
}

bool
env_until(struct env *e, bool (*cond)(struct env *))
{
	int64_t end = afw_now_ms() + WAIT_MS;

	while (!cond(e) && afw_now_ms() < end)
		(void)round_serve(e, NULL, 0, 50);
	return cond(e);
}

void
env_serve(struct env *e, int ms)
{
	int64_t end = afw_now_ms() + ms;

	while (afw_now_ms() < end)
		(void)round_serve(e, NULL, 0, 20);
}

static unsigned int
ask(struct env *e, struct afw_chan *c, enum afw_msg_type type, const void *p,
    int fd)
{
	int64_t end = afw_now_ms() + 2 * WAIT_MS;
	uint32_t id = e->next_id++;

	ck_assert_msg(afw_chan_send(c, type, id, p, fd) == 0, "%s", c->why);
	while (c->fd != -1 && afw_now_ms() < end)
		if (round_serve(e, c, id, 100))
			return e->st.code;
	ck_abort_msg("no answer to message %d", (int)type);
	return AFW_EMAX;
}

unsigned int
env_ask(struct env *e, enum afw_msg_type type, const void *p, int fd)
{
	return ask(e, &e->sup, type, p, fd);
}

unsigned int
env_ask_of(
    struct env *e, struct afw_chan *c, enum afw_msg_type type, const void *p)
{
	return ask(e, c, type, p, -1);
}

static bool
spoke(struct env *e)
{
	return e->next_id != 0;
}

static void
peer_make(struct env *e, struct afw_chan *c, enum afw_role role)
{
	struct afw_m_peer p = {.role = role, .gen = ++e->gen};
	int sv[2];

	ck_assert_int_eq(afw_chan_pair(sv), 0);
	ck_assert_int_eq(afw_chan_init(c, sv[0], role, AFW_NET), 0);
	c->phase = AFW_PH_R;
	c->self_gen = p.gen;
	c->peer_gen = e->sup.peer_gen;
	ck_assert_int_eq(afw_chan_send(&e->sup, AFW_MSG_PEER, 0, &p, sv[1]), 0);
}

void
env_tun_anew(struct env *e)
{
	afw_chan_close(&e->tun);
	e->flows = 0;
	if (e->device != -1)
		(void)close(e->device);
	e->device = -1;
	peer_make(e, &e->tun, AFW_TUN);
}

void
env_start(struct env *e)
{
	struct afw_m_start start = {.gen = ++e->gen, .log_level = 6};
	int sv[2];

	(void)mkdir("/run/afwrt", 0755);
	(void)mkdir(AFWRT_CHROOT_DIR, 0755);
	if (e->flow == NULL)
		e->flow = calloc(ENV_FLOWS, sizeof(*e->flow));
	ck_assert_ptr_nonnull(e->flow);
	ck_assert_int_eq(afw_chan_pair(sv), 0);
	(void)fflush(NULL);
	ck_assert_int_ne(e->pid = fork(), -1);
	if (e->pid == 0)
		child_run(sv[1], e->run);
	(void)close(sv[1]);
	ck_assert_int_eq(afw_chan_init(&e->sup, sv[0], AFW_SUP, AFW_NET), 0);
	e->next_id = 0;
	ck_assert_msg(env_until(e, spoke), "no HELLO");
	ck_assert_int_eq(
	    afw_chan_send(&e->sup, AFW_MSG_START, 0, &start, -1), 0);
	e->sup.self_gen = 1;
	e->sup.peer_gen = start.gen;
	e->sup.phase = AFW_PH_S;
	e->next_id = 0;
	ck_assert_msg(env_until(e, spoke), "no READY");
	e->sup.phase = AFW_PH_R;
	peer_make(e, &e->tun, AFW_TUN);
	peer_make(e, &e->auth, AFW_AUTH);
}

void
env_kill(struct env *e)
{
	(void)kill(e->pid, SIGKILL);
	(void)waitpid(e->pid, NULL, 0);
	afw_chan_close(&e->sup);
	afw_chan_close(&e->tun);
	afw_chan_close(&e->auth);
}

void
env_end(struct env *e)
{
	if (e->pid > 0)
		env_kill(e);
	free(e->flow);
}

unsigned int
env_net_config(struct env *e)
{
	int fd = e->kept != -1 ? fcntl(e->kept, F_DUPFD_CLOEXEC, 0)
			       : open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	return env_ask(e, AFW_MSG_NET_CONFIG, &e->cfg, fd);
}

unsigned int
env_wg_set(struct env *e, uint32_t route, uint32_t impl, uint32_t flags,
    const char *name)
{
	struct afw_m_net_wg_set m = {
	    .route = route, .impl = impl, .flags = flags};
	int kept = e->wg[route].kept;
	int fd = kept != -1 ? fcntl(kept, F_DUPFD_CLOEXEC, 0)
			    : open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	(void)afw_str_set(m.ifname, sizeof(m.ifname), name);
	return env_ask(e, AFW_MSG_NET_WG_SET, &m, fd);
}

unsigned int
env_wg_del(struct env *e, uint32_t route)
{
	struct afw_m_route_id m = {.route = route};

	fd_replace(&e->wg[route].kept, -1);
	return env_ask(e, AFW_MSG_NET_WG_DEL, &m, -1);
}

struct afw_key
env_key(const char *text)
{
	struct afw_key k = {.kind = AFW_KEY_MAC};

	if (afw_mac_parse(k.mac, text) == 0)
		return k;
	k.kind = AFW_KEY_IP;
	if (afw_addr_parse(&k.addr, text) == 0)
		return k;
	k.kind = AFW_KEY_IFACE;
	ck_assert_int_eq(afw_str_set(k.iface, sizeof(k.iface), text), 0);
	return k;
}

unsigned int
env_key_rule(struct env *e, const char *text, uint32_t route)
{
	struct afw_m_rule r = {.key = env_key(text), .route = route};

	return env_ask(e, AFW_MSG_NET_RULE_SET, &r, -1);
}

unsigned int
env_key_unrule(struct env *e, const char *text)
{
	struct afw_m_key k = {.key = env_key(text)};

	return env_ask(e, AFW_MSG_NET_RULE_DEL, &k, -1);
}

unsigned int
env_rule(struct env *e, const char *addr, uint32_t route)
{
	ck_assert_uint_eq(env_key(addr).kind, AFW_KEY_IP);
	return env_key_rule(e, addr, route);
}

unsigned int
env_unrule(struct env *e, const char *addr)
{
	ck_assert_uint_eq(env_key(addr).kind, AFW_KEY_IP);
	return env_key_unrule(e, addr);
}

void
env_sync_begin(struct env *e)
{
	ck_assert_int_eq(
	    afw_chan_send(&e->sup, AFW_MSG_NET_SYNC_BEGIN, 0, NULL, -1), 0);
}

/* The counters are left out: they are nobody's change. */
char *
env_snapshot(void)
{
	return strdup(out("ip -j rule; ip -j -6 rule; ip -j route show table "
			  "all; ip -j -6 route show table all; ip -j addr; "
			  "nft -a list ruleset | grep -v flags | sed "
			  "'s/packets [0-9]* bytes [0-9]*//'"));
}

unsigned int
env_clear(struct env *e, bool keep)
{
	struct afw_m_shutdown s = {.keep_blocked = keep};

	return env_ask(e, AFW_MSG_NET_CLEAR, &s, -1);
}

unsigned int
env_ask_socket(struct env *e, struct afw_chan *c, uint32_t family,
    uint32_t stream, uint32_t scope)
{
	struct afw_m_socket s = {
	    .family = family, .stream = stream, .scope = scope};

	if (e->sock != -1)
		(void)close(e->sock);
	e->sock = -1;
	return ask(e, c, AFW_MSG_SOCKET_GET, &s, -1);
}
