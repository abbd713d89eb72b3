/* SPDX-License-Identifier: ISC */
/*
 * The file: backend. It makes the JSON that a server would have sent, so that
 * everything behind it is the same code. Passwords and trust anchors may lie
 * in files beside it, which afwrtd opens; a file that holds a secret and can
 * be read by others is refused.
 */
#include "backend_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/event.h>

#include "conn.h"
#include "files.h"
#include "lib/daemon/log.h"
#include "lib/wire/channel.h"

struct backend_file {
	enum afw_file which;
	enum call call;
	const struct params *params;
	json_t *root;
	json_t *answer; /* of provide, as it grows */
	json_t *place;  /* the location in hand, borrowed from root */
	size_t at;      /* of verify: the next location */
	struct files_get *get;
	struct event *timer;
	backend_cb cb;
	void *arg;
};

static void verify_next(struct backend_file *b);
static void provide_ca(struct backend_file *b);

static const char *
text(const json_t *obj, const char *key)
{
	const char *s = json_string_value(json_object_get(obj, key));

	return s == NULL ? "" : s;
}

void
backend_file_cancel(struct backend_file *b)
{
	if (b->get != NULL)
		files_cancel(b->get);
	event_free(b->timer);
	json_wipe(b->answer);
	json_wipe(b->root);
	free(b);
}

/* ---- ends -------------------------------------------------------------- */

static void
tell(struct backend_file *b, json_t *answer)
{
	backend_cb cb = b->cb;
	void *arg = b->arg;
	struct answer a;
	char *s = json_dumps(answer, JSON_COMPACT);

	if (s == NULL)
		fatal("auth: out of memory");
	json_wipe(answer);
	answer_read(&a, 200, s, strlen(s));
	backend_file_cancel(b);
	cb(arg, &a);
	answer_free(&a);
	afw_wipe(s, strlen(s));
	free(s);
}

static void
tell_code(struct backend_file *b, const char *code, const char *error)
{
	tell(b, json_pack("{s:s, s:s}", "result", code, "error", error));
}

/* The file itself is no good: as if no server answered. */
static void
tell_broken(struct backend_file *b, const char *what, const char *why)
{
	backend_cb cb = b->cb;
	void *arg = b->arg;
	struct answer a;
	struct fail f;

	fail_set(&f, AFW_REASON_PROTOCOL, "%s: %s", what, why);
	log_err("backend file: %s: %s", what, why);
	answer_transport(&a, &f);
	backend_file_cancel(b);
	cb(arg, &a);
}

/* ---- locations --------------------------------------------------------- */

static json_t *
places(const struct backend_file *b)
{
	return json_object_get(b->root, "locations");
}

/* "": it does not say, so that the configuration's `type` is meant. */
static const char *
type_of(const json_t *place)
{
	const char *type = text(place, "type");

	return *type == '\0' && *text(place, "config") != '\0' ? "wireguard"
							       : type;
}

static bool
type_fits(const struct backend_file *b, const json_t *place)
{
	const char *type = type_of(place);
	const char *want = params_get(b->params, "type");

	return *want == '\0' || *type == '\0' || strcmp(type, want) == 0;
}

static void
locations(struct backend_file *b)
{
	json_t *list = json_array(), *place, *item;
	size_t i;

	json_array_foreach (places(b), i, place) {
		item = json_pack(
		    "{s:s, s:{}}", "name", text(place, "name"), "labels");
		(void)json_object_set(
		    item, "labels", json_object_get(place, "labels"));
		if (*type_of(place) != '\0')
			(void)json_object_set_new(
			    item, "type", json_string(type_of(place)));
		(void)json_array_append_new(list, item);
	}
	tell(b, json_pack("{s:s, s:o}", "result", "OK", "locations", list));
}

/* Adds the servers of a location to those of its country. */
static void
country_add(json_t *list, const char *code, size_t servers)
{
	json_t *c;
	size_t i;

	json_array_foreach (list, i, c)
		if (strcasecmp(text(c, "country"), code) == 0) {
			servers += (size_t)json_integer_value(
			    json_object_get(c, "servers"));
			(void)json_object_set_new(
			    c, "servers", json_integer((json_int_t)servers));
			return;
		}
	(void)json_array_append_new(list,
	    json_pack(
		"{s:s, s:I}", "country", code, "servers", (json_int_t)servers));
}

static void
countries(struct backend_file *b)
{
	json_t *list = json_array(), *place, *servers;
	const char *code;
	size_t i;

	json_array_foreach (places(b), i, place) {
		code = text(json_object_get(place, "labels"), "country");
		servers = json_object_get(place, "servers");
		if (*code != '\0')
			country_add(list, code,
			    json_is_array(servers) ? json_array_size(servers)
						   : 1);
	}
	tell(b, json_pack("{s:s, s:o}", "result", "OK", "countries", list));
}

static json_t *
place_named(const struct backend_file *b, const char *name)
{
	json_t *place;
	size_t i;

	json_array_foreach (places(b), i, place)
		if (type_fits(b, place) &&
		    strcmp(text(place, "name"), name) == 0)
			return place;
	return NULL;
}

static bool
in_country(const json_t *place, const char *country)
{
	return *country == '\0' ||
	    strcasecmp(text(json_object_get(place, "labels"), "country"),
		country) == 0;
}

/* By name, or the first of "optimal", or the first at all in a country. */
static json_t *
place_choose(const struct backend_file *b)
{
	const char *name = params_get(b->params, "location");
	const char *country = params_get(b->params, "country");
	json_t *place, *opt;
	size_t i;

	if (*name != '\0')
		return place_named(b, name);
	json_array_foreach (json_object_get(b->root, "optimal"), i, opt)
		if (json_is_string(opt) &&
		    (place = place_named(b, json_string_value(opt))) != NULL &&
		    in_country(place, country))
			return place;
	json_array_foreach (places(b), i, place)
		if (type_fits(b, place) && in_country(place, country))
			return place;
	return NULL;
}

/* ---- provide ----------------------------------------------------------- */

/* The first line of a file with a password; NULL and why. */
static char *
password_line(const struct file *f, const char **why)
{
	size_t n = strcspn(f->text, "\r\n");
	char *s;

	if ((f->mode & 077) != 0) {
		*why = "others can read it; it must have mode 0600";
		return NULL;
	}
	if (n == 0 || n > 1023) {
		*why = "its first line is no password";
		return NULL;
	}
	if ((s = strndup(f->text, n)) == NULL)
		fatal("auth: out of memory");
	return s;
}

static void
wipe_free(char *s)
{
	afw_wipe(s, strlen(s));
	free(s);
}

static void
provide_password_cb(void *arg, const struct file *f, const char *why)
{
	struct backend_file *b = arg;
	char *s = NULL;

	b->get = NULL;
	if (f == NULL || (s = password_line(f, &why)) == NULL) {
		tell_broken(b, text(b->place, "password_file"), why);
		return;
	}
	(void)json_object_set_new(b->answer, "password", json_string(s));
	wipe_free(s);
	provide_ca(b);
}

static void
provide_ca_cb(void *arg, const struct file *f, const char *why)
{
	struct backend_file *b = arg;
	json_t *answer;

	b->get = NULL;
	if (f == NULL) {
		tell_broken(b, text(b->place, "ca_file"), why);
		return;
	}
	(void)json_object_set_new(
	    b->answer, "hydra_cert", json_string(f->text));
	answer = b->answer;
	b->answer = NULL;
	tell(b, answer);
}

static void
get(struct backend_file *b, const char *name, files_cb cb)
{
	if ((b->get = files_get(name, cb, b)) == NULL)
		tell_broken(b, name, "cannot be asked for");
}

static void
provide_ca(struct backend_file *b)
{
	json_t *answer;

	if (*text(b->place, "ca_file") != '\0') {
		get(b, text(b->place, "ca_file"), provide_ca_cb);
		return;
	}
	answer = b->answer;
	b->answer = NULL;
	tell(b, answer);
}

static void
provide_config_cb(void *arg, const struct file *f, const char *why)
{
	struct backend_file *b = arg;
	char text_of[AFW_DETAIL_SIZE];
	json_t *answer;

	b->get = NULL;
	if (f != NULL &&
	    backend_file_wg(b->answer, text(b->place, "config"), f, text_of,
		sizeof(text_of)) == -1)
		why = text_of;
	else if (f != NULL)
		why = NULL;
	if (why != NULL) {
		tell_broken(b, text(b->place, "config"), why);
		return;
	}
	answer = b->answer;
	b->answer = NULL;
	tell(b, answer);
}

static void
provide(struct backend_file *b)
{
	static const char *const keys[] = {
	    "username", "password", "servers", "group", "wireguard"};
	json_t *v;
	size_t i;

	if ((b->place = place_choose(b)) == NULL) {
		tell_code(b, "SERVER_UNAVAILABLE", "no such location");
		return;
	}
	b->answer = json_pack("{s:s, s:s, s:s}", "result", "OK", "location",
	    text(b->place, "name"), "country",
	    text(json_object_get(b->place, "labels"), "country"));
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if ((v = json_object_get(b->place, keys[i])) != NULL)
			(void)json_object_set_new(
			    b->answer, keys[i], json_deep_copy(v));
	if (*text(b->place, "config") != '\0')
		get(b, text(b->place, "config"), provide_config_cb);
	else if (*text(b->place, "password_file") != '\0')
		get(b, text(b->place, "password_file"), provide_password_cb);
	else
		provide_ca(b);
}

/* ---- verify ------------------------------------------------------------ */

static void
verify_compare(struct backend_file *b, const char *password)
{
	if (strcmp(password, params_get(b->params, "password")) == 0)
		tell_code(b, "OK", "");
	else
		verify_next(b);
}

static void
verify_password_cb(void *arg, const struct file *f, const char *why)
{
	struct backend_file *b = arg;
	char *s = NULL;

	b->get = NULL;
	if (f == NULL || (s = password_line(f, &why)) == NULL) {
		tell_broken(b, text(b->place, "password_file"), why);
		return;
	}
	verify_compare(b, s);
	wipe_free(s);
}

/* The next location with this user name. */
static void
verify_next(struct backend_file *b)
{
	const char *user = params_get(b->params, "username");

	while ((b->place = json_array_get(places(b), b->at++)) != NULL)
		if (*user != '\0' &&
		    strcmp(text(b->place, "username"), user) == 0)
			break;
	if (b->place == NULL)
		tell_code(b, "INVALID", "");
	else if (*text(b->place, "password_file") != '\0')
		get(b, text(b->place, "password_file"), verify_password_cb);
	else
		verify_compare(b, text(b->place, "password"));
}

/* ---- start ------------------------------------------------------------- */

static bool
holds_secret(const json_t *root)
{
	json_t *place;
	size_t i;

	json_array_foreach (json_object_get(root, "locations"), i, place)
		if (json_object_get(place, "password") != NULL ||
		    json_object_get(place, "wireguard") != NULL)
			return true;
	return false;
}

static bool
type_known(const char *type)
{
	return *type == '\0' || strcmp(type, "hydra-tcp") == 0 ||
	    strcmp(type, "wireguard") == 0;
}

/* NULL, or what is wrong with the file. */
static const char *
load(struct backend_file *b, json_error_t *e)
{
	const struct file *f = files_find(b->which);
	json_t *place;
	size_t i;

	if (f->text == NULL)
		return "it is not there";
	b->root = json_loadb(f->text, f->len, JSON_REJECT_DUPLICATES, e);
	if (b->root == NULL)
		return e->text;
	if (!json_is_array(places(b)))
		return "there is no list \"locations\"";
	json_array_foreach (places(b), i, place) {
		if (!afw_location_valid(text(place, "name")))
			return "a location has no usable \"name\"";
		if (!type_known(type_of(place)))
			return "a \"type\" is neither \"hydra-tcp\" nor "
			       "\"wireguard\"";
	}
	if (holds_secret(b->root) && (f->mode & 077) != 0)
		return "it holds a secret and others can read it; it must "
		       "have mode 0600";
	return NULL;
}

static void
start_cb(evutil_socket_t fd, short what, void *arg)
{
	struct backend_file *b = arg;
	json_error_t e = {.line = 0};
	char where[32] = "locations";
	const char *why = load(b, &e);

	(void)fd;
	(void)what;
	if (why != NULL) {
		if (b->root == NULL && e.line > 0)
			(void)snprintf(where, sizeof(where), "line %d", e.line);
		tell_broken(b, where, why);
		return;
	}
	switch (b->call) {
	case CALL_LOGIN:
		tell(b,
		    json_pack(
			"{s:s, s:s}", "result", "OK", "access_token", "local"));
		break;
	case CALL_LOCATIONS:
		locations(b);
		break;
	case CALL_COUNTRIES:
		countries(b);
		break;
	case CALL_PROVIDE:
		provide(b);
		break;
	case CALL_VERIFY:
		verify_next(b);
		break;
	}
}

struct backend_file *
backend_file_call(enum afw_file which, enum call call, const struct params *p,
    backend_cb cb, void *arg)
{
	struct backend_file *b = calloc(1, sizeof(*b));
	struct timeval now = {.tv_sec = 0};

	if (b == NULL ||
	    (b->timer = evtimer_new(conn_base(), start_cb, b)) == NULL)
		fatal("auth: out of memory");
	b->which = which;
	b->call = call;
	b->params = p;
	b->cb = cb;
	b->arg = arg;
	(void)evtimer_add(b->timer, &now);
	return b;
}
