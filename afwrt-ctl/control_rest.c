/* SPDX-License-Identifier: ISC */
/*
 * REST by libevent's evhttp: one request a connection. A request is answered
 * in this order: is there such a path (404) and method (405), has the address
 * guessed too often (429), is the body JSON (400), is the token right (401),
 * then as the control socket would answer it.
 */
#include "control_rest.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "control.h"
#include "rest_conn.h"
#include "rest_token.h"
#include "service.h"
#include "worker.h"

#define SECTION     "ci_rest"
#define HOST        "127.0.0.1"
#define PORT        61438
#define HEADERS_MAX 8192
#define IDLE_S      10
#define BACKLOG     16

#define ALL_METHODS                                                            \
	(EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | \
	    EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |        \
	    EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH)

/* A request that waits for its answer. */
struct job {
	struct evhttp_request *req;
	const struct ctl_request *r;
};

struct settings {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address;
	socklen_t address_len;
	const char *token;
};

static int listen_fd = -1;
static struct event_base *base;
static struct evhttp *http;
static struct evhttp_bound_socket *bound;

/* ---- answers ------------------------------------------------------------ */

static const char *
reason_of(int code)
{
	switch (code) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 413:
		return "Content Too Large";
	case 429:
		return "Too Many Requests";
	default:
		return "Internal Server Error";
	}
}

static void
reply(struct evhttp_request *req, int code, const char *type, const char *text)
{
	struct evkeyvalq *h = evhttp_request_get_output_headers(req);
	struct evbuffer *body = evbuffer_new();

	(void)evhttp_add_header(h, "Content-Type", type);
	(void)evhttp_add_header(h, "Cache-Control", "no-store");
	(void)evhttp_add_header(h, "Connection", "close");
	if (code == 401)
		(void)evhttp_add_header(h, "WWW-Authenticate", "Bearer");
	if (code == 429)
		(void)evhttp_add_header(h, "Retry-After", "60");
	if (body != NULL)
		(void)evbuffer_add(body, text, strlen(text));
	evhttp_send_reply(req, code, reason_of(code), body);
	if (body != NULL)
		evbuffer_free(body);
}

/* Takes the reference. */
static void
reply_json(struct evhttp_request *req, int code, json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);

	json_decref(answer);
	reply(req, text != NULL ? code : 500, "application/json",
	    text != NULL ? text : "{\"status\":-1,\"message\":\"no memory\"}");
	if (text != NULL) /* it may be a token */
		explicit_bzero(text, strlen(text));
	free(text);
}

static void
refuse(struct evhttp_request *req, int code, enum ctl_status status,
    const char *why)
{
	reply_json(req, code, control_status(status, why));
}

/* What evhttp refuses on its own. */
static char *
error_text(int code)
{
	json_t *o = code == 405
	    ? control_status(CTL_ST_UNKNOWN, "unknown method")
	    : control_status(CTL_ST_PARAMETER,
		  code == 413 ? "the request is longer than 65536 bytes"
			      : "the request is no HTTP");
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	return text;
}

static int
code_of(const json_t *answer)
{
	switch (json_integer_value(json_object_get(answer, "status"))) {
	case CTL_ST_OK:
		return 200;
	case CTL_ST_UNKNOWN:
		return 404;
	case CTL_ST_PARAMETER:
		return 400;
	default:
		return 500;
	}
}

static void
answered(void *arg, json_t *answer)
{
	struct job *j = arg;
	const char *text =
	    json_string_value(json_object_get(answer, "metrics"));
	struct evhttp_connection *c = evhttp_request_get_connection(j->req);

	if (c != NULL)
		evhttp_connection_set_closecb(c, NULL, NULL);
	if (j->r->method == CTL_GET && text != NULL) {
		reply(j->req, 200, "text/plain; version=0.0.4; charset=utf-8",
		    text);
		json_decref(answer);
	} else {
		reply_json(j->req, code_of(answer), answer);
	}
	free(j);
}

/* The asker is gone before the answer came. */
static void
closed_cb(struct evhttp_connection *c, void *arg)
{
	(void)c;
	worker_forget(arg);
	free(arg);
}

/* Takes the reference of rq. */
static void
ask(struct evhttp_request *req, const struct ctl_request *r, json_t *rq)
{
	struct evhttp_connection *c = evhttp_request_get_connection(req);
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL || c == NULL) {
		free(j);
		control_wipe(rq);
		refuse(req, 500, CTL_ST_INTERNAL, "out of memory");
		return;
	}
	j->req = req;
	j->r = r;
	rest_conn_answering(c);
	evhttp_connection_set_closecb(c, closed_cb, j);
	control_ask(r, rq, answered, j);
}

/* ---- requests ----------------------------------------------------------- */

static enum ctl_method
method_of(struct evhttp_request *req)
{
	switch (evhttp_request_get_command(req)) {
	case EVHTTP_REQ_GET:
		return CTL_GET;
	case EVHTTP_REQ_POST:
		return CTL_POST;
	case EVHTTP_REQ_PUT:
		return CTL_PUT;
	default:
		return CTL_NO_REST;
	}
}

/* NULL: refused already. */
static const struct ctl_request *
row_find(struct evhttp_request *req)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	enum ctl_method m = method_of(req);
	const struct ctl_request *r;
	char allow[32] = "";
	size_t n;

	for (r = control_requests(&n); n > 0; n--, r++) {
		if (r->method == CTL_NO_REST || path == NULL ||
		    strcmp(r->path, path) != 0)
			continue;
		if (r->method == m)
			return r;
		if (allow[0] != '\0')
			(void)strcat(allow, ", ");
		(void)strcat(allow, control_method_name(r->method));
	}
	if (allow[0] == '\0') {
		refuse(req, 404, CTL_ST_UNKNOWN, "unknown path");
		return NULL;
	}
	(void)evhttp_add_header(
	    evhttp_request_get_output_headers(req), "Allow", allow);
	refuse(req, 405, CTL_ST_UNKNOWN, "not by this method");
	return NULL;
}

/* The token in "Authorization: Bearer", or NULL. */
static char *
bearer_of(struct evhttp_request *req)
{
	const char *v = evhttp_find_header(
	    evhttp_request_get_input_headers(req), "Authorization");

	if (v == NULL || strncasecmp(v, "Bearer ", 7) != 0)
		return NULL;
	return (char *)(uintptr_t)v + 7 + strspn(v + 7, " ");
}

/* The body, an object; without one an empty object. NULL: it is no JSON. */
static json_t *
body_read(struct evhttp_request *req)
{
	struct evbuffer *b = evhttp_request_get_input_buffer(req);
	size_t n = evbuffer_get_length(b);
	char *text = n > 0 ? (char *)evbuffer_pullup(b, -1) : NULL;
	json_t *o;

	if (n == 0)
		return json_object();
	if (text == NULL)
		return NULL;
	o = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	explicit_bzero(text, n);
	if (json_is_object(o))
		return o;
	json_decref(o);
	return NULL;
}

static bool
token_check(struct evhttp_request *req, const struct sockaddr *peer, json_t *rq)
{
	char *bearer = bearer_of(req);
	const char *token = json_string_value(json_object_get(rq, "token"));
	bool right;

	if (bearer != NULL) {
		right = rest_token_is(peer, bearer);
		explicit_bzero(bearer, strlen(bearer));
	} else if (token != NULL) {
		right = rest_token_is(peer, token);
	} else {
		refuse(req, 401, CTL_ST_PARAMETER,
		    "\"token\" is missing or not a string");
		return false;
	}
	if (token != NULL)
		explicit_bzero((void *)(uintptr_t)token, strlen(token));
	(void)json_object_del(rq, "token");
	if (!right)
		refuse(req, 401, CTL_ST_PARAMETER, "the token is wrong");
	return right;
}

static void
request_cb(struct evhttp_request *req, void *arg)
{
	struct evhttp_connection *c = evhttp_request_get_connection(req);
	const struct sockaddr *peer =
	    c != NULL ? evhttp_connection_get_addr(c) : NULL;
	const struct ctl_request *r;
	json_t *rq;

	(void)arg;
	if ((r = row_find(req)) == NULL)
		return;
	if (rest_token_limited(peer)) {
		refuse(req, 429, CTL_ST_PARAMETER,
		    "too many wrong tokens from this address");
		return;
	}
	if ((rq = body_read(req)) == NULL) {
		refuse(req, 400, CTL_ST_PARAMETER,
		    "the body is not a JSON object");
		return;
	}
	if (token_check(req, peer, rq))
		ask(req, r, rq);
	else
		control_wipe(rq);
}

/* ---- life --------------------------------------------------------------- */

static int
host_set(struct settings *s, const char *host, in_port_t port)
{
	if (inet_pton(AF_INET, host, &s->address.in.sin_addr) == 1) {
		s->address.in.sin_family = AF_INET;
		s->address.in.sin_port = htons(port);
		s->address_len = sizeof(s->address.in);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &s->address.in6.sin6_addr) == 1) {
		s->address.in6.sin6_family = AF_INET6;
		s->address.in6.sin6_port = htons(port);
		s->address_len = sizeof(s->address.in6);
		return 0;
	}
	return service_config_error(SECTION, "host", "must be an IP address");
}

static void
loopback_advise(const struct settings *s, const char *host)
{
	if (s->address.sa.sa_family == AF_INET6
		? IN6_IS_ADDR_LOOPBACK(&s->address.in6.sin6_addr)
		: ntohl(s->address.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET)
		return;
	service_log(4,
	    "configuration: \"" SECTION "\": \"host\" %s is not a loopback "
	    "address: the token travels in the clear",
	    host);
}

static int
token_read(const json_t *section, struct settings *s)
{
	const json_t *v = json_object_get(section, "token");
	const char *bad;

	if ((s->token = json_string_value(v)) == NULL)
		return service_config_error(SECTION, "token",
		    v == NULL ? "is missing" : "must be a string");
	if ((bad = rest_token_refuses(s->token)) != NULL)
		return service_config_error(SECTION, "token", bad);
	return 0;
}

static int
section_read(const json_t *section, struct settings *s)
{
	const json_t *v = json_object_get(section, "port");
	const char *host = HOST;
	json_int_t port = PORT;

	memset(s, 0, sizeof(*s));
	if (v != NULL) {
		port = json_integer_value(v);
		if (!json_is_integer(v) || port < 1 || port > 65535)
			return service_config_error(
			    SECTION, "port", "must be 1 to 65535");
	}
	if ((v = json_object_get(section, "host")) != NULL &&
	    (host = json_string_value(v)) == NULL)
		return service_config_error(
		    SECTION, "host", "must be a string");
	if (token_read(section, s) == -1 ||
	    host_set(s, host, (in_port_t)port) == -1)
		return -1;
	loopback_advise(s, host);
	return 0;
}

int
control_rest_check(const json_t *section)
{
	static const char *const keys[] = {
	    "host", "port", "token", "disabled", NULL};
	struct settings unused;
	bool ignored;
	int rc;

	service_unknown_warn(section, SECTION, keys);
	rc = service_flag(section, SECTION, "disabled", &ignored);
	if (section_read(section, &unused) == -1)
		rc = -1;
	return rc;
}

/* To the address, beside a listener at another one. Where both cannot be (the
 * same port of all addresses and of one) the former holds the port without
 * listening meanwhile, and listens again when it was in vain. */
static int
address_bind(int fd, const struct settings *s)
{
	int e;

	if (bind(fd, &s->address.sa, s->address_len) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return 0;
	if (errno != EADDRINUSE || listen_fd == -1)
		return -1;
	(void)shutdown(listen_fd, SHUT_RD);
	if (bind(fd, &s->address.sa, s->address_len) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return 0;
	e = errno;
	(void)listen(listen_fd, BACKLOG);
	errno = e;
	return -1;
}

/* A socket that listens, or -1 and errno. */
static int
listener_make(const struct settings *s)
{
	int on = 1, e;
	int fd = socket(s->address.sa.sa_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address_bind(fd, s) == 0)
		return fd;
	e = errno;
	(void)close(fd);
	errno = e;
	return -1;
}

int
control_rest_open(const json_t *section)
{
	struct settings s;

	if (section_read(section, &s) == -1)
		return -1;
	rest_token_set(s.token);
	if ((listen_fd = listener_make(&s)) != -1)
		return 0;
	service_log(3, "configuration: \"" SECTION "\": %s", strerror(errno));
	return -1;
}

static int
http_start(void)
{
	if ((http = evhttp_new(base)) == NULL)
		return -1;
	evhttp_set_allowed_methods(http, ALL_METHODS);
	evhttp_set_max_headers_size(http, HEADERS_MAX);
	evhttp_set_max_body_size(http, CTL_REQUEST);
	evhttp_set_timeout(http, IDLE_S);
	/* so that who sends too much reads that it was */
	(void)evhttp_set_flags(http, EVHTTP_SERVER_LINGERING_CLOSE);
	evhttp_set_gencb(http, request_cb, NULL);
	bound = evhttp_accept_socket_with_handle(http, listen_fd);
	return bound != NULL &&
		rest_conn_start(base, http, bound, error_text) == 0
	    ? 0
	    : -1;
}

int
control_rest_start(struct event_base *b)
{
	base = b;
	return listen_fd == -1 ? 0 : http_start();
}

/* ---- changes ------------------------------------------------------------ */

static bool
is_there(const struct settings *s)
{
	struct sockaddr_in6 now;
	const struct sockaddr_in *in = (const void *)&now;
	socklen_t len = sizeof(now);

	if (listen_fd == -1 ||
	    getsockname(listen_fd, (void *)&now, &len) == -1 ||
	    now.sin6_family != s->address.sa.sa_family)
		return false;
	if (now.sin6_family == AF_INET)
		return in->sin_port == s->address.in.sin_port &&
		    in->sin_addr.s_addr == s->address.in.sin_addr.s_addr;
	return now.sin6_port == s->address.in6.sin6_port &&
	    memcmp(&now.sin6_addr, &s->address.in6.sin6_addr,
		sizeof(now.sin6_addr)) == 0;
}

/* What is open by the former listener goes on. */
static int
listener_change(const struct settings *s)
{
	struct evhttp_bound_socket *former = bound, *next;
	int fd = listener_make(s);

	if (fd == -1)
		return -1;
	if (http == NULL) {
		listen_fd = fd;
		if (http_start() == 0)
			return 0;
		control_rest_close();
		return -1;
	}
	if ((next = evhttp_accept_socket_with_handle(http, fd)) == NULL) {
		(void)close(fd);
		(void)listen(listen_fd, BACKLOG);
		return -1;
	}
	evhttp_del_accept_socket(http, former); /* and closes it */
	bound = next;
	listen_fd = fd;
	rest_conn_listener(bound);
	return 0;
}

int
control_rest_change(const json_t *section, char *why, size_t size)
{
	struct settings s;
	const char *host;
	char port[8];

	if (section_read(section, &s) == -1) {
		(void)snprintf(why, size, "\"" SECTION "\": wrong");
		return -1;
	}
	if (!is_there(&s) && listener_change(&s) == -1) {
		host = json_string_value(json_object_get(section, "host"));
		(void)snprintf(port, sizeof(port), "%u",
		    (unsigned int)ntohs(s.address.in.sin_port));
		(void)snprintf(why, size,
		    "\"" SECTION "\": \"host\" %.45s, \"port\" %s: %s%s",
		    host != NULL ? host : HOST, port, strerror(errno),
		    errno == EACCES ? ", it needs a restart" : "");
		return -1;
	}
	rest_token_set(s.token);
	return 0;
}

void
control_rest_close(void)
{
	if (http != NULL)
		evhttp_free(http); /* with the socket */
	else if (listen_fd != -1)
		(void)close(listen_fd);
	http = NULL;
	bound = NULL;
	listen_fd = -1;
	rest_conn_stop();
	rest_token_wipe();
}
