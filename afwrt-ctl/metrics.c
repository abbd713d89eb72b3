/* SPDX-License-Identifier: ISC */
/*
 * The answer of afwrt_get_status as metrics: tables say which member becomes
 * which family. Base units, as the format's conventions want them: seconds
 * and bytes. What is not known is left out, it is not 0.
 */
#include "metrics.h"

#include <afwrt.h>

#include <event2/buffer.h>
#include <jansson.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* One family, of one member of each object of a list. */
struct family {
	const char *name, *type, *help;
	const char *member;
	double scale;
	bool known_above_0; /* 0 means: not known */
};

static const struct family process_families[] = {
    {"afwrt_process_restarts_total", "counter",
	"Times that the process was started again.", "restarts", 1, false},
    {"afwrt_process_start_time_seconds", "gauge",
	"Unix time of the start of the process.", "start_time", 1, true},
    {"afwrt_process_resident_memory_bytes", "gauge",
	"Resident memory of the process.", "rss_bytes", 1, true},
    {"afwrt_process_cpu_seconds_total", "counter",
	"User and system CPU time of the process.", "cpu_seconds", 1, false},
};

/* Two families with the label "direction". */
static const struct {
	const char *name, *help, *up, *down;
} traffic_families[] = {
    {"afwrt_route_bytes_total",
	"Bytes of user packets, towards the node (up) and the device (down).",
	"up_bytes", "down_bytes"},
    {"afwrt_route_packets_total",
	"User packets, towards the node (up) and the device (down).",
	"up_packets", "down_packets"},
};

static const struct family route_families[] = {
    {"afwrt_route_dropped_packets_total", "counter",
	"User packets that were dropped, for whatever cause.", "dropped", 1,
	false},
    {"afwrt_route_connects_total", "counter",
	"Times that the tunnel was established.", "connects", 1, false},
    {"afwrt_route_connections", "gauge",
	"Parallel connections of the tunnel that are up.", "connections", 1,
	false},
    {"afwrt_route_rtt_seconds", "gauge",
	"Round-trip time to the node when it was last measured.", "rtt_ms",
	0.001, true},
    {"afwrt_route_rules", "gauge", "Rules that use the route.", "rules", 1,
	false},
    {"afwrt_route_flows", "gauge",
	"Source addresses that are known to belong to the route.", "flows", 1,
	false},
    {"afwrt_route_nat_entries", "gauge", "Connections in the NAT table.",
	"nat_entries", 1, false},
    {"afwrt_route_up_seconds", "gauge",
	"How long the tunnel has been up, 0 when it is down.", "up_seconds", 1,
	false},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static double started;

static const char *const states[] = {
    "idle", "connecting", "connected", "disconnected", "failed"};

/* ---- lines -------------------------------------------------------------- */

static void
family_begin(
    struct evbuffer *b, const char *name, const char *type, const char *help)
{
	(void)evbuffer_add_printf(
	    b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value, with what the format escapes. */
static void
label_add(struct evbuffer *b, const char *name, const char *value)
{
	(void)evbuffer_add_printf(b, "%s=\"", name);
	for (; value != NULL && *value != '\0'; value++)
		if (*value == '\n')
			(void)evbuffer_add(b, "\\n", 2);
		else if (*value == '"' || *value == '\\')
			(void)evbuffer_add_printf(b, "\\%c", *value);
		else
			(void)evbuffer_add(b, value, 1);
	(void)evbuffer_add(b, "\"", 1);
}

/* more: a second label's name, or NULL. */
static void
sample(struct evbuffer *b, const char *name, const char *label,
    const char *value, const char *more, const char *more_value, double number)
{
	(void)evbuffer_add_printf(b, "%s{", name);
	label_add(b, label, value);
	if (more != NULL) {
		(void)evbuffer_add(b, ",", 1);
		label_add(b, more, more_value);
	}
	(void)evbuffer_add_printf(b, "} %.15g\n", number);
}

static const char *
text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void
families_add(struct evbuffer *b, const struct family *f, size_t n,
    const json_t *list, const char *label, const char *member)
{
	json_t *o, *v;
	double number;
	size_t i;

	for (; n > 0; n--, f++) {
		family_begin(b, f->name, f->type, f->help);
		json_array_foreach (list, i, o) {
			v = json_object_get(o, f->member);
			number = json_number_value(v);
			if (json_is_number(v) &&
			    (!f->known_above_0 || number > 0))
				sample(b, f->name, label, text_of(o, member),
				    NULL, NULL, number * f->scale);
		}
	}
}

/* ---- processes ---------------------------------------------------------- */

static double
clock_seconds(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static long long
rss_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long long size, resident = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lld %lld", &size, &resident) != 2)
		resident = 0;
	(void)fclose(f);
	return resident * sysconf(_SC_PAGESIZE);
}

void
metrics_begin(void)
{
	started = clock_seconds(CLOCK_REALTIME);
}

/* The service itself, which no other process watches. */
static json_t *
self_object(void)
{
	return json_pack("{s:s, s:i, s:i, s:f, s:I, s:f}", "name", "afwrt-ctl",
	    "pid", (int)getpid(), "restarts", 0, "start_time", started,
	    "rss_bytes", (json_int_t)rss_bytes(), "cpu_seconds",
	    clock_seconds(CLOCK_PROCESS_CPUTIME_ID));
}

static void
processes_add(struct evbuffer *b, json_t *list)
{
	json_t *p;
	size_t i;

	(void)json_array_append_new(list, self_object());
	family_begin(
	    b, "afwrt_process_up", "gauge", "1 if the process runs, else 0.");
	json_array_foreach (list, i, p)
		sample(b, "afwrt_process_up", "process", text_of(p, "name"),
		    NULL, NULL,
		    json_integer_value(json_object_get(p, "pid")) != 0);
	families_add(b, process_families, COUNT(process_families), list,
	    "process", "name");
}

/* ---- routes and rules --------------------------------------------------- */

static void
states_add(struct evbuffer *b, const json_t *list)
{
	const char *state;
	json_t *r;
	size_t i, s;

	family_begin(b, "afwrt_route_state", "gauge",
	    "1 for the state that the route is in, 0 for the others.");
	json_array_foreach (list, i, r) {
		if ((state = text_of(r, "state")) == NULL)
			continue;
		for (s = 0; s < COUNT(states); s++)
			sample(b, "afwrt_route_state", "route",
			    text_of(r, "location"), "state", states[s],
			    strcmp(state, states[s]) == 0);
	}
}

static void
traffic_add(struct evbuffer *b, const json_t *list)
{
	json_t *r;
	size_t i, t;

	for (t = 0; t < COUNT(traffic_families); t++) {
		family_begin(b, traffic_families[t].name, "counter",
		    traffic_families[t].help);
		json_array_foreach (list, i, r) {
			sample(b, traffic_families[t].name, "route",
			    text_of(r, "location"), "direction", "up",
			    json_number_value(
				json_object_get(r, traffic_families[t].up)));
			sample(b, traffic_families[t].name, "route",
			    text_of(r, "location"), "direction", "down",
			    json_number_value(
				json_object_get(r, traffic_families[t].down)));
		}
	}
}

static void
failures_add(struct evbuffer *b, const json_t *list)
{
	const char *reason;
	json_t *r, *n;
	size_t i;

	family_begin(b, "afwrt_route_failures_total", "counter",
	    "Attempts to establish the tunnel that failed, by reason.");
	json_array_foreach (list, i, r)
		json_object_foreach (
		    json_object_get(r, "failures_by_reason"), reason, n)
			sample(b, "afwrt_route_failures_total", "route",
			    text_of(r, "location"), "reason", reason,
			    json_number_value(n));
}

static void
rules_add(struct evbuffer *b, const json_t *rules)
{
	static const char *const members[] = {"ip_addr", "mac_addr", "iface"};
	static const char *const kinds[] = {"ip", "mac", "iface"};
	double counts[COUNT(kinds)] = {0};
	json_t *r;
	size_t i, k;

	json_array_foreach (rules, i, r)
		for (k = 0; k < COUNT(kinds); k++)
			if (json_object_get(r, members[k]) != NULL)
				counts[k]++;
	family_begin(b, "afwrt_rules", "gauge", "Rules in force, by kind.");
	for (k = 0; k < COUNT(kinds); k++)
		sample(
		    b, "afwrt_rules", "kind", kinds[k], NULL, NULL, counts[k]);
}

static void
addresses_add(struct evbuffer *b, const json_t *addresses)
{
	static const char *const families[] = {"ipv4", "ipv6"};
	static const char *const members[] = {"ip_addr", "mac_addr", "iface"};
	static const char *const kinds[] = {"ip", "mac", "iface"};
	json_t *n;
	size_t k, f;

	family_begin(b, "afwrt_protected_addresses", "gauge",
	    "Addresses of devices that a rule protects now, by the kind of the "
	    "rule that counts.");
	for (k = 0; k < COUNT(kinds); k++)
		for (f = 0; f < COUNT(families); f++) {
			n = json_object_get(
			    json_object_get(addresses, members[k]),
			    families[f]);
			if (n != NULL)
				sample(b, "afwrt_protected_addresses", "kind",
				    kinds[k], "family", families[f],
				    json_number_value(n));
		}
}

/* ---- the whole ---------------------------------------------------------- */

static char *
text_take(struct evbuffer *b)
{
	size_t n = evbuffer_get_length(b);
	char *text = malloc(n + 1);

	if (text != NULL && evbuffer_remove(b, text, n) == (int)n)
		text[n] = '\0';
	return text;
}

char *
metrics_text(void)
{
	char *text = afwrt_get_status();
	struct evbuffer *b;
	json_t *o, *routes;

	if (text == NULL)
		return NULL;
	o = json_loads(text, 0, NULL);
	afwrt_free(text);
	text = NULL;
	if (o != NULL && (b = evbuffer_new()) != NULL) {
		routes = json_object_get(o, "routes");
		family_begin(b, "afwrt_build_info", "gauge",
		    "1; the version is in the label.");
		sample(b, "afwrt_build_info", "version", afwrt_version(), NULL,
		    NULL, 1);
		processes_add(b, json_object_get(o, "processes"));
		states_add(b, routes);
		traffic_add(b, routes);
		families_add(b, route_families, COUNT(route_families), routes,
		    "route", "location");
		failures_add(b, routes);
		rules_add(b, json_object_get(o, "rules"));
		addresses_add(b, json_object_get(o, "addresses"));
		text = text_take(b);
		evbuffer_free(b);
	}
	json_decref(o);
	return text;
}
