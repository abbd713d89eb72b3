/* SPDX-License-Identifier: ISC */
/*
 * Channel A, used by any number of threads and with none of its own.
 *
 * A thread that waits for an answer becomes the reader if there is none:
 * it polls without the lock, reads with it, and hands every message to whom
 * it belongs. The others sleep on `changed`; when the reader has what it
 * wanted it wakes them and one of them goes on reading. So a request works
 * from every thread and from inside a callback.
 */
#include "client.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "errors.h"
#include "notice.h"
#include "spawn.h"

struct client_pending {
	struct client_pending *next;
	uint32_t id;
	bool many; /* QUERY: items, then the STATUS */
	client_reply_cb cb;
	void *arg;
};

/* ---- time -------------------------------------------------------------- */

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static int
left_ms(int64_t deadline)
{
	int64_t left = deadline - now_ms();

	return left < 0 ? 0 : (int)left;
}

static void
changed_wait(struct client *c, int64_t deadline)
{
	struct timespec ts = {.tv_sec = (time_t)(deadline / 1000),
	    .tv_nsec = (long)(deadline % 1000) * 1000000};

	(void)pthread_cond_timedwait(&c->changed, &c->lock, &ts);
}

/* ---- answers ----------------------------------------------------------- */

/* The end: everyone who waits is told. */
static void
dead_set(struct client *c, int e, const char *why)
{
	struct client_pending *p;

	if (c->dead != 0)
		return;
	c->dead = e;
	(void)snprintf(c->why, sizeof(c->why), "%s", why);
	while ((p = c->pending) != NULL) {
		c->pending = p->next;
		if (p->cb != NULL)
			p->cb(p->arg, AFW_EPIPE, c->why, NULL);
		free(p);
	}
	(void)pthread_cond_broadcast(&c->changed);
}

static void
reply_take(struct client *c, struct afw_msg *m)
{
	const struct afw_m_status *st = (const void *)m->payload;
	bool status = m->hdr.type == AFW_MSG_STATUS;
	struct client_pending **pp, *p;

	for (pp = &c->pending; (p = *pp) != NULL; pp = &p->next)
		if (p->id == m->hdr.id)
			break;
	if (p == NULL) /* came after its time */
		return;
	if (!p->many || status)
		*pp = p->next;
	if (p->cb != NULL)
		p->cb(p->arg, status ? st->code : AFW_OK,
		    status ? st->text : "", m);
	if (!p->many || status)
		free(p);
	(void)pthread_cond_broadcast(&c->changed);
}

static void
message_take(struct client *c, struct afw_msg *m)
{
	const struct afw_m_log *l = (const void *)m->payload;

	if (m->row->kind == AFW_RP)
		reply_take(c, m);
	else if (m->hdr.type == AFW_MSG_LOG)
		notice_post((int)l->level, "%s", l->text);
	else
		c->event(c->arg, m);
}

/* The application's loop is to wake when there is room, if we need some. */
static void
room_want(struct client *c)
{
	bool want = c->chan.head != NULL;
	struct epoll_event ev = {.events = EPOLLIN | (want ? EPOLLOUT : 0U)};

	if (c->epfd == -1 || c->dead != 0 || want == c->epout)
		return;
	ev.data.fd = c->chan.fd;
	if (epoll_ctl(c->epfd, EPOLL_CTL_MOD, c->chan.fd, &ev) == 0)
		c->epout = want;
}

/* Reads and writes what can be without waiting. */
static void
io_do(struct client *c)
{
	struct afw_msg m;
	int rc;

	if (c->dead != 0)
		return;
	(void)afw_chan_flush(&c->chan); /* its death shows on reading too */
	while ((rc = afw_chan_recv(&c->chan, &m)) == 1) {
		message_take(c, &m);
		afw_msg_done(&m);
	}
	if (rc == -1 && errno == EPROTO)
		dead_set(c, EPROTO, c->chan.why);
	else if (rc == -1)
		dead_set(c, EPIPE, "the suite is gone");
	room_want(c);
}

void
client_read(struct client *c)
{
	if (!c->reading)
		io_do(c);
}

/* ---- waiting ----------------------------------------------------------- */

/* Polls without the lock until something happens. */
static void
poll_unlocked(struct client *c, short events, int64_t deadline)
{
	struct pollfd p = {.fd = c->chan.fd, .events = events};

	(void)pthread_mutex_unlock(&c->lock);
	(void)poll(&p, 1, left_ms(deadline));
	(void)pthread_mutex_lock(&c->lock);
}

static void
wait_some(struct client *c, int64_t deadline)
{
	bool room = c->chan.head != NULL;

	if (!c->reading) {
		c->reading = true;
		poll_unlocked(
		    c, (short)(POLLIN | (room ? POLLOUT : 0)), deadline);
		c->reading = false;
		io_do(c);
		(void)pthread_cond_broadcast(&c->changed);
	} else if (room) {
		/* what we wait for has not been sent: the reader is not
		 * watching for room */
		poll_unlocked(c, POLLOUT, deadline);
		(void)afw_chan_flush(&c->chan);
	} else {
		changed_wait(c, deadline);
	}
}

int
client_wait(struct client *c, const unsigned int *done, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;

	while (*done == 0 && c->dead == 0 && left_ms(deadline) > 0)
		wait_some(c, deadline);
	return *done != 0;
}

int
client_drain(struct client *c, size_t bytes, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;

	while (c->chan.queued > bytes && c->dead == 0 && left_ms(deadline) > 0)
		wait_some(c, deadline);
	return c->chan.queued <= bytes && c->dead == 0 ? 0 : -1;
}

/* ---- asking ------------------------------------------------------------ */

static int
sent(struct client *c, int rc)
{
	int e = errno;

	room_want(c);
	if (rc == 0)
		return 0;
	if (e == EPROTO)
		return errors_set(EINVAL, "%s", c->chan.why);
	if (e == ENOBUFS)
		return errors_set(
		    ETIMEDOUT, "the suite does not read what it is sent");
	return errors_set(EPIPE, "the suite is gone");
}

int
client_send(struct client *c, enum afw_msg_type type, const void *payload)
{
	return sent(c, afw_chan_send(&c->chan, type, 0, payload, -1));
}

int
client_post(struct client *c, enum afw_msg_type type, const void *payload,
    int fd, client_reply_cb cb, void *arg)
{
	struct client_pending *p = calloc(1, sizeof(*p));

	if (p == NULL || c->dead != 0) {
		if (fd != -1)
			(void)close(fd);
		free(p);
		return c->dead != 0 ? errors_set(c->dead, "%s", c->why)
				    : errors_set(ENOMEM, "out of memory");
	}
	if (++c->next_id == 0)
		c->next_id = 1;
	p->id = c->next_id;
	p->many = type == AFW_MSG_QUERY;
	p->cb = cb;
	p->arg = arg;
	if (sent(c, afw_chan_send(&c->chan, type, p->id, payload, fd)) == -1) {
		free(p);
		return -1;
	}
	p->next = c->pending;
	c->pending = p;
	return 0;
}

void
client_forget(struct client *c, const void *arg)
{
	struct client_pending **pp = &c->pending, *p;

	while ((p = *pp) != NULL) {
		if (p->arg == arg) {
			*pp = p->next;
			free(p);
		} else {
			pp = &p->next;
		}
	}
}

struct call {
	unsigned int done, code;
	char text[192];
	client_reply_cb cb;
	void *arg;
};

static void
call_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct call *k = arg;
	bool status = m == NULL || m->hdr.type == AFW_MSG_STATUS;

	if (!status) {
		if (k->cb != NULL)
			k->cb(k->arg, code, text, m);
		if ((m->hdr.type >= AFW_MSG_QUERY_PROCESS &&
			m->hdr.type <= AFW_MSG_QUERY_RULE) ||
		    m->hdr.type == AFW_MSG_ADDRS)
			return;
	}
	k->done = 1;
	k->code = code;
	(void)snprintf(k->text, sizeof(k->text), "%s", text);
}

int
client_call(struct client *c, enum afw_msg_type type, const void *payload,
    int fd, int timeout_ms, const char *what, client_reply_cb cb, void *arg)
{
	struct call k = {.cb = cb, .arg = arg};
	int rc, answered = 0, dead;

	(void)pthread_mutex_lock(&c->lock);
	rc = client_post(c, type, payload, fd, call_reply, &k);
	if (rc == 0 && (answered = client_wait(c, &k.done, timeout_ms)) == 0)
		client_forget(c, &k);
	dead = c->dead;
	(void)pthread_mutex_unlock(&c->lock);
	notice_flush();
	if (rc == -1)
		return errors_set(errno, "%s: %s", what, errors_last());
	if (!answered)
		return errors_set(ETIMEDOUT,
		    "%s: no answer from the suite in %d s", what,
		    timeout_ms / 1000);
	if (k.code == AFW_EPIPE && dead != 0)
		return errors_set(dead, "%s: %s", what, k.text);
	return k.code == AFW_OK ? 0 : errors_set_code(k.code, k.text, what);
}

/* ---- life -------------------------------------------------------------- */

struct hello {
	unsigned int done;
	struct afw_m_hello m;
};

static void
hello_take(void *arg, struct afw_msg *m)
{
	struct hello *h = arg;

	if (m->hdr.type == AFW_MSG_HELLO) {
		memcpy(&h->m, m->payload, sizeof(h->m));
		h->done = 1;
	}
}

static int
greet(struct client *c)
{
	struct hello h = {.done = 0};
	int rc, dead;

	c->event = hello_take;
	c->arg = &h;
	(void)pthread_mutex_lock(&c->lock);
	rc = client_wait(c, &h.done, CLIENT_WAIT_MS);
	dead = c->dead;
	(void)pthread_mutex_unlock(&c->lock);
	if (rc == 1) {
		c->pid = (pid_t)h.m.pid;
		c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	}
	if (dead == EPROTO || (rc == 1 && h.m.table_sum != afw_table_sum()))
		return errors_set(EPROTO,
		    "afwrtd is of another build (%s) "
		    "than the library; install all parts of the suite from "
		    "one package",
		    rc == 1 ? h.m.build : "?");
	if (dead != 0)
		return errors_set(EPIPE, "afwrtd ended while it started");
	if (rc == 0)
		return errors_set(ETIMEDOUT,
		    "afwrtd does not say hello within %d s",
		    CLIENT_WAIT_MS / 1000);
	c->chan.phase = AFW_PH_R;
	c->chan.self_gen = c->chan.peer_gen = 1;
	return 0;
}

static int
locks_init(struct client *c)
{
	pthread_condattr_t a;
	int e;

	(void)pthread_condattr_init(&a);
	(void)pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	e = pthread_cond_init(&c->changed, &a);
	(void)pthread_condattr_destroy(&a);
	if (e == 0 && (e = pthread_mutex_init(&c->lock, NULL)) != 0)
		(void)pthread_cond_destroy(&c->changed);
	return e == 0 ? 0 : errors_set(e, "mutex: %s", strerror(e));
}

static int
started(struct client *c, int epfd)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int sv[2], rc, e;

	if (afw_chan_pair(sv) == -1)
		return errors_set(errno, "socketpair: %s", strerror(errno));
	if (afw_chan_init(&c->chan, sv[0], AFW_LIB, AFW_SUP) == -1)
		rc = errors_set(errno, "channel: %s", strerror(errno));
	else
		rc = spawn_afwrtd(sv[1]);
	e = errno;
	(void)close(sv[1]);
	ev.data.fd = sv[0];
	if (rc == 0 && epfd != -1 &&
	    epoll_ctl(epfd, EPOLL_CTL_ADD, sv[0], &ev) == -1) {
		rc = errors_set(errno, "epoll: %s", strerror(errno));
		e = errno;
	}
	if (rc == 0)
		c->epfd = epfd;
	errno = e;
	return rc;
}

int
client_open(struct client *c, int epfd, void (*event)(void *, struct afw_msg *),
    void *arg)
{
	int e;

	memset(c, 0, sizeof(*c));
	c->chan.fd = c->epfd = c->pidfd = -1;
	if (locks_init(c) == -1)
		return -1;
	if (started(c, epfd) == -1 || greet(c) == -1) {
		e = errno;
		(void)client_close(c, CLIENT_WAIT_MS);
		errno = e;
		return -1;
	}
	c->event = event;
	c->arg = arg;
	return 0;
}

void
client_hangup(struct client *c)
{
	if (c->chan.fd != -1)
		(void)shutdown(c->chan.fd, SHUT_WR);
}

static void
event_drop(void *arg, struct afw_msg *m)
{
	(void)arg;
	(void)m;
}

/* Gone, or dead and not yet reaped by the one who inherited it. */
static bool
exited(pid_t pid)
{
	char text[512];
	ssize_t n;
	int fd;

	(void)snprintf(text, sizeof(text), "/proc/%d/stat", (int)pid);
	if ((fd = open(text, O_RDONLY | O_CLOEXEC)) == -1)
		return true;
	n = read(fd, text, sizeof(text) - 2);
	(void)close(fd);
	text[n > 0 ? n : 0] = text[n > 0 ? n + 1 : 1] = '\0';
	/* "PID (NAME) STATE ...", and a name may have any byte in it */
	while (n > 0 && text[n - 1] != ')')
		n--;
	return n <= 0 || text[n] != ' ' || text[n + 1] == 'Z' ||
	    text[n + 1] == 'X';
}

/* Without a pidfd nothing tells of an exit: it is looked for. */
static void
exit_await(const struct client *c)
{
	int ms;

	for (ms = 0; ms < 1000 && c->pid > 0 && !exited(c->pid); ms++)
		(void)poll(NULL, 0, 1);
}

/* End of file comes just before the exit: that is waited for too. */
static int
process_wait(struct client *c, int timeout_ms)
{
	struct pollfd p = {.fd = c->pidfd, .events = POLLIN};

	if (c->pidfd == -1) {
		exit_await(c);
		return 0;
	}
	if (poll(&p, 1, timeout_ms) == 1)
		return 0;
	(void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
	(void)poll(&p, 1, 1000);
	return -1;
}

/*
 * Where pidfd_open is refused (seccomp filters of containers, valgrind). As
 * long as afwrtd, which alone has the channel's other end, keeps that open,
 * the id that it gave is its own and nobody else's.
 */
static void
process_kill(struct client *c)
{
	struct pollfd p = {.fd = c->chan.fd, .events = POLLRDHUP};

	if (c->pidfd != -1 || c->pid <= 0 || poll(&p, 1, 0) != 0)
		return;
	(void)kill(c->pid, SIGKILL);
	(void)poll(&p, 1, 1000);
}

/* Reads on until the end of file; 0, or -1 when it does not come. */
static int
end_wait(struct client *c, int timeout_ms)
{
	static const unsigned int never;
	int rc;

	client_hangup(c);
	(void)pthread_mutex_lock(&c->lock);
	c->event = event_drop;
	(void)client_wait(c, &never, timeout_ms);
	rc = c->dead == 0 ? -1 : 0;
	dead_set(c, EPIPE, "the suite is gone");
	(void)pthread_mutex_unlock(&c->lock);
	if (c->epfd != -1)
		(void)epoll_ctl(c->epfd, EPOLL_CTL_DEL, c->chan.fd, NULL);
	return rc;
}

int
client_close(struct client *c, int timeout_ms)
{
	int rc = 0;

	if (c->chan.fd != -1)
		rc = end_wait(c, timeout_ms);
	if (rc == -1)
		process_kill(c);
	/* after a violation this is the end that afwrtd sees */
	afw_chan_close(&c->chan);
	if (process_wait(c, rc == 0 ? timeout_ms : 0) == -1)
		rc = -1;
	if (c->pidfd != -1)
		(void)close(c->pidfd);
	c->pidfd = -1;
	(void)pthread_cond_destroy(&c->changed);
	(void)pthread_mutex_destroy(&c->lock);
	notice_flush();
	if (rc == 0)
		return 0;
	return errors_set(ETIMEDOUT,
	    "the suite did not end within %d s and was killed",
	    timeout_ms / 1000);
}
