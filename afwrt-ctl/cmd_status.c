/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "wait.h"

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "-";
}

static long long
number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* "17 s", "5 min", "3 h", "2 d" */
static const char *
duration(long long s, char buf[24])
{
	if (s < 120)
		(void)snprintf(buf, 24, "%lld s", s);
	else if (s < 7200)
		(void)snprintf(buf, 24, "%lld min", s / 60);
	else if (s < 172800)
		(void)snprintf(buf, 24, "%lld h", s / 3600);
	else
		(void)snprintf(buf, 24, "%lld d", s / 86400);
	return buf;
}

static const char *
bytes(long long n, char buf[24])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double v = (double)n;
	size_t u = 0;

	while (v >= 1024 && u < sizeof(units) / sizeof(units[0]) - 1) {
		v /= 1024;
		u++;
	}
	(void)snprintf(buf, 24, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
	return buf;
}

static void
processes_print(const json_t *list)
{
	char up[24];
	json_t *p;
	size_t i;

	(void)printf(
	    "%-12s %8s %10s %9s\n", "PROCESS", "PID", "UPTIME", "RESTARTS");
	json_array_foreach (list, i, p)
		(void)printf("%-12s %8lld %10s %9lld\n", text_of(p, "name"),
		    number_of(p, "pid"), duration(number_of(p, "uptime"), up),
		    number_of(p, "restarts"));
}

/* "  (default)", "  (wireguard wrt0-1, kernel)" */
static const char *
remark(const json_t *r, char buf[96])
{
	bool dflt = json_is_true(json_object_get(r, "default"));
	bool wg = strcmp(text_of(r, "type"), "wireguard") == 0;
	char kind[64] = "";

	if (wg)
		(void)snprintf(kind, sizeof(kind), "%swireguard %s, %s",
		    dflt ? ", " : "", text_of(r, "iface"),
		    text_of(r, "wireguard_impl"));
	if (!dflt && !wg)
		return "";
	(void)snprintf(buf, 96, "  (%s%s)", dflt ? "default" : "", kind);
	return buf;
}

/* What the backend chose, where that is not what was asked for. */
static const char *
chosen_of(const json_t *r)
{
	const char *chosen = json_string_value(json_object_get(r, "chosen"));

	return chosen == NULL || strcmp(chosen, text_of(r, "location")) == 0
	    ? ""
	    : chosen;
}

static void
routes_print(const json_t *list)
{
	char up[24], down[24], since[24], what[96];
	json_t *r;
	size_t i;

	(void)printf("\n%-24s %-13s %6s %10s %10s %9s  %s\n", "ROUTE", "STATE",
	    "RULES", "UP", "DOWN", "SINCE", "SERVER");
	json_array_foreach (list, i, r)
		(void)printf("%-24s %-13s %6lld %10s %10s %9s  %s%s%s%s\n",
		    text_of(r, "location"), text_of(r, "state"),
		    number_of(r, "rules"), bytes(number_of(r, "up_bytes"), up),
		    bytes(number_of(r, "down_bytes"), down),
		    duration(number_of(r, "up_seconds"), since),
		    text_of(r, "server"), remark(r, what),
		    *chosen_of(r) != '\0' ? "  " : "", chosen_of(r));
}

int
cmd_status(struct ctl *c, int argc, char **argv)
{
	json_t *answer;
	struct wait w;
	int rc;

	(void)argv;
	if (argc != 0)
		return CTL_USAGE;
	if ((rc = wait_begin(&w, c, true)) == CTL_DONE)
		rc = wait_route(&w, NULL);
	wait_end(&w);
	if (rc != CTL_DONE)
		return rc;
	rc = client_ask(c, json_pack("{s:s}", "request", "status"), &answer);
	if (rc != CTL_DONE)
		return rc;
	if (c->json) {
		client_print_json(answer);
		return CTL_DONE;
	}
	processes_print(json_object_get(answer, "processes"));
	routes_print(json_object_get(answer, "routes"));
	(void)printf("\n%lld rules\n", number_of(answer, "rules_total"));
	json_decref(answer);
	return CTL_DONE;
}
