/* SPDX-License-Identifier: ISC */
#include "dump.h"

#include <afwrt.h>

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keeper.h"
#include "reload.h"

static json_t *config;
static char file[PATH_MAX];

void
dump_begin(const char *path, json_t *c)
{
	config = c;
	if (realpath(path, file) == NULL)
		file[0] = '\0';
}

const char *
dump_path(void)
{
	return file;
}

static void
text_set(const char *key, const char *value)
{
	if (config != NULL && value != NULL && *value != '\0')
		(void)json_object_set_new(config, key, json_string(value));
}

void
dump_event(const char *json)
{
	json_t *o;

	if (strstr(json, "\"auth_success\"") == NULL)
		return;
	o = json_loads(json, 0, NULL);
	text_set("access_token",
	    json_string_value(json_object_get(o, "access_token")));
	json_decref(o);
}

void
dump_registered(const char *method, const char *auth_token, const char *token)
{
	text_set("auth_method", method);
	if (auth_token == NULL || *auth_token == '\0')
		(void)json_object_del(config, "auth_token");
	text_set("auth_token", auth_token);
	text_set("access_token", token);
}

/* What is in use of the account outlives a file that says no more of it. */
void
dump_reloaded(const json_t *former, const json_t *c)
{
	static const char *const account[] = {
	    "auth_method", "auth_token", "access_token"};
	json_t *next = json_copy((json_t *)(uintptr_t)c), *was, *is, *v;
	size_t i;

	for (i = 0; i < sizeof(account) / sizeof(account[0]); i++) {
		was = json_object_get(former, account[i]);
		is = json_object_get(c, account[i]);
		if (was != is && !json_equal(was, is))
			continue;
		v = json_object_get(config, account[i]);
		if (v != NULL)
			(void)json_object_set(next, account[i], v);
		else
			(void)json_object_del(next, account[i]);
	}
	json_decref(config);
	config = next;
}

/* ---- rules -------------------------------------------------------------- */

static const struct kind {
	const char *list, *member;
} kinds[] = {
    {"protected_ip_addrs", "ip_addr"},
    {"protected_mac_addrs", "mac_addr"},
    {"protected_ifaces", "iface"},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const char *sort_member;

static int
by_key(const void *a, const void *b)
{
	json_t *const *l = a, *const *r = b;

	return strcmp(json_string_value(json_object_get(*l, sort_member)),
	    json_string_value(json_object_get(*r, sort_member)));
}

/* Those of one kind in the order of their keys, so that two dumps of the
 * same rules are the same. */
static json_t *
rules_of(const json_t *rules, const struct kind *k)
{
	json_t **sorted = calloc(json_array_size(rules) + 1, sizeof(*sorted));
	json_t *list = json_array(), *r;
	size_t i, n = 0;

	if (sorted == NULL)
		return list;
	json_array_foreach (rules, i, r)
		if (json_object_get(r, k->member) != NULL)
			sorted[n++] = r;
	sort_member = k->member;
	qsort(sorted, n, sizeof(*sorted), by_key);
	for (i = 0; i < n; i++)
		(void)json_array_append(list, sorted[i]);
	free(sorted);
	return list;
}

/* NULL: the suite does not say. */
static json_t *
rules_get(void)
{
	char *text = afwrt_get_status();
	json_t *status, *rules;

	if (text == NULL)
		return NULL;
	status = json_loads(text, 0, NULL);
	afwrt_free(text);
	rules = json_incref(json_object_get(status, "rules"));
	json_decref(status);
	return rules;
}

static json_t *
now(void)
{
	json_t *o, *list, *rules = rules_get();
	size_t i;

	if (rules == NULL)
		return NULL;
	o = json_copy(config);
	for (i = 0; i < KINDS; i++) {
		list = rules_of(rules, &kinds[i]);
		if (json_array_size(list) > 0 ||
		    json_object_get(o, kinds[i].list) != NULL)
			(void)json_object_set(o, kinds[i].list, list);
		json_decref(list);
	}
	json_decref(rules);
	return o;
}

/* ---- writing ------------------------------------------------------------ */

static int
text_write(const char *path, json_t *o, char *why, size_t size)
{
	char *text = json_dumps(o, JSON_INDENT(2));
	int rc;

	if (text == NULL) {
		(void)snprintf(why, size, "out of memory");
		return -1;
	}
	rc = keeper_write(path, text, strlen(text));
	if (rc == -1)
		(void)snprintf(why, size, "%.160s: %s", path,
		    errno == EPERM ? "not below /etc/afwrt or the folder of "
				     "the configuration"
			: errno == EAGAIN
			? "what writes it has ended, try again"
			: strerror(errno));
	explicit_bzero(text, strlen(text));
	free(text);
	return rc;
}

int
dump_write(const char *path, char *why, size_t size)
{
	json_t *o;
	int rc;

	if (path == NULL)
		path = file;
	if (*path != '/' || path[strlen(path) - 1] == '/') {
		(void)snprintf(why, size,
		    "\"config_path\" must be the absolute path of a file");
		return -1;
	}
	if ((o = now()) == NULL) {
		(void)snprintf(why, size, "%s", afwrt_last_error());
		return -1;
	}
	rc = text_write(path, o, why, size);
	if (rc == 0 && strcmp(path, file) == 0)
		reload_dumped(o);
	json_decref(o);
	return rc;
}

void
dump_forget(void)
{
	json_decref(config);
	config = NULL;
}
