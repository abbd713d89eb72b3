/* SPDX-License-Identifier: ISC */
/*
 * The requests of the control interface: a table of names, and one function
 * each that calls the library. They wait for its answer; meanwhile events
 * queue inside the library and are delivered afterwards.
 */
#include "control.h"

#include <afwrt.h>

#include <errno.h>
#include <string.h>

#include "dump.h"
#include "service.h"

/* Rules that a status answer lists; a record has to hold them. */
#define RULES_SHOWN 1024

json_t *
control_status(enum ctl_status status, const char *message)
{
	json_t *o =
	    json_pack("{s:i, s:s}", "status", (int)status, "message", message);

	/* a message that quotes what is not UTF-8 */
	if (o == NULL)
		o = json_pack(
		    "{s:i, s:s}", "status", (int)status, "message", "refused");
	return o;
}

/* After a call of the library. */
static json_t *
done(int rc)
{
	if (rc == 0)
		return control_status(CTL_ST_OK, "done");
	return control_status(CTL_ST_VPN, afwrt_last_error());
}

static const char *
text_get(const json_t *rq, const char *key)
{
	return json_string_value(json_object_get(rq, key));
}

/* "vl", or "country_code" as it was once called. */
static const char *
location_get(const json_t *rq)
{
	const char *vl = text_get(rq, "vl");

	return vl != NULL ? vl : text_get(rq, "country_code");
}

static json_t *
missing(const char *what)
{
	char text[96];

	(void)snprintf(
	    text, sizeof(text), "\"%s\" is missing or not a string", what);
	return control_status(CTL_ST_PARAMETER, text);
}

/* ---- rules and tunnels ------------------------------------------------- */

static json_t *
protect(
    const json_t *rq, const char *key, int (*fn)(const char *, const char *))
{
	const char *device = text_get(rq, key), *vl = location_get(rq);

	if (device == NULL)
		return missing(key);
	if (vl == NULL)
		return missing("vl");
	return done(fn(device, vl));
}

static json_t *
unprotect(const json_t *rq, const char *key, int (*fn)(const char *))
{
	const char *device = text_get(rq, key);

	return device == NULL ? missing(key) : done(fn(device));
}

static json_t *
rq_protect_ip(const json_t *rq)
{
	return protect(rq, "ip_addr", afwrt_protect_ip_addr);
}

static json_t *
rq_unprotect_ip(const json_t *rq)
{
	return unprotect(rq, "ip_addr", afwrt_unprotect_ip_addr);
}

static json_t *
rq_protect_mac(const json_t *rq)
{
	return protect(rq, "mac_addr", afwrt_protect_mac_addr);
}

static json_t *
rq_unprotect_mac(const json_t *rq)
{
	return unprotect(rq, "mac_addr", afwrt_unprotect_mac_addr);
}

static json_t *
rq_protect_iface(const json_t *rq)
{
	return protect(rq, "iface", afwrt_protect_iface);
}

static json_t *
rq_unprotect_iface(const json_t *rq)
{
	return unprotect(rq, "iface", afwrt_unprotect_iface);
}

static json_t *
rq_setup_tunnel(const json_t *rq)
{
	const char *vl = location_get(rq);

	if (vl == NULL)
		return missing("vl");
	if (json_object_get(rq, "iface") != NULL &&
	    text_get(rq, "iface") == NULL)
		return missing("iface");
	return done(afwrt_setup_tunnel(vl, text_get(rq, "iface")));
}

static json_t *
rq_teardown_tunnel(const json_t *rq)
{
	const char *vl = location_get(rq);

	return vl == NULL ? missing("vl") : done(afwrt_teardown_tunnel(vl));
}

/* ---- questions --------------------------------------------------------- */

static json_t *
rq_ping(const json_t *rq)
{
	(void)rq;
	return control_status(CTL_ST_OK, "pong");
}

static json_t *
rq_status(const json_t *rq)
{
	json_t *o, *rules, *answer;
	char *text = afwrt_get_status();
	size_t n, total;

	(void)rq;
	if (text == NULL)
		return control_status(CTL_ST_VPN, afwrt_last_error());
	o = json_loads(text, 0, NULL);
	afwrt_free(text);
	rules = json_object_get(o, "rules");
	total = n = json_array_size(rules);
	while (n > RULES_SHOWN)
		(void)json_array_remove(rules, --n);
	answer = control_status(CTL_ST_OK, "done");
	(void)json_object_set_new(
	    o, "rules_total", json_integer((json_int_t)total));
	(void)json_object_update_missing(answer, o);
	json_decref(o);
	return answer;
}

/* The backend's list, or NULL with the answer that says why. */
static json_t *
locations_load(json_t **refusal)
{
	char *text = afwrt_get_locations();
	json_t *o, *list;

	if (text == NULL) {
		*refusal = control_status(CTL_ST_VPN, afwrt_last_error());
		return NULL;
	}
	o = json_loads(text, 0, NULL);
	afwrt_free(text);
	list = json_incref(json_object_get(o, "locations"));
	json_decref(o);
	if (json_is_array(list))
		return list;
	json_decref(list);
	*refusal = control_status(
	    CTL_ST_VPN, "the backend's answer has no \"locations\"");
	return NULL;
}

static json_t *
rq_get_locations(const json_t *rq)
{
	json_t *answer = NULL, *list = locations_load(&answer);

	(void)rq;
	if (list != NULL) {
		answer = control_status(CTL_ST_OK, "done");
		(void)json_object_set_new(answer, "locations", list);
	}
	return answer;
}

/* The countries of the locations, each with the number of these. */
static json_t *
rq_get_countries(const json_t *rq)
{
	json_t *answer = NULL, *list = locations_load(&answer), *l, *counts, *n,
	       *countries;
	const char *name;
	size_t i;

	(void)rq;
	if (list == NULL)
		return answer;
	counts = json_object();
	json_array_foreach (list, i, l) {
		name = text_get(json_object_get(l, "labels"), "country");
		if (name == NULL)
			continue;
		n = json_object_get(counts, name);
		(void)json_object_set_new(
		    counts, name, json_integer(json_integer_value(n) + 1));
	}
	countries = json_array();
	json_object_foreach (counts, name, n)
		(void)json_array_append_new(countries,
		    json_pack("{s:s, s:O}", "country", name, "servers", n));
	json_decref(counts);
	json_decref(list);
	answer = control_status(CTL_ST_OK, "done");
	(void)json_object_set_new(answer, "countries", countries);
	return answer;
}

static json_t *
rq_register(const json_t *rq)
{
	const char *method = text_get(rq, "auth_method"), *token;
	json_t *answer;

	if (method == NULL)
		return missing("auth_method");
	if (json_object_get(rq, "auth_token") != NULL &&
	    text_get(rq, "auth_token") == NULL)
		return missing("auth_token");
	token = afwrt_register_device(method, text_get(rq, "auth_token"));
	if (token == NULL)
		return control_status(CTL_ST_VPN, afwrt_last_error());
	answer = control_status(CTL_ST_OK, "done");
	(void)json_object_set_new(answer, "access_token", json_string(token));
	dump_registered(method, text_get(rq, "auth_token"), token);
	service_registered();
	return answer;
}

static json_t *
rq_dump_config(const json_t *rq)
{
	const char *path = text_get(rq, "config_path");
	char why[256];

	if (path == NULL && json_object_get(rq, "config_path") != NULL)
		return missing("config_path");
	if (dump_write(path, why, sizeof(why)) == 0)
		return control_status(CTL_ST_OK, "done");
	return control_status(CTL_ST_CONFIG, why);
}

/* ---- the table --------------------------------------------------------- */

static const struct {
	const char *name;
	json_t *(*fn)(const json_t *);
} requests[] = {
    {"dump_config", rq_dump_config},
    {"get_countries", rq_get_countries},
    {"get_locations", rq_get_locations},
    {"ping", rq_ping},
    {"protect_iface", rq_protect_iface},
    {"protect_ip", rq_protect_ip},
    {"protect_mac", rq_protect_mac},
    {"register", rq_register},
    {"setup_tunnel", rq_setup_tunnel},
    {"status", rq_status},
    {"subscribe", rq_ping},
    {"teardown_tunnel", rq_teardown_tunnel},
    {"unprotect_iface", rq_unprotect_iface},
    {"unprotect_ip", rq_unprotect_ip},
    {"unprotect_mac", rq_unprotect_mac},
};

json_t *
control_answer(const json_t *request, bool *subscribe)
{
	const char *name = text_get(request, "request");
	char text[96];
	size_t i;

	*subscribe = false;
	if (!json_is_object(request))
		return control_status(
		    CTL_ST_PARAMETER, "the request is not a JSON object");
	if (name == NULL)
		return missing("request");
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (strcmp(requests[i].name, name) == 0) {
			*subscribe = strcmp(name, "subscribe") == 0;
			return requests[i].fn(request);
		}
	(void)snprintf(text, sizeof(text), "unknown request \"%.48s\"", name);
	return control_status(CTL_ST_UNKNOWN, text);
}
