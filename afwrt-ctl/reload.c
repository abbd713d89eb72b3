/* SPDX-License-Identifier: ISC */
/*
 * `base` is what of the file is in force. A key that only a restart can change
 * keeps its old value there, so that the next reload says so again; after a
 * rule that was refused the lists keep theirs, and the next reload tries again.
 */
#include "reload.h"

#include <afwrt.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "control_change.h"
#include "dump.h"
#include "keeper.h"
#include "lib/conf.h"
#include "notify.h"
#include "service.h"

static const char *const lists[] = {
    "protected_ip_addrs", "protected_mac_addrs", "protected_ifaces"};

#define LISTS (sizeof(lists) / sizeof(lists[0]))

static const char *const sections[] = {"ci_unix_domain", "ci_rest"};

#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

static json_t *base;

struct outcome {
	unsigned int set, removed, failed, restart;
	bool control; /* a section of the control interface has changed */
	char why[256];
};

void
reload_begin(const json_t *config)
{
	base = json_copy((json_t *)(uintptr_t)config);
}

void
reload_forget(void)
{
	json_decref(base);
	base = NULL;
}

static bool
is_among(const char *const *names, size_t n, const char *key)
{
	for (; n > 0; n--, names++)
		if (strcmp(*names, key) == 0)
			return true;
	return false;
}

/* The key's value becomes that of `from`, or is gone as there. */
static void
key_take(const json_t *from, const char *key)
{
	json_t *v = json_object_get(from, key);

	if (v != NULL)
		(void)json_object_set(base, key, v);
	else
		(void)json_object_del(base, key);
}

/* ---- rules -------------------------------------------------------------- */

static int
by_key(const void *a, const void *b)
{
	const struct afw_m_protect *l = a, *r = b;

	return memcmp(&l->key, &r->key, sizeof(l->key));
}

/* In the order of their keys. -1: not readable. */
static int
rules_read(const json_t *config, struct conf *c)
{
	char *text = service_config_text(config);
	int rc = text == NULL ? -1 : conf_parse(c, text);

	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
	if (rc == 0 && c->nrules > 0)
		qsort(c->rules, c->nrules, sizeof(*c->rules), by_key);
	return rc;
}

static const struct afw_m_protect *
rule_find(const struct conf *c, const struct afw_m_protect *r)
{
	if (c->nrules == 0)
		return NULL;
	return bsearch(r, c->rules, c->nrules, sizeof(*r), by_key);
}

static const char *
key_text(const struct afw_key *k, char *buf, size_t size)
{
	return k->kind == AFW_KEY_IFACE ? k->iface
					: afw_key_print(k, buf, size);
}

static int
protect(const struct afw_m_protect *r)
{
	char text[AFW_ADDR_TEXT];
	const char *key = key_text(&r->key, text, sizeof(text));

	switch (r->key.kind) {
	case AFW_KEY_IP:
		return afwrt_protect_ip_addr(key, r->location);
	case AFW_KEY_MAC:
		return afwrt_protect_mac_addr(key, r->location);
	default:
		return afwrt_protect_iface(key, r->location);
	}
}

/* One that is gone already is as good as removed. */
static int
unprotect(const struct afw_m_protect *r)
{
	char text[AFW_ADDR_TEXT];
	const char *key = key_text(&r->key, text, sizeof(text));
	int rc;

	switch (r->key.kind) {
	case AFW_KEY_IP:
		rc = afwrt_unprotect_ip_addr(key);
		break;
	case AFW_KEY_MAC:
		rc = afwrt_unprotect_mac_addr(key);
		break;
	default:
		rc = afwrt_unprotect_iface(key);
		break;
	}
	return rc == -1 && errno == ENOENT ? 0 : rc;
}

/* fn for each rule of `of` that `in` does not have; with locations: or has
 * with another one. */
static unsigned int
rules_differ(const struct conf *of, const struct conf *in, bool locations,
    int (*fn)(const struct afw_m_protect *), struct outcome *o)
{
	const struct afw_m_protect *r, *other;
	unsigned int done = 0;
	size_t i;

	for (i = 0; i < of->nrules; i++) {
		r = &of->rules[i];
		other = rule_find(in, r);
		if (other != NULL &&
		    (!locations || strcmp(other->location, r->location) == 0))
			continue;
		notify_alive();
		if (fn(r) == 0) {
			done++;
			continue;
		}
		o->failed++;
		service_log(3, "reload: %s", afwrt_last_error());
	}
	return done;
}

/* New ones first: a device that gets another kind of rule is never bare. */
static void
rules_apply(const json_t *config, struct outcome *o)
{
	struct conf *old = calloc(1, sizeof(*old)),
		    *new = calloc(1, sizeof(*new));
	size_t i;

	if (old != NULL && new != NULL && rules_read(base, old) == 0 &&
	    rules_read(config, new) == 0) {
		o->set = rules_differ(new, old, true, protect, o);
		o->removed = rules_differ(old, new, false, unprotect, o);
	} else {
		o->failed++;
		service_log(3, "reload: the rules cannot be compared");
	}
	for (i = 0; i < LISTS && o->failed == 0; i++)
		key_take(config, lists[i]);
	if (old != NULL)
		conf_free(old);
	if (new != NULL)
		conf_free(new);
	free(old);
	free(new);
}

/* ---- keys --------------------------------------------------------------- */

static const char *
text_at(const json_t *config, const char *key)
{
	return json_string_value(json_object_get(config, key));
}

/* Keys that the library changes at runtime. false: not one of them. */
static bool
library_apply(const json_t *config, const char *key)
{
	const char *v = text_at(config, key);
	int rc;

	if (strcmp(key, "access_token") == 0 && v != NULL && *v != '\0')
		rc = afwrt_set_access_token(v);
	else if (strcmp(key, "log_level") == 0)
		rc = afwrt_set_log_level(v != NULL ? v : "info");
	else
		return false;
	if (rc == -1) {
		service_log(3, "reload: \"%s\": %s", key, afwrt_last_error());
		return true;
	}
	service_log(6, "reload: \"%s\": changed", key);
	key_take(config, key);
	return true;
}

static void
key_apply(const json_t *config, const char *key, struct outcome *o)
{
	if (is_among(lists, LISTS, key) ||
	    json_equal(
		json_object_get(base, key), json_object_get(config, key)) ||
	    library_apply(config, key))
		return;
	if (is_among(sections, SECTIONS, key)) {
		o->control = true;
		return;
	}
	o->restart++;
	service_log(4, "reload: \"%.64s\" has changed: needs a restart", key);
}

/* One that could not be had keeps its old section in `base`. */
static void
control_apply(const json_t *config, struct outcome *o)
{
	size_t i;

	if (!o->control)
		return;
	if (control_change(config, o->why, sizeof(o->why)) == -1) {
		service_log(3, "reload: %s; the former one stays", o->why);
		o->failed++;
		return;
	}
	for (i = 0; i < SECTIONS; i++)
		key_take(config, sections[i]);
	service_log(6, "reload: the control interface: changed");
}

static void
keys_apply(const json_t *config, struct outcome *o)
{
	const char *key;
	json_t *v, *all = json_copy(base);

	(void)json_object_update_missing(all, (json_t *)(uintptr_t)config);
	json_object_foreach (all, key, v)
		key_apply(config, key, o);
	json_decref(all);
	control_apply(config, o);
}

/* ---- the whole ---------------------------------------------------------- */

static json_t *
file_read(void)
{
	int fd = keeper_read();
	json_t *config;

	if (fd == -1) {
		service_unreadable("reload", dump_path());
		return NULL;
	}
	if ((config = service_config_read(fd, dump_path())) == NULL)
		return NULL;
	if (service_config_check(config) == 0)
		return config;
	json_decref(config);
	return NULL;
}

void
reload_now(void)
{
	struct outcome o = {0};
	json_t *config, *former;

	service_log(6, "reload: %s", dump_path());
	if ((config = file_read()) == NULL) {
		service_log(3, "reload: everything stays as it was");
		notify_status("reload failed: everything is as it was");
		return;
	}
	former = json_copy(base);
	rules_apply(config, &o);
	keys_apply(config, &o);
	dump_reloaded(former, config);
	json_decref(former);
	json_decref(config);
	service_log(o.failed > 0 ? 3 : 6,
	    "reload: %u rules set, %u removed, %u failed; %u keys need a "
	    "restart",
	    o.set, o.removed, o.failed, o.restart);
	notify_status("reloaded: %u rules set, %u removed, %u failed, "
		      "%u keys need a restart%s%s",
	    o.set, o.removed, o.failed, o.restart, o.why[0] != '\0' ? ": " : "",
	    o.why);
}

void
reload_dumped(const json_t *config)
{
	static const char *const account[] = {
	    "auth_method", "auth_token", "access_token"};
	size_t i;

	for (i = 0; i < LISTS; i++)
		key_take(config, lists[i]);
	for (i = 0; i < sizeof(account) / sizeof(account[0]); i++)
		key_take(config, account[i]);
}
