/* SPDX-License-Identifier: ISC */
#include "auth_world.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NET_GEN 5
#define TUN_GEN 7
#define WAIT    40000 /* ms */

char world_dir[64] = "/tmp/check_auth.XXXXXX";
struct afw_chan world_sup, world_tun;
static struct afw_chan net;
unsigned int world_tokens, world_invalid, world_saved, world_sockets;
char world_token[AFW_TOKEN_SIZE], world_invalid_text[256], world_text[188];
static pid_t auth;
static uint32_t next_id = 1;

/* ---- files and programs ------------------------------------------------ */

static const char certs[] =
    "set -e; cd %s; exec >/dev/null 2>&1\n"
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem"
    " -subj /CN=ca -days 30\n"
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key"
    " -out other.pem -subj /CN=other -days 30\n"
    "openssl req -new -newkey rsa:2048 -nodes -keyout node.key"
    " -out node.csr -subj /CN=node\n"
    "printf "
    "'subjectAltName=DNS:node.test,DNS:localhost,DNS:*.test,IP:127.0.0.1\\n'"
    " >ext\n"
    "openssl x509 -req -in node.csr -CA ca.pem -CAkey ca.key"
    " -CAcreateserial -days 30 -extfile ext -out node.pem\n";

const char *
world_path(const char *name)
{
	static char buf[512];

	(void)snprintf(buf, sizeof(buf), "%s/%s", world_dir, name);
	return buf;
}

void
world_make(void)
{
	char cmd[2048];

	ck_assert_ptr_nonnull(mkdtemp(world_dir));
	(void)chmod(world_dir, 0755);
	(void)snprintf(cmd, sizeof(cmd), certs, world_dir);
	ck_assert_msg(system(cmd) == 0, "openssl makes no certificates");
	(void)mkdir("/run/afwrt", 0755);
	(void)mkdir(AFWRT_CHROOT_DIR, 0755);
}

void
world_remove(void)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", world_dir);
	ck_assert_int_eq(system(cmd), 0);
}

void
world_write(const char *name, mode_t mode, const char *fmt, ...)
{
	FILE *f = fopen(world_path(name), "we");
	va_list ap;

	ck_assert_ptr_nonnull(f);
	va_start(ap, fmt);
	(void)vfprintf(f, fmt, ap);
	va_end(ap);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(world_path(name), mode), 0);
}

char *
world_read(const char *name)
{
	static char buf[65536];
	FILE *f = fopen(world_path(name), "re");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(buf, 1, sizeof(buf) - 1, f);
	buf[n] = '\0';
	(void)fclose(f);
	return buf;
}

uint16_t
world_free_port(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	(void)close(fd);
	return ntohs(sin.sin_port);
}

pid_t
world_spawn(const char *ready, const char *const argv[])
{
	char buf[16384] = "";
	size_t have = 0;
	int p[2];
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(p), 0);
	if ((pid = fork()) == 0) {
		(void)dup2(p[1], 1);
		(void)dup2(p[1], 2);
		if (chdir(world_dir) == 0)
			(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(p[1]);
	while (strstr(buf, ready) == NULL) {
		n = read(p[0], buf + have, sizeof(buf) - 1 - have);
		ck_assert_msg(n > 0, "%s did not start: %s", argv[0], buf);
		have += (size_t)n;
		buf[have] = '\0';
	}
	/* its output must go on having a reader */
	if (fork() == 0) {
		while (read(p[0], buf, sizeof(buf)) > 0)
			;
		_exit(0);
	}
	(void)close(p[0]);
	return pid;
}

void
world_kill(pid_t pid)
{
	if (pid <= 0)
		return;
	/* in order, for it has children; and in our process group, which
	 * the test's runner ends with us if we fail */
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, NULL, 0);
}

/* ---- the other ends ---------------------------------------------------- */

static void
give_socket(const struct afw_msg *m)
{
	const struct afw_m_socket *p = (const void *)m->payload;
	int fd = socket(p->family == 4 ? AF_INET : AF_INET6,
	    (p->stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);

	world_sockets++;
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(
	    afw_chan_send(&net, AFW_MSG_SOCKET, m->hdr.id, NULL, fd), 0);
}

static void
give_file(const struct afw_msg *m)
{
	const struct afw_m_filename *p = (const void *)m->payload;
	struct afw_m_status st = {.code = AFW_ENOENT, .text = "no such file"};
	int fd = open(world_path(p->name), O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		(void)afw_chan_send(
		    &world_sup, AFW_MSG_STATUS, m->hdr.id, &st, -1);
	else
		(void)afw_chan_send(
		    &world_sup, AFW_MSG_FILE, m->hdr.id, NULL, fd);
}

/* One location's key pair is enough. */
struct afw_m_state world_state;

static void
give_state(const struct afw_msg *m)
{
	const struct afw_m_state_get *p = (const void *)m->payload;
	struct afw_m_status st = {.code = AFW_ENOENT};

	ck_assert_uint_eq(p->kind, AFW_STATE_WG_KEY);
	if (strcmp(p->location, world_state.location) == 0)
		(void)afw_chan_send(
		    &world_sup, AFW_MSG_STATE, m->hdr.id, &world_state, -1);
	else
		(void)afw_chan_send(
		    &world_sup, AFW_MSG_STATUS, m->hdr.id, &st, -1);
}

/* What is no reply to us. */
static void
handle(struct afw_msg *m)
{
	struct afw_m_status ok = {.code = AFW_OK};
	const struct afw_m_log *line = (const void *)m->payload;
	const struct afw_m_status *st = (const void *)m->payload;

	switch (m->hdr.type) {
	case AFW_MSG_LOG:
		(void)fprintf(stderr, "  %s\n", line->text);
		break;
	case AFW_MSG_SOCKET_GET:
		give_socket(m);
		break;
	case AFW_MSG_FILE_GET:
		give_file(m);
		break;
	case AFW_MSG_STATE_GET:
		give_state(m);
		break;
	case AFW_MSG_STATE_SAVE:
		memcpy(&world_state, m->payload, sizeof(world_state));
		(void)afw_chan_send(
		    &world_sup, AFW_MSG_STATUS, m->hdr.id, &ok, -1);
		break;
	case AFW_MSG_CACHE_SAVE:
		world_saved++;
		(void)afw_chan_send(
		    &world_sup, AFW_MSG_STATUS, m->hdr.id, &ok, -1);
		break;
	case AFW_MSG_AUTH_TOKEN_NEW:
		world_tokens++;
		memcpy(world_token, m->payload, sizeof(world_token));
		break;
	case AFW_MSG_AUTH_INVALID:
		world_invalid++;
		(void)snprintf(world_invalid_text, sizeof(world_invalid_text),
		    "%s", st->text);
		break;
	default:
		break;
	}
}

struct afw_msg *
world_wait(struct afw_chan *want, uint32_t id)
{
	static struct afw_msg m;
	struct afw_chan *c[] = {&world_sup, &net, &world_tun};
	struct pollfd p[3];
	int i, r;

	for (;;) {
		for (i = 0; i < 3; i++) {
			p[i].fd = c[i]->fd;
			p[i].events = POLLIN;
		}
		ck_assert_msg(poll(p, 3, WAIT) > 0, "afwrt-auth is silent");
		for (i = 0; i < 3; i++) {
			if (p[i].fd == -1 || p[i].revents == 0)
				continue;
			while ((r = afw_chan_recv(c[i], &m)) == 1) {
				if (c[i] == want && m.hdr.id == id &&
				    (m.hdr.flags & AFW_F_REPLY) != 0)
					return &m;
				handle(&m);
				if (id == 0 && c[i] == want &&
				    m.hdr.type != AFW_MSG_LOG)
					return &m;
				afw_msg_done(&m);
			}
			ck_assert_msg(r == 0, "afwrt-auth: %s %s",
			    strerror(errno), c[i]->why);
		}
	}
}

uint32_t
world_send(struct afw_chan *c, enum afw_msg_type type, const void *payload)
{
	ck_assert_msg(
	    afw_chan_send(c, type, next_id, payload, -1) == 0, "%s", c->why);
	return next_id++;
}

struct afw_msg *
world_ask(struct afw_chan *c, enum afw_msg_type type, const void *payload)
{
	return world_wait(c, world_send(c, type, payload));
}

unsigned int
world_status(struct afw_chan *c, enum afw_msg_type type, const void *payload)
{
	struct afw_msg *m = world_ask(c, type, payload);
	const struct afw_m_status *st = (const void *)m->payload;

	ck_assert_str_eq(m->row->name, "STATUS");
	(void)snprintf(world_text, sizeof(world_text), "%s", st->text);
	return st->code;
}

void
world_file(enum afw_file which, const char *name)
{
	struct afw_m_auth_file m = {.which = which};
	int fd = open(world_path(name), O_RDONLY | O_CLOEXEC);
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	m.mode = st.st_mode;
	ck_assert_int_eq(
	    afw_chan_send(&world_sup, AFW_MSG_AUTH_FILE, 0, &m, fd), 0);
}

static void
peer(struct afw_chan *c, enum afw_role role, uint32_t gen)
{
	struct afw_m_peer m = {.role = role, .gen = gen};
	int sv[2];

	ck_assert_int_eq(afw_chan_pair(sv), 0);
	ck_assert_int_eq(afw_chan_init(c, sv[0], role, AFW_AUTH), 0);
	c->phase = AFW_PH_R;
	c->self_gen = gen;
	c->peer_gen = 1;
	ck_assert_int_eq(
	    afw_chan_send(&world_sup, AFW_MSG_PEER, 0, &m, sv[1]), 0);
}

void
world_new_tun(void)
{
	afw_chan_close(&world_tun);
	peer(&world_tun, AFW_TUN, TUN_GEN + 1);
}

void
world_start(void)
{
	struct afw_m_start st = {.gen = 1, .log_level = 6};
	int sv[2];

	world_tokens = world_invalid = world_saved = world_sockets = 0;
	ck_assert_int_eq(afw_chan_pair(sv), 0);
	if ((auth = fork()) == 0) {
		(void)dup2(sv[1], 3);
		/* who dropped privilege cannot be traced, not by itself */
		(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
		(void)execl("afwrt-auth/afwrt-auth", "afwrt-auth", NULL);
		_exit(127);
	}
	(void)close(sv[1]);
	net.fd = world_tun.fd = -1;
	ck_assert_int_eq(
	    afw_chan_init(&world_sup, sv[0], AFW_SUP, AFW_AUTH), 0);
	world_sup.phase = AFW_PH_H;
	afw_msg_done(world_wait(&world_sup, 0)); /* HELLO */
	ck_assert_int_eq(
	    afw_chan_send(&world_sup, AFW_MSG_START, 0, &st, -1), 0);
	world_sup.self_gen = world_sup.peer_gen = 1;
	world_sup.phase = AFW_PH_S;
	afw_msg_done(world_wait(&world_sup, 0)); /* READY */
	world_sup.phase = AFW_PH_R;
	peer(&net, AFW_NET, NET_GEN);
	peer(&world_tun, AFW_TUN, TUN_GEN);
}

void
world_stop(void)
{
	int status = -1;

	if (auth <= 0)
		return;
	afw_chan_close(&world_sup);
	afw_chan_close(&net);
	afw_chan_close(&world_tun);
	/* end of file is its order to go */
	ck_assert_int_eq(waitpid(auth, &status, 0), auth);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "afwrt-auth ended with %#x", status);
	auth = 0;
}
