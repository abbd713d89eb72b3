/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <time.h>

#include "client.h"

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "-";
}

static void
line(const char *what, const char *value)
{
	(void)printf("%-12s %s\n", what, value);
}

static void
neighbour_print(const json_t *n)
{
	if (!json_is_object(n)) {
		line("seen",
		    "no: neither its MAC address nor its interface "
		    "is known");
		return;
	}
	line("MAC", text_of(n, "mac_addr"));
	line("interface", text_of(n, "iface"));
	if (json_is_string(json_object_get(n, "port")))
		line("port", text_of(n, "port"));
}

static void
rule_print(const json_t *rule)
{
	static const char *const kinds[][2] = {
	    {"ip_addr", "ip"}, {"mac_addr", "mac"}, {"iface", "iface"}};
	size_t i;

	if (!json_is_object(rule))
		line("rule", "none");
	for (i = 0; i < 3; i++)
		if (json_object_get(rule, kinds[i][0]) != NULL)
			(void)printf("%-12s %s %s -> %s\n", "rule", kinds[i][1],
			    text_of(rule, kinds[i][0]), text_of(rule, "vl"));
}

static void
route_print(const json_t *r)
{
	if (!json_is_object(r))
		return;
	(void)printf("%-12s %s, %s, %s", "route", text_of(r, "location"),
	    text_of(r, "type"), text_of(r, "state"));
	if (json_integer_value(json_object_get(r, "up_seconds")) > 0)
		(void)printf(" for %lld s",
		    (long long)json_integer_value(
			json_object_get(r, "up_seconds")));
	(void)printf(", server %s\n", text_of(r, "server"));
}

static void
event_print(const json_t *e)
{
	time_t t = (time_t)json_number_value(json_object_get(e, "time"));
	char when[32] = "";
	struct tm tm;

	if (!json_is_object(e) || localtime_r(&t, &tm) == NULL)
		return;
	(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	(void)printf("%-12s %s at %s", "last event", text_of(e, "event"), when);
	if (json_is_string(json_object_get(e, "reason_details")))
		(void)printf(": %s", text_of(e, "reason_details"));
	(void)putchar('\n');
}

int
cmd_explain(struct ctl *c, int argc, char **argv)
{
	json_t *o, *answer, *mark;
	int rc;

	if (argc != 1)
		return CTL_USAGE;
	o = json_pack("{s:s, s:s}", "request", "explain", "ip_addr", argv[0]);
	if (o == NULL)
		return CTL_USAGE;
	if ((rc = client_ask(c, o, &answer)) != CTL_DONE)
		return rc;
	if (c->json) {
		client_print_json(answer);
		return CTL_DONE;
	}
	line("address", text_of(answer, "ip_addr"));
	neighbour_print(json_object_get(answer, "neighbour"));
	rule_print(json_object_get(answer, "rule"));
	if (json_is_integer(mark = json_object_get(answer, "mark")))
		(void)printf("%-12s 0x%llx\n", "mark",
		    (long long)json_integer_value(mark));
	route_print(json_object_get(answer, "route"));
	event_print(json_object_get(answer, "last_event"));
	line("verdict", text_of(answer, "verdict"));
	line("because", text_of(answer, "why"));
	json_decref(answer);
	return CTL_DONE;
}
