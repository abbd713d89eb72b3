/* SPDX-License-Identifier: ISC */
/*
 * Events as the document shows them: the same keys in the same order, the same
 * types, one order for each route, none lost, and sums that are true.
 */
#include "conform.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

/* The event's own keys are exactly these, in this order. */
static void
keys_are(json_t *event, const char *wanted)
{
	char keys[256] = "";
	const char *key;
	json_t *v;

	json_object_foreach (event, key, v) {
		(void)snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys),
		    "%s%s%s", keys[0] == '\0' ? "" : " ", key,
		    json_is_string(v)        ? ":s"
			: json_is_integer(v) ? ":i"
			: json_is_array(v)   ? ":a"
					     : ":?");
	}
	ck_assert_str_eq(keys, wanted);
}

START_TEST(connected_and_disconnected)
{
	json_t *event;

	begin("{\"data_report_interval\":0}");
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	run_begin();
	await_exit("phone", YORK);
	event = event_await("route_connected", YORK, 0, 5);
	keys_are(event, "event:s route_name:s");
	run_stop();
	/* "due to SDK stop": told before afwrt_start returns */
	ck_assert_int_eq(events_count("route_disconnected", YORK), 1);
	event = event_await("route_disconnected", YORK, 0, 0);
	if (json_object_size(event) == 2)
		keys_are(event, "event:s route_name:s");
	else
		keys_are(event, "event:s route_name:s reason_details:s");
}
END_TEST

START_TEST(failed_says_why)
{
	static const char *const reasons[] = {"connection failed",
	    "unreachable", "timed out", "authentication failed",
	    "no server available", "limit exceeded", "protocol error",
	    "unknown location"};
	const char *reason;
	json_t *event;
	size_t i;

	begin("{\"vl_default\":\"" BERLIN "\"}");
	(void)lab("node %s stop", YORK);
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	run_begin();
	(void)lab("seen phone");
	event = event_await("route_failed", YORK, 0, 20);
	keys_are(event, "event:s route_name:s reason_details:s");
	reason = json_string_value(json_object_get(event, "reason_details"));
	for (i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (strcmp(reason, reasons[i]) == 0)
			break;
	ck_assert_msg(i < sizeof(reasons) / sizeof(*reasons) ||
		strncmp(reason, "tls: ", 5) == 0,
	    "%s", reason);
	(void)lab("node %s start", YORK);
	run_stop();
}
END_TEST

START_TEST(account_events)
{
	begin("{\"data_report_interval\":0}");
	run_begin();
	ck_assert_ptr_nonnull(afwrt_register_device("anonymous", NULL));
	keys_are(
	    event_await("auth_success", NULL, 0, 5), "event:s access_token:s");
	ck_null(afwrt_register_device("firebase", "wrong"), EACCES);
	ck_assert_str_eq(json_string_value(json_object_get(
			     event_await("invalid_auth", NULL, 0, 5), "event")),
	    "invalid_auth");
	run_stop();
}
END_TEST

START_TEST(credentials_expire_has_no_other_key)
{
	(void)lab("life 6");
	begin("");
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	run_begin();
	await_exit("phone", YORK);
	(void)lab("fault provide http 500");
	(void)lab("fault login http 500");
	keys_are(event_await("credentials_expire", NULL, 0, 30), "event:s");
	(void)lab("clear");
	(void)lab("life 86400");
	run_stop();
}
END_TEST

/* ---- one order for each route ------------------------------------------- */

START_TEST(each_route_alternates)
{
	const char *last[2] = {"", ""}, *text;
	static const char *const route[] = {BERLIN, YORK};
	char connected[96], off[96];
	size_t n, r;
	int i;

	begin("{\"reconnect\":\"auto\",\"data_report_interval\":100}");
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	ck_does(afwrt_protect_ip_addr("192.168.50.12", BERLIN));
	run_begin();
	for (i = 0; i < 3; i++) {
		await_exit("phone", YORK);
		await_exit("tv", BERLIN);
		(void)lab("kick %s", i == 1 ? BERLIN : YORK);
		(void)event_await(
		    "route_disconnected", i == 1 ? BERLIN : YORK, i == 2, 15);
	}
	await_exit("phone", YORK);
	run_stop();
	for (n = 0; (text = event_text(n)) != NULL; n++)
		for (r = 0; r < 2; r++) {
			(void)snprintf(connected, sizeof(connected),
			    "{\"event\":\"route_connected\",\"route_name\":"
			    "\"%s\"}",
			    route[r]);
			(void)snprintf(off, sizeof(off),
			    "{\"event\":\"route_disconnected\","
			    "\"route_name\":\"%s\"",
			    route[r]);
			if (strcmp(text, connected) == 0) {
				ck_assert_str_ne(last[r], "up");
				last[r] = "up";
			} else if (strncmp(text, off, strlen(off)) == 0) {
				ck_assert_str_eq(last[r], "up");
				last[r] = "down";
			}
		}
	ck_assert_str_eq(last[0], "down");
	ck_assert_str_eq(last[1], "down");
	ck_assert_int_ge(events_count("route_connected", YORK), 3);
}
END_TEST

/* ---- bandwidth_info ----------------------------------------------------- */

struct sums {
	long long up, down;
	int reports;
};

static long long
integer(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	ck_assert_msg(json_is_integer(v), "%s is no integer", key);
	return json_integer_value(v);
}

/* Over all reports so far, of one route. */
static struct sums
sums_of(const char *route)
{
	struct sums s = {0, 0, 0};
	const char *text;
	json_t *event, *row;
	size_t n, i;

	for (n = 0; (text = event_text(n)) != NULL; n++) {
		event = json_loads(text, 0, NULL);
		json_array_foreach (
		    json_object_get(event, "bandwidth_info"), i, row)
			if (strcmp(json_string_value(
				       json_object_get(row, "route_name")),
				route) == 0) {
				s.up += integer(row, "points_upstream");
				s.down += integer(row, "points_downstream");
				s.reports++;
			}
		json_decref(event);
	}
	return s;
}

START_TEST(bandwidth_info_has_the_documents_keys)
{
	json_t *event, *rows, *row;
	size_t i;

	begin("{\"data_report_interval\":200}");
	ck_does(afwrt_setup_tunnel(YORK, NULL));
	run_begin();
	event = event_await("bandwidth_info", NULL, 2, 10);
	keys_are(event, "event:s bandwidth_info:a");
	rows = json_object_get(event, "bandwidth_info");
	ck_assert_int_eq(json_array_size(rows), 2); /* one a route */
	json_array_foreach (rows, i, row) {
		keys_are(row,
		    "data_interval_ms:i n_points:i "
		    "points_downstream:i points_upstream:i "
		    "route_name:s");
		/* their product is the time covered */
		ck_assert_int_ge(
		    integer(row, "data_interval_ms") * integer(row, "n_points"),
		    100);
		ck_assert_int_le(
		    integer(row, "data_interval_ms") * integer(row, "n_points"),
		    2000);
	}
	run_stop();
}
END_TEST

static void
paced(const char *interval, int ms, int least, int most)
{
	char changes[64];
	int had;
	struct timespec t = {
	    .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	(void)snprintf(changes, sizeof(changes),
	    "{\"data_report_interval\":%s}", interval);
	begin(changes);
	run_begin();
	if (most > 0)
		(void)event_await("bandwidth_info", NULL, 0, 10);
	had = events_count("bandwidth_info", NULL);
	(void)nanosleep(&t, NULL); /* the time is what is measured */
	had = events_count("bandwidth_info", NULL) - had;
	ck_assert_msg(had >= least && had <= most,
	    "%d reports in %d ms, one each %s ms was asked for", had, ms,
	    interval);
	run_stop();
	ck_does(afwrt_deinit());
}

START_TEST(data_report_interval_is_kept)
{
	paced("200", 2000, 6, 14);
	paced("1000", 3000, 2, 4);
	paced("null", 1500, 0, 0); /* the default is 30 s */
}
END_TEST

static long long
counter_of(const char *route, const char *key)
{
	json_t *all, *routes, *row;
	char *text = afwrt_get_status();
	long long n = -1;
	size_t i;

	ck_assert_ptr_nonnull(text);
	all = json_loads(text, 0, NULL);
	afwrt_free(text);
	routes = json_object_get(all, "routes");
	json_array_foreach (routes, i, row)
		if (strcmp(json_string_value(json_object_get(row, "location")),
			route) == 0)
			n = integer(row, key);
	json_decref(all);
	return n;
}

/* Datagrams: nothing segments or merges them, so each byte can be named. */
START_TEST(bandwidth_sums_are_what_the_device_counted)
{
	long long sent, got;
	struct sums s;
	int had;

	begin("{\"data_report_interval\":200}");
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	run_begin();
	(void)lab("counter phone");
	ck_assert_int_eq(lab_number("udp phone 400 700"), 400);
	ck_assert_int_eq(
	    sscanf(lab("counted phone"), "%lld %lld", &sent, &got), 2);
	ck_assert_int_ge(sent, 400 * 728);
	had = events_count("bandwidth_info", NULL);
	(void)event_await("bandwidth_info", NULL, had + 1, 10);
	s = sums_of(YORK);
	ck_assert_msg(s.up == sent && s.down == got,
	    "reports: %lld up %lld down; the device: %lld and %lld", s.up,
	    s.down, sent, got);
	ck_assert_int_eq(counter_of(YORK, "up_bytes"), sent);
	ck_assert_int_eq(counter_of(YORK, "down_bytes"), got);
	run_stop();
	s = sums_of(YORK);
	ck_assert_int_eq(s.up, sent);
	ck_assert_int_eq(s.down, got);
}
END_TEST

/* Bulk data: whatever is merged on the way, no report is lost or doubled. */
START_TEST(bandwidth_sums_are_the_counters)
{
	long long up, down;
	struct sums s;
	int had;

	begin("{\"data_report_interval\":100}");
	ck_does(afwrt_protect_ip_addr("192.168.50.11", YORK));
	run_begin();
	(void)lab("download phone 20000000");
	had = events_count("bandwidth_info", NULL);
	(void)event_await("bandwidth_info", NULL, had + 2, 10);
	up = counter_of(YORK, "up_bytes");
	down = counter_of(YORK, "down_bytes");
	had = events_count("bandwidth_info", NULL);
	(void)event_await("bandwidth_info", NULL, had + 1, 10);
	s = sums_of(YORK);
	ck_assert_int_eq(s.up, up);
	ck_assert_int_eq(s.down, down);
	ck_assert_int_ge(down, 20000000);
	ck_assert_int_le(down, 24000000);
	run_stop();
}
END_TEST

/* ---- a slow callback ---------------------------------------------------- */

#define TOLD 20

static void
slowly(const char *json)
{
	static const struct timespec ts = {.tv_nsec = 100000000};

	(void)nanosleep(&ts, NULL); /* what is tested: a slow application */
	on_event(json);
}

START_TEST(a_slow_callback_loses_no_event)
{
	static char token[TOLD][256];
	const char *t;
	json_t *event;
	int i;

	ck_does(
	    afwrt_init(config_with("{\"data_report_interval\":50}"), slowly));
	run_begin();
	for (i = 0; i < TOLD; i++) {
		t = afwrt_register_device("anonymous", NULL);
		ck_assert_ptr_nonnull(t);
		(void)snprintf(token[i], sizeof(token[i]), "%s", t);
	}
	for (i = 0; i < TOLD; i++) {
		event = event_await("auth_success", NULL, i, 20);
		ck_assert_str_eq(
		    json_string_value(json_object_get(event, "access_token")),
		    token[i]);
	}
	run_stop();
	ck_assert_int_eq(events_count("auth_success", NULL), TOLD);
}
END_TEST

int
main(void)
{
	conform_begin("api_events");
	CONFORM(connected_and_disconnected, 40);
	CONFORM(failed_says_why, 60);
	CONFORM(account_events, 30);
	CONFORM(credentials_expire_has_no_other_key, 60);
	CONFORM(each_route_alternates, 80);
	CONFORM(bandwidth_info_has_the_documents_keys, 30);
	CONFORM(data_report_interval_is_kept, 40);
	CONFORM(bandwidth_sums_are_what_the_device_counted, 60);
	CONFORM(bandwidth_sums_are_the_counters, 60);
	CONFORM(a_slow_callback_loses_no_event, 60);
	return conform_run();
}
