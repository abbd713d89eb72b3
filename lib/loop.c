/* SPDX-License-Identifier: ISC */
/*
 * The run: RUN is sent, events are delivered, STOP is sent when somebody has
 * called afwrt_stop, and it is over with EV_STOPPED. afwrt_start is
 * afwrt_get_fd and afwrt_dispatch in a loop.
 *
 * What the descriptor wakes for: the channel, `wake_fd` (afwrt_stop, or an
 * event that another thread has read), and a timer for a STOP that is not
 * answered. afwrt_stop works from signal handlers: it touches nothing but
 * the atomics here and write().
 *
 * Which run a stop is for: runs are numbered when they are asked for, before
 * anything else is done, and a stop is for the newest number. So one that
 * comes while a run begins is not lost, and one that comes when nothing runs
 * does not end the next; only before the first run it waits for that.
 */
#include "loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "errors.h"
#include "notice.h"

#define STOP_WAIT_S 15

static atomic_int wake_fd = -1;
static atomic_uint run_last;  /* number of the newest run */
static atomic_uint run_stop;  /* it and all before are to stop */
static atomic_int stop_users; /* threads between reading wake_fd and write */
static _Thread_local bool inside;

bool
loop_inside(void)
{
	return inside;
}

/* ---- life -------------------------------------------------------------- */

static int
watch(struct suite *s, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(s->epfd, EPOLL_CTL_ADD, fd, &ev);
}

int
loop_init(struct suite *s)
{
	int fd, e;

	s->timer_fd = -1;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (fd != -1 && s->epfd != -1)
		s->timer_fd =
		    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->timer_fd == -1 || watch(s, fd) == -1 ||
	    watch(s, s->timer_fd) == -1) {
		e = errno;
		if (fd != -1)
			(void)close(fd);
		loop_free(s);
		return errors_set(e, "event descriptors: %s", strerror(e));
	}
	atomic_store(&run_last, 0);
	atomic_store(&run_stop, 0);
	atomic_store(&wake_fd, fd);
	return 0;
}

void
loop_free(struct suite *s)
{
	int fd = atomic_exchange(&wake_fd, -1);

	while (atomic_load(&stop_users) > 0)
		(void)sched_yield();
	if (fd != -1)
		(void)close(fd);
	if (s->timer_fd != -1)
		(void)close(s->timer_fd);
	if (s->epfd != -1)
		(void)close(s->epfd);
	s->timer_fd = s->epfd = -1;
}

static void
wake(void)
{
	static const uint64_t one = 1;
	int fd;

	atomic_fetch_add(&stop_users, 1);
	/* EAGAIN would mean that it is readable anyway */
	if ((fd = atomic_load(&wake_fd)) != -1 &&
	    write(fd, &one, sizeof(one)) == -1)
		(void)0;
	atomic_fetch_sub(&stop_users, 1);
}

void
loop_stop(void)
{
	unsigned int run = atomic_load(&run_last);
	unsigned int old = atomic_load(&run_stop);
	int e = errno;

	if (run == 0)
		run = 1;
	while (old < run && !atomic_compare_exchange_weak(&run_stop, &old, run))
		;
	wake();
	errno = e;
}

unsigned int
loop_number(void)
{
	return atomic_fetch_add(&run_last, 1) + 1;
}

static bool
stop_wanted(const struct suite *s)
{
	return atomic_load(&run_stop) >= s->run_number;
}

void
loop_wake(struct suite *s)
{
	(void)s;
	wake();
}

static void
wake_clear(void)
{
	uint64_t n;
	int fd = atomic_load(&wake_fd);

	if (read(fd, &n, sizeof(n)) == -1)
		(void)0;
}

static void
timer_set(struct suite *s, time_t seconds)
{
	struct itimerspec it = {.it_value.tv_sec = seconds};

	(void)timerfd_settime(s->timer_fd, 0, &it, NULL);
}

static bool
timer_expired(struct suite *s)
{
	uint64_t n;

	return read(s->timer_fd, &n, sizeof(n)) == (ssize_t)sizeof(n);
}

/* ---- the run ----------------------------------------------------------- */

void
loop_over(struct suite *s, unsigned int code, const char *text)
{
	if (s->run != RUN_ON && s->run != RUN_STOPPING)
		return;
	s->run = RUN_OVER;
	s->run_code = code;
	(void)snprintf(s->run_text, sizeof(s->run_text), "%s", text);
	loop_wake(s);
}

/* A RUN that fails is over; while it is being stopped STOP's answer counts. */
static void
run_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct suite *s = arg;

	if (m != NULL && code != AFW_OK && s->run == RUN_ON)
		loop_over(s, code, text);
}

static void
stop_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct suite *s = arg;

	if (m != NULL && s->run == RUN_STOPPING)
		loop_over(s, code, text);
}

int
loop_begin(struct suite *s, unsigned int number, bool blocking)
{
	int rc = 0;

	(void)pthread_mutex_lock(&s->client.lock);
	if (s->run != RUN_NONE && !blocking && !s->blocking)
		goto out; /* afwrt_get_fd again */
	if (s->run != RUN_NONE) {
		rc = errors_set(EALREADY, "the VPN is running already");
		goto out;
	}
	rc = client_post(&s->client, AFW_MSG_RUN, NULL, -1, run_reply, s);
	if (rc == 0) {
		s->run = RUN_ON;
		s->blocking = blocking;
		s->run_number = number;
	}
out:
	(void)pthread_mutex_unlock(&s->client.lock);
	return rc;
}

static void
stop_begin(struct suite *s)
{
	if (client_post(&s->client, AFW_MSG_STOP, NULL, -1, stop_reply, s) ==
	    -1)
		return; /* dead, or the timer will tell */
	s->run = RUN_STOPPING;
	timer_set(s, STOP_WAIT_S);
}

/* One event to the callback, without the lock. False: there was none. */
static bool
deliver(struct suite *s)
{
	char *text = events_pop(&s->events);

	if (text == NULL)
		return false;
	(void)pthread_mutex_unlock(&s->client.lock);
	if (s->callback != NULL) {
		inside = true;
		s->callback(text);
		inside = false;
	}
	events_text_free(text);
	(void)pthread_mutex_lock(&s->client.lock);
	return true;
}

/* The result of a run that is over, with everything delivered. */
static int
result(struct suite *s)
{
	bool stopped = stop_wanted(s);

	s->run = RUN_NONE;
	timer_set(s, 0);
	if (s->run_code == AFW_OK)
		return 1;
	if (stopped && s->run_code != AFW_ETIMEDOUT && s->run_code != AFW_EPIPE)
		return 1;
	(void)errors_set_code(s->run_code, s->run_text, "the VPN has ended");
	return -1;
}

static int
round_do(struct suite *s)
{
	unsigned int n = 0;

	wake_clear();
	client_read(&s->client);
	if (s->run == RUN_ON && stop_wanted(s))
		stop_begin(s);
	if (s->run == RUN_STOPPING && timer_expired(s))
		loop_over(s, AFW_ETIMEDOUT, "it did not stop in time");
	while (n++ < EVENTS_MAX && deliver(s))
		;
	if (s->events.head != NULL) {
		loop_wake(s);
		return 0;
	}
	if (s->client.dead != 0)
		loop_over(s, AFW_EPIPE, s->client.why);
	return s->run == RUN_OVER ? result(s) : 0;
}

int
loop_dispatch(struct suite *s, bool blocking)
{
	int rc;

	if (inside || notice_inside())
		return errors_set(EDEADLK, "called from inside a callback");
	(void)pthread_mutex_lock(&s->client.lock);
	if (s->run == RUN_NONE)
		rc = errors_set(EINVAL, "no run has begun: afwrt_get_fd");
	else if (s->blocking != blocking)
		rc = errors_set(EALREADY, "afwrt_start is running");
	else if (s->dispatching)
		rc = errors_set(EBUSY, "another thread is dispatching");
	else {
		s->dispatching = true;
		rc = round_do(s);
		s->dispatching = false;
		(void)pthread_cond_broadcast(&s->client.changed);
	}
	(void)pthread_mutex_unlock(&s->client.lock);
	notice_flush();
	return rc;
}

/* The channel may be readable only because its reader is not yet awake. */
static void
reader_wait(struct suite *s)
{
	struct pollfd p = {.fd = s->epfd, .events = POLLIN};
	struct timespec ts;

	(void)poll(&p, 1, -1);
	(void)pthread_mutex_lock(&s->client.lock);
	if (s->client.reading && s->events.head == NULL && s->run == RUN_ON &&
	    !stop_wanted(s)) {
		(void)clock_gettime(CLOCK_MONOTONIC, &ts);
		if ((ts.tv_nsec += 5000000) >= 1000000000) {
			ts.tv_nsec -= 1000000000;
			ts.tv_sec++;
		}
		(void)pthread_cond_timedwait(
		    &s->client.changed, &s->client.lock, &ts);
	}
	(void)pthread_mutex_unlock(&s->client.lock);
}

int
loop_run(struct suite *s)
{
	int rc;

	while ((rc = loop_dispatch(s, true)) == 0)
		reader_wait(s);
	return rc == 1 ? 0 : -1;
}
