/* SPDX-License-Identifier: ISC */
/*
 * The requests of the control interface: a table, and one function each that
 * calls the library. They wait for its answer, at most 5 s; meanwhile events
 * queue inside the library and are delivered afterwards. What asks the
 * backend may take 40 s, and is done by the worker.
 */
#include "control.h"

#include <afwrt.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"
#include "explain.h"
#include "history.h"
#include "metrics.h"
#include "service.h"
#include "worker.h"

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

/* ---- rules and tunnels ------------------------------------------------- */

static json_t *
protect(
    const json_t *rq, const char *key, int (*fn)(const char *, const char *))
{
	return done(fn(text_get(rq, key), location_get(rq)));
}

static json_t *
unprotect(const json_t *rq, const char *key, int (*fn)(const char *))
{
	return done(fn(text_get(rq, key)));
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
	return done(
	    afwrt_setup_tunnel(location_get(rq), text_get(rq, "iface")));
}

static json_t *
rq_teardown_tunnel(const json_t *rq)
{
	return done(afwrt_teardown_tunnel(location_get(rq)));
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
	const char *token = afwrt_register_device(
	    text_get(rq, "auth_method"), text_get(rq, "auth_token"));
	json_t *answer;

	if (token == NULL)
		return control_status(CTL_ST_VPN, afwrt_last_error());
	answer = control_status(CTL_ST_OK, "done");
	(void)json_object_set_new(answer, "access_token", json_string(token));
	return answer;
}

static void
registered(const json_t *rq, const json_t *answer)
{
	dump_registered(text_get(rq, "auth_method"), text_get(rq, "auth_token"),
	    text_get(answer, "access_token"));
	service_registered();
}

static json_t *
rq_dump_config(const json_t *rq)
{
	char why[256];

	if (dump_write(text_get(rq, "config_path"), why, sizeof(why)) == 0)
		return control_status(CTL_ST_OK, "done");
	return control_status(CTL_ST_CONFIG, why);
}

static json_t *
rq_metrics(const json_t *rq)
{
	char *text = metrics_text();
	json_t *answer;

	(void)rq;
	if (text == NULL)
		return control_status(CTL_ST_VPN, afwrt_last_error());
	answer = control_status(CTL_ST_OK, "done");
	(void)json_object_set_new(answer, "metrics", json_string(text));
	free(text);
	return answer;
}

static json_t *
rq_explain(const json_t *rq)
{
	json_t *o = explain_address(text_get(rq, "ip_addr")), *answer;

	if (o == NULL)
		return control_status(CTL_ST_VPN, afwrt_last_error());
	answer = control_status(CTL_ST_OK, "done");
	(void)json_object_update_missing(answer, o);
	json_decref(o);
	return answer;
}

static json_t *
rq_history(const json_t *rq)
{
	json_t *answer = control_status(CTL_ST_OK, "done");

	(void)rq;
	(void)json_object_set_new(answer, "events", history_list());
	return answer;
}

/* ---- the table --------------------------------------------------------- */

#define IP                        \
	{                         \
		.name = "ip_addr" \
	}
#define MAC                        \
	{                          \
		.name = "mac_addr" \
	}
#define IFACE                   \
	{                       \
		.name = "iface" \
	}
#define VL                                             \
	{                                              \
		.name = "vl", .former = "country_code" \
	}
#define OPT(n)                                \
	{                                     \
		.name = (n), .optional = true \
	}

static const struct ctl_request requests[] = {
    {.name = "ping", .method = CTL_POST, .path = "/api/ping", .fn = rq_ping},
    {.name = "protect_ip",
	.params = {IP, VL},
	.method = CTL_POST,
	.path = "/api/protected_ip",
	.fn = rq_protect_ip},
    {.name = "unprotect_ip",
	.params = {IP},
	.method = CTL_PUT,
	.path = "/api/protected_ip",
	.fn = rq_unprotect_ip},
    {.name = "protect_mac",
	.params = {MAC, VL},
	.method = CTL_POST,
	.path = "/api/protected_mac",
	.fn = rq_protect_mac},
    {.name = "unprotect_mac",
	.params = {MAC},
	.method = CTL_PUT,
	.path = "/api/protected_mac",
	.fn = rq_unprotect_mac},
    {.name = "protect_iface",
	.params = {IFACE, VL},
	.method = CTL_POST,
	.path = "/api/protected_iface",
	.fn = rq_protect_iface},
    {.name = "unprotect_iface",
	.params = {IFACE},
	.method = CTL_PUT,
	.path = "/api/protected_iface",
	.fn = rq_unprotect_iface},
    {.name = "dump_config",
	.params = {OPT("config_path")},
	.method = CTL_POST,
	.path = "/api/dump_config",
	.fn = rq_dump_config},
    {.name = "get_countries",
	.method = CTL_POST,
	.path = "/api/countries",
	.slow = true,
	.fn = rq_get_countries},
    {.name = "get_locations",
	.method = CTL_POST,
	.path = "/api/locations",
	.slow = true,
	.fn = rq_get_locations},
    {.name = "setup_tunnel",
	.params = {VL, OPT("iface")},
	.method = CTL_POST,
	.path = "/api/tunnel",
	.fn = rq_setup_tunnel},
    {.name = "teardown_tunnel",
	.params = {VL},
	.method = CTL_PUT,
	.path = "/api/tunnel",
	.fn = rq_teardown_tunnel},
    {.name = "status",
	.method = CTL_POST,
	.path = "/api/status",
	.fn = rq_status},
    {.name = "register",
	.params = {{.name = "auth_method"}, OPT("auth_token")},
	.method = CTL_POST,
	.path = "/api/register",
	.slow = true,
	.fn = rq_register,
	.after = registered},
    {.name = "subscribe", .unix_only_events = true, .fn = rq_ping},
    {.name = "metrics",
	.method = CTL_GET,
	.path = "/metrics",
	.fn = rq_metrics},
    {.name = "explain",
	.params = {IP},
	.method = CTL_POST,
	.path = "/api/explain",
	.fn = rq_explain},
    {.name = "history",
	.method = CTL_POST,
	.path = "/api/history",
	.fn = rq_history},
};

#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

const struct ctl_request *
control_requests(size_t *n)
{
	*n = REQUESTS;
	return requests;
}

const char *
control_method_name(enum ctl_method m)
{
	static const char *const names[] = {NULL, "GET", "POST", "PUT"};

	return names[m];
}

/* ---- asking ------------------------------------------------------------- */

static json_t *
missing(const char *what)
{
	char text[96];

	(void)snprintf(
	    text, sizeof(text), "\"%s\" is missing or not a string", what);
	return control_status(CTL_ST_PARAMETER, text);
}

const struct ctl_request *
control_find(const json_t *request, json_t **refusal)
{
	const char *name = text_get(request, "request");
	char text[96];
	size_t i;

	for (i = 0; name != NULL && i < REQUESTS; i++)
		if (strcmp(requests[i].name, name) == 0)
			return &requests[i];
	if (!json_is_object(request)) {
		*refusal = control_status(
		    CTL_ST_PARAMETER, "the request is not a JSON object");
	} else if (name == NULL) {
		*refusal = missing("request");
	} else {
		(void)snprintf(
		    text, sizeof(text), "unknown request \"%.48s\"", name);
		*refusal = control_status(CTL_ST_UNKNOWN, text);
	}
	return NULL;
}

json_t *
control_params_check(const struct ctl_request *r, const json_t *rq)
{
	const struct ctl_param *p;
	const json_t *v;

	for (p = r->params; p < r->params + CTL_PARAMS && p->name != NULL;
	     p++) {
		v = json_object_get(rq, p->name);
		if (v == NULL && p->former != NULL)
			v = json_object_get(rq, p->former);
		if (v == NULL ? !p->optional : !json_is_string(v))
			return missing(p->name);
	}
	return NULL;
}

void
control_ask(const struct ctl_request *r, json_t *rq,
    void (*answered)(void *, json_t *), void *arg)
{
	json_t *answer = control_params_check(r, rq);

	if (answer == NULL && r->slow) {
		if (worker_post(r, rq, answered, arg) == 0)
			return;
		answer = control_status(
		    CTL_ST_INTERNAL, "too many requests wait for the backend");
	}
	if (answer == NULL)
		answer = r->fn(rq);
	control_wipe(rq);
	answered(arg, answer);
}

void
control_wipe(json_t *rq)
{
	const char *key, *text;
	json_t *v;

	json_object_foreach (rq, key, v)
		if ((text = json_string_value(v)) != NULL)
			explicit_bzero(
			    (void *)(uintptr_t)text, json_string_length(v));
	json_decref(rq);
}
