/* SPDX-License-Identifier: ISC */
#include "ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "afwrtd.h"
#include "files.h"
#include "lib/daemon/log.h"
#include "wg.h"

/* Requests that may wait for one helper. */
#define WAITING_MAX 4096

struct ask {
	TAILQ_ENTRY(ask) link;
	struct child *to;
	enum afw_msg_type type;
	const struct afw_row *row;
	bool many, retried, waiting, got_items;
	bool with_tun;     /* the payload is a NET_WG_SET */
	unsigned int code; /* what the timer answers */
	int64_t deadline;
	struct event *timer;
	afw_reply_cb cb;
	void *arg;
	enum afw_file which;
	char *path;
	uint8_t payload[];
};

static unsigned int n_waiting;

static void
ask_wait(struct ask *a)
{
	int64_t left = a->deadline - afw_now_ms();

	a->waiting = true;
	a->code = AFW_ETIMEDOUT;
	TAILQ_INSERT_TAIL(&a->to->asks, a, link);
	n_waiting++;
	afwrtd_timer_set(a->timer, left > 0 ? (unsigned int)left : 0);
}

static void
ask_unwait(struct ask *a)
{
	if (!a->waiting)
		return;
	a->waiting = false;
	TAILQ_REMOVE(&a->to->asks, a, link);
	n_waiting--;
	(void)evtimer_del(a->timer);
}

static void
ask_end(struct ask *a, unsigned int code, const char *text, struct afw_msg *m)
{
	ask_unwait(a);
	if (a->cb != NULL)
		a->cb(a->arg, code, text, m);
	event_free(a->timer);
	if (a->row->secret)
		afw_wipe(a->payload, a->row->size);
	free(a->path);
	free(a);
}

static void
ask_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct ask *a = arg;
	const char *text = afw_error_text(a->code);

	(void)fd;
	(void)what;
	if (a->to->state == CHILD_FAILED || a->to->state == CHILD_OFF) {
		a->code = AFW_EPIPE;
		text = a->to->fail_text[0] != '\0' ? a->to->fail_text
						   : "the suite is ending";
	}
	ask_end(a, a->code, text, NULL);
}

static void
ask_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct ask *a = arg;
	bool died = code == AFW_EPIPE && m == NULL;

	if (m != NULL && a->many && m->hdr.type != AFW_MSG_STATUS) {
		a->got_items = true;
		a->cb(a->arg, code, text, m);
		return;
	}
	if (!died || a->retried || a->row->secret || a->got_items ||
	    !child_is_wanted(a->to) || afw_now_ms() >= a->deadline) {
		if (died && a->to->state == CHILD_FAILED)
			text = a->to->fail_text;
		ask_end(a, code, text, m);
		return;
	}
	a->retried = true;
	ask_wait(a);
}

/* The descriptor that goes with it. False: it cannot be had. */
static bool
fd_get(const struct ask *a, int *fd)
{
	const struct afw_m_net_wg_set *set = (const void *)a->payload;

	*fd = -1;
	if (!a->with_tun)
		return true;
	*fd = wg_tun_open(set->route);
	return *fd != -1;
}

static void
ask_send(struct ask *a)
{
	int64_t left = a->deadline - afw_now_ms();
	int fd = -1;

	if (left <= 0 || !fd_get(a, &fd)) {
		a->code =
		    left <= 0 ? AFW_ETIMEDOUT : afw_error_from_errno(errno);
		afwrtd_timer_set(a->timer, 0);
		return;
	}
	if (a->path != NULL)
		(void)files_send(a->which, a->path);
	if (afw_link_request(&a->to->link, a->type, a->payload, fd,
		(unsigned int)left, a->many, ask_reply, a) == 0) {
		ask_wait(a);
		return;
	}
	if (a->row->secret)
		afw_wipe(a->payload, a->row->size);
}

static struct ask *
ask_new(struct child *to, enum afw_msg_type type, const void *payload,
    unsigned int timeout_ms, bool many, afw_reply_cb cb, void *arg)
{
	const struct afw_row *row = afw_row((uint16_t)type);
	struct ask *a = afwrtd_alloc(sizeof(*a) + row->size);

	a->to = to;
	a->type = type;
	a->row = row;
	a->many = many;
	a->deadline = afw_now_ms() + timeout_ms;
	a->cb = cb;
	a->arg = arg;
	a->timer = afwrtd_timer(ask_timer_cb, a);
	if (payload != NULL)
		memcpy(a->payload, payload, row->size);
	return a;
}

static void
ask_begin(struct ask *a)
{
	if (a->to->state == CHILD_UP) {
		ask_send(a);
	} else if (child_is_wanted(a->to) && n_waiting < WAITING_MAX) {
		ask_wait(a);
	} else {
		a->code = AFW_EBUSY;
		afwrtd_timer_set(a->timer, 0);
	}
}

void
ask(enum afw_role to, enum afw_msg_type type, const void *payload,
    unsigned int timeout_ms, bool many, afw_reply_cb cb, void *arg)
{
	ask_begin(
	    ask_new(child_get(to), type, payload, timeout_ms, many, cb, arg));
}

void
ask_with_file(enum afw_file which, const char *path, enum afw_msg_type type,
    const void *payload, unsigned int timeout_ms, afw_reply_cb cb, void *arg)
{
	struct ask *a = ask_new(
	    child_get(AFW_AUTH), type, payload, timeout_ms, false, cb, arg);

	a->which = which;
	if (path != NULL && (a->path = strdup(path)) == NULL)
		fatal("%s: out of memory", afw_log_name());
	ask_begin(a);
}

void
ask_with_tun(const struct afw_m_net_wg_set *set, unsigned int timeout_ms,
    afw_reply_cb cb, void *arg)
{
	struct ask *a = ask_new(child_get(AFW_NET), AFW_MSG_NET_WG_SET, set,
	    timeout_ms, false, cb, arg);

	a->with_tun = true;
	ask_begin(a);
}

void
ask_flush(struct child *c)
{
	struct ask_list now = TAILQ_HEAD_INITIALIZER(now);
	struct ask *a;

	TAILQ_CONCAT(&now, &c->asks, link);
	while ((a = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, a, link);
		a->waiting = false;
		n_waiting--;
		(void)evtimer_del(a->timer);
		ask_send(a);
	}
}

void
ask_fail(struct child *c)
{
	struct ask *a;

	TAILQ_FOREACH (a, &c->asks, link)
		afwrtd_timer_set(a->timer, 0);
}
