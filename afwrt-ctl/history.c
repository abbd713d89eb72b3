/* SPDX-License-Identifier: ISC */
#include "history.h"

#include <string.h>
#include <time.h>

static json_t *events;

static const char *
text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static double
unix_time(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (double)ts.tv_sec + (double)(ts.tv_nsec / 1000000) / 1000;
}

/* Only what is known to be no secret: another key may be one, one day. */
static json_t *
harmless(const json_t *event)
{
	static const char *const keys[] = {
	    "event", "route_name", "reason_details"};
	json_t *o = json_pack("{s:f}", "time", unix_time()), *v;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if ((v = json_object_get(event, keys[i])) != NULL)
			(void)json_object_set(o, keys[i], v);
	return o;
}

void
history_event(const char *json)
{
	json_t *o = json_loads(json, 0, NULL);
	const char *name = text_of(o, "event");

	if (events == NULL)
		events = json_array();
	if (name != NULL && strcmp(name, "bandwidth_info") != 0) {
		(void)json_array_append_new(events, harmless(o));
		if (json_array_size(events) > HISTORY_MAX)
			(void)json_array_remove(events, 0);
	}
	json_decref(o);
}

json_t *
history_list(void)
{
	return events != NULL ? json_deep_copy(events) : json_array();
}

json_t *
history_of_route(const char *route)
{
	size_t i = json_array_size(events);
	const char *name;
	json_t *o;

	while (i-- > 0) {
		o = json_array_get(events, i);
		name = text_of(o, "route_name");
		if (name != NULL && strcmp(name, route) == 0)
			return json_deep_copy(o);
	}
	return NULL;
}

void
history_forget(void)
{
	json_decref(events);
	events = NULL;
}
