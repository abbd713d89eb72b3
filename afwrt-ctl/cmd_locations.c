/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "client.h"

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "-";
}

int
cmd_locations(struct ctl *c, int argc, char **argv)
{
	json_t *answer, *l, *labels;
	size_t i;
	int rc;

	(void)argv;
	if (argc != 0)
		return CTL_USAGE;
	rc = client_ask(
	    c, json_pack("{s:s}", "request", "get_locations"), &answer);
	if (rc != CTL_DONE)
		return rc;
	if (c->json) {
		client_print_json(answer);
		return CTL_DONE;
	}
	(void)printf("%-32s %-8s %s\n", "LOCATION", "COUNTRY", "CITY");
	json_array_foreach (json_object_get(answer, "locations"), i, l) {
		labels = json_object_get(l, "labels");
		(void)printf("%-32s %-8s %s\n", text_of(l, "name"),
		    text_of(labels, "country"), text_of(labels, "city"));
	}
	json_decref(answer);
	return CTL_DONE;
}

int
cmd_countries(struct ctl *c, int argc, char **argv)
{
	json_t *answer, *one;
	size_t i;
	int rc;

	(void)argv;
	if (argc != 0)
		return CTL_USAGE;
	rc = client_ask(
	    c, json_pack("{s:s}", "request", "get_countries"), &answer);
	if (rc != CTL_DONE)
		return rc;
	if (c->json) {
		client_print_json(answer);
		return CTL_DONE;
	}
	(void)printf("%-8s %s\n", "COUNTRY", "LOCATIONS");
	json_array_foreach (json_object_get(answer, "countries"), i, one)
		(void)printf("%-8s %lld\n", text_of(one, "country"),
		    (long long)json_integer_value(
			json_object_get(one, "servers")));
	json_decref(answer);
	return CTL_DONE;
}
