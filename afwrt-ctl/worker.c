/* SPDX-License-Identifier: ISC */
/*
 * Two lists under one lock: what is to be done, and what is done and waits
 * for the loop, which an eventfd wakes. A job whose asker is gone is done all
 * the same; its answer goes nowhere.
 */
#include "worker.h"

#include <sys/eventfd.h>
#include <sys/queue.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service.h"

#define JOBS_MAX 16

struct job {
	STAILQ_ENTRY(job) entry;
	const struct ctl_request *r;
	json_t *rq, *answer;
	void (*done)(void *, json_t *);
	void *arg;
};

STAILQ_HEAD(jobs, job);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct jobs waiting = STAILQ_HEAD_INITIALIZER(waiting);
static struct jobs finished = STAILQ_HEAD_INITIALIZER(finished);
static struct job *current;
static unsigned int n_jobs;
static bool closed = true;
static int wake_fd = -1;
static struct event *wake_event;
static pthread_t thread;

/* ---- the thread --------------------------------------------------------- */

static void *
worker_main(void *arg)
{
	static const uint64_t one = 1;
	struct job *j;

	(void)pthread_mutex_lock(&lock);
	for (;;) {
		while (!closed && STAILQ_EMPTY(&waiting))
			(void)pthread_cond_wait(&changed, &lock);
		if (closed)
			break;
		current = j = STAILQ_FIRST(&waiting);
		STAILQ_REMOVE_HEAD(&waiting, entry);
		(void)pthread_mutex_unlock(&lock);
		j->answer = j->r->fn(j->rq);
		(void)pthread_mutex_lock(&lock);
		current = NULL;
		STAILQ_INSERT_TAIL(&finished, j, entry);
		if (write(wake_fd, &one, sizeof(one)) == -1)
			break;
	}
	(void)pthread_mutex_unlock(&lock);
	return arg;
}

/* ---- the loop ----------------------------------------------------------- */

static void
job_free(struct job *j)
{
	control_wipe(j->rq);
	json_decref(j->answer);
	free(j);
}

static struct job *
finished_take(void)
{
	struct job *j;

	(void)pthread_mutex_lock(&lock);
	if ((j = STAILQ_FIRST(&finished)) != NULL) {
		STAILQ_REMOVE_HEAD(&finished, entry);
		n_jobs--;
	}
	(void)pthread_mutex_unlock(&lock);
	return j;
}

static void
wake_cb(evutil_socket_t fd, short what, void *arg)
{
	const json_t *status;
	struct job *j;
	uint64_t n;

	(void)what;
	(void)arg;
	if (read(fd, &n, sizeof(n)) == -1)
		return;
	while ((j = finished_take()) != NULL) {
		status = json_object_get(j->answer, "status");
		if (j->r->after != NULL && json_is_integer(status) &&
		    json_integer_value(status) == CTL_ST_OK)
			j->r->after(j->rq, j->answer);
		if (j->done != NULL)
			j->done(j->arg, json_incref(j->answer));
		job_free(j);
	}
}

int
worker_post(const struct ctl_request *r, json_t *rq,
    void (*done)(void *arg, json_t *answer), void *arg)
{
	struct job *j;
	int rc = -1;

	if ((j = calloc(1, sizeof(*j))) == NULL)
		return -1;
	j->r = r;
	j->rq = rq;
	j->done = done;
	j->arg = arg;
	(void)pthread_mutex_lock(&lock);
	if (!closed && n_jobs < JOBS_MAX) {
		STAILQ_INSERT_TAIL(&waiting, j, entry);
		n_jobs++;
		rc = pthread_cond_signal(&changed);
	}
	(void)pthread_mutex_unlock(&lock);
	if (rc != 0)
		free(j);
	return rc;
}

static void
forget(struct job *j, const void *arg)
{
	if (j != NULL && j->arg == arg)
		j->done = NULL;
}

void
worker_forget(const void *arg)
{
	struct job *j;

	(void)pthread_mutex_lock(&lock);
	forget(current, arg);
	STAILQ_FOREACH (j, &waiting, entry)
		forget(j, arg);
	STAILQ_FOREACH (j, &finished, entry)
		forget(j, arg);
	(void)pthread_mutex_unlock(&lock);
}

/* Signals are for the loop's thread. */
static int
thread_start(void)
{
	sigset_t all, old;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&thread, NULL, worker_main, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

int
worker_start(struct event_base *base)
{
	int rc;

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd != -1)
		wake_event = event_new(
		    base, wake_fd, EV_READ | EV_PERSIST, wake_cb, NULL);
	if (wake_event == NULL || event_add(wake_event, NULL) == -1) {
		service_log(3, "service: worker: no descriptors");
		return -1;
	}
	closed = false;
	if ((rc = thread_start()) == 0)
		return 0;
	closed = true;
	event_free(wake_event);
	wake_event = NULL;
	service_log(3, "service: worker: %s", strerror(rc));
	return -1;
}

void
worker_close(void)
{
	(void)pthread_mutex_lock(&lock);
	if (!closed) {
		closed = true;
		(void)pthread_cond_signal(&changed);
	}
	(void)pthread_mutex_unlock(&lock);
}

static void
jobs_free(struct jobs *list)
{
	struct job *j;

	while ((j = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, entry);
		job_free(j);
	}
}

void
worker_stop(void)
{
	if (wake_event == NULL)
		return;
	(void)pthread_join(thread, NULL);
	jobs_free(&waiting);
	jobs_free(&finished);
	event_free(wake_event);
	wake_event = NULL;
	(void)close(wake_fd);
}
