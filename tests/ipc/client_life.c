/* SPDX-License-Identifier: ISC */
/* init and deinit: how the suite is started, what is left, what is refused. */
#include "client_test.h"

#include <afwrt.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
teardown(void)
{
	fake_remove();
}

static volatile sig_atomic_t children;

static void
sigchld(int s)
{
	(void)s;
	children++;
}

/* What afwrtd is born with, and that the application does not notice. */
START_TEST(birth)
{
	const char *r;
	int extra;

	fake_install("");
	(void)signal(SIGCHLD, sigchld);
	(void)setenv("SECRET_OF_THE_APPLICATION", "1", 1);
	(void)setenv("AFWRT_SECCOMP", "0", 1);
	extra = open("/dev/null", O_RDONLY); /* not close-on-exec */
	ck_does(afwrt_init(CONFIG, NULL));
	r = fake_file("report");
	ck_assert_ptr_nonnull(strstr(r, "sid 1\n"));
	ck_assert_ptr_null(strstr(r, "SECRET"));
	ck_assert_ptr_nonnull(strstr(r, "env AFWRT_SECCOMP=0\n"));
	ck_assert_ptr_nonnull(strstr(r, "env PATH=/usr/sbin:"));
	ck_assert_ptr_nonnull(strstr(r, "fd 0\nfd 1\nfd 2\nfd 3\n"));
	ck_assert_ptr_null(strstr(r, "fd 4\nfd 5"));
	ck_does(afwrt_deinit());
	ck_assert_int_eq(children, 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	ck_assert_int_eq(errno, ECHILD);
	(void)close(extra);
}
END_TEST

/* A daemon has closed its standard descriptors. */
START_TEST(birth_without_stdio)
{
	pid_t pid;
	int st;

	fake_install("");
	if ((pid = fork()) == 0) {
		(void)close(0);
		(void)close(1);
		(void)close(2);
		_exit(afwrt_init(CONFIG, NULL) == 0 &&
			    afwrt_protect_ip_addr("10.0.0.1", "us") == 0 &&
			    afwrt_deinit() == 0
			? 0
			: 1);
	}
	ck_assert_int_eq(waitpid(pid, &st, 0), pid);
	ck_assert_int_eq(st, 0);
	ck_assert_ptr_nonnull(
	    strstr(fake_file("report"), "fd 0\nfd 1\nfd 2\nfd 3\n"));
}
END_TEST

START_TEST(states)
{
	fake_install("");
	ck_fails(afwrt_deinit(), EINVAL);
	ck_fails(afwrt_start(), EINVAL);
	ck_fails(afwrt_get_fd(), EINVAL);
	ck_fails(afwrt_dispatch(), EINVAL);
	ck_fails(afwrt_protect_ip_addr("10.0.0.1", "us"), EINVAL);
	ck_fails(afwrt_setup_tunnel("us", NULL), EINVAL);
	ck_fails(afwrt_set_access_token("x"), EINVAL);
	ck_assert_ptr_null(afwrt_get_locations());
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(afwrt_register_device("anonymous", NULL));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(afwrt_stop(), 0);
	ck_fails(afwrt_init(NULL, NULL), EINVAL);
	ck_fails(afwrt_init("{}", NULL), EINVAL);
	ck_assert_str_eq(afwrt_last_error(), "\"tun_ifname\" is missing");
	ck_does(afwrt_init(CONFIG, NULL));
	ck_fails(afwrt_init(CONFIG, NULL), EALREADY);
	ck_fails(afwrt_dispatch(), EINVAL);
	ck_does(afwrt_deinit());
	ck_fails(afwrt_deinit(), EINVAL);
	ck_assert_str_eq(afwrt_version(), PACKAGE_VERSION);
}
END_TEST

/* The library has a duplicate: the application's stays as it is. */
START_TEST(tun_of_the_application)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	char json[128];

	fake_install("");
	ck_does(afwrt_init(CONFIG, NULL));
	ck_does(afwrt_deinit());
	ck_assert_int_eq(fake_seen("TUN_FD"), 0);
	(void)snprintf(json, sizeof(json),
	    "{\"tun_ifname\":\"wrt0\",\"wan_ifname\":\"eth1\","
	    "\"hydra_tun_fd\":%d}",
	    fd);
	ck_does(afwrt_init(json, NULL));
	ck_assert_int_eq(fake_seen("TUN_FD"), 1);
	ck_does(afwrt_deinit());
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	(void)close(fd);
	ck_fails(afwrt_init(json, NULL), EINVAL);
	ck_assert_ptr_nonnull(strstr(afwrt_last_error(), "hydra_tun_fd"));
}
END_TEST

START_TEST(rules_at_start)
{
	char *json = malloc(64 * 1024), *p = json;
	int i;

	fake_install("");
	p += sprintf(p,
	    "{\"tun_ifname\":\"wrt0\",\"wan_ifname\":\"eth1\","
	    "\"auth_method\":\"anonymous\",\"access_token\":\"x\","
	    "\"protected_ip_addrs\":[");
	for (i = 0; i < 1000; i++)
		p += sprintf(p, "%s{\"ip_addr\":\"10.0.%d.%d\",\"vl\":\"us\"}",
		    i == 0 ? "" : ",", i / 100, i % 100 + 1);
	(void)strcpy(p, "]}");
	ck_does(afwrt_init(json, NULL));
	free(json);
	ck_assert_int_eq(fake_seen("PROTECT"), 1000);
	ck_assert_int_eq(fake_seen("BATCH_COMMIT"), 1);
	ck_assert_int_eq(fake_seen("TOKEN"), 1);
	ck_assert_int_eq(fake_seen("CREDENTIALS"), 1);
	ck_does(afwrt_deinit());
	ck_fails(afwrt_init("{\"tun_ifname\":\"wrt0\",\"wan_ifname\":\"eth1\","
			    "\"protected_ip_addrs\":[{\"ip_addr\":\"10.0.0.1\","
			    "\"vl\":\"us\"},{\"ip_addr\":\"10.0.0.2\","
			    "\"vl\":\"nowhere\"}]}",
		     NULL),
	    ENOENT);
	ck_assert_str_eq(afwrt_last_error(),
	    "the configuration: rule "
	    "10.0.0.2 -> nowhere: unknown location nowhere");
	ck_fails(afwrt_deinit(), EINVAL);
}
END_TEST

START_TEST(other_build)
{
	fake_install("sum");
	ck_fails(afwrt_init(CONFIG, NULL), EPROTO);
	ck_assert_ptr_nonnull(strstr(afwrt_last_error(), "another build"));
	ck_assert_int_eq(
	    afwrt_verify_user("https://b.example", "a", "right"), 1);
	ck_assert_int_eq(errno, EPROTO);
}
END_TEST

START_TEST(no_hello)
{
	fake_install("mute");
	ck_fails(afwrt_init(CONFIG, NULL), ETIMEDOUT);
}
END_TEST

START_TEST(dies_at_once)
{
	fake_install("dead");
	ck_fails(afwrt_init(CONFIG, NULL), EPIPE);
}
END_TEST

START_TEST(not_able)
{
	fake_install("");
	ck_fails(afwrt_init("{\"tun_ifname\":\"wrt0\",\"wan_ifname\":\"eth1\","
			    "\"vl_default\":\"unable\"}",
		     NULL),
	    ENOSYS);
	ck_assert_str_eq(afwrt_last_error(),
	    "the configuration: unable: not implemented");
}
END_TEST

START_TEST(helper_missing)
{
	char path[128];

	fake_install("");
	(void)snprintf(
	    path, sizeof(path), "%s/afwrt-tun", getenv("AFWRT_LIBEXECDIR"));
	ck_assert_int_eq(unlink(path), 0);
	ck_fails(afwrt_init(CONFIG, NULL), ENOENT);
	ck_assert_ptr_nonnull(strstr(afwrt_last_error(), "/afwrt-tun: not "));
	ck_assert_str_eq(fake_file("report"), "");
}
END_TEST

START_TEST(no_privilege)
{
	fake_install("");
	ck_assert_int_eq(seteuid(65534), 0);
	ck_fails(afwrt_init(CONFIG, NULL), EPERM);
	ck_assert_int_eq(seteuid(0), 0);
	ck_does(afwrt_init(CONFIG, NULL));
	ck_does(afwrt_deinit());
}
END_TEST

/* As the filter of a container would: there is no pidfd_open. */
static int
pidfd_deny(void)
{
	struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					 offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog prog = {
	    .len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0);
}

/* Gone, or dead and not yet reaped by the one who inherited it. */
static bool
process_gone(int pid)
{
	char path[32], state = 'X';
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if ((f = fopen(path, "r")) == NULL)
		return true;
	(void)fscanf(f, "%*d (%*[^)]) %c", &state);
	(void)fclose(f);
	return strchr("XZ", state) != NULL;
}

/* 0, or the number of what went wrong. */
static int
stuck_end(bool pidfd)
{
	int pid = 0;

	if (!pidfd && pidfd_deny() == -1)
		return 1;
	fake_install("stuck");
	if (afwrt_init(CONFIG, NULL) != 0)
		return 2;
	if (sscanf(fake_file("report"), "pid %d", &pid) != 1)
		return 3;
	if (afwrt_deinit() != -1 || errno != ETIMEDOUT)
		return 4;
	if (!process_gone(pid))
		return 5;
	if (afwrt_deinit() != -1 || errno != EINVAL)
		return 6;
	fake_remove();
	return 0;
}

/* The process must be gone when deinit returns, even if it does not obey. */
START_TEST(does_not_end)
{
	pid_t pid[2];
	int i, st;

	for (i = 0; i < 2; i++)
		if ((pid[i] = fork()) == 0)
			_exit(stuck_end(i == 0));
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(waitpid(pid[i], &st, 0), pid[i]);
		ck_assert_msg(st == 0, "%s pidfd: status %#x",
		    i == 0 ? "with" : "without", (unsigned int)st);
	}
}
END_TEST

START_TEST(again_and_again)
{
	int before, i, pid;

	fake_install("");
	ck_does(afwrt_init(CONFIG, NULL));
	ck_does(afwrt_deinit());
	before = fds_open();
	for (i = 0; i < 200; i++) {
		ck_does(afwrt_init(CONFIG, NULL));
		if (i % 3 == 0)
			ck_does(afwrt_protect_ip_addr("10.0.0.1", "us"));
		if (i % 5 == 0)
			ck_assert_int_ge(afwrt_get_fd(), 0);
		ck_does(afwrt_deinit());
		ck_fails(afwrt_init("{\"tun_ifname\":1}", NULL), EINVAL);
	}
	ck_assert_int_eq(fds_open(), before);
	ck_assert_int_eq(sscanf(fake_file("report"), "pid %d", &pid), 1);
}
END_TEST

START_TEST(forked)
{
	pid_t pid;
	int st, ok;

	fake_install("");
	ck_does(afwrt_init(CONFIG, NULL));
	if ((pid = fork()) == 0) {
		ok = afwrt_protect_ip_addr("10.0.0.1", "us") == -1 &&
		    errno == EOWNERDEAD;
		ok &= afwrt_start() == -1 && errno == EOWNERDEAD;
		ok &= afwrt_get_locations() == NULL && errno == EOWNERDEAD;
		ok &= afwrt_init(CONFIG, NULL) == -1 && errno == EOWNERDEAD;
		ok &= afwrt_deinit() == -1 && errno == EOWNERDEAD;
		ok &=
		    afwrt_verify_user("https://b.example", "a", "right") == 1 &&
		    errno == EOWNERDEAD;
		ok &= afwrt_stop() == 0;
		_exit(ok ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &st, 0), pid);
	ck_assert_int_eq(st, 0);
	ck_does(afwrt_protect_ip_addr("10.0.0.1", "us"));
	ck_does(afwrt_deinit());
	/* before init a fork means nothing */
	if ((pid = fork()) == 0)
		_exit(afwrt_init(CONFIG, NULL) == 0 && afwrt_deinit() == 0 ? 0
									   : 1);
	ck_assert_int_eq(waitpid(pid, &st, 0), pid);
	ck_assert_int_eq(st, 0);
}
END_TEST

START_TEST(verify_alone)
{
	int before;

	fake_install("");
	before = fds_open();
	ck_assert_int_eq(
	    afwrt_verify_user("https://b.example", "a", "right"), 0);
	ck_assert_int_eq(
	    afwrt_verify_user("https://b.example", "a", "wrong"), -1);
	ck_assert_int_eq(fake_seen("CONFIG"), 0);
	ck_assert_int_eq(fds_open(), before);
}
END_TEST

/* Loaded, used, unloaded: nothing of it stays. */
START_TEST(unloaded)
{
	int (*init)(const char *, void (*)(const char *)), (*deinit)(void);
	pid_t pid;
	void *h;
	int st, i;

	fake_install("");
	if ((pid = fork()) == 0) {
		for (i = 0; i < 3; i++) {
			if ((h = dlmopen(LM_ID_NEWLM, LIBAFWRT, RTLD_NOW)) ==
			    NULL) {
				(void)fprintf(stderr, "%s\n", dlerror());
				_exit(2);
			}
			*(void **)&init = dlsym(h, "afwrt_init");
			*(void **)&deinit = dlsym(h, "afwrt_deinit");
			if (init(CONFIG, NULL) != 0 || deinit() != 0)
				_exit(3);
			if (dlclose(h) != 0)
				_exit(4);
		}
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &st, 0), pid);
	ck_assert_int_eq(st, 0);
}
END_TEST

TCase *
life_case(void)
{
	TCase *c = tcase_create("life");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, birth);
	tcase_add_test(c, birth_without_stdio);
	tcase_add_test(c, states);
	tcase_add_test(c, tun_of_the_application);
	tcase_add_test(c, rules_at_start);
	tcase_add_test(c, other_build);
	tcase_add_test(c, no_hello);
	tcase_add_test(c, dies_at_once);
	tcase_add_test(c, not_able);
	tcase_add_test(c, helper_missing);
	tcase_add_test(c, no_privilege);
	tcase_add_test(c, does_not_end);
	tcase_add_test(c, again_and_again);
	tcase_add_test(c, forked);
	tcase_add_test(c, verify_alone);
#ifndef AFWRT_SANITIZERS
	tcase_add_test(c, unloaded);
#else
	(void)unloaded;
#endif
	return c;
}
