/* SPDX-License-Identifier: ISC */
#include "backend_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "files.h"
#include "http.h"
#include "lib/daemon/log.h"
#include "lib/wire/channel.h"

static const char *const paths[] = {
    [CALL_LOGIN] = "/user/login",
    [CALL_LOCATIONS] = "/user/locations",
    [CALL_COUNTRIES] = "/user/countries",
    [CALL_PROVIDE] = "/user/provide",
    [CALL_VERIFY] = "/user/verify",
};

struct backend_http {
	struct http *http;
	backend_cb cb;
	void *arg;
};

void
backend_http_cancel(struct backend_http *b)
{
	http_free(b->http);
	free(b);
}

static void
answer_cb(void *arg, const struct http_parse *p, const struct fail *why)
{
	struct backend_http *b = arg;
	backend_cb cb = b->cb;
	struct answer a;

	arg = b->arg;
	if (p != NULL)
		answer_read(&a, p->status, p->body, p->body_len);
	else
		answer_transport(&a, why);
	backend_http_cancel(b);
	cb(arg, &a);
	answer_free(&a);
}

/* The login is a form in a body, all else a query in the target. */
static void
transmit(struct backend_http *b, const struct url *u, enum call call,
    const struct params *p)
{
	static const char agent[] = "User-Agent: afwrt/" PACKAGE_VERSION
				    "\r\nAccept: application/json\r\n";
	static const char form[] = "User-Agent: afwrt/" PACKAGE_VERSION
				   "\r\nAccept: application/json\r\n"
				   "Content-Type: "
				   "application/x-www-form-urlencoded\r\n";
	char *text = params_encode(p), *target = NULL;
	bool post = call == CALL_LOGIN;

	if (asprintf(&target, "%s%s%s%s", u->path, paths[call], post ? "" : "?",
		post ? "" : text) == -1)
		fatal("auth: out of memory");
	http_call(b->http, target, post ? form : agent, post ? text : NULL,
	    answer_cb, b);
	afw_wipe(target, strlen(target));
	afw_wipe(text, strlen(text));
	free(target);
	free(text);
}

struct backend_http *
backend_http_call(const struct url *u, enum call call, const struct params *p,
    backend_cb cb, void *arg)
{
	const struct file *ca = files_find(AFW_FILE_CA);
	struct backend_http *b = calloc(1, sizeof(*b));
	struct http_opts o = {.host = u->host,
	    .port = u->port,
	    .policy = backend_policy(),
	    .tls = u->scheme == URL_HTTPS,
	    .ca = ca->text != NULL ? ca->text : "",
	    .ca_len = ca->len};

	if (b == NULL)
		fatal("auth: out of memory");
	b->cb = cb;
	b->arg = arg;
	b->http = http_new(&o);
	transmit(b, u, call, p);
	return b;
}
