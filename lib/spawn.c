/* SPDX-License-Identifier: ISC */
/*
 * Starting the supervisor from inside somebody else's process.
 *
 * Two processes are made. The first has no exit signal, so that the
 * application sees no SIGCHLD and its wait() does not find it; we reap it by
 * its id. The second, its child, becomes afwrtd and is inherited by init.
 * Both share our memory until they exec or exit (CLONE_VM) while the calling
 * thread stands still (CLONE_VFORK): no page tables are copied, no atfork
 * handlers run, and errors come back in `struct job`. They call system calls
 * only, with every signal blocked, on stacks of their own.
 */
#include "spawn.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "errors.h"

#define STACK   (64 * 1024)
#define LINK_FD 3 /* AFW_LINK_FD of the daemons */

#if defined(__has_attribute) && __has_attribute(no_sanitize)
#define RAW __attribute__((no_sanitize("address", "undefined")))
#else
#define RAW
#endif

struct job {
	const char *path;
	char *const *argv, *const *envp;
	int fd;
	char *stack; /* of the second process: its end */
	volatile int err;
};

/* Ignored signals would stay ignored over exec, SIGCHLD among them. */
static RAW void
signals_reset(void)
{
	struct sigaction sa = {.sa_handler = SIG_DFL};
	sigset_t none;
	int s;

	for (s = 1; s < NSIG; s++)
		(void)sigaction(s, &sa, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static RAW void
fds_close_from(unsigned int first)
{
	struct rlimit rl;
	unsigned int i, n = 65536;

#ifdef SYS_close_range
	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
#endif
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < n)
		n = (unsigned int)rl.rlim_cur;
	for (i = first; i < n; i++)
		(void)close((int)i);
}

/* 0 and 1 /dev/null, 2 as it is if it is meant to stay, 3 the channel, no more.
 */
static RAW int
fds_arrange(int fd)
{
	int null, high, flags;

	if ((high = fcntl(fd, F_DUPFD, LINK_FD + 1)) == -1 ||
	    (null = open("/dev/null", O_RDWR)) == -1 ||
	    (null = fcntl(null, F_DUPFD, LINK_FD + 1)) == -1 ||
	    dup2(null, 0) == -1 || dup2(null, 1) == -1)
		return -1;
	flags = fcntl(2, F_GETFD);
	if ((flags == -1 || (flags & FD_CLOEXEC) != 0) && dup2(null, 2) == -1)
		return -1;
	if (dup2(high, LINK_FD) == -1)
		return -1;
	fds_close_from(LINK_FD + 1);
	return 0;
}

static RAW int
second(void *arg)
{
	struct job *j = arg;

	(void)setsid(); /* a ^C is meant for the application */
	if (fds_arrange(j->fd) == 0 && chdir("/") == 0) {
		signals_reset();
		(void)execve(j->path, j->argv, j->envp);
	}
	j->err = errno;
	_exit(127);
}

static RAW int
first(void *arg)
{
	struct job *j = arg;

	if (clone(second, j->stack, CLONE_VM | CLONE_VFORK | SIGCHLD, j) == -1)
		j->err = errno;
	_exit(0);
}

/* 0, or the errno of what failed. */
static int
job_run(struct job *j)
{
	sigset_t all, old;
	char *stacks;
	pid_t pid;
	int status;

	stacks = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stacks == MAP_FAILED)
		return errno;
	j->stack = stacks + 2 * STACK;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old);
	pid = clone(first, stacks + STACK, CLONE_VM | CLONE_VFORK, j);
	if (pid == -1)
		j->err = errno;
	else
		while (waitpid(pid, &status, __WALL) == -1 && errno == EINTR)
			;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)munmap(stacks, 2 * STACK);
	return j->err;
}

/* ---- what the child is given ------------------------------------------- */

#define PATH_SIZE 1024
#define ENV_MAX   8

struct env {
	char *v[ENV_MAX + 1];
	size_t n;
};

static int
env_add(struct env *e, const char *name, const char *value)
{
	if (value == NULL)
		return 0;
	if (asprintf(&e->v[e->n], "%s=%s", name, value) == -1) {
		e->v[e->n] = NULL;
		return errors_set(ENOMEM, "starting afwrtd: out of memory");
	}
	e->n++;
	return 0;
}

static void
env_free(struct env *e)
{
	while (e->n > 0)
		free(e->v[--e->n]);
}

/* A clean one: what the helpers are known to look at. */
static int
env_fill(struct env *e, const char *dir)
{
	static const char *const kept[] = {
	    "AFWRT_SECCOMP", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};
	size_t i;

	memset(e, 0, sizeof(*e));
	if (env_add(e, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin") == -1 ||
	    env_add(e, "AFWRT_LIBEXECDIR", dir) == -1)
		return -1;
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (env_add(e, kept[i], secure_getenv(kept[i])) == -1)
			return -1;
	return 0;
}

static int
helper_path(char path[PATH_SIZE], const char *dir, const char *name)
{
	int n = snprintf(path, PATH_SIZE, "%s/%s", dir, name);

	if (n < 0 || n >= PATH_SIZE)
		return errors_set(ENOENT, "AFWRT_LIBEXECDIR is too long");
	if (access(path, X_OK) == -1)
		return errors_set(ENOENT, "%s: %s", path,
		    errno == ENOENT ? "not installed" : strerror(errno));
	return 0;
}

const char *
spawn_lacks(void)
{
	static const struct {
		int cap;
		const char *name;
	} needed[] = {{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
	    {CAP_SETUID, "CAP_SETUID"}, {CAP_SETGID, "CAP_SETGID"},
	    {CAP_SETPCAP, "CAP_SETPCAP"}, {CAP_KILL, "CAP_KILL"}};
	size_t i;

	if (geteuid() == 0)
		return NULL;
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, needed[i].cap,
			0, 0) != 1)
			return needed[i].name;
	return NULL;
}

int
spawn_afwrtd(int fd)
{
	static const char *const names[] = {
	    "afwrt-net", "afwrt-tun", "afwrt-auth", "afwrtd"};
	static char arg0[] = "afwrtd";
	char *const argv[] = {arg0, NULL};
	char path[PATH_SIZE];
	const char *dir = secure_getenv("AFWRT_LIBEXECDIR"), *lacks;
	struct job j = {.path = path, .argv = argv, .fd = fd};
	struct env env;
	size_t i;
	int rc = -1, e;

	if (dir == NULL || *dir == '\0')
		dir = AFWRT_LIBEXECDIR;
	if ((lacks = spawn_lacks()) != NULL)
		return errors_set(EPERM,
		    "only root can start the helpers, or who has the ambient "
		    "capability %s", lacks);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (helper_path(path, dir, names[i]) == -1)
			return -1;
	if (env_fill(&env, dir) == 0) {
		j.envp = env.v;
		e = job_run(&j);
		rc = e == 0 ? 0 : errors_set(e, "%s: %s", path, strerror(e));
	}
	env_free(&env);
	return rc;
}
