/* SPDX-License-Identifier: ISC */
/*
 * Stands in for afwrt-net, afwrt-tun and afwrt-auth in tests of afwrtd: says
 * HELLO and READY, answers every request and writes down what it was told.
 * Files beside the program change what it does; ROLE is net, tun or auth:
 *
 *   log                 what was received, one line a message, of all roles
 *   ROLE.exit           exit at once with the status in the file
 *   ROLE.badsum         a HELLO of another build
 *   ROLE.mute           never answer anything after READY
 *   ROLE.code.NAME      answer NAME with the code in the file
 *   ROLE.hang.NAME      do not answer NAME
 *   ROLE.die.NAME       exit 1 when NAME comes, once
 *   ROLE.junk.NAME      send a malformed record when NAME comes, once
 *   ROLE.illegal.NAME   report an impossible step of a route, once
 *   auth.refuse.NAME    AUTH_INVALID before the answer to NAME, once
 *   net.nowan           the uplink is not there
 *   net.refuse          NET_RULE_SET of the address in the file: EINVAL
 *   tun.chosen          the location that a session is for
 *   net.taken           an interface name in the file is somebody else's
 *   net.kernel          WireGuard interfaces are the kernel's
 *   auth.nolist         no list; it is there after LOCATIONS
 *   ROLE.state          "get KIND LOCATION" or "save KIND LOCATION", tried
 *                       with ROUTE_STATS or LOCATIONS
 *
 * With a list, locations "wg..." are of type wireguard, "hy..." of hydra-tcp.
 * The TUN of a WireGuard route is /dev/zero, so that one that was kept is
 * known from a new one.
 *
 * A route to "nowhere" fails when it is to connect. The counters of each
 * route are 1000 up and 2000 down with the first question, and so much more
 * with every further one, from zero in each process.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/wire/blob.h"
#include "lib/wire/channel.h"

#define PEERS 8

static struct afw_chan sup;
static enum afw_role role;
static char dir[400];
static int peers[PEERS], n_peers;
static struct afw_m_route_event routes[AFW_ROUTES_MAX * 4];
static bool nowhere[AFW_ROUTES_MAX * 4];
static uint64_t carried[AFW_ROUTES_MAX * 4];

static void note(const char *, ...) __attribute__((format(printf, 1, 2)));

static void
note(const char *fmt, ...)
{
	char path[512], line[512];
	va_list ap;
	int fd, n;

	n = snprintf(line, sizeof(line), "%s ", afw_role_name(role));
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1 || write(fd, line, (size_t)n) != n)
		abort();
	(void)close(fd);
}

/* True if the file is there; its number is put in *value if not NULL. */
static bool
told(const char *what, const char *name, int *value, bool once)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s.%s%s%s", dir,
	    afw_role_name(role), what, name[0] != '\0' ? "." : "", name);
	if ((f = fopen(path, "re")) == NULL)
		return false;
	if (value != NULL && fscanf(f, "%d", value) != 1)
		abort();
	(void)fclose(f);
	if (once)
		(void)unlink(path);
	return true;
}

/* The word in the file, or "". */
static void
word(const char *what, char *buf, size_t size)
{
	char path[512];
	FILE *f;

	buf[0] = '\0';
	(void)snprintf(
	    path, sizeof(path), "%s/%s.%s", dir, afw_role_name(role), what);
	if ((f = fopen(path, "re")) == NULL)
		return;
	if (fgets(buf, (int)size, f) == NULL)
		abort();
	buf[strcspn(buf, "\n")] = '\0';
	(void)fclose(f);
}

static void
out(enum afw_msg_type type, uint32_t id, const void *payload, int fd)
{
	if (afw_chan_send(&sup, type, id, payload, fd) == -1 &&
	    errno == EPROTO) {
		note("BUG %s", sup.why);
		abort();
	}
}

static void
status(uint32_t id, unsigned int code)
{
	struct afw_m_status st = {.code = code};

	(void)afw_str_set(
	    st.text, sizeof(st.text), code == AFW_OK ? "" : "fake refusal");
	out(AFW_MSG_STATUS, id, &st, -1);
}

static void
hello(void)
{
	struct afw_m_hello h = {
	    .table_sum = afw_table_sum(), .pid = (uint32_t)getpid()};

	if (told("badsum", "", NULL, false))
		h.table_sum++;
	out(AFW_MSG_HELLO, 0, &h, -1);
}

static bool
is_zero(int fd)
{
	struct stat st, zero;

	return fstat(fd, &st) == 0 && stat("/dev/zero", &zero) == 0 &&
	    st.st_rdev == zero.st_rdev;
}

static void
detail(const struct afw_msg *m, char *buf, size_t size)
{
	const void *p = m->payload;
	const struct afw_m_rule *rule = p;
	const struct afw_m_route *route = p;
	const struct afw_m_tun_config *tc = p;
	const struct afw_m_peer *peer = p;
	const struct afw_m_net_wg_set *wg = p;
	char key[AFW_ADDR_TEXT + 16];

	buf[0] = '\0';
	switch (m->hdr.type) {
	case AFW_MSG_NET_RULE_SET:
		(void)snprintf(buf, size, " %s route=%u",
		    afw_key_print(&rule->key, key, sizeof(key)), rule->route);
		break;
	case AFW_MSG_NET_RULE_DEL:
		(void)snprintf(buf, size, " %s",
		    afw_key_print(&rule->key, key, sizeof(key)));
		break;
	case AFW_MSG_ROUTE_SET:
		(void)snprintf(buf, size, " %s id=%u flags=%u seq=%u%s",
		    route->location, route->route, route->flags, route->seq,
		    route->type == AFW_TYPE_WIREGUARD ? " wireguard" : "");
		break;
	case AFW_MSG_NET_WG_SET:
		(void)snprintf(buf, size, " %s route=%u impl=%u flags=%u %s",
		    wg->ifname, wg->route, wg->impl, wg->flags,
		    is_zero(m->fd) ? "kept" : "new");
		break;
	case AFW_MSG_NET_WG_DEL:
	case AFW_MSG_WG_LISTEN:
	case AFW_MSG_ROUTE_UP:
	case AFW_MSG_ROUTE_DEL:
		(void)snprintf(buf, size, " id=%u",
		    ((const struct afw_m_route_id *)p)->route);
		break;
	case AFW_MSG_NET_CONFIG:
		(void)snprintf(buf, size, "%s", m->fd != -1 ? " fd" : "");
		break;
	case AFW_MSG_TUN_CONFIG:
		(void)snprintf(buf, size, " default=%u fresh=%u",
		    tc->default_route, tc->fresh);
		break;
	case AFW_MSG_PEER:
		(void)snprintf(buf, size, " %s gen=%u",
		    afw_role_name(peer->role), peer->gen);
		break;
	case AFW_MSG_NET_CLEAR:
	case AFW_MSG_SHUTDOWN:
		(void)snprintf(buf, size, " keep=%u",
		    ((const struct afw_m_shutdown *)p)->keep_blocked);
		break;
	case AFW_MSG_AUTH_FILE:
		(void)snprintf(buf, size, " which=%u",
		    ((const struct afw_m_auth_file *)p)->which);
		break;
	case AFW_MSG_BACKEND:
		(void)snprintf(buf, size, " %.100s",
		    ((const struct afw_m_backend *)p)->url);
		break;
	}
}

/* Tries what the file "state" says. */
static void
state_try(void)
{
	struct afw_m_state_get g = {0};
	struct afw_m_state st = {.len = 6, .data = "secret"};
	char text[100], verb[8], location[64];

	word("state", text, sizeof(text));
	if (sscanf(text, "%7s %u %63s", verb, &g.kind, location) != 3)
		return;
	(void)afw_str_set(g.location, sizeof(g.location), location);
	st.kind = g.kind;
	memcpy(st.location, g.location, sizeof(st.location));
	if (strcmp(verb, "get") == 0)
		out(AFW_MSG_STATE_GET, 90, &g, -1);
	else
		out(AFW_MSG_STATE_SAVE, 91, &st, -1);
}

/* ---- tun ----------------------------------------------------------------- */

static void
route_step(uint32_t id, uint32_t state)
{
	struct afw_m_route_event *e = &routes[id];

	e->route = id;
	e->state = state;
	e->seq++;
	e->reason =
	    state == AFW_ROUTE_FAILED ? AFW_REASON_LOCATION : AFW_REASON_NONE;
	memset(e->chosen, 0, sizeof(e->chosen));
	word("chosen", e->chosen, sizeof(e->chosen));
	out(AFW_MSG_ROUTE_EVENT, 0, e, -1);
}

static void
route_up(uint32_t id)
{
	if (routes[id].state == AFW_ROUTE_CONNECTED)
		return;
	route_step(id, AFW_ROUTE_CONNECTING);
	route_step(id, nowhere[id] ? AFW_ROUTE_FAILED : AFW_ROUTE_CONNECTED);
}

static void
tun_handle(const struct afw_msg *m)
{
	const struct afw_m_route *set = (const void *)m->payload;
	uint32_t id = ((const struct afw_m_route_id *)set)->route, i;
	struct afw_m_route_stats st = {0};
	char seq[16] = "";

	switch (m->hdr.type) {
	case AFW_MSG_ROUTE_SET:
		if (routes[id].route == 0) {
			word("seq", seq, sizeof(seq));
			routes[id].seq = seq[0] == '\0'
			    ? set->seq
			    : (uint32_t)strtoul(seq, NULL, 10);
			routes[id].route = id;
			nowhere[id] = strcmp(set->location, "nowhere") == 0;
			carried[id] = 0;
		}
		status(m->hdr.id, AFW_OK);
		if ((set->flags & (AFW_R_EAGER | AFW_R_RESUME)) != 0)
			route_up(id);
		return;
	case AFW_MSG_ROUTE_UP:
		status(m->hdr.id, AFW_OK);
		route_up(id);
		return;
	case AFW_MSG_ROUTE_DEL:
		if (routes[id].state == AFW_ROUTE_CONNECTED)
			route_step(id, AFW_ROUTE_DISCONNECTED);
		memset(&routes[id], 0, sizeof(routes[id]));
		break;
	case AFW_MSG_ROUTE_STATS:
		state_try();
		for (i = 1; i < AFW_ROUTES_MAX * 4; i++) {
			if (routes[i].route == 0)
				continue;
			st.route = i;
			st.up_bytes = carried[i] += 1000;
			st.down_bytes = 2 * st.up_bytes;
			st.state = routes[i].state != 0 ? routes[i].state
							: AFW_ROUTE_IDLE;
			out(AFW_MSG_ROUTE_STATS_ITEM, m->hdr.id, &st, -1);
		}
		break;
	}
	status(m->hdr.id, AFW_OK);
}

/* ---- net ----------------------------------------------------------------- */

static bool
net_refuses(const struct afw_msg *m)
{
	const struct afw_m_rule *r = (const void *)m->payload;
	char bad[AFW_ADDR_TEXT + 16], key[AFW_ADDR_TEXT + 16];

	word("refuse", bad, sizeof(bad));
	return strcmp(bad, afw_key_print(&r->key, key, sizeof(key))) == 0;
}

static void
wg_set(uint32_t id, const struct afw_m_net_wg_set *set)
{
	struct afw_m_net_wg wg = {.impl = AFW_WG_USERSPACE};
	struct afw_m_keep keep = {.route = set->route};
	char taken[200];

	word("taken", taken, sizeof(taken));
	if (strstr(taken, set->ifname) != NULL) {
		status(id, AFW_EBUSY);
		return;
	}
	if (told("kernel", "", NULL, false))
		wg.impl = AFW_WG_KERNEL;
	else
		out(AFW_MSG_NET_KEEP, 0, &keep,
		    open("/dev/zero", O_RDWR | O_CLOEXEC));
	out(AFW_MSG_NET_WG, id, &wg, -1);
}

static void
net_handle(const struct afw_msg *m)
{
	struct afw_m_wan wan = {
	    .up = !told("nowan", "", NULL, false), .mtu = 1500, .has4 = 1};

	if (m->hdr.type == AFW_MSG_NET_RULE_SET && net_refuses(m)) {
		status(m->hdr.id, AFW_EINVAL);
		return;
	}
	if (m->hdr.type == AFW_MSG_NET_WG_SET) {
		wg_set(m->hdr.id, (const void *)m->payload);
		return;
	}
	status(m->hdr.id, AFW_OK);
	if (m->hdr.type != AFW_MSG_NET_CONFIG)
		return;
	(void)afw_str_set(wan.ifname, sizeof(wan.ifname), "wan0");
	out(AFW_MSG_NET_KEEP, 0, NULL, open("/dev/null", O_RDWR | O_CLOEXEC));
	out(AFW_MSG_WAN, 0, &wan, -1);
}

/* ---- auth ---------------------------------------------------------------- */

static void
file_get(uint32_t id, const char *name)
{
	struct afw_m_filename f;

	(void)afw_str_set(f.name, sizeof(f.name), name);
	out(AFW_MSG_FILE_GET, id, &f, -1);
}

static void
auth_files_try(void)
{
	struct afw_m_blob b = {.len = 5};

	file_get(1, "a.pass");
	file_get(2, "../outside");
	file_get(3, "link");
	out(AFW_MSG_CACHE_SAVE, 4, &b, afw_blob_make("cache", 5));
}

static void
location_check(uint32_t id, const char *location)
{
	struct afw_m_location_info info = {0};

	if (strncmp(location, "wg", 2) == 0)
		info.type = AFW_TYPE_WIREGUARD;
	else if (strncmp(location, "hy", 2) == 0)
		info.type = AFW_TYPE_HYDRA_TCP;
	if (strcmp(location, "nowhere") == 0)
		status(id, AFW_ENOENT);
	else if (told("nolist", "", NULL, false))
		status(id, AFW_OK);
	else
		out(AFW_MSG_LOCATION_INFO, id, &info, -1);
}

static void
auth_handle(const struct afw_msg *m)
{
	const struct afw_m_location *l = (const void *)m->payload;
	const struct afw_m_verify *v = (const void *)m->payload;
	struct afw_m_token t = {.token = "token-1"};
	struct afw_m_blob b = {.len = 2};

	switch (m->hdr.type) {
	case AFW_MSG_LOCATION_CHECK:
		location_check(m->hdr.id, l->location);
		return;
	case AFW_MSG_REGISTER:
		out(AFW_MSG_REGISTERED, m->hdr.id, &t, -1);
		out(AFW_MSG_AUTH_TOKEN_NEW, 0, &t, -1);
		return;
	case AFW_MSG_LOCATIONS:
		(void)told("nolist", "", NULL, true);
		state_try();
		out(AFW_MSG_LOCATIONS_JSON, m->hdr.id, &b,
		    afw_blob_make("{}", 2));
		return;
	case AFW_MSG_VERIFY_USER:
		status(m->hdr.id,
		    strcmp(v->password, "right") == 0 ? AFW_OK : AFW_EACCES);
		return;
	case AFW_MSG_BACKEND:
		status(m->hdr.id, AFW_OK);
		if (strncmp(
			((const struct afw_m_backend *)(const void *)m->payload)
			    ->url,
			"file:", 5) == 0)
			auth_files_try();
		return;
	}
	status(m->hdr.id, AFW_OK);
}

/* ---- all ------------------------------------------------------------------
 */

static void
peer_take(struct afw_msg *m)
{
	int fd = afw_msg_take_fd(m);

	if (n_peers == PEERS)
		(void)close(peers[--n_peers]);
	peers[n_peers++] = fd;
}

/* Where the files say that this one gets no ordinary answer: true. */
static bool
misbehave(const struct afw_msg *m)
{
	const char *name = m->row->name;
	int code;

	if (told("die", name, NULL, true))
		exit(1);
	if (told("junk", name, NULL, true)) {
		(void)send(sup.fd, "junk", 4, MSG_NOSIGNAL);
		return true;
	}
	if (told("illegal", name, NULL, true)) {
		route_step(1, AFW_ROUTE_DISCONNECTED);
		return true;
	}
	if (told("hang", name, NULL, false))
		return true;
	if (m->row->kind == AFW_RQ && told("code", name, &code, false)) {
		status(m->hdr.id, (unsigned int)code);
		return true;
	}
	return false;
}

static void
refuse_login(const struct afw_msg *m)
{
	struct afw_m_status st = {.code = AFW_EACCES, .text = "SUSPENDED"};

	if (role == AFW_AUTH && told("refuse", m->row->name, NULL, true))
		out(AFW_MSG_AUTH_INVALID, 0, &st, -1);
}

static void
handle(struct afw_msg *m)
{
	char text[200];
	const struct afw_m_status *st = (const void *)m->payload;
	const struct afw_m_state *state = (const void *)m->payload;

	if (m->row->kind == AFW_RP) {
		if (m->hdr.type == AFW_MSG_STATE)
			note("reply STATE %u bytes: %.64s", state->len,
			    (const char *)state->data);
		else
			note("reply %s id=%u code=%u", m->row->name, m->hdr.id,
			    m->hdr.type == AFW_MSG_STATUS ? st->code : 0);
		return;
	}
	if (told("mute", "", NULL, false))
		return;
	detail(m, text, sizeof(text));
	if (m->hdr.type != AFW_MSG_PING)
		note("%s%s", m->row->name, text);
	refuse_login(m);
	if (misbehave(m))
		return;
	if (m->hdr.type == AFW_MSG_PEER)
		peer_take(m);
	if (m->row->kind != AFW_RQ)
		return;
	if (m->hdr.type == AFW_MSG_PING || m->hdr.type == AFW_MSG_SHUTDOWN)
		status(m->hdr.id, AFW_OK);
	else if (role == AFW_NET)
		net_handle(m);
	else if (role == AFW_TUN)
		tun_handle(m);
	else
		auth_handle(m);
	if (m->hdr.type == AFW_MSG_SHUTDOWN)
		exit(0);
}

/* The next message; the process ends with its supervisor. */
static void
next(struct afw_msg *m)
{
	struct pollfd pfd = {.fd = sup.fd};
	int rc;

	while ((rc = afw_chan_recv(&sup, m)) == 0) {
		pfd.events = POLLIN;
		if (afw_chan_flush(&sup) == 0)
			pfd.events |= POLLOUT;
		(void)poll(&pfd, 1, -1);
	}
	if (rc == -1 && errno == EPROTO)
		note("BUG %s", sup.why);
	if (rc == -1)
		exit(0);
}

static void
start(void)
{
	const struct afw_m_start *st;
	struct afw_msg m;

	hello();
	next(&m);
	st = (const void *)m.payload;
	sup.self_gen = st->gen;
	sup.peer_gen = 1;
	sup.phase = AFW_PH_S;
	note("start gen=%u", st->gen);
	afw_msg_done(&m);
	out(AFW_MSG_READY, 0, NULL, -1);
	sup.phase = AFW_PH_R;
}

int
main(int argc, char **argv)
{
	struct afw_msg m;
	ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	int code;

	if (argc < 1 || n == -1)
		return 3;
	*strrchr(dir, '/') = '\0';
	role = strcmp(argv[0], "afwrt-net") == 0 ? AFW_NET
	    : strcmp(argv[0], "afwrt-tun") == 0  ? AFW_TUN
						 : AFW_AUTH;
	if (told("exit", "", &code, false)) {
		note("exit");
		return code;
	}
	if (afw_chan_init(&sup, 3, role, AFW_SUP) == -1)
		return 3;
	start();
	for (;;) {
		next(&m);
		handle(&m);
		afw_msg_done(&m);
	}
}
