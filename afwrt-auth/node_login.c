/* SPDX-License-Identifier: ISC */
/*
 * The login of the OpenConnect protocol: init, forms filled in until the
 * node says "complete", then its cookie is the key to the tunnel. A form
 * that asks again for what was given means: refused.
 */
#include "node_login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "http.h"
#include "lib/daemon/log.h"
#include "lib/wire/channel.h"
#include "node_cookies.h"
#include "node_xml.h"
#include "url.h"

#define STEPS_MAX  8
#define USER_AGENT "Open AnyConnect VPN Agent afwrt/" PACKAGE_VERSION

struct node_login {
	char *username, *password, *group, *host;
	uint16_t port;
	struct http *http;
	struct cookies cookies;
	bool sent_username, sent_password;
	int steps;
	char action[256];
	node_login_cb cb;
	void *arg;
};

static void login_answer_cb(
    void *arg, const struct http_parse *p, const struct fail *why);

static char *
copy(const char *s)
{
	char *p = strdup(s);

	if (p == NULL)
		fatal("auth: out of memory");
	return p;
}

static void
wipe_free(char *s)
{
	if (s != NULL)
		afw_wipe(s, strlen(s));
	free(s);
}

void
node_login_cancel(struct node_login *l)
{
	http_free(l->http);
	cookies_clear(&l->cookies);
	wipe_free(l->username);
	wipe_free(l->password);
	free(l->group);
	free(l->host);
	free(l);
}

/* The end, for better or worse. */
static void
login_end(struct node_login *l, const char *cookie, const struct fail *why)
{
	node_login_cb cb = l->cb;
	void *arg = l->arg;
	const struct afw_addr *a = http_addr(l->http);
	struct afw_addr addr = {.family = 0};
	char value[2048] = "";

	if (a != NULL)
		addr = *a;
	if (cookie != NULL)
		(void)snprintf(value, sizeof(value), "%s", cookie);
	node_login_cancel(l);
	cb(arg, cookie != NULL ? value : NULL, &addr, why);
	afw_wipe(value, sizeof(value));
}

static void
login_fail(struct node_login *l, enum afw_reason reason, const char *text)
{
	struct fail f;

	fail_set(&f, reason, "%s", text);
	login_end(l, NULL, &f);
}

/* ---- what we say ------------------------------------------------------- */

static void
login_post(struct node_login *l, const char *target, const char *xml)
{
	char head[8192], cookies[4096];

	cookies_print(&l->cookies, cookies, sizeof(cookies));
	(void)snprintf(head, sizeof(head),
	    "User-Agent: " USER_AGENT "\r\n"
	    "X-Transcend-Version: 1\r\n"
	    "X-Aggregate-Auth: 1\r\n"
	    "Accept: */*\r\n"
	    "Content-Type: application/xml; charset=utf-8\r\n"
	    "%s",
	    cookies);
	http_call(l->http, target, head, xml, login_answer_cb, l);
	afw_wipe(head, sizeof(head));
	afw_wipe(cookies, sizeof(cookies));
}

static void
login_init(struct node_login *l)
{
	char host[280], *xml = NULL;

	if (asprintf(&xml,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<config-auth client=\"vpn\" type=\"init\">"
		"<version who=\"vpn\">" PACKAGE_VERSION "</version>"
		"<device-id>linux-64</device-id>"
		"<group-access>https://%s/</group-access></config-auth>\n",
		url_host_print(l->host, l->port, 443, host, sizeof(host))) ==
	    -1)
		fatal("auth: out of memory");
	login_post(l, "/", xml);
	free(xml);
}

/* <name>value</name>, appended to the open stream. */
static void
put_field(FILE *f, const char *name, const char *value)
{
	char *v = xml_escape(value);

	(void)fprintf(f, "<%s>%s</%s>", name, v, name);
	wipe_free(v);
}

static bool
name_ok(const char *s)
{
	return s[0] != '\0' && strchr("0123456789-.", s[0]) == NULL &&
	    strspn(s,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-.") == strlen(s);
}

/* The group to select: ours if the node offers it, else the suggested. */
static const char *
login_group(const struct node_login *l, const struct xml_field *f)
{
	size_t i;

	for (i = 0; l->group != NULL && i < f->n_options; i++)
		if (strcmp(f->options[i], l->group) == 0)
			return l->group;
	return l->group == NULL ? f->value : NULL;
}

/* Fills in one field; NULL, or why it cannot be. */
static const char *
login_field(
    struct node_login *l, const struct xml_field *f, FILE *auth, FILE *top)
{
	const char *v;

	if (!name_ok(f->name))
		return "the form has a field without a name";
	switch (f->kind) {
	case XML_TEXT:
		if (l->sent_username)
			return "user name refused";
		put_field(auth, f->name, l->username);
		l->sent_username = true;
		return NULL;
	case XML_PASSWORD:
		if (l->sent_password)
			return "password refused";
		put_field(auth, f->name, l->password);
		l->sent_password = true;
		return NULL;
	case XML_SELECT:
		if ((v = login_group(l, f)) == NULL)
			return "no such group";
		put_field(strcmp(f->name, "group_list") == 0 ? top : auth,
		    strcmp(f->name, "group_list") == 0 ? "group-select"
						       : f->name,
		    v);
		return NULL;
	default:
		put_field(auth, f->name, f->value);
		return NULL;
	}
}

static void
login_reply(struct node_login *l, const struct xml_answer *a)
{
	char *auth = NULL, *top = NULL, *xml = NULL;
	size_t n_auth, n_top, i;
	const char *why = NULL;
	FILE *fa = open_memstream(&auth, &n_auth);
	FILE *ft = open_memstream(&top, &n_top);

	if (fa == NULL || ft == NULL)
		fatal("auth: out of memory");
	for (i = 0; i < a->n_fields && why == NULL; i++)
		why = login_field(l, &a->fields[i], fa, ft);
	if (fclose(fa) == EOF || fclose(ft) == EOF ||
	    asprintf(&xml,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<config-auth client=\"vpn\" type=\"auth-reply\">"
		"<version who=\"vpn\">" PACKAGE_VERSION "</version>"
		"<device-id>linux-64</device-id>%s%s"
		"<auth>%s</auth></config-auth>\n",
		a->opaque != NULL ? a->opaque : "", top, auth) == -1)
		fatal("auth: out of memory");
	if (why == NULL)
		login_post(l, l->action, xml);
	wipe_free(auth);
	free(top);
	wipe_free(xml);
	if (why != NULL)
		login_fail(l, AFW_REASON_AUTH, why);
}

/* ---- what the node says ------------------------------------------------ */

static void
login_complete(struct node_login *l, const struct xml_answer *a)
{
	char value[2048];
	const char *c = cookies_get(&l->cookies, "webvpn");

	if (c == NULL || *c == '\0')
		c = a->token;
	if (*c == '\0' || !cookies_value_ok(c)) {
		login_fail(l, AFW_REASON_PROTOCOL, "no cookie was given");
		return;
	}
	(void)snprintf(value, sizeof(value), "%s", c);
	login_end(l, value, NULL);
	afw_wipe(value, sizeof(value));
}

static void
login_form(struct node_login *l, const struct xml_answer *a)
{
	if (a->error[0] != '\0') {
		login_fail(l, AFW_REASON_AUTH, a->error);
	} else if (a->n_fields == 0) {
		login_fail(l, AFW_REASON_PROTOCOL, "a form without fields");
	} else if (++l->steps > STEPS_MAX) {
		login_fail(l, AFW_REASON_PROTOCOL, "too many forms");
	} else {
		if (a->action[0] == '/')
			(void)snprintf(
			    l->action, sizeof(l->action), "%s", a->action);
		login_reply(l, a);
	}
}

static void
login_status(struct node_login *l, int status)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "status %d", status);
	if (status == 401 || status == 403)
		login_fail(l, AFW_REASON_AUTH, text);
	else if (status == 503)
		login_fail(l, AFW_REASON_PROTOCOL, "the server is full");
	else
		login_fail(l, AFW_REASON_PROTOCOL, text);
}

static void
login_answer_cb(void *arg, const struct http_parse *p, const struct fail *why)
{
	struct node_login *l = arg;
	struct xml_answer a;
	const char *bad, *c;
	unsigned int i;

	if (p == NULL) {
		login_end(l, NULL, why);
		return;
	}
	if (p->status != 200) {
		login_status(l, p->status);
		return;
	}
	for (i = 0; (c = http_parse_header(p, "Set-Cookie", i)) != NULL; i++)
		cookies_set(&l->cookies, c);
	if (xml_parse(&a, p->body != NULL ? p->body : "", p->body_len, &bad) ==
	    -1) {
		log_debug("node %s: unreadable answer: %s", l->host, bad);
		login_fail(l, AFW_REASON_PROTOCOL, bad);
		return;
	}
	if (a.complete)
		login_complete(l, &a);
	else
		login_form(l, &a);
	xml_free(&a);
}

struct node_login *
node_login_start(const struct node_opts *o, node_login_cb cb, void *arg)
{
	struct node_login *l = calloc(1, sizeof(*l));
	struct http_opts h = {.host = o->address,
	    .host6 = o->address6[0] != '\0' ? o->address6 : NULL,
	    .port = o->port,
	    .policy = o->policy,
	    .tls = true,
	    .name = o->host,
	    .ca = o->ca,
	    .ca_len = o->ca_len};

	if (l == NULL)
		fatal("auth: out of memory");
	l->username = copy(o->username);
	l->password = copy(o->password);
	l->group = o->group != NULL ? copy(o->group) : NULL;
	l->host = copy(o->host);
	l->port = o->port;
	(void)strcpy(l->action, "/");
	l->cb = cb;
	l->arg = arg;
	l->http = http_new(&h);
	login_init(l);
	return l;
}
