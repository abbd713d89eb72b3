/* SPDX-License-Identifier: ISC */
#include "client.h"

#include "control.h"
#include "lib/spawn.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
client_connect(const struct ctl *c, int *fd)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int e;

	if (strlen(c->socket) >= sizeof(sun.sun_path)) {
		(void)fprintf(
		    stderr, "afwrt-ctl: %s: the path is too long\n", c->socket);
		return CTL_USAGE;
	}
	(void)strcpy(sun.sun_path, c->socket);
	*fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (*fd != -1 && connect(*fd, (void *)&sun, sizeof(sun)) == 0)
		return CTL_DONE;
	e = errno;
	(void)fprintf(stderr, "afwrt-ctl: %s: %s\n", c->socket,
	    e == ENOENT || e == ECONNREFUSED ? "the service is not running"
					     : strerror(e));
	if (*fd != -1)
		(void)close(*fd);
	if (e == EACCES || e == EPERM)
		return CTL_NO_PERMISSION;
	return CTL_NOT_RUNNING;
}

bool
client_is_running(const struct ctl *c)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool running;

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", c->socket);
	running = fd != -1 && connect(fd, (void *)&sun, sizeof(sun)) == 0;
	if (fd != -1)
		(void)close(fd);
	return running;
}

int
client_recv(int fd, json_t **answer)
{
	char *buf = malloc(CTL_ANSWER);
	ssize_t n;

	*answer = NULL;
	if (buf == NULL)
		return CTL_FAILED;
	do
		n = recv(fd, buf, CTL_ANSWER, MSG_TRUNC);
	while (n == -1 && errno == EINTR);
	if (n > 0 && n <= CTL_ANSWER)
		*answer = json_loadb(buf, (size_t)n, 0, NULL);
	if (n > 0) /* it may hold a token */
		explicit_bzero(buf, n < CTL_ANSWER ? (size_t)n : CTL_ANSWER);
	free(buf);
	if (n <= 0) {
		(void)fprintf(stderr,
		    "afwrt-ctl: the service has closed the "
		    "connection\n");
		return CTL_NOT_RUNNING;
	}
	if (*answer == NULL) {
		(void)fprintf(stderr, "afwrt-ctl: the answer cannot be read\n");
		return CTL_FAILED;
	}
	return CTL_DONE;
}

int
client_ask_on(int fd, json_t *request, json_t **answer)
{
	char *text = json_dumps(request, JSON_COMPACT);
	json_t *a = NULL, *status;
	const char *message;
	int rc;

	control_wipe(request);
	/* a failure shows when the answer is read */
	if (text == NULL || send(fd, text, strlen(text), MSG_NOSIGNAL) == -1)
		(void)shutdown(fd, SHUT_RDWR);
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
	if ((rc = client_recv(fd, &a)) != CTL_DONE)
		return rc;
	status = json_object_get(a, "status");
	if (!json_is_integer(status) || json_integer_value(status) != 0) {
		message = json_string_value(json_object_get(a, "message"));
		(void)fprintf(stderr, "afwrt-ctl: %s\n",
		    message != NULL ? message : "refused");
		json_decref(a);
		return CTL_FAILED;
	}
	if (answer != NULL)
		*answer = a;
	else
		json_decref(a);
	return CTL_DONE;
}

int
client_ask(const struct ctl *c, json_t *request, json_t **answer)
{
	int fd, rc;

	if ((rc = client_connect(c, &fd)) != CTL_DONE) {
		json_decref(request);
		return rc;
	}
	rc = client_ask_on(fd, request, answer);
	(void)close(fd);
	return rc;
}

void
client_print_json(json_t *o)
{
	(void)json_object_set_new(o, "schema_version", json_integer(1));
	(void)json_dumpf(o, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(o);
}

int
client_may_start(void)
{
	const char *lacks = spawn_lacks();

	if (lacks == NULL)
		return CTL_DONE;
	(void)fprintf(stderr,
	    "afwrt-ctl: only root can do that, or who has the ambient "
	    "capability %s\n",
	    lacks);
	return CTL_NO_PERMISSION;
}
