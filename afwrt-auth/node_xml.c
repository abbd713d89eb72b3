/* SPDX-License-Identifier: ISC */
/*
 * The XML of the node login, read with expat. Only the handful of elements
 * that matter are kept; everything is bounded, and a document type (the door
 * to entities) ends the parse.
 */
#include "node_xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include "lib/daemon/log.h"
#include "lib/wire/channel.h"

#define XML_MAX   (64 * 1024)
#define DEPTH_MAX 16

struct parse {
	XML_Parser x;
	struct xml_answer *a;
	const char *text, *why;
	int depth;
	char *into; /* where character data goes, or NULL */
	size_t into_size;
	struct xml_field *select, option; /* the one we are in */
	bool selected, in_form, root_seen;
	long opaque_at;
	int opaque_depth;
};

static void
stop(struct parse *p, const char *why)
{
	if (p->why == NULL)
		p->why = why;
	(void)XML_StopParser(p->x, XML_FALSE);
}

static const char *
attr(const XML_Char **atts, const char *name)
{
	for (; *atts != NULL; atts += 2)
		if (strcmp(atts[0], name) == 0)
			return atts[1];
	return "";
}

static bool
set(struct parse *p, char *dst, size_t size, const char *s)
{
	if (strlen(s) >= size) {
		stop(p, "a value is too long");
		return false;
	}
	(void)strcpy(dst, s);
	return true;
}

static void
collect(struct parse *p, char *into, size_t size)
{
	into[0] = '\0';
	p->into = into;
	p->into_size = size;
}

static struct xml_field *
field_add(struct parse *p, int kind, const char *name)
{
	struct xml_field *f = &p->a->fields[p->a->n_fields];

	if (p->a->n_fields == XML_FIELDS_MAX) {
		stop(p, "the form has too many fields");
		return NULL;
	}
	if (!set(p, f->name, sizeof(f->name), name))
		return NULL;
	f->kind = kind;
	p->a->n_fields++;
	return f;
}

static void
start_input(struct parse *p, const XML_Char **atts)
{
	const char *type = attr(atts, "type");
	struct xml_field *f;
	int kind = XML_TEXT;

	if (strcmp(type, "submit") == 0 || strcmp(type, "reset") == 0)
		return;
	if (strcmp(type, "password") == 0)
		kind = XML_PASSWORD;
	else if (strcmp(type, "hidden") == 0)
		kind = XML_HIDDEN;
	f = field_add(p, kind, attr(atts, "name"));
	if (f != NULL && kind == XML_HIDDEN)
		(void)set(p, f->value, sizeof(f->value), attr(atts, "value"));
}

static void
start_option(struct parse *p, const XML_Char **atts)
{
	memset(&p->option, 0, sizeof(p->option));
	p->selected = strcmp(attr(atts, "selected"), "true") == 0 ||
	    strcmp(attr(atts, "selected"), "selected") == 0;
	(void)set(
	    p, p->option.name, sizeof(p->option.name), attr(atts, "value"));
	collect(p, p->option.value, sizeof(p->option.value));
}

static void
start_root(struct parse *p, const char *name, const XML_Char **atts)
{
	const char *type = attr(atts, "type");

	p->root_seen = true;
	if (strcmp(name, "config-auth") != 0)
		stop(p, "it is not <config-auth>");
	else if (strcmp(type, "complete") == 0)
		p->a->complete = true;
	else if (strcmp(type, "auth-request") != 0)
		stop(p, "an unknown type of <config-auth>");
}

static void
start_cb(void *arg, const XML_Char *name, const XML_Char **atts)
{
	struct parse *p = arg;
	struct xml_answer *a = p->a;

	if (++p->depth > DEPTH_MAX) {
		stop(p, "it is nested too deeply");
		return;
	}
	p->into = NULL;
	if (p->depth == 1) {
		start_root(p, name, atts);
	} else if (strcmp(name, "opaque") == 0 && p->opaque_at == -1) {
		p->opaque_at = XML_GetCurrentByteIndex(p->x);
		p->opaque_depth = p->depth;
	} else if (strcmp(name, "message") == 0) {
		collect(p, a->message, sizeof(a->message));
	} else if (strcmp(name, "error") == 0) {
		collect(p, a->error, sizeof(a->error));
	} else if (strcmp(name, "session-token") == 0) {
		collect(p, a->token, sizeof(a->token));
	} else if (strcmp(name, "form") == 0) {
		p->in_form = true;
		(void)set(
		    p, a->action, sizeof(a->action), attr(atts, "action"));
	} else if (p->in_form && strcmp(name, "input") == 0) {
		start_input(p, atts);
	} else if (p->in_form && strcmp(name, "select") == 0) {
		p->select = field_add(p, XML_SELECT, attr(atts, "name"));
	} else if (p->select != NULL && strcmp(name, "option") == 0) {
		start_option(p, atts);
	}
}

/* The option's value attribute, or without one its text. */
static void
end_option(struct parse *p)
{
	struct xml_field *f = p->select;
	const char *v =
	    p->option.name[0] != '\0' ? p->option.name : p->option.value;

	if (f->n_options == XML_OPTIONS_MAX) {
		stop(p, "a list has too many options");
		return;
	}
	if (!set(p, f->options[f->n_options], sizeof(f->options[0]), v))
		return;
	if (p->selected || f->n_options == 0)
		(void)set(p, f->value, sizeof(f->value), v);
	f->n_options++;
}

static void
end_opaque(struct parse *p)
{
	long end =
	    XML_GetCurrentByteIndex(p->x) + XML_GetCurrentByteCount(p->x);

	if (end <= p->opaque_at || p->a->opaque != NULL)
		return;
	p->a->opaque =
	    strndup(p->text + p->opaque_at, (size_t)(end - p->opaque_at));
	if (p->a->opaque == NULL)
		fatal("auth: out of memory");
}

static void
end_cb(void *arg, const XML_Char *name)
{
	struct parse *p = arg;

	p->into = NULL;
	if (strcmp(name, "opaque") == 0 && p->depth == p->opaque_depth)
		end_opaque(p);
	else if (strcmp(name, "form") == 0)
		p->in_form = false;
	else if (strcmp(name, "select") == 0)
		p->select = NULL;
	else if (p->select != NULL && strcmp(name, "option") == 0)
		end_option(p);
	p->depth--;
}

/* Character data; what does not fit is cut, except in a token. */
static void
text_cb(void *arg, const XML_Char *s, int len)
{
	struct parse *p = arg;
	size_t have, n = (size_t)len;

	if (p->into == NULL)
		return;
	have = strlen(p->into);
	if (n > p->into_size - 1 - have) {
		if (p->into == p->a->token) {
			stop(p, "the session token is too long");
			return;
		}
		n = p->into_size - 1 - have;
	}
	memcpy(p->into + have, s, n);
	p->into[have + n] = '\0';
}

static void
doctype_cb(void *arg, const XML_Char *name, const XML_Char *sysid,
    const XML_Char *pubid, int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	stop(arg, "it has a document type");
}

int
xml_parse(struct xml_answer *a, const char *text, size_t len, const char **why)
{
	struct parse p = {.a = a, .text = text, .opaque_at = -1};
	int rc;

	memset(a, 0, sizeof(*a));
	if (len > XML_MAX) {
		*why = "it is longer than 64 KiB";
		return -1;
	}
	if ((p.x = XML_ParserCreate(NULL)) == NULL)
		fatal("auth: out of memory");
	XML_SetUserData(p.x, &p);
	XML_SetElementHandler(p.x, start_cb, end_cb);
	XML_SetCharacterDataHandler(p.x, text_cb);
	XML_SetStartDoctypeDeclHandler(p.x, doctype_cb);
	rc = XML_Parse(p.x, text, (int)len, 1) == XML_STATUS_OK ? 0 : -1;
	if (p.why != NULL)
		rc = -1;
	XML_ParserFree(p.x);
	afw_wipe(&p.option, sizeof(p.option));
	*why = p.why != NULL ? p.why : "it is not well-formed XML";
	if (rc == -1)
		xml_free(a);
	return rc;
}

void
xml_free(struct xml_answer *a)
{
	if (a->opaque != NULL)
		afw_wipe(a->opaque, strlen(a->opaque));
	free(a->opaque);
	afw_wipe(a, sizeof(*a));
}

char *
xml_escape(const char *s)
{
	static const struct {
		char c;
		const char *text;
	} named[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"},
	    {'"', "&quot;"}, {'\'', "&apos;"}};
	char *out = malloc(strlen(s) * 6 + 1), *o = out;
	size_t i;

	if (out == NULL)
		fatal("auth: out of memory");
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < ' ' && *s != '\t')
			continue; /* not allowed in XML */
		for (i = 0; i < 5 && named[i].c != *s; i++)
			;
		if (i < 5)
			o = stpcpy(o, named[i].text);
		else
			*o++ = *s;
	}
	*o = '\0';
	return out;
}
