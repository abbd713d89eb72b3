/* SPDX-License-Identifier: ISC */
/*
 * Starting a helper: fork, a clean environment, no descriptor but those it is
 * meant to have, signals as at birth, exec.
 */
#include "config.h"

#include "spawn.h"

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

#define ENV_MAX 6

void
spawn_closefrom(unsigned int first)
{
	long max;
	unsigned int fd;

#ifdef SYS_close_range
	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
#endif
	if ((max = sysconf(_SC_OPEN_MAX)) < 0)
		max = 1024;
	for (fd = first; fd < (unsigned long)max; fd++)
		(void)close((int)fd);
}

/* What a helper may see of our environment. */
static void
environment_make(char *env[ENV_MAX])
{
	static const char *const pass[] = {
#ifdef AFWRT_SANITIZERS
	    "ASAN_OPTIONS",
	    "UBSAN_OPTIONS",
	    "LSAN_OPTIONS",
#endif
	    "AFWRT_SECCOMP",
	};
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	const char *value;
	size_t i, n = 0;

	env[n++] = path;
	for (i = 0; i < sizeof(pass) / sizeof(pass[0]); i++)
		if ((value = secure_getenv(pass[i])) != NULL &&
		    asprintf(&env[n], "%s=%s", pass[i], value) != -1)
			n++;
	env[n] = NULL;
}

static void
environment_free(char *env[ENV_MAX])
{
	size_t i;

	for (i = 1; env[i] != NULL; i++)
		free(env[i]);
}

static void
signals_reset(void)
{
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Between fork and exec: nothing that allocates. */
static void
child_exec(const char *path, const char *prog, int link, char *const env[])
{
	char *argv[] = {(char *)(uintptr_t)prog, NULL};
	int null = open("/dev/null", O_RDWR);

	if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1)
		_exit(127);
	if (link == AFW_LINK_FD ? fcntl(link, F_SETFD, 0) == -1
				: dup2(link, AFW_LINK_FD) == -1)
		_exit(127);
	spawn_closefrom(AFW_LINK_FD + 1);
	signals_reset();
	(void)execve(path, argv, env);
	(void)dprintf(STDERR_FILENO, "afwrtd: %s: %s\n", path, strerror(errno));
	_exit(127);
}

int
spawn_start(const char *prog, pid_t *pid, int *fd, char *path, size_t size)
{
	const char *dir = secure_getenv("AFWRT_LIBEXECDIR");
	char *env[ENV_MAX];
	int sv[2], e;

	(void)snprintf(
	    path, size, "%s/%s", dir != NULL ? dir : AFWRT_LIBEXECDIR, prog);
	if (access(path, X_OK) == -1 || afw_chan_pair(sv) == -1)
		return -1;
	environment_make(env);
	*pid = fork();
	if (*pid == 0)
		child_exec(path, prog, sv[1], env);
	e = errno;
	environment_free(env);
	(void)close(sv[1]);
	if (*pid == -1) {
		(void)close(sv[0]);
		errno = e;
		return -1;
	}
	*fd = sv[0];
	return 0;
}
