/* SPDX-License-Identifier: ISC */
/*
 * The common life of a helper: a child is one, the test is its supervisor and
 * its peer. Needs root, for privilege must be there to be dropped; skipped
 * otherwise.
 */
#include "lib/daemon/daemon.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"

#define USER "64731:64731"
#define GEN  3

static struct afw_chan sup; /* our end of the helper's fd 3 */
static pid_t pid;
static struct afw_msg m;

static int
clear_handle(void *arg, struct afw_link *l, struct afw_msg *msg)
{
	(void)arg;
	(void)l;
	(void)msg;
	return AFW_EBUSY;
}

static const struct afw_handler handlers[] = {
    {AFW_MSG_NET_CLEAR, clear_handle},
    {0, NULL},
};

static int
socket_handle(void *arg, struct afw_link *l, struct afw_msg *msg)
{
	(void)arg;
	(void)l;
	(void)msg;
	return AFW_ENETUNREACH;
}

static const struct afw_handler peer_handlers[] = {
    {AFW_MSG_SOCKET_GET, socket_handle},
    {0, NULL},
};

static void
setup(struct event_base *base)
{
	(void)base;
	log_info("set up");
}

static void
peer_up(enum afw_role role, struct afw_link *l)
{
	log_info("%s: %s", afw_role_name(role),
	    afw_link_is_open(l) ? "up" : "not open");
}

static void
peer_down(enum afw_role role)
{
	log_info("%s: down", afw_role_name(role));
}

static void
stop(bool keep_blocked, void (*done)(void))
{
	log_info("stop: keep_blocked %d", keep_blocked);
	done();
}

static const struct afw_daemon helper = {
    .name = "net",
    .role = AFW_NET,
    .user = USER,
    .caps = UINT64_C(1) << 12, /* CAP_NET_ADMIN */
    .setup = setup,
    .handlers = handlers,
    .peer_handlers = peer_handlers,
    .peer_up = peer_up,
    .peer_down = peer_down,
    .shutdown = stop,
};

/* The empty directory, made where only this process sees it. */
static bool
chroot_dir_make(void)
{
	char path[] = AFWRT_CHROOT_DIR;
	char *p;

	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", "/run", "tmpfs", 0, "mode=755") == -1)
		return false;
	for (p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(path, 0755);
		*p = '/';
	}
	return mkdir(path, 0755) == 0 || errno == EEXIST;
}

static void
child(int fd)
{
	if (!chroot_dir_make())
		_exit(99);
	(void)dup2(fd, AFW_LINK_FD);
	for (fd = AFW_LINK_FD + 1; fd < 64; fd++) /* as an exec would */
		(void)close(fd);
	_exit(afw_daemon_run(&helper));
}

/* The next message that is no LOG; the lines are kept in text. */
static int
next(struct afw_chan *c, char *text, size_t size)
{
	struct pollfd pfd = {.fd = c->fd, .events = POLLIN};
	const struct afw_m_log *line = (const void *)m.payload;
	int rc;

	for (;;) {
		while ((rc = afw_chan_recv(c, &m)) == 0)
			ck_assert_int_eq(poll(&pfd, 1, 10000), 1);
		if (rc != 1 || m.hdr.type != AFW_MSG_LOG)
			return rc;
		if (text != NULL)
			(void)snprintf(text + strlen(text), size - strlen(text),
			    "%s\n", line->text);
	}
}

static void
expect(struct afw_chan *c, enum afw_msg_type type)
{
	int rc = next(c, NULL, 0);

	ck_assert_msg(rc == 1, "%s", c->why);
	ck_assert_uint_eq(m.hdr.type, type);
}

static void
expect_status(struct afw_chan *c, uint32_t id, uint32_t code)
{
	expect(c, AFW_MSG_STATUS);
	ck_assert_uint_eq(m.hdr.id, id);
	ck_assert_uint_eq(
	    ((const struct afw_m_status *)(const void *)m.payload)->code, code);
}

/* Reads to the end; the exit status. */
static int
ended(char *text, size_t size)
{
	int status;

	ck_assert_int_eq(next(&sup, text, size), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	afw_chan_close(&sup);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
spawn(void)
{
	int sv[2];

	ck_assert_int_eq(afw_chan_pair(sv), 0);
	ck_assert_int_eq(afw_chan_init(&sup, sv[0], AFW_SUP, AFW_NET), 0);
	if ((pid = fork()) == 0)
		child(sv[1]);
	(void)close(sv[1]);
	expect(&sup, AFW_MSG_HELLO);
	ck_assert_ptr_null(
	    afw_hello_refuses((const struct afw_m_hello *)(void *)m.payload));
}

static void
start(void)
{
	struct afw_m_start st = {.gen = GEN, .log_level = 6};

	spawn();
	ck_assert_int_eq(afw_chan_send(&sup, AFW_MSG_START, 0, &st, -1), 0);
	sup.self_gen = 1;
	sup.peer_gen = GEN;
	sup.phase = AFW_PH_S;
	expect(&sup, AFW_MSG_READY);
	sup.phase = AFW_PH_R;
}

static void
peer_give(struct afw_chan *c)
{
	struct afw_m_peer p = {.role = AFW_TUN, .gen = 8};
	int sv[2];

	ck_assert_int_eq(afw_chan_pair(sv), 0);
	ck_assert_int_eq(afw_chan_init(c, sv[0], AFW_TUN, AFW_NET), 0);
	ck_assert_int_eq(afw_chan_send(&sup, AFW_MSG_PEER, 0, &p, sv[1]), 0);
	c->phase = AFW_PH_R;
	c->self_gen = 8;
	c->peer_gen = GEN;
}

static void
shut_down(const char *want)
{
	struct afw_m_shutdown s = {.keep_blocked = 1};
	char text[1000] = "";

	ck_assert_int_eq(afw_chan_send(&sup, AFW_MSG_SHUTDOWN, 5, &s, -1), 0);
	ck_assert_int_eq(next(&sup, text, sizeof(text)), 1);
	ck_assert_uint_eq(m.hdr.type, AFW_MSG_STATUS);
	ck_assert_uint_eq(m.hdr.id, 5);
	ck_assert_int_eq(ended(text, sizeof(text)), 0);
	ck_assert_str_eq(text, want);
}

START_TEST(life)
{
	struct afw_m_shutdown s = {0};

	start();
	ck_assert_int_eq(afw_chan_send(&sup, AFW_MSG_PING, 1, NULL, -1), 0);
	expect(&sup, AFW_MSG_PONG);
	ck_assert_int_eq(afw_chan_send(&sup, AFW_MSG_NET_CLEAR, 2, &s, -1), 0);
	expect_status(&sup, 2, AFW_EBUSY);
	ck_assert_int_eq(
	    afw_chan_send(&sup, AFW_MSG_NET_SYNC_COMMIT, 3, NULL, -1), 0);
	expect_status(&sup, 3, AFW_ENOSYS);
	shut_down("net: stop: keep_blocked 1\n");
}
END_TEST

START_TEST(peers)
{
	struct afw_m_socket s = {.family = 4, .scope = AFW_SCOPE_WAN};
	struct afw_chan a, b;

	start();
	peer_give(&a);
	ck_assert_int_eq(afw_chan_send(&a, AFW_MSG_SOCKET_GET, 1, &s, -1), 0);
	expect_status(&a, 1, AFW_ENETUNREACH);
	peer_give(&b); /* tun was restarted: the old channel is closed */
	ck_assert_int_eq(next(&a, NULL, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	b.self_gen = 9; /* a violation by the peer costs only that channel */
	ck_assert_int_eq(afw_chan_send(&b, AFW_MSG_SOCKET_GET, 1, &s, -1), 0);
	ck_assert_int_eq(next(&b, NULL, 0), -1);
	afw_chan_close(&a);
	afw_chan_close(&b);
	shut_down("net: tun: up\nnet: tun: down\nnet: tun: up\n"
		  "net: tun: closed: SOCKET_GET from tun: future generation\n"
		  "net: tun: down\nnet: stop: keep_blocked 1\n");
}
END_TEST

START_TEST(supervisor_gone)
{
	int status;

	start();
	afw_chan_close(&sup);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(second_start)
{
	struct afw_m_start st = {.gen = GEN, .log_level = 6};

	start();
	sup.phase = AFW_PH_H;
	ck_assert_int_eq(afw_chan_send(&sup, AFW_MSG_START, 0, &st, -1), 0);
	sup.phase = AFW_PH_R;
	(void)ended(NULL, 0);
}
END_TEST

/* A line of /proc/PID/status. */
static void
status_has(const char *want)
{
	char path[64], line[256];
	size_t n = strcspn(want, ":");
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, want, n + 1) == 0)
			break;
	(void)fclose(f);
	line[strcspn(line, "\n")] = '\0';
	ck_assert_str_eq(line, want);
}

START_TEST(privilege)
{
	char path[64], root[256] = "";

	start();
	status_has("Uid:\t64731\t64731\t64731\t64731");
	status_has("Gid:\t64731\t64731\t64731\t64731");
	status_has("Groups:\t ");
	status_has("CapInh:\t0000000000000000");
	status_has("CapPrm:\t0000000000001000");
	status_has("CapEff:\t0000000000001000");
	status_has("CapBnd:\t0000000000000000");
	status_has("CapAmb:\t0000000000000000");
	status_has("NoNewPrivs:\t1");
	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	ck_assert_int_gt(readlink(path, root, sizeof(root) - 1), 0);
	ck_assert_str_eq(root, AFWRT_CHROOT_DIR);
	shut_down("net: stop: keep_blocked 1\n");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("daemon");
	TCase *t = tcase_create("daemon");
	SRunner *sr;
	int failed;

	if (geteuid() != 0 || strncmp(AFWRT_CHROOT_DIR, "/run/", 5) != 0) {
		(void)puts("skipped: needs root and an empty root in /run");
		return 77;
	}
	tcase_set_timeout(t, 20);
	tcase_add_test(t, life);
	tcase_add_test(t, peers);
	tcase_add_test(t, supervisor_gone);
	tcase_add_test(t, second_start);
	tcase_add_test(t, privilege);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
