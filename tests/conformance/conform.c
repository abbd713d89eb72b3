/* SPDX-License-Identifier: ISC */
/* What the conformance programs share; see conform.h. */
#include "conform.h"

#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 20000

long long
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* For conditions of the system, which nothing announces. */
static void
pause_short(void)
{
	static const struct timespec ts = {.tv_nsec = 5000000};

	(void)nanosleep(&ts, NULL);
}

/* ---- programs ----------------------------------------------------------- */

static Suite *suite;

static void
teardown(void)
{
	if (afwrt_deinit() == 0)
		await_no_helpers();
}

void
conform_begin(const char *name)
{
	suite = suite_create(name);
}

void
conform_add(const char *name, const TTest *test, int seconds)
{
	TCase *c = tcase_create(name);

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_set_timeout(c, seconds);
	tcase_add_test(c, test);
	suite_add_tcase(suite, c);
}

/* For the one who looks for the reason of a failure. */
static void
log_print(int level, const char *line, void *user)
{
	(void)user;
	(void)fprintf(stderr, "<%d> %s\n", level, line);
}

int
conform_run(void)
{
	SRunner *r;
	int failed;

	if (getenv("CONFORM_CONFIG") == NULL || getenv("CONFORM_LAB") == NULL) {
		(void)fprintf(stderr,
		    "this runs in the laboratory: tests/netns/test_api.py\n");
		return 77;
	}
	afwrt_set_log_callback(log_print, NULL);
	r = srunner_create(suite);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	if (srunner_ntests_run(r) == 0)
		failed = 1;
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}

/* ---- configuration ------------------------------------------------------ */

const char *
config_with(const char *changes)
{
	static char *text;
	json_t *all = json_load_file(getenv("CONFORM_CONFIG"), 0, NULL), *v;
	json_t *more = json_loads(*changes == '\0' ? "{}" : changes, 0, NULL);
	const char *key;

	ck_assert_ptr_nonnull(all);
	ck_assert_msg(more != NULL, "not JSON: %s", changes);
	json_object_foreach (more, key, v) {
		if (json_is_null(v))
			(void)json_object_del(all, key);
		else
			(void)json_object_set(all, key, v);
	}
	free(text);
	text = json_dumps(all, 0);
	json_decref(more);
	json_decref(all);
	return text;
}

void
begin(const char *changes)
{
	ck_does(afwrt_init(config_with(changes), on_event));
}

/* ---- the laboratory ----------------------------------------------------- */

static const char *
lab_ask(const char *format, va_list ap)
{
	static char answer[65536];
	int fd = atoi(getenv("CONFORM_LAB")), n = 0;
	ssize_t got;

	n = vsnprintf(answer, sizeof(answer) - 1, format, ap);
	answer[n++] = '\n';
	ck_assert_int_eq(write(fd, answer, (size_t)n), n);
	n = 0;
	do {
		got = read(fd, answer + n, sizeof(answer) - 1 - (size_t)n);
		ck_assert_msg(got > 0, "the laboratory is gone");
		n += (int)got;
	} while (answer[n - 1] != '\n');
	answer[n - 1] = '\0';
	ck_assert_msg(strncmp(answer, "error", 5) != 0, "lab: %s", answer);
	return answer;
}

const char *
lab(const char *format, ...)
{
	const char *answer;
	va_list ap;

	va_start(ap, format);
	answer = lab_ask(format, ap);
	va_end(ap);
	return answer;
}

int
lab_number(const char *format, ...)
{
	const char *answer;
	va_list ap;

	va_start(ap, format);
	answer = lab_ask(format, ap);
	va_end(ap);
	ck_assert_msg(isdigit((unsigned char)*answer), "lab: %s", answer);
	return atoi(answer);
}

void
await_exit(const char *host, const char *where)
{
	(void)lab("await %s %s", host, where);
}

/* ---- events ------------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char *text[EVENTS];
	json_t *json[EVENTS];
	size_t n;
} seen = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {0}, {0}, 0};

void
on_event(const char *text)
{
	(void)pthread_mutex_lock(&seen.lock);
	if (seen.n < EVENTS) {
		seen.text[seen.n] = strdup(text);
		seen.json[seen.n] =
		    json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		seen.n++;
	}
	(void)pthread_cond_broadcast(&seen.changed);
	(void)pthread_mutex_unlock(&seen.lock);
}

void
events_clear(void)
{
	(void)pthread_mutex_lock(&seen.lock);
	while (seen.n > 0) {
		free(seen.text[--seen.n]);
		json_decref(seen.json[seen.n]);
	}
	(void)pthread_mutex_unlock(&seen.lock);
}

const char *
event_text(size_t n)
{
	const char *text;

	(void)pthread_mutex_lock(&seen.lock);
	text = n < seen.n ? seen.text[n] : NULL;
	(void)pthread_mutex_unlock(&seen.lock);
	return text;
}

static bool
string_is(json_t *o, const char *key, const char *wanted)
{
	const char *s = json_string_value(json_object_get(o, key));

	return wanted == NULL || (s != NULL && strcmp(s, wanted) == 0);
}

/* The (had + 1)-th of them, and how many there are; with the lock. */
static json_t *
find(const char *name, const char *route, int had, int *count)
{
	json_t *found = NULL;
	size_t i;

	*count = 0;
	for (i = 0; i < seen.n; i++)
		if (string_is(seen.json[i], "event", name) &&
		    string_is(seen.json[i], "route_name", route) &&
		    (*count)++ == had)
			found = seen.json[i];
	return found;
}

int
events_count(const char *name, const char *route)
{
	int n;

	(void)pthread_mutex_lock(&seen.lock);
	(void)find(name, route, 0, &n);
	(void)pthread_mutex_unlock(&seen.lock);
	return n;
}

/* What there was instead of the event that is missed. */
static const char *
events_all(void)
{
	static char all[4096];
	size_t i;

	all[0] = '\0';
	for (i = 0; i < seen.n; i++)
		if (!string_is(seen.json[i], "event", "bandwidth_info"))
			(void)snprintf(all + strlen(all),
			    sizeof(all) - strlen(all), "\n  %s", seen.text[i]);
	return all;
}

json_t *
event_await(const char *name, const char *route, int had, int seconds)
{
	struct timespec until;
	json_t *found;
	int n, rc = 0;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	(void)pthread_mutex_lock(&seen.lock);
	while ((found = find(name, route, had, &n)) == NULL && rc == 0)
		rc = pthread_cond_timedwait(&seen.changed, &seen.lock, &until);
	(void)pthread_mutex_unlock(&seen.lock);
	ck_assert_msg(found != NULL, "no event %d of %s %s in %d s, only:%s",
	    had + 1, name, route == NULL ? "" : route, seconds, events_all());
	return found;
}

/* ---- the run ------------------------------------------------------------ */

static struct {
	pthread_t thread;
	int rc, error;
} runner;

static void *
run_thread(void *arg)
{
	(void)arg;
	runner.rc = afwrt_start();
	runner.error = errno;
	return NULL;
}

void
run_begin(void)
{
	ck_assert_int_eq(
	    pthread_create(&runner.thread, NULL, run_thread, NULL), 0);
}

int
run_end(int *error)
{
	ck_assert_int_eq(pthread_join(runner.thread, NULL), 0);
	if (error != NULL)
		*error = runner.error;
	return runner.rc;
}

void
run_stop(void)
{
	int rc, e;

	ck_assert_int_eq(afwrt_stop(), 0);
	rc = run_end(&e);
	ck_assert_msg(rc == 0, "afwrt_start: %d, %s", rc, strerror(e));
}

/* ---- findings ----------------------------------------------------------- */

int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL)
		n += isdigit((unsigned char)e->d_name[0]) != 0;
	(void)closedir(d);
	return n - 1; /* its own */
}

static bool
is_ours(const char *pid, char name[32])
{
	char path[64], state = 'X';
	struct stat here, there;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/ns/net", pid);
	if (stat("/proc/self/ns/net", &here) == -1 ||
	    stat(path, &there) == -1 || here.st_ino != there.st_ino)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	if ((f = fopen(path, "r")) == NULL)
		return false;
	name[0] = '\0';
	if (fscanf(f, "%*d (%31[^)]) %c", name, &state) != 2)
		state = 'X';
	(void)fclose(f);
	return state != 'Z' && state != 'X' && strncmp(name, "afwrt", 5) == 0;
}

/* How many there are; the lowest pid of those with this name. */
static int
walk(const char *wanted, int *pid)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	char name[32];
	int n = 0, p;

	ck_assert_ptr_nonnull(d);
	*pid = 0;
	while ((e = readdir(d)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]) &&
		    is_ours(e->d_name, name)) {
			n++;
			p = atoi(e->d_name);
			if (wanted != NULL && strcmp(name, wanted) == 0 &&
			    (*pid == 0 || p < *pid))
				*pid = p;
		}
	(void)closedir(d);
	return n;
}

int
count_helpers(void)
{
	int pid;

	return walk(NULL, &pid);
}

int
pid_of(const char *name)
{
	int pid;

	(void)walk(name, &pid);
	ck_assert_msg(pid != 0, "%s does not run", name);
	return pid;
}

void
await_no_helpers(void)
{
	long long until = now_ms() + 10000;

	while (count_helpers() > 0) {
		ck_assert_msg(now_ms() < until, "helpers still run");
		pause_short();
	}
}
