/* SPDX-License-Identifier: ISC */
/*
 * The control socket: SOCK_SEQPACKET, one JSON request a record, one JSON
 * answer a record, many clients at once. A client that does not read loses
 * its connection when CLIENT_QUEUE bytes wait; nobody waits for it.
 */
#include "control_unix.h"

#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "async.h"
#include "control.h"
#include "control_bind.h"
#include "keeper.h"
#include "passed.h"
#include "service.h"
#include "worker.h"

#define CLIENTS_MAX  64
#define CLIENT_QUEUE (1024 * 1024) /* bytes */
#define PEER_GROUPS  256

struct record {
	STAILQ_ENTRY(record) entry;
	size_t len;
	char data[];
};

struct client {
	LIST_ENTRY(client) entry;
	int fd;
	bool subscribed;
	const struct ctl_request *asked; /* not answered yet, or NULL */
	struct event *rd, *wr;
	STAILQ_HEAD(, record) out;
	size_t waiting; /* bytes */
};

static LIST_HEAD(, client) clients = LIST_HEAD_INITIALIZER(clients);
static unsigned int nclients;
static struct event_base *base;
static struct event *listener;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int listen_fd = -1;
static bool passed; /* it is the service manager's */
static bool su_only = true;
static gid_t group;

/* ---- clients ----------------------------------------------------------- */

static void
client_close(struct client *c)
{
	struct record *r;

	while ((r = STAILQ_FIRST(&c->out)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->out, entry);
		free(r);
	}
	worker_forget(c);
	LIST_REMOVE(c, entry);
	nclients--;
	event_free(c->rd);
	event_free(c->wr);
	(void)close(c->fd);
	free(c);
}

/* 1 sent, 0 would block, -1 the client is to be closed. */
static int
record_send(struct client *c, const char *data, size_t len)
{
	if (send(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT) != -1)
		return 1;
	return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static void
write_cb(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	struct record *r;
	int rc;

	(void)fd;
	(void)what;
	while ((r = STAILQ_FIRST(&c->out)) != NULL) {
		if ((rc = record_send(c, r->data, r->len)) == -1) {
			client_close(c);
			return;
		}
		if (rc == 0) {
			(void)event_add(c->wr, NULL);
			return;
		}
		STAILQ_REMOVE_HEAD(&c->out, entry);
		c->waiting -= r->len;
		free(r);
	}
}

/* 0, or -1: the client is to be closed. */
static int
client_send(struct client *c, const char *data, size_t len)
{
	struct record *r;
	int rc = 0;

	if (STAILQ_EMPTY(&c->out) && (rc = record_send(c, data, len)) != 0)
		return rc == 1 ? 0 : errno == EMSGSIZE ? 1 : -1;
	if (c->waiting + len > CLIENT_QUEUE ||
	    (r = malloc(sizeof(*r) + len)) == NULL)
		return -1;
	memcpy(r->data, data, len);
	r->len = len;
	STAILQ_INSERT_TAIL(&c->out, r, entry);
	c->waiting += len;
	return event_add(c->wr, NULL);
}

/* Takes the reference. 0, or -1: the client is to be closed. */
static int
client_answer(struct client *c, json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);
	int rc;

	json_decref(answer);
	if (text == NULL)
		return -1;
	rc = client_send(c, text, strlen(text));
	free(text);
	if (rc != 1)
		return rc;
	return client_answer(c,
	    control_status(
		CTL_ST_INTERNAL, "the answer is too long for a record"));
}

/* First the answer, then events. While one is awaited nothing is read. */
static void
answered(void *arg, json_t *answer)
{
	struct client *c = arg;
	bool subscribe = c->asked != NULL && c->asked->unix_only_events;

	c->asked = NULL;
	if (answer == NULL || client_answer(c, answer) == -1 ||
	    event_add(c->rd, NULL) == -1)
		client_close(c);
	else if (subscribe)
		c->subscribed = true;
}

/* Takes the reference. */
static void
request_take(struct client *c, json_t *request)
{
	json_t *refusal = NULL;

	(void)event_del(c->rd);
	if ((c->asked = control_find(request, &refusal)) != NULL) {
		control_ask(c->asked, request, answered, c);
		return;
	}
	json_decref(request);
	answered(c, refusal);
}

static void
read_cb(evutil_socket_t fd, short what, void *arg)
{
	static char buf[CTL_REQUEST];
	struct client *c = arg;
	json_t *request;
	ssize_t n;

	(void)what;
	n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	if (n > (ssize_t)sizeof(buf)) {
		explicit_bzero(buf, sizeof(buf));
		answered(c,
		    control_status(CTL_ST_PARAMETER,
			"the request is longer than 65536 bytes"));
		return;
	}
	request = json_loadb(buf, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	explicit_bzero(buf, (size_t)n);
	request_take(c, request);
}

/* ---- who may ----------------------------------------------------------- */

static bool
in_group(int fd)
{
	gid_t groups[PEER_GROUPS];
	socklen_t len = sizeof(groups);
	size_t i;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == -1)
		return false;
	for (i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

static bool
peer_allowed(int fd)
{
	struct ucred u;
	socklen_t len = sizeof(u);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len) == -1)
		return false;
	if (u.uid == 0)
		return true;
	return !su_only && (u.gid == group || in_group(fd));
}

static void
client_add(int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->fd = fd;
	STAILQ_INIT(&c->out);
	c->rd = event_new(base, fd, EV_READ | EV_PERSIST, read_cb, c);
	c->wr = event_new(base, fd, EV_WRITE, write_cb, c);
	if (c->rd == NULL || c->wr == NULL || event_add(c->rd, NULL) == -1) {
		if (c->rd != NULL)
			event_free(c->rd);
		if (c->wr != NULL)
			event_free(c->wr);
		(void)close(fd);
		free(c);
		return;
	}
	LIST_INSERT_HEAD(&clients, c, entry);
	nclients++;
}

static void
accept_cb(evutil_socket_t lfd, short what, void *arg)
{
	int fd;

	(void)what;
	(void)arg;
	fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1)
		return;
	if (!peer_allowed(fd)) {
		service_log(4,
		    "control: a client without the right to it "
		    "was refused");
		(void)close(fd);
	} else if (nclients == CLIENTS_MAX) {
		service_log(4, "control: more than %d clients", CLIENTS_MAX);
		(void)close(fd);
	} else {
		client_add(fd);
	}
}

/* ---- life -------------------------------------------------------------- */

int
control_unix_check(const json_t *section)
{
	static const char *const keys[] = {
	    "sock", "su_only", "async_sock", "disabled", NULL};
	struct control_settings unused;
	bool ignored;

	service_unknown_warn(section, "ci_unix_domain", keys);
	if (service_flag(section, "ci_unix_domain", "disabled", &ignored) == -1)
		return -1;
	return control_settings_read(section, &unused);
}

int
control_unix_open(const json_t *section)
{
	struct control_settings s;

	if (control_settings_read(section, &s) == -1)
		return -1;
	(void)strcpy(address.sun_path, s.sock);
	async_set(s.async);
	su_only = s.su_only;
	group = s.group;
	listen_fd = passed_use(s.sock);
	passed = listen_fd != -1;
	if (!passed)
		listen_fd = control_bind(&s);
	else if (control_mode_set(&s) == -1)
		return -1;
	return listen_fd == -1 ? -1 : 0;
}

int
control_unix_start(struct event_base *b)
{
	base = b;
	if (listen_fd == -1)
		return 0;
	listener =
	    event_new(base, listen_fd, EV_READ | EV_PERSIST, accept_cb, NULL);
	if (listener == NULL || event_add(listener, NULL) == -1)
		return -1;
	return async_start(base);
}

/* ---- changes ------------------------------------------------------------ */

/* "key" path: what; -1. */
static int
change_error(char *why, size_t size, const char *key, const char *value)
{
	(void)snprintf(why, size, "\"" CONTROL_SECTION "\": \"%s\" %.107s: %s",
	    key, value, strerror(errno));
	return -1;
}

/* The service manager has the one that was passed too: nobody shall wait
 * there. */
static void
listen_close(void)
{
	if (listen_fd == -1)
		return;
	if (passed)
		(void)shutdown(listen_fd, SHUT_RDWR);
	(void)close(listen_fd);
	listen_fd = -1;
	passed = false;
}

/* The listener of another path; the former lives until it is there. */
static int
listener_change(const struct control_settings *s)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(at);
	struct event *e = NULL;
	int fd = keeper_listen();

	if (fd == -1)
		return -1;
	/* the keeper has read the file once more */
	if (getsockname(fd, (void *)&at, &len) == -1 ||
	    strcmp(at.sun_path, s->sock) != 0)
		errno = EAGAIN;
	else
		e = event_new(base, fd, EV_READ | EV_PERSIST, accept_cb, NULL);
	if (e == NULL || event_add(e, NULL) == -1) {
		if (e != NULL)
			event_free(e);
		(void)close(fd);
		return -1;
	}
	if (listener != NULL)
		event_free(listener);
	listen_close();
	listener = e;
	listen_fd = fd;
	address = at;
	return keeper_switch();
}

/* Who has lost the right to it goes. */
static void
access_set(bool only, gid_t gid)
{
	struct client *c, *next;

	su_only = only;
	group = gid;
	for (c = LIST_FIRST(&clients); c != NULL; c = next) {
		next = LIST_NEXT(c, entry);
		if (!peer_allowed(c->fd))
			client_close(c);
	}
}

int
control_unix_change(const json_t *section, char *why, size_t size)
{
	struct control_settings s;

	errno = EINVAL;
	if (control_settings_read(section, &s) == -1)
		return change_error(why, size, "sock", "");
	if (listen_fd == -1 || strcmp(s.sock, address.sun_path) != 0) {
		if (listener_change(&s) == -1)
			return change_error(why, size, "sock", s.sock);
	} else if ((s.su_only != su_only || s.group != group) &&
	    keeper_mode() == -1) {
		return change_error(
		    why, size, "su_only", s.su_only ? "1" : "0");
	}
	access_set(s.su_only, s.group);
	if (strcmp(s.async, async_path()) != 0 &&
	    (keeper_async() == -1 || async_change(base, s.async) == -1))
		return change_error(why, size, "async_sock", s.async);
	return 0;
}

void
control_unix_leave(void)
{
	if (listen_fd == -1)
		return;
	if (passed)
		(void)shutdown(listen_fd, SHUT_RDWR);
	control_unix_close();
	async_set("");
	(void)keeper_switch();
}

void
control_unix_event(const char *json)
{
	struct client *c, *next;

	for (c = LIST_FIRST(&clients); c != NULL; c = next) {
		next = LIST_NEXT(c, entry);
		if (c->subscribed && client_send(c, json, strlen(json)) == -1) {
			service_log(4,
			    "control: a subscriber does not read; "
			    "it is disconnected");
			client_close(c);
		}
	}
	async_send(json);
}

bool
control_unix_passed(void)
{
	return passed;
}

const char *
control_unix_path(void)
{
	return listen_fd != -1 ? address.sun_path : "";
}

void
control_unix_close(void)
{
	while (!LIST_EMPTY(&clients))
		client_close(LIST_FIRST(&clients));
	async_stop();
	if (listener != NULL)
		event_free(listener);
	listener = NULL;
	if (listen_fd == -1)
		return;
	(void)close(listen_fd); /* the keeper removes it */
	listen_fd = -1;
	passed = false;
}
