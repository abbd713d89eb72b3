/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "player.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS    50000
#define EVENTS_MAX 512

struct afw_chan player;
pid_t player_afwrtd;
char player_dir[256], player_text[188];

static uint32_t last_id;
static long log_mark;
static struct {
	uint16_t type;
	uint8_t payload[AFW_TOKEN_SIZE + 3];
} events[EVENTS_MAX];
static unsigned int n_events;

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- the folder -----------------------------------------------------------
 */

static void
path_of(char *path, size_t size, const char *file)
{
	ck_assert_int_lt(
	    snprintf(path, size, "%s/%s", player_dir, file), (int)size);
}

void
player_tell(const char *file, const char *text)
{
	char path[512];
	FILE *f;

	path_of(path, sizeof(path), file);
	ck_assert_ptr_nonnull(f = fopen(path, "we"));
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

void
player_untell(const char *file)
{
	char path[512];

	path_of(path, sizeof(path), file);
	ck_assert_int_eq(unlink(path), 0);
}

static void
run(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	ck_assert_int_eq(system(cmd), 0);
}

void
player_setup(void)
{
	(void)snprintf(player_dir, sizeof(player_dir), "%s/afwrtd-XXXXXX",
	    getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(player_dir));
	run("for h in net tun auth; do cp '%s' '%s'/afwrt-$h; done",
	    FAKE_HELPER, player_dir);
	run("mkdir '%s'/config && : > '%s'/log", player_dir, player_dir);
	log_mark = 0;
	/* whatever afwrtd leaves behind becomes our child and is seen */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

void
player_teardown(void)
{
	run("rm -rf '%s'", player_dir);
}

/* ---- the process ----------------------------------------------------------
 */

static void
afwrtd_exec(int fd)
{
	char wg[512];

	path_of(wg, sizeof(wg), "wg");
	ck_assert_int_eq(setenv("AFWRT_LIBEXECDIR", player_dir, 1), 0);
	ck_assert_int_eq(setenv("AFWRT_WG_SOCKET_DIR", wg, 1), 0);
	if (dup2(fd, 3) == -1)
		_exit(98);
	(void)execl(AFWRTD, "afwrtd", (char *)NULL);
	_exit(99);
}

void
player_start(void)
{
	struct afw_msg m;
	const struct afw_m_hello *h = (const void *)m.payload;
	int sv[2];

	ck_assert_int_eq(afw_chan_pair(sv), 0);
	ck_assert_int_ne(player_afwrtd = fork(), -1);
	if (player_afwrtd == 0)
		afwrtd_exec(sv[1]);
	(void)close(sv[1]);
	ck_assert_int_eq(afw_chan_init(&player, sv[0], AFW_LIB, AFW_SUP), 0);
	player_event(AFW_MSG_HELLO, &m);
	ck_assert(h->table_sum == afw_table_sum());
	player.self_gen = player.peer_gen = 1;
	player.phase = AFW_PH_R;
}

static void
afwrtd_reap(void)
{
	int64_t end = now_ms() + 20000;
	int status;
	pid_t pid;

	while ((pid = waitpid(player_afwrtd, &status, WNOHANG)) == 0) {
		ck_assert_msg(now_ms() < end, "afwrtd does not end");
		(void)poll(NULL, 0, 5);
	}
	ck_assert_int_eq(pid, player_afwrtd);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "afwrtd ended with status %#x", (unsigned int)status);
	ck_assert_msg(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD,
	    "a process was left behind");
}

void
player_wait_end(void)
{
	struct pollfd pfd = {.fd = player.fd, .events = POLLIN};
	struct afw_msg m;
	int rc;

	do {
		ck_assert_int_eq(poll(&pfd, 1, 20000), 1);
		if ((rc = afw_chan_recv(&player, &m)) == 1)
			afw_msg_done(&m);
	} while (rc != -1);
	ck_assert_int_eq(errno, ECONNRESET);
	afwrtd_reap();
	afw_chan_close(&player);
	ck_assert_msg(player_count("BUG") == 0, "a helper saw a bad message");
}

void
player_end(void)
{
	ck_assert_int_eq(shutdown(player.fd, SHUT_WR), 0);
	player_wait_end();
}

/* ---- messages ---------------------------------------------------------------
 */

static void
event_keep(const struct afw_msg *m)
{
	if (m->hdr.type == AFW_MSG_LOG) {
		if (getenv("PLAYER_LOG") != NULL)
			(void)fprintf(stderr, "%s\n",
			    ((const struct afw_m_log *)(const void *)m->payload)
				->text);
		return;
	}
	ck_assert_msg(n_events < EVENTS_MAX, "too many events");
	events[n_events].type = m->hdr.type;
	memcpy(events[n_events++].payload, m->payload, m->hdr.len);
}

/* One message, or the test fails. */
static void
receive(struct afw_msg *m, int64_t end)
{
	struct pollfd pfd = {.fd = player.fd};
	int64_t left;
	int rc;

	while ((rc = afw_chan_recv(&player, m)) == 0) {
		pfd.events = POLLIN;
		if (afw_chan_flush(&player) == 0)
			pfd.events |= POLLOUT;
		left = end - now_ms();
		ck_assert_msg(left > 0, "nothing came in time");
		(void)poll(&pfd, 1, (int)left);
	}
	ck_assert_msg(
	    rc == 1, "link: %s", errno == EPROTO ? player.why : "end of file");
}

uint32_t
player_send(enum afw_msg_type type, const void *payload)
{
	bool event = afw_row((uint16_t)type)->kind == AFW_EV;
	uint32_t id = event ? 0 : ++last_id;

	ck_assert_msg(afw_chan_send(&player, type, id, payload, -1) == 0, "%s",
	    player.why);
	return id;
}

void
player_answer(uint32_t id, struct afw_msg *m)
{
	int64_t end = now_ms() + WAIT_MS;

	for (;;) {
		receive(m, end);
		if (m->row->kind == AFW_RP && m->hdr.id == id)
			return;
		if (m->row->kind == AFW_EV)
			event_keep(m);
		afw_msg_done(m);
	}
}

unsigned int
player_reply(uint32_t id)
{
	struct afw_msg m;
	const struct afw_m_status *st = (const void *)m.payload;

	do
		player_answer(id, &m);
	while (m.hdr.type != AFW_MSG_STATUS);
	memcpy(player_text, st->text, sizeof(player_text));
	return st->code;
}

unsigned int
player_ask(enum afw_msg_type type, const void *payload)
{
	return player_reply(player_send(type, payload));
}

static bool
event_take(enum afw_msg_type type, struct afw_msg *m)
{
	unsigned int i;

	for (i = 0; i < n_events; i++) {
		if (events[i].type != type)
			continue;
		m->hdr.type = (uint16_t)type;
		m->row = afw_row((uint16_t)type);
		m->fd = -1;
		memcpy(m->payload, events[i].payload, m->row->size);
		n_events -= i + 1;
		memmove(events, events + i + 1, n_events * sizeof(events[0]));
		return true;
	}
	n_events = 0;
	return false;
}

void
player_event(enum afw_msg_type type, struct afw_msg *m)
{
	int64_t end = now_ms() + WAIT_MS;

	while (!event_take(type, m)) {
		receive(m, end);
		if (m->row->kind == AFW_EV)
			event_keep(m);
		afw_msg_done(m);
	}
}

uint32_t
player_route(const char *location, uint32_t state)
{
	struct afw_msg m;
	const struct afw_m_ev_route *e = (const void *)m.payload;

	player_event(AFW_MSG_EV_ROUTE, &m);
	ck_assert_str_eq(e->location, location);
	ck_assert_uint_eq(e->state, state);
	return e->seq;
}

void
player_no_event(enum afw_msg_type type)
{
	struct afw_msg m;

	(void)player_process(AFW_NET); /* a full turn of afwrtd */
	ck_assert_msg(
	    !event_take(type, &m), "%s came", afw_row((uint16_t)type)->name);
}

/* ---- requests
 * ---------------------------------------------------------------- */

struct afw_m_config
player_config(void)
{
	struct afw_m_config c = {
	    .fwmark = 8,
	    .fwmark_mask = 0xffffffff,
	    .route_table = 47,
	    .rule_priority = 10,
	    .wan_wait = 5,
	    .type = AFW_TYPE_HYDRA_TCP,
	    .wg_impl = AFW_WG_AUTO,
	    .reconnect = AFW_RECONNECT_MANUAL,
	    .reconnect_interval = 10,
	    .v4v6 = AFW_V4V6_LEGACY,
	    .connections = 1,
	    .log_level = 7,
	};

	(void)afw_str_set(c.tun_ifname, sizeof(c.tun_ifname), "wrt0");
	(void)afw_str_set(c.wan_ifname, sizeof(c.wan_ifname), "wan0");
	(void)afw_str_set(c.vl_default, sizeof(c.vl_default), "us");
	(void)afw_str_set(c.tun_dev_path, sizeof(c.tun_dev_path), "/dev/null");
	path_of(c.config_dir, sizeof(c.config_dir), "config");
	return c;
}

void
player_configure(void)
{
	struct afw_m_config c = player_config();

	ck_assert_msg(
	    player_ask(AFW_MSG_CONFIG, &c) == AFW_OK, "%s", player_text);
}

struct afw_key
player_key(const char *ip)
{
	struct afw_key k = {.kind = AFW_KEY_IP};

	ck_assert_int_eq(afw_addr_parse(&k.addr, ip), 0);
	return k;
}

unsigned int
player_protect(const char *ip, const char *location)
{
	struct afw_m_protect p = {.key = player_key(ip)};

	(void)afw_str_set(p.location, sizeof(p.location), location);
	return player_ask(AFW_MSG_PROTECT, &p);
}

unsigned int
player_unprotect(const char *ip)
{
	struct afw_m_key k = {.key = player_key(ip)};

	return player_ask(AFW_MSG_UNPROTECT, &k);
}

unsigned int
player_setup_tunnel(const char *location)
{
	return player_setup_iface(location, "");
}

unsigned int
player_setup_iface(const char *location, const char *iface)
{
	struct afw_m_tunnel t = {{0}, {0}};

	(void)afw_str_set(t.location, sizeof(t.location), location);
	(void)afw_str_set(t.iface, sizeof(t.iface), iface);
	return player_ask(AFW_MSG_TUNNEL_SETUP, &t);
}

unsigned int
player_teardown_tunnel(const char *location)
{
	struct afw_m_location l;

	(void)afw_str_set(l.location, sizeof(l.location), location);
	return player_ask(AFW_MSG_TUNNEL_TEARDOWN, &l);
}

struct afw_m_process
player_process(enum afw_role role)
{
	uint32_t id = player_send(AFW_MSG_QUERY, NULL);
	struct afw_m_process found = {0};
	struct afw_msg m;
	const struct afw_m_process *p = (const void *)m.payload;

	do {
		player_answer(id, &m);
		if (m.hdr.type == AFW_MSG_QUERY_PROCESS && p->role == role)
			found = *p;
	} while (m.hdr.type != AFW_MSG_STATUS);
	return found;
}

/* ---- the helpers' log ------------------------------------------------------
 */

static char *
log_read(void)
{
	static char text[1024 * 1024];
	char path[512];
	size_t n;
	FILE *f;

	path_of(path, sizeof(path), "log");
	ck_assert_ptr_nonnull(f = fopen(path, "re"));
	ck_assert_int_eq(fseek(f, log_mark, SEEK_SET), 0);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	return text;
}

void
player_mark(void)
{
	log_mark += (long)strlen(log_read());
}

int
player_count(const char *fragment)
{
	const char *p = log_read();
	int n = 0;

	while ((p = strstr(p, fragment)) != NULL) {
		n++;
		p++;
	}
	return n;
}

void
player_logged(const char *first, ...)
{
	int64_t end = now_ms() + WAIT_MS;
	const char *want, *p;
	va_list ap;

	for (;;) {
		p = log_read();
		va_start(ap, first);
		for (want = first; want != NULL && p != NULL;
		     want = p != NULL ? va_arg(ap, const char *) : want)
			if ((p = strstr(p, want)) != NULL)
				p += strlen(want);
		va_end(ap);
		if (want == NULL)
			return;
		ck_assert_msg(now_ms() < end, "not in order: \"%s\" in\n%s",
		    want, log_read());
		(void)poll(NULL, 0, 10);
	}
}

int
player_main(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	if (geteuid() != 0) {
		(void)puts("afwrtd needs root: skipped");
		srunner_free(r);
		return 77;
	}
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
