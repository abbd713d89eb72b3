/* SPDX-License-Identifier: ISC */
/*
 * The drop of privilege in a root that is not empty: each case is a process
 * that may not chroot and then tries to reach files. Needs root.
 */
#include "lib/daemon/priv.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USER    "64731:64731"
#define NET_ADM (UINT64_C(1) << CAP_NET_ADMIN)
#define STARTER 64730 /* who is not root and has capabilities */

static const uint64_t unit_caps = UINT64_C(1) << CAP_NET_ADMIN |
    UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID |
    UINT64_C(1) << CAP_SETPCAP | UINT64_C(1) << CAP_KILL;

/* As a service manager starts one: these are ambient, and there is no root. */
static void
starter_become(void)
{
	struct __user_cap_header_struct h = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {
	    {(uint32_t)unit_caps, (uint32_t)unit_caps, (uint32_t)unit_caps},
	    {0, 0, 0}};
	int cap;

	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if ((unit_caps & (UINT64_C(1) << cap)) == 0)
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1 ||
	    setresgid(STARTER, STARTER, STARTER) == -1 ||
	    setresuid(STARTER, STARTER, STARTER) == -1 ||
	    syscall(SYS_capset, &h, d) == -1)
		_exit(90);
	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if ((unit_caps & (UINT64_C(1) << cap)) != 0 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) ==
			-1)
			_exit(91);
}

/* A kernel that never heard of Landlock. */
static void
landlock_hide(void)
{
	struct sock_filter f[] = {
	    BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 444, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = {sizeof(f) / sizeof(f[0]), f};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p, 0, 0) == -1)
		_exit(92);
}

static int
status_of(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		_exit(fn());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "status %#x", (unsigned int)status);
	return WEXITSTATUS(status);
}

/* 0, or the number of the first thing that could be done. */
static int
files_try(void)
{
	static char arg[] = "true";
	char *argv[] = {arg, NULL};
	char dir[] = "/tmp";

	if (open("/etc/passwd", O_RDONLY) != -1 || errno != EACCES)
		return 1;
	if (open("/dev/null", O_RDWR) != -1 || errno != EACCES)
		return 2;
	if (open(dir, O_RDONLY | O_DIRECTORY) != -1)
		return 3;
	if (open("/tmp/check_priv", O_WRONLY | O_CREAT, 0600) != -1)
		return 4;
	if (mkdir("/tmp/check_priv.d", 0700) != -1)
		return 5;
	(void)execv("/bin/true", argv);
	return errno == EACCES ? 0 : 6;
}

static int
others_try(pid_t other)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	int udp = socket(AF_INET, SOCK_DGRAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(udp, (void *)&sin, sizeof(sin)) == -1)
		return 11;
	if (bind(tcp, (void *)&sin, sizeof(sin)) == 0)
		return 12;
	return kill(other, 0) == -1 ? 0 : 13;
}

static int
without_chroot(void)
{
	int null = open("/dev/null", O_RDWR), rc;
	pid_t other = getppid();

	starter_become();
	afw_priv_drop(USER, "/nonexistent", 0);
	if ((rc = files_try()) != 0 || (rc = others_try(other)) != 0)
		return rc;
	/* what was open stays open, and no user comes back */
	if (write(null, "x", 1) != 1 || setuid(STARTER) == 0)
		return 14;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SETUID, 0, 0);
}

static int
keeps_one(void)
{
	starter_become();
	afw_priv_drop(USER, "/nonexistent", NET_ADM);
	if (!afw_priv_has(CAP_NET_ADMIN) || afw_priv_has(CAP_SETUID))
		return 21;
	return files_try();
}

static int
without_both(void)
{
	landlock_hide();
	starter_become();
	afw_priv_drop(USER, "/nonexistent", 0);
	return 0;
}

/* Root, with an empty folder and no Landlock: as on an older kernel. */
static int
only_chroot(void)
{
	char dir[] = "/tmp/check_priv-XXXXXX";

	(void)dir;
	if (mkdtemp(dir) == NULL || chmod(dir, 0555) == -1)
		return 31;
	landlock_hide();
	afw_priv_drop(USER, dir, 0);
	if (open("/etc/passwd", O_RDONLY) != -1 || errno != ENOENT)
		return 32;
	return 0;
}

static int
cut_hands_on(void)
{
	starter_become();
	afw_priv_cut(unit_caps | UINT64_C(1) << CAP_SYS_CHROOT);
	return afw_priv_has(CAP_SYS_CHROOT) ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SETUID, 0, 0) != 1;
}

static bool
landlock_is_there(void)
{
	return syscall(444, NULL, 0, 1) >= 1;
}

START_TEST(no_file_without_chroot)
{
	if (!landlock_is_there())
		return;
	ck_assert_int_eq(status_of(without_chroot), 0);
	ck_assert_int_eq(status_of(keeps_one), 0);
}
END_TEST

START_TEST(refused_without_both)
{
	int status = status_of(without_both);

	ck_assert_int_ne(status, 0);
	ck_assert_int_lt(status, 90);
}
END_TEST

START_TEST(an_older_kernel)
{
	ck_assert_int_eq(status_of(only_chroot), 0);
}
END_TEST

START_TEST(cut)
{
	ck_assert_int_eq(status_of(cut_hands_on), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("priv");
	TCase *t = tcase_create("priv");
	SRunner *r;
	int failed;

	if (geteuid() != 0) {
		(void)puts("skipped: needs root");
		return 77;
	}
	tcase_add_test(t, no_file_without_chroot);
	tcase_add_test(t, refused_without_both);
	tcase_add_test(t, an_older_kernel);
	tcase_add_test(t, cut);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
