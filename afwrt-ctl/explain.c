/* SPDX-License-Identifier: ISC */
#include "explain.h"

#include <afwrt.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "history.h"

/* What becomes of a packet. */
struct verdict {
	const char *word; /* "direct", "tunnel", "held" or "blocked" */
	char why[512];
};

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static json_t *
parsed(char *text)
{
	json_t *o = text != NULL ? json_loads(text, 0, NULL) : NULL;

	afwrt_free(text);
	return o;
}

/* The route of that name, or with NULL the default one. */
static json_t *
route_find(const json_t *status, const char *name)
{
	json_t *r;
	size_t i;

	json_array_foreach (json_object_get(status, "routes"), i, r)
		if (name != NULL ? strcmp(text_of(r, "location"), name) == 0
				 : json_is_true(json_object_get(r, "default")))
			return r;
	return NULL;
}

static bool
process_runs(const json_t *status, const char *name)
{
	json_t *p;
	size_t i;

	json_array_foreach (json_object_get(status, "processes"), i, p)
		if (strcmp(text_of(p, "name"), name) == 0)
			return json_integer_value(json_object_get(p, "pid")) !=
			    0;
	return false;
}

/* ---- why ---------------------------------------------------------------- */

static void
rule_print(char buf[160], const json_t *rule)
{
	static const char *const kinds[][2] = {{"ip_addr", "the address"},
	    {"mac_addr", "the MAC address"}, {"iface", "the interface"}};
	size_t i;

	for (i = 0; i < 3; i++)
		if (*text_of(rule, kinds[i][0]) != '\0')
			(void)snprintf(buf, 160,
			    "the rule for %s %s routes it to %s", kinds[i][1],
			    text_of(rule, kinds[i][0]), text_of(rule, "vl"));
}

static void
why_by_state(struct verdict *v, const json_t *route, const json_t *event)
{
	const char *state = text_of(route, "state"), *why = "";
	const char *name = text_of(route, "location");
	size_t n = strlen(v->why);

	if (event != NULL)
		why = text_of(event, "reason_details");
	v->word = "blocked";
	if (strcmp(state, "connected") == 0) {
		v->word = "tunnel";
		(void)snprintf(v->why + n, sizeof(v->why) - n,
		    "; the tunnel is up, by the server %s",
		    text_of(route, "server"));
	} else if (strcmp(state, "connecting") == 0) {
		v->word = "held";
		(void)snprintf(v->why + n, sizeof(v->why) - n,
		    "; the tunnel is connecting, and packets wait a moment "
		    "for it");
	} else if (strcmp(state, "idle") == 0) {
		v->word = "held";
		(void)snprintf(v->why + n, sizeof(v->why) - n,
		    "; the tunnel has not been needed yet: a packet makes it "
		    "connect");
	} else {
		(void)snprintf(v->why + n, sizeof(v->why) - n,
		    "; the tunnel is %s%s%s%s: packets are dropped until it "
		    "is up; `afwrt-ctl up %s` tries now",
		    state, *why != '\0' ? " (" : "", why,
		    *why != '\0' ? ")" : "", name);
	}
}

static void
judge(struct verdict *v, const json_t *explained, const json_t *status,
    const json_t *route, const json_t *event)
{
	const json_t *rule = json_object_get(explained, "rule");
	size_t n;

	if (json_is_object(rule)) {
		rule_print(v->why, rule);
	} else if (json_is_true(json_object_get(explained, "default_route"))) {
		(void)snprintf(v->why, sizeof(v->why),
		    "no rule is about it, and the default location has what "
		    "no rule is about");
	} else {
		v->word = "direct";
		(void)snprintf(v->why, sizeof(v->why), "no rule is about it%s",
		    json_is_object(json_object_get(explained, "neighbour"))
			? ""
			: ", and it was not seen on the LAN");
		return;
	}
	n = strlen(v->why);
	v->word = "blocked";
	if (route == NULL)
		(void)snprintf(v->why + n, sizeof(v->why) - n,
		    "; there is no tunnel to it: packets are dropped");
	else if (!process_runs(status, "afwrt-tun"))
		(void)snprintf(v->why + n, sizeof(v->why) - n,
		    "; afwrt-tun is being started: packets are dropped");
	else
		why_by_state(v, route, event);
}

/* What status says of the route, as far as it belongs here. */
static json_t *
route_pick(const json_t *route)
{
	static const char *const keys[] = {"location", "type", "state",
	    "default", "server", "up_seconds", "iface", "wireguard_impl"};
	json_t *o, *v;
	size_t i;

	if (route == NULL)
		return json_null();
	o = json_object();
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if ((v = json_object_get(route, keys[i])) != NULL)
			(void)json_object_set(o, keys[i], v);
	return o;
}

json_t *
explain_address(const char *addr)
{
	json_t *x = parsed(afwrt_explain(addr)), *status, *route = NULL, *rule;
	struct verdict v = {.word = "direct", .why = ""};
	json_t *event = NULL;

	if (x == NULL)
		return NULL;
	if ((status = parsed(afwrt_get_status())) == NULL) {
		json_decref(x);
		return NULL;
	}
	rule = json_object_get(x, "rule");
	if (json_is_object(rule))
		route = route_find(status, text_of(rule, "vl"));
	else if (json_is_true(json_object_get(x, "default_route")))
		route = route_find(status, NULL);
	if (route != NULL)
		event = history_of_route(text_of(route, "location"));
	judge(&v, x, status, route, event);
	(void)json_object_set_new(x, "route", route_pick(route));
	(void)json_object_set_new(
	    x, "last_event", event != NULL ? event : json_null());
	(void)json_object_set_new(x, "verdict", json_string(v.word));
	(void)json_object_set_new(x, "why", json_string(v.why));
	json_decref(status);
	return x;
}
