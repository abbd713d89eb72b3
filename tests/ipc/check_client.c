/* SPDX-License-Identifier: ISC */
/*
 * The real library against a fake afwrtd: this file has the shared parts and
 * main; the cases are in client_*.c.
 */
#include "client_test.h"

#include <afwrt.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char dir[64];

static void
path_of(char path[128], const char *name)
{
	(void)snprintf(path, 128, "%s/%s", dir, name);
}

void
fake_install(const char *mode)
{
	static const char *const helpers[] = {
	    "afwrt-net", "afwrt-tun", "afwrt-auth"};
	char path[128];
	size_t i;
	FILE *f;

	(void)strcpy(dir, "/tmp/afwrt-check-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	path_of(path, "afwrtd");
	ck_assert_int_eq(symlink(FAKE_AFWRTD, path), 0);
	for (i = 0; i < 3; i++) {
		path_of(path, helpers[i]);
		ck_assert_int_eq(symlink("/bin/false", path), 0);
	}
	path_of(path, "mode");
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	(void)fputs(mode, f);
	(void)fclose(f);
	(void)setenv("AFWRT_LIBEXECDIR", dir, 1);
	events_clear();
}

void
fake_remove(void)
{
	static const char *const names[] = {"afwrtd", "afwrt-net", "afwrt-tun",
	    "afwrt-auth", "mode", "seen", "report"};
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_of(path, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

const char *
fake_file(const char *name)
{
	static char text[256 * 1024];
	char path[128];
	size_t n = 0;
	FILE *f;

	path_of(path, name);
	if ((f = fopen(path, "r")) != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		(void)fclose(f);
	}
	text[n] = '\0';
	return text;
}

int
fake_seen(const char *name)
{
	const char *s = fake_file("seen");
	size_t len = strlen(name);
	int n = 0;

	for (; *s != '\0'; s += strcspn(s, "\n") + 1)
		n += strncmp(s, name, len) == 0 && s[len] == '\n';
	return n;
}

/* ---- events ------------------------------------------------------------ */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static char kept[512 * 1024];

void
event_keep(const char *json)
{
	(void)pthread_mutex_lock(&lock);
	ck_assert(strlen(kept) + strlen(json) + 2 < sizeof(kept));
	(void)strcat(strcat(kept, json), "\n");
	(void)pthread_cond_broadcast(&more);
	(void)pthread_mutex_unlock(&lock);
}

void
events_clear(void)
{
	(void)pthread_mutex_lock(&lock);
	kept[0] = '\0';
	(void)pthread_mutex_unlock(&lock);
}

static bool
line_in(const char *json)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "%s\n", json);
	return strstr(kept, line) != NULL;
}

bool
events_have(const char *json)
{
	bool have;

	(void)pthread_mutex_lock(&lock);
	have = line_in(json);
	(void)pthread_mutex_unlock(&lock);
	return have;
}

int
events_count(const char *name)
{
	const char *s = kept;
	int n = 0;

	(void)pthread_mutex_lock(&lock);
	while ((s = strstr(s, name)) != NULL) {
		n++;
		s++;
	}
	(void)pthread_mutex_unlock(&lock);
	return n;
}

void
events_await(const char *json)
{
	struct timespec ts;
	int rc = 0;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += 5;
	(void)pthread_mutex_lock(&lock);
	while (!line_in(json) && rc == 0)
		rc = pthread_cond_timedwait(&more, &lock, &ts);
	ck_assert_msg(rc == 0, "no event %s; there were:\n%s", json, kept);
	(void)pthread_mutex_unlock(&lock);
}

/* ---- running ----------------------------------------------------------- */

static pthread_t runner;
static int runner_rc, runner_errno;

static void *
runner_main(void *arg)
{
	(void)arg;
	runner_rc = afwrt_start();
	runner_errno = errno;
	return NULL;
}

void
runner_begin(void)
{
	ck_assert_int_eq(pthread_create(&runner, NULL, runner_main, NULL), 0);
}

int
runner_end(int *err)
{
	ck_assert_int_eq(pthread_join(runner, NULL), 0);
	if (err != NULL)
		*err = runner_errno;
	return runner_rc;
}

int
fds_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

int
main(void)
{
	Suite *s = suite_create("client");
	SRunner *r;
	int failed;

	if (geteuid() != 0) {
		(void)puts("needs root: the library starts helpers as root "
			   "only");
		return 77;
	}
	suite_add_tcase(s, calls_case());
	suite_add_tcase(s, wireguard_case());
	suite_add_tcase(s, life_case());
	suite_add_tcase(s, loop_case());
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
