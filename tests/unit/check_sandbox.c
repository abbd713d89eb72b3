/* SPDX-License-Identifier: ISC */
/* Each case is a process in the sandbox of a role that makes one call. */
#include "config.h"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/daemon/sandbox.h"

/* The call returns 0 when it was as expected. */
static int
status_of(enum afw_role role, int (*call)(void))
{
	const struct rlimit no_core = {0, 0};
	int status;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &no_core);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
			_exit(100);
		afw_sandbox(role);
		_exit(call());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void
ends(enum afw_role role, int (*call)(void))
{
	int status = status_of(role, call);

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
	    "%s: status %#x", afw_role_name(role), (unsigned int)status);
}

static void
passes(enum afw_role role, int (*call)(void))
{
	ck_assert_int_eq(status_of(role, call), 0);
}

static int
call_exec(void)
{
	char *argv[] = {(char *)(uintptr_t) "true", NULL};

	(void)execv("/bin/true", argv);
	return 1;
}

static int
call_mount(void)
{
	return mount("none", "/nowhere", "tmpfs", 0, NULL) == -1 ? 1 : 2;
}

static int
call_setuid(void)
{
	return setuid(64731) == -1 ? 1 : 2;
}

static int
call_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0) == -1 ? 1 : 2;
}

static int
call_inet(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0) == -1 ? 1 : 0;
}

static int
call_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0) == -1 ? 1 : 0;
}

static int
call_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) == -1 ? 1 : 0;
}

static int
call_open(void)
{
	return open("/dev/null", O_RDONLY) == -1 && errno == EACCES ? 0 : 1;
}

/* What all of them do all day, and what their libraries do at times. */
static int
call_daily(void)
{
	struct timespec ts;
	struct tm tm;
	time_t now = time(NULL);
	int sv[2];
	void *p = malloc(1 << 20);

	if (p == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == -1 ||
	    write(sv[0], "x", 1) != 1 || read(sv[1], p, 1) != 1 ||
	    clock_gettime(CLOCK_BOOTTIME, &ts) == -1 ||
	    gmtime_r(&now, &tm) == NULL || getentropy(p, 16) == -1)
		return 1;
	free(p);
	return 0;
}

START_TEST(denied_to_all)
{
	enum afw_role role;

	for (role = AFW_NET; role <= AFW_AUTH; role++) {
		ends(role, call_exec);
		ends(role, call_mount);
		ends(role, call_setuid);
		ends(role, call_bpf);
		ends(role, call_packet);
	}
}
END_TEST

START_TEST(denied_outside)
{
	ends(AFW_TUN, call_inet);
	ends(AFW_AUTH, call_inet);
	ends(AFW_TUN, call_netlink);
	ends(AFW_AUTH, call_netlink);
	passes(AFW_TUN, call_open);
	passes(AFW_AUTH, call_open);
}
END_TEST

START_TEST(allowed)
{
	enum afw_role role;

	for (role = AFW_NET; role <= AFW_AUTH; role++)
		passes(role, call_daily);
	passes(AFW_NET, call_inet);
	passes(AFW_NET, call_netlink);
	passes(AFW_SUP, call_inet);
}
END_TEST

START_TEST(only_written_down)
{
	ck_assert_int_eq(setenv("AFWRT_SECCOMP", "log", 1), 0);
	passes(AFW_TUN, call_inet);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("sandbox");

	tcase_add_test(t, denied_to_all);
	tcase_add_test(t, denied_outside);
	tcase_add_test(t, allowed);
	tcase_add_test(t, only_written_down);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
#ifdef AFWRT_SANITIZERS
	const bool there_is_one = false;
#else
	const bool there_is_one = true;
#endif
	SRunner *r;
	int failed;

	if (!there_is_one)
		return 77;
	r = srunner_create(suite());
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
