/* SPDX-License-Identifier: ISC */
/*
 * The control socket: SOCK_SEQPACKET, one JSON request a record, one JSON
 * answer a record, many clients at once. A client that does not read loses
 * its connection when CLIENT_QUEUE bytes wait; nobody waits for it.
 */
#include "control_unix.h"

#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "async.h"
#include "control.h"
#include "passed.h"
#include "service.h"
#include "worker.h"

#define CLIENTS_MAX  64
#define CLIENT_QUEUE (1024 * 1024) /* bytes */
#define GROUP        "afwrt"
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

struct settings {
	const char *sock, *async;
	bool su_only;
	gid_t group;
};

static int
section_read(const json_t *section, struct settings *s)
{
	const json_t *v;
	const struct group *gr;

	*s = (struct settings){CTL_SOCKET, "", true, 0};
	if ((v = json_object_get(section, "sock")) != NULL &&
	    (s->sock = json_string_value(v)) == NULL)
		return service_config_error(
		    "ci_unix_domain", "sock", "must be a string");
	if ((v = json_object_get(section, "async_sock")) != NULL &&
	    (s->async = json_string_value(v)) == NULL)
		return service_config_error(
		    "ci_unix_domain", "async_sock", "must be a string");
	if (service_flag(section, "ci_unix_domain", "su_only", &s->su_only) ==
	    -1)
		return -1;
	if (*s->sock != '/' || strlen(s->sock) >= sizeof(address.sun_path))
		return service_config_error("ci_unix_domain", "sock",
		    "must be an absolute path of at most 107 bytes");
	if (!async_path_valid(s->async))
		return service_config_error("ci_unix_domain", "async_sock",
		    "must be an absolute path of at most 107 bytes");
	if (s->su_only)
		return 0;
	if ((gr = getgrnam(GROUP)) == NULL)
		return service_config_error("ci_unix_domain", "su_only",
		    "is 0, but there is no group \"" GROUP "\"");
	s->group = gr->gr_gid;
	return 0;
}

/* A socket that nobody listens on any more is in the way. */
static int
stale_remove(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), rc, e;
	struct stat st;

	if (lstat(address.sun_path, &st) == -1) {
		(void)close(fd);
		return 0;
	}
	rc = connect(fd, (void *)&address, sizeof(address));
	e = errno;
	(void)close(fd);
	if (rc == 0 || !S_ISSOCK(st.st_mode)) {
		service_log(3, "control: %s: %s", address.sun_path,
		    rc == 0 ? "another service is running"
			    : "is there and not a socket");
		return -1;
	}
	if (e == ECONNREFUSED)
		(void)unlink(address.sun_path);
	return 0;
}

int
control_unix_check(const json_t *section)
{
	static const char *const keys[] = {
	    "sock", "su_only", "async_sock", "disabled", NULL};
	struct settings unused;
	bool ignored;

	service_unknown_warn(section, "ci_unix_domain", keys);
	if (service_flag(section, "ci_unix_domain", "disabled", &ignored) == -1)
		return -1;
	return section_read(section, &unused);
}

static int
socket_bind(void)
{
	mode_t mask;
	int rc;

	if (stale_remove() == -1)
		return -2; /* logged */
	listen_fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	rc = listen_fd == -1
	    ? -1
	    : bind(listen_fd, (void *)&address, sizeof(address));
	(void)umask(mask);
	return rc == 0 ? listen(listen_fd, CLIENTS_MAX) : rc;
}

/* One that was passed may have what a former configuration gave it. */
static int
mode_set(void)
{
	if (!su_only && chown(address.sun_path, (uid_t)-1, group) == -1)
		return -1;
	return su_only && !passed
	    ? 0
	    : chmod(address.sun_path, su_only ? 0600 : 0660);
}

int
control_unix_open(const json_t *section)
{
	struct settings s;
	int rc = 0;

	if (section_read(section, &s) == -1)
		return -1;
	(void)strcpy(address.sun_path, s.sock);
	async_set(s.async);
	su_only = s.su_only;
	group = s.group;
	listen_fd = passed_use(address.sun_path);
	passed = listen_fd != -1;
	if (!passed && (rc = socket_bind()) == -2)
		return -1;
	if (rc == -1 || mode_set() == -1) {
		service_log(
		    3, "control: %s: %s", address.sun_path, strerror(errno));
		return -1;
	}
	return 0;
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

const char *
control_unix_path(void)
{
	return listen_fd != -1 && !passed ? address.sun_path : "";
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
}
