/* SPDX-License-Identifier: ISC */
/*
 * A real afwrt-tun with one WireGuard route; supervisor, afwrt-net and
 * afwrt-auth are played here, for tests with other implementations:
 * tests/netns/test_wg_route.py.
 * usage: wg_route_stub AFWRT-TUN TUN KEY=VALUE...   (see `option`; hex keys)
 * What happens is printed, a line each; commands come from stdin (`commands`),
 * and the end of stdin is the end.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_tun.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

#define ROUTE       1
#define SERVERS_MAX 4
#define VNET_HDR    12

static struct event_base *base;
static const char *tun_path, *tun_name;
static struct afw_m_wg_session session;
static struct {
	struct afw_addr addr;
	uint16_t port;
} servers[SERVERS_MAX];
static unsigned int n_servers, server;
static uint32_t impl = AFW_WG_USERSPACE, wrong_type, stamp_error;
static char bind_to[IFNAMSIZ];
static struct afw_m_wg_state kernel;
static struct afw_m_state stamp;
static bool stamped;
static int tun_fd;

static pid_t pid = -1;
static uint32_t gen;
static struct afw_link sup, net, auth;

/* ---- options ----------------------------------------------------------- */

static void
hex(uint8_t *out, const char *text, int n)
{
	unsigned int v;
	int i;

	for (i = 0; i < n; i++, text += 2) {
		if (sscanf(text, "%2x", &v) != 1)
			errx(2, "not hex: %s", text);
		out[i] = (uint8_t)v;
	}
}

static void
network(struct afw_wg_net *n, const char *text)
{
	char ip[64];
	unsigned int prefix;

	if (sscanf(text, "%63[^/]/%u", ip, &prefix) != 2 ||
	    afw_addr_parse(&n->addr, ip) == -1)
		errx(2, "not a network: %s", text);
	n->prefix = (uint8_t)prefix;
}

static void
server_add(const char *text)
{
	char ip[64];
	unsigned int port;

	if (n_servers == SERVERS_MAX ||
	    sscanf(text, "%63[^,],%u", ip, &port) != 2 ||
	    afw_addr_parse(&servers[n_servers].addr, ip) == -1)
		errx(2, "not IP,PORT: %s", text);
	servers[n_servers++].port = (uint16_t)port;
}

static void
option(const char *name, const char *value)
{
	unsigned long n = strtoul(value, NULL, 10);

	if (strcmp(name, "private") == 0)
		hex(session.private_key, value, 32);
	else if (strcmp(name, "peer") == 0)
		hex(session.peer_key, value, 32);
	else if (strcmp(name, "psk") == 0)
		hex(session.preshared_key, value, 32);
	else if (strcmp(name, "server") == 0)
		server_add(value);
	else if (strcmp(name, "address") == 0)
		network(&session.addr[session.addrs++], value);
	else if (strcmp(name, "allowed") == 0)
		network(&session.allow[session.allowed++], value);
	else if (strcmp(name, "keepalive") == 0)
		session.keepalive = (uint16_t)n;
	else if (strcmp(name, "mtu") == 0)
		session.mtu = (uint32_t)n;
	else if (strcmp(name, "kernel") == 0)
		impl = AFW_WG_KERNEL;
	else if (strcmp(name, "wrong_type") == 0)
		wrong_type = 1;
	else if (strcmp(name, "stamp") == 0) {
		stamped = true;
		hex(stamp.data, value, 12);
	} else
		errx(2, "unknown option: %s", name);
}

static void
options(int argc, char **argv)
{
	char *value;

	session.route = ROUTE;
	for (; argc > 0; argc--, argv++) {
		if ((value = strchr(*argv, '=')) == NULL)
			errx(2, "not KEY=VALUE: %s", *argv);
		*value++ = '\0';
		option(*argv, value);
	}
}

/* ---- the supervisor ---------------------------------------------------- */

static void
closed(void *arg, struct afw_link *l, const char *why)
{
	(void)arg;
	if (*why != '\0')
		printf("violation %s\n", why);
	afw_link_close(l);
}

static void
status_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	const struct afw_m_route_stats *s;

	if (m != NULL && m->hdr.type == AFW_MSG_ROUTE_STATS_ITEM) {
		s = (const void *)m->payload;
		printf("stats {\"state\": %u, \"up_packets\": %llu, "
		       "\"up_bytes\": %llu, \"down_packets\": %llu, "
		       "\"down_bytes\": %llu, \"dropped\": %llu, "
		       "\"connects\": %u, \"failures\": %u, \"mtu\": %u}\n",
		    s->state, (unsigned long long)s->up_packets,
		    (unsigned long long)s->up_bytes,
		    (unsigned long long)s->down_packets,
		    (unsigned long long)s->down_bytes,
		    (unsigned long long)s->dropped, s->connects, s->failures,
		    s->mtu);
	} else if (code != AFW_EPIPE) {
		printf("answer %s %u %s\n", (const char *)arg, code, text);
	}
}

static void
ask(struct afw_link *l, enum afw_msg_type type, const void *payload, int fd,
    const char *name)
{
	if (afw_link_request(l, type, payload, fd, 5000,
		type == AFW_MSG_ROUTE_STATS, status_cb,
		(void *)(uintptr_t)name) == 0)
		errx(1, "cannot send %s", name);
}

static int
hello_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct afw_m_start st = {.gen = gen, .log_level = 6};

	(void)arg;
	if (getenv("WG_DEBUG") != NULL)
		st.log_level = 7;
	if (afw_hello_refuses((const void *)m->payload) != NULL)
		return -1;
	(void)afw_link_send(l, AFW_MSG_START, 0, &st, -1);
	l->chan.self_gen = 1;
	l->chan.peer_gen = gen;
	l->chan.phase = AFW_PH_S;
	return 0;
}

static void peer_open(
    struct afw_link *l, enum afw_role role, const struct afw_handler *handlers);
static const struct afw_handler net_handlers[5], auth_handlers[3];

static int
ready_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct afw_m_tun_config c = {
	    .connections = 1, .v4v6 = AFW_V4V6_LEGACY, .fresh = 1};

	(void)arg;
	(void)m;
	l->chan.phase = AFW_PH_R;
	ask(l, AFW_MSG_TUN_CONFIG, &c, memfd_create("nat", MFD_CLOEXEC),
	    "config");
	peer_open(&net, AFW_NET, net_handlers);
	peer_open(&auth, AFW_AUTH, auth_handlers);
	printf("ready\n");
	return 0;
}

static int
log_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	printf("    %s\n", ((const struct afw_m_log *)m->payload)->text);
	return 0;
}

static int
event_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	static const char *const states[] = {
	    "?", "idle", "connecting", "connected", "disconnected", "failed"};
	const struct afw_m_route_event *e = (const void *)m->payload;
	char text[128];

	(void)arg;
	(void)l;
	printf("event %s %s\n", states[e->state],
	    afw_reason_print(e->reason, e->detail, text, sizeof(text)));
	return 0;
}

static int
state_get_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_state_get *g = (const void *)m->payload;

	(void)arg;
	printf("state_get %u %s\n", g->kind, g->location);
	if (!stamped)
		return AFW_ENOENT;
	stamp.kind = g->kind;
	stamp.len = 12;
	memcpy(stamp.location, g->location, sizeof(stamp.location));
	(void)afw_link_send(l, AFW_MSG_STATE, m->hdr.id, &stamp, -1);
	return 0;
}

static int
state_save_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	int i;

	(void)arg;
	if (stamp_error != 0)
		return AFW_EIO;
	memcpy(&stamp, m->payload, sizeof(stamp));
	stamped = true;
	printf("state_save ");
	for (i = 0; i < 12; i++)
		printf("%02x", stamp.data[i]);
	printf("\n");
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

static const struct afw_handler sup_handlers[] = {
    {AFW_MSG_HELLO, hello_handle},
    {AFW_MSG_READY, ready_handle},
    {AFW_MSG_LOG, log_handle},
    {AFW_MSG_ROUTE_EVENT, event_handle},
    {AFW_MSG_STATE_GET, state_get_handle},
    {AFW_MSG_STATE_SAVE, state_save_handle},
    {0, NULL},
};

static void
tun_start(void)
{
	int sv[2];

	gen++;
	if (afw_chan_pair(sv) == -1 || (pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		if (dup2(sv[1], AFW_LINK_FD) != AFW_LINK_FD)
			_exit(126);
		(void)execl(tun_path, "afwrt-tun", NULL);
		_exit(127);
	}
	(void)close(sv[1]);
	if (afw_link_open(&sup, base, sv[0], AFW_SUP, AFW_TUN, sup_handlers,
		closed, NULL) == -1)
		err(1, "link");
	sup.chan.phase = AFW_PH_H;
}

static void
tun_stop(void)
{
	int status;

	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	afw_link_close(&auth);
	afw_link_close(&net);
	afw_link_close(&sup);
}

static void
peer_open(
    struct afw_link *l, enum afw_role role, const struct afw_handler *handlers)
{
	struct afw_m_peer p = {.role = role, .gen = 1};
	int sv[2];

	if (afw_chan_pair(sv) == -1)
		err(1, "socketpair");
	(void)afw_link_send(&sup, AFW_MSG_PEER, 0, &p, sv[1]);
	if (l->rd != NULL)
		afw_link_close(l);
	if (afw_link_open(
		l, base, sv[0], role, AFW_TUN, handlers, closed, NULL) == -1)
		err(1, "link");
	l->chan.phase = AFW_PH_R;
	l->chan.self_gen = 1;
	l->chan.peer_gen = gen;
}

/* ---- afwrt-net --------------------------------------------------------- */

static int
socket_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_socket *s = (const void *)m->payload;
	int fd = socket(s->family == 4 ? AF_INET : AF_INET6,
	    (s->stream != 0 ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);

	(void)arg;
	printf("socket %u %s %u\n", s->family, s->stream ? "tcp" : "udp",
	    s->scope);
	if (bind_to[0] != '\0' &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, bind_to,
		(socklen_t)strlen(bind_to)) == -1)
		return AFW_ENODEV;
	(void)afw_link_send(l, AFW_MSG_SOCKET, m->hdr.id, NULL, fd);
	return 0;
}

static int
wg_set_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_wg_set *s = (const void *)m->payload;
	static const uint8_t none[32];

	(void)arg;
	printf("wg_set mtu %u addrs %u allowed %u keepalive %u port %u %s\n",
	    s->mtu, s->addrs, s->allowed, s->keepalive, s->port,
	    memcmp(s->private_key, none, 32) == 0 ? "bare" : "keys");
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

static int
wg_get_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	kernel.route = ROUTE;
	(void)afw_link_send(l, AFW_MSG_WG_STATE, m->hdr.id, &kernel, -1);
	return 0;
}

static int
source_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
	return AFW_ENOENT;
}

static const struct afw_handler net_handlers[5] = {
    {AFW_MSG_SOCKET_GET, socket_handle},
    {AFW_MSG_WG_SET, wg_set_handle},
    {AFW_MSG_WG_GET, wg_get_handle},
    {AFW_MSG_SOURCE_GET, source_handle},
    {0, NULL},
};

/* ---- afwrt-auth -------------------------------------------------------- */

static int
session_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_session_get *g = (const void *)m->payload;
	struct afw_m_session_fail f = {
	    .route = g->route, .reason = AFW_REASON_NO_SERVER};
	struct afw_m_session other = {.route = g->route, .port = 443};

	(void)arg;
	printf("session_get why %u\n", g->why);
	if (g->why == AFW_WHY_CONNECT)
		server++;
	if (server >= n_servers) {
		server = 0;
		(void)afw_link_send(l, AFW_MSG_SESSION_FAIL, m->hdr.id, &f, -1);
		return 0;
	}
	session.server = servers[server].addr;
	session.port = servers[server].port;
	if (wrong_type != 0) {
		other.server = session.server;
		(void)strcpy(other.host, "node.test");
		(void)strcpy(other.cookie, "x");
		(void)afw_link_send(l, AFW_MSG_SESSION, m->hdr.id, &other,
		    memfd_create("ca", MFD_CLOEXEC));
		return 0;
	}
	(void)afw_link_send(l, AFW_MSG_WG_SESSION, m->hdr.id, &session, -1);
	return 0;
}

static int
session_end_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
	printf("session_end\n");
	return 0;
}

static const struct afw_handler auth_handlers[3] = {
    {AFW_MSG_SESSION_GET, session_handle},
    {AFW_MSG_SESSION_END, session_end_handle},
    {0, NULL},
};

/* ---- commands ---------------------------------------------------------- */

static void
do_route(const char *a)
{
	struct afw_m_route r = {.route = ROUTE,
	    .type = AFW_TYPE_WIREGUARD,
	    .flags = AFW_R_EAGER,
	    .reconnect = strcmp(a, "auto") == 0 ? AFW_RECONNECT_AUTO
						: AFW_RECONNECT_MANUAL,
	    .location = "place"};

	if (strcmp(a, "lazy") == 0)
		r.flags = 0;
	ask(&sup, AFW_MSG_ROUTE_SET, &r, -1, "route");
}

static void
do_up(const char *a)
{
	struct afw_m_route_id id = {.route = ROUTE};

	(void)a;
	ask(&sup, AFW_MSG_ROUTE_UP, &id, -1, "up");
}

static void
do_del(const char *a)
{
	struct afw_m_route_id id = {.route = ROUTE};

	(void)a;
	ask(&sup, AFW_MSG_ROUTE_DEL, &id, -1, "del");
}

static void
do_device(const char *a)
{
	struct afw_m_wg_device d = {.route = ROUTE,
	    .impl = impl,
	    .ifindex = 5,
	    .mtu = 1420,
	    .vnet_hdr = impl == AFW_WG_KERNEL ? 0 : VNET_HDR};

	(void)a;
	(void)afw_str_set(d.ifname, sizeof(d.ifname), tun_name);
	(void)afw_link_send(&net, AFW_MSG_WG_DEVICE, 0, &d,
	    impl == AFW_WG_KERNEL ? -1 : fcntl(tun_fd, F_DUPFD_CLOEXEC, 0));
}

static void
do_listen(const char *a)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct afw_m_route_id id = {.route = ROUTE};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", a);
	(void)unlink(a);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) == -1 ||
	    listen(fd, 8) == -1)
		err(1, "listen %s", a);
	(void)afw_link_send(&sup, AFW_MSG_WG_LISTEN, 0, &id, fd);
}

/* "" is down */
static void
do_wan(const char *a)
{
	struct afw_m_wan w = {.up = *a != '\0', .mtu = 1500, .has4 = 1};

	(void)afw_str_set(w.ifname, sizeof(w.ifname), a);
	(void)afw_str_set(bind_to, sizeof(bind_to), a);
	(void)afw_link_send(&net, AFW_MSG_WAN, 0, &w, -1);
}

static void
do_stats(const char *a)
{
	(void)a;
	ask(&sup, AFW_MSG_ROUTE_STATS, NULL, -1, "stats");
}

static void
do_kill(const char *a)
{
	(void)a;
	tun_stop();
	tun_start();
}

static void
do_netless(const char *a)
{
	(void)a;
	peer_open(&net, AFW_NET, net_handlers);
}

/* AGE-OF-THE-HANDSHAKE-OR--1 RX TX (packets of 132 bytes) */
static void
do_kernel(const char *a)
{
	long long age, rx, tx;

	if (sscanf(a, "%lld %lld %lld", &age, &rx, &tx) != 3)
		errx(2, "kernel: %s", a);
	kernel.handshake_s = age < 0 ? 0 : (int64_t)time(NULL) - age;
	kernel.rx_packets = (uint64_t)rx;
	kernel.tx_packets = (uint64_t)tx;
	kernel.rx_bytes = kernel.rx_packets * 132;
	kernel.tx_bytes = kernel.tx_packets * 132;
}

/* Datagrams more, without an answer. */
static void
do_sent(const char *a)
{
	kernel.tx_packets += strtoull(a, NULL, 10);
	kernel.tx_bytes = kernel.tx_packets * 132;
}

static void
do_flow(const char *a)
{
	struct afw_m_flow f = {.route = ROUTE};

	if (afw_addr_parse(&f.addr, a) == -1)
		errx(2, "flow: %s", a);
	ask(&net, AFW_MSG_FLOW_SET, &f, -1, "flow");
}

/* One packet from an address, into the suite's TUN. */
static void
do_suite_packet(const char *a)
{
	struct afw_m_device d = {.ifindex = 1, .mtu = 1500};
	uint8_t ip[28] = {
	    0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, [21] = 9, [23] = 9, [25] = 8};
	uint32_t sum = 0;
	int i, sv[2];

	if (inet_pton(AF_INET, a, ip + 12) != 1)
		errx(2, "suite: %s", a);
	(void)inet_pton(AF_INET, "198.51.100.1", ip + 16);
	(void)inet_pton(AF_INET, "192.0.2.200", &d.addr.b);
	for (i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	d.addr.family = 4;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv) == -1)
		err(1, "socketpair");
	(void)afw_link_send(&net, AFW_MSG_DEVICE, 0, &d, sv[0]);
	(void)send(sv[1], ip, sizeof(ip), 0); /* sv[1] stays open */
}

static const struct {
	const char *name;
	void (*fn)(const char *a);
} commands[] = {
    {"route", do_route},
    {"up", do_up},
    {"del", do_del},
    {"device", do_device},
    {"listen", do_listen},
    {"wan", do_wan},
    {"stats", do_stats},
    {"kill", do_kill},
    {"netless", do_netless},
    {"kernel", do_kernel},
    {"sent", do_sent},
    {"flow", do_flow},
    {"suite", do_suite_packet},
};

static void
command(char *line)
{
	char *arg = strchr(line, ' ');
	size_t i;

	if (arg != NULL)
		*arg++ = '\0';
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, line) == 0) {
			commands[i].fn(arg != NULL ? arg : "");
			return;
		}
	errx(2, "unknown command: %s", line);
}

/* Commands are short and written whole: a read ends where a line does. */
static void
stdin_cb(evutil_socket_t fd, short what, void *arg)
{
	char text[1024], *line, *rest = text;
	ssize_t n = read(fd, text, sizeof(text) - 1);

	(void)what;
	(void)arg;
	if (n <= 0) {
		(void)event_base_loopbreak(base);
		return;
	}
	text[n] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			command(line);
}

static void
tun_open(void)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
	int size = VNET_HDR;

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", tun_name);
	tun_fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tun_fd < 0 || ioctl(tun_fd, TUNSETIFF, &ifr) != 0 ||
	    ioctl(tun_fd, TUNSETVNETHDRSZ, &size) != 0)
		err(1, "TUN %s", tun_name);
}

int
main(int argc, char **argv)
{
	struct event *in;

	if (argc < 3)
		errx(2, "usage: wg_route_stub AFWRT-TUN TUN KEY=VALUE...");
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	afw_log_init("stub");
	tun_path = argv[1];
	tun_name = argv[2];
	options(argc - 3, argv + 3);
	base = event_base_new();
	tun_open();
	tun_start();
	in =
	    event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, stdin_cb, NULL);
	if (in == NULL || event_add(in, NULL) != 0)
		errx(1, "event");
	(void)event_base_dispatch(base);
	event_free(in);
	tun_stop();
	event_base_free(base);
	return 0;
}
