/* SPDX-License-Identifier: ISC */
/*
 * The list of locations: verbatim for the application, parsed for the checks
 * of names. The last good one is kept by afwrtd in a file, and given to the
 * application while no backend answers.
 */
#include "locations.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "files.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"
#include "lib/wire/blob.h"
#include "tokens.h"

#define STALE        60000 /* ms after which a missing name is looked up */
#define SAVE_TIMEOUT 5000  /* ms */

struct ask {
	uint32_t id; /* 0: for ourselves */
	enum call call;
};

static json_t *list; /* the answer's object, of this run */
static int64_t list_ms;
static bool refreshing;

/* ---- cache ------------------------------------------------------------- */

static void
save_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	(void)arg;
	(void)m;
	if (code != AFW_OK)
		log_warn("locations: not kept in config_dir: %s", text);
}

static void
cache_save(const char *body, size_t len)
{
	struct afw_m_blob b = {.len = (uint32_t)len};
	const struct file *old = files_find(AFW_FILE_CACHE);
	int fd;

	if (backend_is_file() ||
	    (old->text != NULL && old->len == len &&
		memcmp(old->text, body, len) == 0))
		return;
	files_put(AFW_FILE_CACHE, body, len);
	if ((fd = afw_blob_make(body, len)) == -1)
		return;
	(void)afw_link_request(afw_daemon_sup(), AFW_MSG_CACHE_SAVE, &b, fd,
	    SAVE_TIMEOUT, false, save_reply, NULL);
}

/* ---- the list at hand -------------------------------------------------- */

void
locations_reset(void)
{
	json_decref(list);
	list = NULL;
}

static void
list_keep(const struct answer *a)
{
	if (!json_is_array(json_object_get(a->json, "locations")))
		return;
	json_decref(list);
	/* answer_free overwrites its strings, so ours must be a copy */
	list = json_deep_copy(a->json);
	list_ms = afw_now_ms();
	cache_save(a->body, a->len);
}

bool
locations_have(void)
{
	return list != NULL;
}

bool
locations_is_country(const char *name)
{
	return strlen(name) == 2 && isalpha((unsigned char)name[0]) &&
	    isalpha((unsigned char)name[1]);
}

static enum locations_find
not_found(void)
{
	if (afw_now_ms() - list_ms > STALE)
		locations_refresh(); /* the next question knows better */
	return LOCATIONS_NO;
}

enum locations_find
locations_find(const char *name)
{
	const char *s;
	json_t *place;
	size_t i;

	if (list == NULL)
		return LOCATIONS_UNKNOWN;
	json_array_foreach (json_object_get(list, "locations"), i, place) {
		s = json_string_value(json_object_get(place, "name"));
		if (s != NULL && strcmp(s, name) == 0)
			return LOCATIONS_YES;
	}
	return not_found();
}

enum locations_find
locations_find_country(const char *code)
{
	const char *s;
	json_t *place;
	size_t i;

	if (list == NULL)
		return LOCATIONS_UNKNOWN;
	json_array_foreach (json_object_get(list, "locations"), i, place) {
		s = json_string_value(json_object_get(
		    json_object_get(place, "labels"), "country"));
		if (s != NULL && strcasecmp(s, code) == 0)
			return LOCATIONS_YES;
	}
	return LOCATIONS_NO;
}

/* The list, or while there is none the one that was kept. */
static json_t *
list_or_kept(void)
{
	const struct file *old = files_find(AFW_FILE_CACHE);

	if (list != NULL)
		return json_incref(list);
	return old->text != NULL && !backend_is_file()
	    ? json_loadb(old->text, old->len, 0, NULL)
	    : NULL;
}

static uint32_t
type_of(const json_t *place)
{
	const char *s = json_string_value(json_object_get(place, "type"));

	if (s == NULL)
		return 0;
	if (strcmp(s, "wireguard") == 0)
		return AFW_TYPE_WIREGUARD;
	return strcmp(s, "hydra-tcp") == 0 ? AFW_TYPE_HYDRA_TCP : 0;
}

/* The name is that of the place, or means one of several to choose from. */
static bool
may_mean(const json_t *place, const char *name, bool exact)
{
	const char *s = json_string_value(exact
		? json_object_get(place, "name")
		: json_object_get(json_object_get(place, "labels"), "country"));

	if (!exact && strcmp(name, AFW_LOCATION_OPTIMAL) == 0)
		return true;
	return s != NULL &&
	    (exact ? strcmp(s, name) : strcasecmp(s, name)) == 0;
}

static bool
types_of(const json_t *in, const char *name, bool exact, uint32_t *type)
{
	bool found = false;
	json_t *place;
	size_t i;

	json_array_foreach (json_object_get(in, "locations"), i, place) {
		if (!may_mean(place, name, exact))
			continue;
		if (found && *type != type_of(place))
			*type = 0;
		else
			*type = type_of(place);
		found = true;
	}
	return found;
}

uint32_t
locations_type(const char *name)
{
	json_t *in = list_or_kept();
	uint32_t type = 0;

	if (!types_of(in, name, true, &type) &&
	    (locations_is_country(name) ||
		strcmp(name, AFW_LOCATION_OPTIMAL) == 0))
		(void)types_of(in, name, false, &type);
	json_decref(in);
	return type;
}

/* ---- asking for it ----------------------------------------------------- */

static void
reply_text(const struct ask *q, const char *body, size_t len)
{
	struct afw_m_blob b = {.len = (uint32_t)len};
	int fd = afw_blob_make(body, len);

	if (fd == -1)
		afw_link_status(afw_daemon_sup(), q->id, AFW_ENOMEM,
		    "locations: %s", strerror(errno));
	else
		(void)afw_link_send(afw_daemon_sup(),
		    q->call == CALL_COUNTRIES ? AFW_MSG_COUNTRIES_JSON
					      : AFW_MSG_LOCATIONS_JSON,
		    q->id, &b, fd);
}

static void
reply_failed(const struct ask *q, const struct answer *a)
{
	const struct file *old = files_find(AFW_FILE_CACHE);
	char text[160];

	if (q->call == CALL_LOCATIONS && answer_retry(a) && old->text != NULL &&
	    !backend_is_file()) {
		log_warn("locations: no backend answers, giving the list "
			 "kept from before");
		reply_text(q, old->text, old->len);
		return;
	}
	afw_link_status(afw_daemon_sup(), q->id, fail_code(&a->fail), "%s",
	    fail_print(&a->fail, text, sizeof(text)));
}

static void
answer_cb(void *arg, const struct answer *a)
{
	struct ask *p = arg, q = *p;

	free(p);
	if (q.id == 0)
		refreshing = false;
	if (a->result == RES_OK && q.call == CALL_LOCATIONS)
		list_keep(a);
	if (q.id == 0)
		return;
	if (a->result == RES_OK && a->len <= AFW_BLOB_MAX)
		reply_text(&q, a->body, a->len);
	else
		reply_failed(&q, a);
}

static void
ask(uint32_t id, enum call call)
{
	const struct afw_m_auth_config *c = backend_config();
	struct ask *q = calloc(1, sizeof(*q));
	struct params p = {.n = 0};

	if (q == NULL)
		fatal("auth: out of memory");
	q->id = id;
	q->call = call;
	params_set(&p, "type",
	    c->type == AFW_TYPE_WIREGUARD ? "wireguard" : "hydra-tcp");
	(void)tokens_call(call, &p, answer_cb, q);
}

void
locations_get(uint32_t id)
{
	ask(id, CALL_LOCATIONS);
}

void
locations_get_countries(uint32_t id)
{
	ask(id, CALL_COUNTRIES);
}

void
locations_refresh(void)
{
	if (refreshing || !backend_is_configured())
		return;
	refreshing = true;
	ask(0, CALL_LOCATIONS);
}
