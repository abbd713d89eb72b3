/* SPDX-License-Identifier: ISC */
/*
 * The library as a guest in its host's process: nothing of the host is
 * touched, nothing stays, however often it comes and goes.
 */
#include "conform.h"

#include <sys/wait.h>

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A program under the sanitizers has an allocator of its own, and is slow. */
#if defined(__SANITIZE_ADDRESS__)
#define HEAP_TOLD 0
#define CYCLES    200
#else
#define HEAP_TOLD 1
#define CYCLES    1000
#endif

static size_t
heap_used(void)
{
	struct mallinfo2 m = mallinfo2();

	return HEAP_TOLD ? m.uordblks + m.hblkhd : 0;
}

/*
 * A cycle takes some 50 ms. Not a byte may stay: malloc's cache of freed
 * pieces, which counts as in use and grows for a while, is switched off.
 */
START_TEST(init_and_deinit_leave_nothing)
{
	int fds, i;
	long long at;
	char *config;
	size_t heap;

	config = strdup(config_with("{\"protected_ip_addrs\":[{\"ip_addr\":"
				    "\"192.168.50.11\",\"vl\":\"" YORK "\"}],"
				    "\"default_gateway\":0}"));
	for (i = 0; i < 3; i++) { /* what is allocated once */
		ck_does(afwrt_init(config, NULL));
		ck_does(afwrt_deinit());
	}
	fds = count_fds();
	heap = heap_used();
	at = now_ms();
	for (i = 0; i < CYCLES; i++) {
		ck_does(afwrt_init(config, NULL));
		if (i % 4 == 0)
			ck_assert_int_ge(afwrt_get_fd(), 0);
		if (i % 3 == 0)
			ck_does(afwrt_protect_ip_addr("192.168.50.12", BERLIN));
		ck_does(afwrt_deinit());
		ck_fails(afwrt_init("{\"tun_ifname\":1}", NULL), EINVAL);
	}
	at = now_ms() - at;
	ck_assert_int_eq(count_fds(), fds);
	ck_assert_str_eq(
	    getenv("GLIBC_TUNABLES"), "glibc.malloc.tcache_count=0");
	ck_assert_uint_eq(heap_used(), heap);
	ck_assert_int_eq(count_helpers(), 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_str_eq(lab("leftovers"), "none");
	(void)lab("note %d cycles of init and deinit, %lld ms each", CYCLES,
	    at / CYCLES);
	free(config);
}
END_TEST

/* ---- the host's signals, threads, descriptors --------------------------- */

static volatile sig_atomic_t children;

static void
on_child(int number)
{
	(void)number;
	children++;
}

static void
same_signals(const struct sigaction *before, const sigset_t *mask)
{
	struct sigaction now;
	sigset_t mask_now;
	int i;

	for (i = 1; i < NSIG; i++) {
		if (sigaction(i, NULL, &now) == -1)
			continue;
		ck_assert_msg(now.sa_handler == before[i].sa_handler,
		    "the handler of signal %d has changed", i);
	}
	(void)pthread_sigmask(SIG_SETMASK, NULL, &mask_now);
	for (i = 1; i < NSIG; i++)
		ck_assert_msg(sigismember(&mask_now, i) == sigismember(mask, i),
		    "signal %d in the mask has changed", i);
}

static int
threads_of_mine(void)
{
	char line[128];
	FILE *f = fopen("/proc/self/status", "r");
	int n = -1;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Threads: %d", &n) == 1)
			break;
	(void)fclose(f);
	return n;
}

START_TEST(the_hosts_signals_and_threads_are_its_own)
{
	static struct sigaction before[NSIG];
	struct sigaction sa = {.sa_handler = on_child};
	sigset_t mask;
	int i;

	(void)sigaction(SIGCHLD, &sa, NULL);
	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGUSR2);
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
	for (i = 1; i < NSIG; i++)
		(void)sigaction(i, NULL, &before[i]);
	begin("");
	same_signals(before, &mask);
	ck_assert_int_eq(threads_of_mine(), 1);
	ck_assert_int_ge(afwrt_get_fd(), 0);
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	/* a helper that dies is no child of the host's */
	ck_assert_int_eq(kill(pid_of("afwrt-tun"), SIGKILL), 0);
	ck_does(afwrt_protect_ip_addr("192.168.50.12", YORK));
	same_signals(before, &mask);
	ck_does(afwrt_deinit());
	same_signals(before, &mask);
	ck_assert_int_eq(children, 0);
	ck_assert_int_eq(threads_of_mine(), 1);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

/* The host's own children are neither reaped nor disturbed. */
START_TEST(the_hosts_children_are_its_own)
{
	pid_t pid;
	int st;

	if ((pid = fork()) == 0) {
		for (;;)
			(void)pause();
	}
	begin("");
	ck_does(afwrt_deinit());
	ck_assert_int_eq(waitpid(pid, &st, WNOHANG), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &st, 0), pid);
}
END_TEST

START_TEST(descriptors_are_closed_on_exec)
{
	char out[4096];
	size_t n;
	FILE *f;

	begin("");
	ck_assert_int_ge(afwrt_get_fd(), 0);
	ck_assert_ptr_nonnull(f = popen("ls -l /proc/self/fd", "r"));
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	(void)pclose(f);
	ck_assert_msg(strstr(out, "anon_inode") == NULL, "%s", out);
}
END_TEST

/* ---- dlopen ------------------------------------------------------------- */

static bool
mapped(void)
{
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");
	bool found = false;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		found = found || strstr(line, "conform-plugin") != NULL;
	(void)fclose(f);
	return found;
}

/* A copy of the library under another name, so that it can be unloaded. */
START_TEST(loaded_used_unloaded)
{
	int (*init)(const char *, void (*)(const char *)), (*deinit)(void);
	int (*protect)(const char *, const char *), fds = 0, i;
	const char *path = getenv("CONFORM_PLUGIN"), *config;
	void *h;

	ck_assert_ptr_nonnull(path);
	config = config_with("");
	for (i = 0; i < 5; i++) {
		h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		ck_assert_msg(h != NULL, "%s", dlerror());
		*(void **)&init = dlsym(h, "afwrt_init");
		*(void **)&deinit = dlsym(h, "afwrt_deinit");
		*(void **)&protect = dlsym(h, "afwrt_protect_ip_addr");
		ck_assert_int_eq(init(config, NULL), 0);
		ck_assert_int_eq(protect("192.168.50.11", YORK), 0);
		ck_assert_int_eq(deinit(), 0);
		ck_assert_int_eq(dlclose(h), 0);
		ck_assert(!mapped());
		if (i == 0)
			fds = count_fds();
	}
	ck_assert_int_eq(count_fds(), fds);
	ck_assert_int_eq(count_helpers(), 0);
}
END_TEST

/* Uninstalled helpers, and helpers that may not be started. */
START_TEST(helpers_that_cannot_be_started)
{
	char old[512];

	(void)snprintf(old, sizeof(old), "%s", getenv("AFWRT_LIBEXECDIR"));
	(void)setenv("AFWRT_LIBEXECDIR", "/nonexistent", 1);
	ck_fails(afwrt_init(config_with(""), NULL), ENOENT);
	ck_assert_ptr_nonnull(strstr(afwrt_last_error(), "/nonexistent"));
	(void)setenv("AFWRT_LIBEXECDIR", old, 1);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_fails(afwrt_init(config_with(""), NULL), EPERM);
	ck_assert_int_eq(seteuid(0), 0);
	begin("");
}
END_TEST

int
main(void)
{
	conform_begin("api_life");
	CONFORM(init_and_deinit_leave_nothing, 580);
	CONFORM(the_hosts_signals_and_threads_are_its_own, 30);
	CONFORM(the_hosts_children_are_its_own, 20);
	CONFORM(descriptors_are_closed_on_exec, 20);
	CONFORM(loaded_used_unloaded, 40);
	CONFORM(helpers_that_cannot_be_started, 20);
	return conform_run();
}
