/* SPDX-License-Identifier: ISC */
#include "conf_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "notice.h"
#include "rules.h"

/* ---- backends ---------------------------------------------------------- */

/* "127.x.y.z", "[::1]" or "localhost", up to ':', '/' or the end. */
static bool
loopback_host(const char *host)
{
	struct afw_addr a;
	char name[64];
	size_t n;

	if (strncmp(host, "[::1]", 5) == 0)
		return host[5] == '\0' || host[5] == ':' || host[5] == '/';
	n = strcspn(host, ":/?#");
	if (n >= sizeof(name))
		return false;
	memcpy(name, host, n);
	name[n] = '\0';
	if (strcmp(name, "localhost") == 0)
		return true;
	return afw_addr_parse(&a, name) == 0 && a.family == 4 && a.b[0] == 127;
}

bool
conf_url_valid(const char *url)
{
	const char *s;

	if (strlen(url) >= AFW_URL_SIZE)
		return false;
	for (s = url; *s != '\0'; s++)
		if (*s <= ' ' || *s >= 0x7f || *s == '@')
			return false;
	if (strncmp(url, "https://", 8) == 0)
		return url[8] != '\0' && url[8] != '/' && url[8] != ':';
	if (strncmp(url, "http://", 7) == 0)
		return loopback_host(url + 7);
	return strncmp(url, "file:/", 6) == 0 && url[6] != '\0';
}

static int
backend_add(struct conf *c, const char *key, json_t *v)
{
	const char *url = json_string_value(v);
	struct afw_m_backend *b;

	if (url == NULL)
		return errors_set(
		    EINVAL, "\"%s\" must be a URL or an array of URLs", key);
	if (!conf_url_valid(url))
		return errors_set(EINVAL,
		    "\"%s\" must be https://, http:// "
		    "to a loopback address or file:/path: \"%.128s\"",
		    key, url);
	if (c->auth.backends == AFW_BACKENDS_MAX)
		return errors_set(EINVAL, "\"%s\" has more than %d URLs", key,
		    AFW_BACKENDS_MAX);
	b = &c->backends[c->auth.backends];
	b->index = c->auth.backends++;
	return afw_str_set(b->url, sizeof(b->url), url);
}

int
conf_list_backends(struct conf *c, const char *key, json_t *v)
{
	json_t *one;
	size_t i;

	c->auth.backends = 0;
	if (!json_is_array(v))
		return backend_add(c, key, v);
	if (json_array_size(v) == 0)
		return errors_set(EINVAL, "\"%s\" is an empty array", key);
	json_array_foreach (v, i, one)
		if (backend_add(c, key, one) == -1 && conf_error(c) == -1)
			return -1;
	return 0;
}

/* ---- rules ------------------------------------------------------------- */

static void
members_warn(json_t *one, const char *key, const char *member)
{
	const char *name;
	json_t *v;

	json_object_foreach (one, name, v)
		if (strcmp(name, member) != 0 && strcmp(name, "vl") != 0)
			notice_post(4,
			    "lib: configuration: unknown key "
			    "\"%.64s\" in \"%s\" ignored",
			    name, key);
}

/*
 * No frame comes from a group address, so a rule for one is about nobody; the
 * document's own example has one ("09:01:28:AB:D8:18"): warned about, no more.
 */
static bool
rule_is_void(enum afw_key_kind kind, const char *key, size_t i, json_t *one)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	const char *text = json_string_value(json_object_get(one, "mac_addr"));
	uint8_t mac[6];

	if (kind != AFW_KEY_MAC || text == NULL ||
	    afw_mac_parse(mac, text) == -1 || (mac[0] & 1) == 0 ||
	    memcmp(mac, all, sizeof(mac)) == 0)
		return false;
	notice_post(4,
	    "lib: configuration: \"%s\"[%zu]: %.32s is a group address, which "
	    "no device has: ignored",
	    key, i, text);
	return true;
}

static int
rule_read(struct afw_m_protect *r, enum afw_key_kind kind, const char *member,
    const char *key, size_t i, json_t *one)
{
	const char *text = json_string_value(json_object_get(one, member));
	const char *vl = json_string_value(json_object_get(one, "vl"));

	if (text == NULL || vl == NULL)
		return errors_set(EINVAL,
		    "\"%s\"[%zu] must be an object with "
		    "the strings \"%s\" and \"vl\"",
		    key, i, member);
	if (rules_key(&r->key, kind, text) == -1)
		return errors_set(EINVAL, "\"%s\"[%zu]: \"%s\": %s", key, i,
		    member, errors_last());
	if (rules_location(r->location, vl) == -1)
		return errors_set(
		    EINVAL, "\"%s\"[%zu]: \"vl\": %s", key, i, errors_last());
	members_warn(one, key, member);
	return 0;
}

static int
rules_read(struct conf *c, enum afw_key_kind kind, const char *member,
    const char *key, json_t *v)
{
	struct afw_m_protect *more;
	size_t i, n = json_array_size(v);
	json_t *one;

	/* the document's default is an empty string */
	if (json_is_string(v) && json_string_length(v) == 0)
		return 0;
	if (!json_is_array(v))
		return errors_set(EINVAL, "\"%s\" must be an array", key);
	if (n == 0)
		return 0;
	if (n > AFW_RULES_MAX - c->nrules)
		return errors_set(
		    EINVAL, "\"%s\": more than %d rules", key, AFW_RULES_MAX);
	more = realloc(c->rules, (c->nrules + n) * sizeof(*more));
	if (more == NULL)
		return errors_set(ENOMEM, "\"%s\": out of memory", key);
	c->rules = more;
	json_array_foreach (v, i, one) {
		if (rule_is_void(kind, key, i, one))
			continue;
		memset(&more[c->nrules], 0, sizeof(*more));
		if (rule_read(&more[c->nrules], kind, member, key, i, one) == 0)
			c->nrules++;
		else if (conf_error(c) == -1)
			return -1;
	}
	return 0;
}

int
conf_list_ips(struct conf *c, const char *key, json_t *v)
{
	return rules_read(c, AFW_KEY_IP, "ip_addr", key, v);
}

int
conf_list_macs(struct conf *c, const char *key, json_t *v)
{
	return rules_read(c, AFW_KEY_MAC, "mac_addr", key, v);
}

int
conf_list_ifaces(struct conf *c, const char *key, json_t *v)
{
	return rules_read(c, AFW_KEY_IFACE, "iface", key, v);
}
