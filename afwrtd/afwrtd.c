/* SPDX-License-Identifier: ISC */
/*
 * The start of the supervisor: what it was given is closed, what it may do is
 * cut, then it waits for the library to say what is wanted.
 */
#include "config.h"

#include "afwrtd.h"

#include <linux/capability.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "chroot.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"
#include "lib/daemon/priv.h"
#include "library.h"
#include "replay.h"
#include "run.h"
#include "spawn.h"
#include "supervise.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)

/* For starting, killing and handing on; the last one only for handing on. Not
 * needed: SYS_CHROOT, where the kernel has Landlock. */
#define CAPS                                                    \
	(CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP) | CAP(KILL) | \
	    CAP(SYS_CHROOT) | CAP(NET_ADMIN))

struct event_base *afwrtd_base;

void *
afwrtd_alloc(size_t n)
{
	void *p = calloc(1, n);

	if (p == NULL)
		fatal("afwrtd: out of memory");
	return p;
}

struct event *
afwrtd_timer(event_callback_fn fn, void *arg)
{
	struct event *ev = evtimer_new(afwrtd_base, fn, arg);

	if (ev == NULL)
		fatal("afwrtd: out of memory");
	return ev;
}

void
afwrtd_timer_set(struct event *timer, unsigned int ms)
{
	struct timeval tv = {.tv_sec = (time_t)(ms / 1000),
	    .tv_usec = (suseconds_t)(ms % 1000) * 1000};

	if (evtimer_add(timer, &tv) == -1)
		fatal("afwrtd: timer: out of memory");
}

static void
sigterm_cb(evutil_socket_t sig, short what, void *arg)
{
	(void)what;
	(void)arg;
	log_info("signal %d: the suite ends", (int)sig);
	run_end();
}

static void
signal_watch(int sig)
{
	struct event *ev = evsignal_new(afwrtd_base, sig, sigterm_cb, NULL);

	if (ev == NULL || evsignal_add(ev, NULL) == -1)
		fatal("afwrtd: signal %d: %s", sig, strerror(errno));
}

static void
std_fds_open(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd == -1 || dup2(fd, STDIN_FILENO) == -1 ||
	    dup2(fd, STDOUT_FILENO) == -1)
		fatal("afwrtd: /dev/null: %s", strerror(errno));
	if (fd > STDERR_FILENO && fd != AFW_LINK_FD)
		(void)close(fd);
}

static void
signals_reset(void)
{
	sigset_t none;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The service may have a user of its own, who has these and no more. */
static void
privilege_check(void)
{
	static const struct {
		unsigned int cap;
		const char *name;
	} needed[] = {{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
	    {CAP_SETUID, "CAP_SETUID"}, {CAP_SETGID, "CAP_SETGID"},
	    {CAP_SETPCAP, "CAP_SETPCAP"}, {CAP_KILL, "CAP_KILL"}};
	size_t i;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!afw_priv_has(needed[i].cap))
			fatal_config("afwrtd: lacks %s: must be started by "
				     "root or with its capabilities",
			    needed[i].name);
}

int
afwrtd_run(void)
{
	afw_log_init("afwrtd");
	spawn_closefrom(AFW_LINK_FD + 1);
	std_fds_open();
	(void)umask(077);
	signals_reset();
	openlog("afwrtd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	privilege_check();
	if (afw_priv_has(CAP_SYS_CHROOT))
		chroot_prepare(AFWRT_CHROOT_DIR);
	afw_priv_cut(CAPS);
	if ((afwrtd_base = event_base_new()) == NULL)
		fatal("afwrtd: event loop: %s", strerror(errno));
	supervise_init();
	signal_watch(SIGTERM);
	signal_watch(SIGINT);
	library_open();
	(void)event_base_dispatch(afwrtd_base);
	supervise_kill_all();
	replay_nat_forget();
	library_close();
	return 0;
}
